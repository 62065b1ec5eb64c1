"""Lift a video, a stream of frames or 2D keypoints to 3D motion.

The data passes once through these stages: frames (:mod:`poseglass.video`), people (:mod:`poseglass.detect`), one person
(:mod:`poseglass.people`), an even clock (:mod:`poseglass.lifting.resampler`), blended windows
(:mod:`poseglass.lifting.predictor`), motion. The motion has one row per frame; where the person was not detected, the
model fills the row in from its neighbours, and it is marked invalid.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from poseglass.body.concatenate import concatenate
from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import H36M_17
from poseglass.errors import DetectorError, PoseError
from poseglass.lifting.blocks import Prediction
from poseglass.lifting.predictor import Predictor
from poseglass.lifting.resampler import DENSE, FASTEST, TimedBlock, on_model_clock
from poseglass.lifting.source import Keypoints, Source, open_source, source_kind
from poseglass.lifting.stopwatch import Stopwatch
from poseglass.lifting.stream import CHUNK, detected_poses
from poseglass.models import devices
from poseglass.motion.placing import place
from poseglass.people.following import Follower
from poseglass.waist.hourglass import PoseModel, backbone_of
from poseglass.weights import files as weights

if TYPE_CHECKING:
    from poseglass.detect._base import Detector
    from poseglass.video.reading import Frame

__all__ = ["LiftReport", "Lifter", "lift"]

log = logging.getLogger("poseglass")


@dataclass(frozen=True)
class LiftReport:
    """Frame counts of a lifted video or keypoint sequence.

    Attributes:
        frames: Number of frames lifted.
        valid: Number of frames in which the person was detected.
        kept: Number of frames that the model kept in its middle layers.
        people: The largest number of people in one frame of the video or keypoint file; 1 for a `PoseSequence`.
        problem: What is wrong with the video, if anything.
    """

    frames: int = 0
    valid: int = 0
    kept: int = 0
    people: int = 0
    problem: str | None = None


class Lifter:
    """Turns videos or 2D keypoints into 3D motion. Create it once and use it for many sources.

    Args:
        model: A name such as ``"balanced"``, a folder of weights, a published checkpoint's file, or a model (see
            :class:`poseglass.lifting.predictor.Predictor`). A model keeps its mode (training or evaluation); its
            weights are shared, so later changes to them take effect.
        detector: Finds the 2D keypoints in frames: a detector, or a name in :data:`poseglass.detect.DETECTORS`, which
            is loaded on first use.
        flip: Average with the mirrored pass: slightly more accurate, twice the lifting time.
        focal: Focal length of the camera in pixels; that of an ordinary lens by default. It determines the line of
            sight to a person away from the middle of the image. If given, keypoints must have a `size`. Models that
            predict metres from screen coordinates refuse it.
        device: Where the model runs: ``"auto"``, ``"cpu"``, ``"cuda:0"``, ``"mps"``, ... By default, a model stays
            where it is, and loaded weights run on the CPU. If a model is elsewhere, a copy of it runs there.

    Attributes:
        report: The :class:`LiftReport` of the last source that was lifted to its end; None until then.

    Raises:
        WeightsError: The model cannot be loaded.
        ModelError: The model expects other input, or this machine has no such device.
        DetectorError: There is no detector of that name.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> squat = pg.PoseSequence(np.random.rand(50, 17, 2) * 100, pg.COCO_17, "pixels", fps=30)
        >>> pg.Lifter("balanced").lift(squat)
        PoseSequence(50 frames of h36m17, camera (metres), 30 fps, 50 valid)
    """

    def __init__(
        self,
        model: str | PathLike[str] | PoseModel = "balanced",
        *,
        detector: "Detector | str" = "mediapipe",
        flip: bool = False,
        focal: float | None = None,
        device: devices.Device = None,
    ) -> None:
        own = weights.load(model) if isinstance(model, str | PathLike) else model
        own = devices.on_device(own, device)
        self._predictor = Predictor(own, flip=flip, focal=focal)
        self._detector = detector
        self.report: LiftReport | None = None

    @property
    def model(self) -> PoseModel:
        """The model in evaluation mode. It shares its weights with the model given, if that is on the same device."""
        return self._predictor.model

    @property
    def detector(self) -> "Detector":
        """The 2D detector."""
        if isinstance(self._detector, str):
            from poseglass.detect import make_detector

            self._detector = make_detector(self._detector)
        return self._detector

    def lift(
        self,
        source: Source,
        *,
        layout: str | None = None,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        each: "Callable[[PoseSequence], object] | None" = None,
        on_frame: "Callable[[Frame], object] | None" = None,
        stopwatch: Stopwatch | None = None,
    ) -> PoseSequence:
        """Lift a whole video or sequence of 2D keypoints.

        Args:
            source: The path of a video, an image, a keypoint file or an OpenPose folder
                (:func:`poseglass.lifting.source.source_kind` tells them apart), an open
                :class:`poseglass.video.reading.VideoReader`, or 2D poses in pixels on any skeleton that converts to
                Human3.6M's.
            layout: Keypoint files: which joint is which; see :func:`poseglass.keypoints.read_keypoints`.
            size: Keypoint files: width and height of the image in pixels.
            fps: Keypoint files: frames per second.
            each: Called with each chunk of the motion as soon as it is final, to show progress or to draw it.
            on_frame: Called in another thread with each frame of a video, in order, before detection. A chunk of
                motion follows its frames by up to two windows of the model.
            stopwatch: Counts the stages "decode", "detect" and "lift".

        Returns:
            Human3.6M's 17 joints in camera space, relative to the pelvis, in metres, one row per frame. `pose2d` holds
            the 2D poses that they were lifted from. `trajectory` holds where the person is, if the image has a size.

        Raises:
            VideoError: The video cannot be read.
            DetectorError: No frame shows a person, or there is no detector.
            FormatError: The keypoint file cannot be read, or layout, size or fps are given for another kind of source.
            PoseError: The keypoints are not in pixels or do not convert, or `on_frame` is given for keypoints.
            ModelError: The keypoints have no image size, and a focal length or a model of screen coordinates needs it.
        """
        opened = open_source(source, layout=layout, size=size, fps=fps)
        if isinstance(opened, Keypoints):
            if on_frame is not None:
                raise PoseError("on_frame is called with the frames of a video, but keypoints were given")
            return self._lift_poses(opened, each, stopwatch or Stopwatch())
        with opened as video:
            frames: Iterable[Frame] = video if on_frame is None else _tapped(video, on_frame)
            chunks = self.stream(frames, size=video.info.size, fps=video.info.fps, stopwatch=stopwatch)
            motion = self._placed(_collected(chunks, each))
            assert self.report is not None
            self.report = replace(self.report, problem=video.problem)
        if not self.report.valid:
            lost = f" ({video.problem})" if video.problem else ""
            raise DetectorError(f"nobody was detected in any of the {self.report.frames} frames of {video.path}{lost}")
        return motion

    def stream(
        self, frames: "Iterable[Frame]", *, size: tuple[int, int], fps: float, stopwatch: Stopwatch | None = None
    ) -> Iterator[PoseSequence]:
        """Lift frames as they arrive, and yield the motion in chunks as soon as each is final.

        Memory stays bounded. Decoding, detection and lifting overlap. A chunk follows its frames by up to two windows
        of the model.

        Args:
            frames: Images with increasing times, such as a :class:`poseglass.video.reading.VideoReader`.
            size: Width and height of the images.
            fps: Nominal frames per second; lifting uses the frames' own times.
            stopwatch: Counts the stages "decode", "detect" and "lift".
        """
        stopwatch, follower = stopwatch or Stopwatch(), Follower()
        poses = detected_poses(
            frames, self.detector, size=size, fps=fps, follower=follower, stopwatch=stopwatch
        )  # fmt: skip
        report = LiftReport()
        for chunk in self._motion(poses, size, stopwatch):
            report = _counted(report, chunk)
            yield chunk
        self.report = replace(report, people=follower.most)
        if follower.most > 1:
            log.warning("up to %d people per frame: only one is followed, at first the most prominent", follower.most)

    def _lift_poses(
        self, source: Keypoints, each: Callable[[PoseSequence], object] | None, stopwatch: Stopwatch
    ) -> PoseSequence:
        poses = source.poses
        if poses.space != "pixels":
            raise PoseError(f"lifting takes 2D keypoints in pixels, but these poses are in {poses.space} space")
        if not len(poses):
            raise PoseError("lifting takes one or more frames of keypoints, got none")
        poses.to_skeleton(H36M_17)  # raises at once if the skeleton does not convert
        if not (poses.validity & (poses.confidence > 0).any(-1)).any():
            raise DetectorError(f"none of the {len(poses)} frames shows a person: none is valid with a score above 0")
        times = poses.times
        # A GPU runs windows in batches, so a chunk must hold as many; on the CPU, short chunks show progress.
        length = CHUNK if self._predictor.batch == 1 else self._predictor.batch * self._predictor.stride
        starts = range(0, len(poses), length)
        chunks = (replace(poses[start : start + length], timestamps=times[start : start + length]) for start in starts)
        motion = _collected(self._motion(chunks, poses.size, stopwatch), each)
        self.report = replace(_counted(LiftReport(), motion), people=source.people)
        motion = replace(motion, fps=poses.rate, timestamps=poses.timestamps, start=poses.start, pose2d=poses)
        return self._placed(motion)

    def _placed(self, motion: PoseSequence) -> PoseSequence:
        """The motion with its uncertainty, if the weights are calibrated, and its trajectory, if it has a size."""
        if (calibration := backbone_of(self.model).uncertainty) is not None:
            motion = replace(motion, uncertainty=calibration.radius(motion))
        return place(motion, focal=self._predictor.focal)

    def _motion(
        self, chunks: Iterable[PoseSequence], size: tuple[int, int] | None, stopwatch: Stopwatch
    ) -> Iterator[PoseSequence]:
        """Yield a chunk of 3D motion for each chunk of 2D poses, holding only the chunks still without motion."""
        waiting: deque[PoseSequence] = deque()
        # Published models take screen coordinates and know one rate, 50 frames per second.
        fastest = FASTEST if self.model.card.coordinates == "screen" else DENSE

        def blocks() -> Iterator[TimedBlock]:
            for chunk in stopwatch.waiting("lift", chunks):
                waiting.append(chunk)
                body = chunk.to_skeleton(H36M_17)
                yield TimedBlock(chunk.times, body.points, np.where(body.validity[:, None], body.confidence, 0))

        def settled() -> Iterator[PoseSequence]:
            pose3d, kept = np.zeros((0, 17, 3), np.float32), np.zeros(0, bool)
            for prediction in on_model_clock(
                blocks(), lambda ticks: self._predictor.lift(ticks, size=size), fastest=fastest
            ):
                pose3d, kept = np.concatenate([pose3d, prediction.pose3d]), np.concatenate([kept, prediction.kept])
                while waiting and len(pose3d) >= len(waiting[0]):
                    pose2d = waiting.popleft()
                    frames = len(pose2d)
                    yield _motion_chunk(pose2d, Prediction(pose3d[:frames], kept[:frames]))
                    pose3d, kept = pose3d[frames:], kept[frames:]

        return stopwatch.busy("lift", settled())


def lift(
    source: Source,
    *,
    model: str | PathLike[str] | PoseModel = "balanced",
    detector: "Detector | str | None" = None,
    flip: bool = False,
    focal: float | None = None,
    layout: str | None = None,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    device: devices.Device = None,
) -> PoseSequence:
    """Lift a video or 2D keypoints to 3D motion: see :class:`Lifter` and :meth:`Lifter.lift`.

    Example:
        >>> import poseglass as pg
        >>> motion = pg.lift("walk.mp4")  # doctest: +SKIP
        >>> motion.save("walk.npz")  # doctest: +SKIP
    """
    if detector is not None and source_kind(source) == "keypoints":
        raise DetectorError("a detector finds people in a video, but keypoints were given: leave out the detector")
    lifter = Lifter(model, detector=detector or "mediapipe", flip=flip, focal=focal, device=device)
    return lifter.lift(source, layout=layout, size=size, fps=fps)


def _tapped(frames: "Iterable[Frame]", on_frame: "Callable[[Frame], object]") -> "Iterator[Frame]":
    for frame in frames:
        on_frame(frame)
        yield frame


def _counted(report: LiftReport, chunk: PoseSequence) -> LiftReport:
    """The report with another chunk of motion added."""
    return replace(
        report,
        frames=report.frames + len(chunk),
        valid=report.valid + int(chunk.validity.sum()),
        kept=report.kept + (0 if chunk.kept is None else int(chunk.kept.sum())),
    )


def _motion_chunk(pose2d: PoseSequence, prediction: Prediction) -> PoseSequence:
    """The motion of a chunk of 2D poses."""
    return PoseSequence(
        prediction.pose3d,
        H36M_17,
        "camera",
        fps=pose2d.rate,
        scores=pose2d.to_skeleton(H36M_17).confidence,
        valid=pose2d.validity & (pose2d.confidence > 0).any(-1),
        timestamps=pose2d.timestamps,
        size=pose2d.size,
        kept=prediction.kept,
        pose2d=pose2d,
    )


def _collected(chunks: Iterable[PoseSequence], each: Callable[[PoseSequence], object] | None) -> PoseSequence:
    """Join the chunks to one motion, and call `each` with every chunk as it comes."""
    parts = []
    for chunk in chunks:
        parts.append(chunk)
        if each is not None:
            each(chunk)
    return concatenate(parts)
