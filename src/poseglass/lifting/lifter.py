"""Lift a video, a stream of frames or 2D keypoints to 3D motion.

The data passes through these stages: frames (:mod:`poseglass.video`), people (:mod:`poseglass.detect`), who is who
(:mod:`poseglass.people`), an even clock (:mod:`poseglass.lifting.resampler`), blended windows
(:mod:`poseglass.lifting.predictor`), motion. A motion has one row per frame; where the person was not detected, the
model fills the row in from its neighbours, and it is marked invalid.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Literal, overload

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import H36M_17
from poseglass.engines.engine import open_engine
from poseglass.errors import DetectorError, PoseError
from poseglass.lifting.chunks import collected, motion_chunks
from poseglass.lifting.clip_people import ClipPeople
from poseglass.lifting.nobody import NobodyError, with_second_try
from poseglass.lifting.place_people import background_of, place_people
from poseglass.lifting.predictor import Predictor
from poseglass.lifting.report import LiftReport
from poseglass.lifting.source import Keypoints, Source, open_source
from poseglass.lifting.stopwatch import Stopwatch
from poseglass.lifting.stream import CHUNK, Film, detected_people, followed_poses
from poseglass.models import devices
from poseglass.motion.placing import Placing
from poseglass.people.follower import Follower
from poseglass.people.glitches import Glitches
from poseglass.people.tracks import how_many
from poseglass.video.clock import mean_rate
from poseglass.waist.hourglass import PoseModel
from poseglass.weights import files as weights

if TYPE_CHECKING:
    from poseglass.detect._base import Detector
    from poseglass.video.reading import Frame, VideoReader

__all__ = ["LiftReport", "Lifter"]

log = logging.getLogger("poseglass")

EVERYBODY = 'people="all" (--people all) lifts everybody'
OFF = 0.1
"""Share by which the mean rate of a video's frames may differ from its header's; beyond it, the mean counts."""
MOST = 10
"""The largest number of people in a frame that a detector is asked for."""


class Lifter:
    """Turns videos or 2D keypoints into 3D motion. Create it once and use it for many sources.

    Args:
        model: A name such as ``"balanced"``, a folder of weights, a published checkpoint's file, or a model (see
            :class:`poseglass.lifting.predictor.Predictor`). A model keeps its mode (training or evaluation); its
            weights are shared, so later changes to them take effect.
        detector: Finds the 2D keypoints in frames: a detector, or a name in :data:`poseglass.detect.DETECTORS`, which
            is loaded on first use.
        flip: Average with the mirrored pass: slightly more accurate, twice the lifting time.
        focal: Focal length of the camera in pixels. By default, what the video's metadata state, else that of an
            ordinary lens. It determines the line of sight to a person away from the middle of the image, and how far
            away people are. If given, keypoints must have a `size`. Models that predict metres from screen coordinates
            refuse it.
        device: Where the model runs: ``"auto"``, ``"cpu"``, ``"cuda:0"``, ``"mps"``, ... By default, a model stays
            where it is, and loaded weights run on the CPU. If a model is elsewhere, a copy of it runs there.
        placing: What is known about the people and the camera, for their place in the world.
        detect_every: Detect people only in the first of this number of frames of a video, and interpolate their 2D
            poses in between: faster, less accurate.
        engine: What runs the model: ``"torch"``, ``"openvino"``, ``"onnxruntime"`` or ``"auto"``; see
            :func:`poseglass.engines.engine.open_engine`.

    Attributes:
        report: The :class:`LiftReport` of the last source that was lifted to its end; None until then.

    Raises:
        WeightsError: The model cannot be loaded.
        ModelError: The model expects other input, this machine has no such device, or the engine cannot run the model.
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
        placing: Placing = Placing(),  # noqa: B008  # frozen
        detect_every: int = 1,
        engine: str = "torch",
    ) -> None:
        if detect_every < 1:
            raise DetectorError(f"detect_every must be 1 (every frame) or more, got {detect_every}")
        own = weights.load(model) if isinstance(model, str | PathLike) else model
        own = devices.on_device(own, device)
        self._predictor = Predictor(own, flip=flip, focal=focal, engine=open_engine(engine, own))
        self._detector, self._placing, self._every = detector, placing, detect_every
        self.report: LiftReport | None = None

    @property
    def model(self) -> PoseModel:
        """The model in evaluation mode. It shares its weights with the model given, if that is on the same device."""
        return self._predictor.model

    @property
    def engine(self) -> str:
        """The name of what runs the model."""
        return "torch" if self._predictor.engine is None else self._predictor.engine.name

    @property
    def detector(self) -> "Detector":
        """The 2D detector."""
        if isinstance(self._detector, str):
            from poseglass.detect import make_detector

            self._detector = make_detector(self._detector)
        return self._detector

    @overload
    def lift(
        self,
        source: Source,
        *,
        people: Literal["largest"] = "largest",
        layout: str | None = None,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        each: "Callable[[PoseSequence], object] | None" = None,
        on_frame: "Callable[[Frame], object] | None" = None,
        stopwatch: Stopwatch | None = None,
    ) -> PoseSequence: ...

    @overload
    def lift(
        self,
        source: Source,
        *,
        people: Literal["all"] | int,
        layout: str | None = None,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        each: "Callable[[PoseSequence], object] | None" = None,
        on_frame: "Callable[[Frame], object] | None" = None,
        stopwatch: Stopwatch | None = None,
    ) -> list[PoseSequence]: ...

    def lift(
        self,
        source: Source,
        *,
        people: Literal["largest", "all"] | int = "largest",
        layout: str | None = None,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        each: "Callable[[PoseSequence], object] | None" = None,
        on_frame: "Callable[[Frame], object] | None" = None,
        stopwatch: Stopwatch | None = None,
    ) -> PoseSequence | list[PoseSequence]:
        """Lift a whole video or sequence of 2D keypoints.

        Args:
            source: The path of a video, an image, a keypoint file or an OpenPose folder
                (:func:`poseglass.lifting.source.source_kind` tells them apart), an open
                :class:`poseglass.video.reading.VideoReader`, or 2D poses in pixels on any skeleton that converts to
                Human3.6M's: one sequence, or a list with one per person.
            people: Whom to lift: ``"largest"``, the most prominent person over the whole clip; ``"all"``; or the most
                prominent ones, at most this number. For several people, frames of a video are detected by
                ``detector.for_people(...)``.
            layout: Keypoint files: which joint is which; see :func:`poseglass.keypoints.read_keypoints`.
            size: Keypoint files: width and height of the image in pixels.
            fps: Keypoint files, several images and raw streams: frames per second.
            each: Called with each chunk of the motion as soon as it is final, to show progress or to draw it. If
                several people are lifted, with all chunks of one person, then those of the next. If the most prominent
                person of a video is not the one that was followed at first, their chunks follow from the first frame.
                So do those of a second try, if nobody was detected at first.
            on_frame: Called in another thread with each frame of a video, in order, before detection; in a second try,
                with all frames again. If one person is lifted, a chunk of motion follows its frames by up to two
                windows of the model and one more chunk.
            stopwatch: Counts the stages "decode", "detect" and "lift".

        Returns:
            Human3.6M's 17 joints in camera space, relative to the pelvis, in metres, one row per frame. `pose2d` holds
            the 2D poses that they were lifted from; `trajectory`, where the person is, if the image has a size. Unless
            `people` is ``"largest"``, a list with one motion per person, the most prominent first, on one clock;
            `person` numbers them from 1, and the first one's world is that of all.

        Raises:
            VideoError: The video cannot be read.
            DetectorError: No frame shows a person, or there is no detector.
            FormatError: The keypoint file cannot be read, or layout, size or fps are given for another kind of source.
            PoseError: The keypoints are not in pixels or do not convert, `on_frame` is given for keypoints, or `people`
                is something else.
            ModelError: The keypoints have no image size, and a focal length or a model of screen coordinates needs it.
        """
        most = how_many(people)
        opened = open_source(source, layout=layout, size=size, fps=fps)
        stopwatch = stopwatch or Stopwatch()
        if isinstance(opened, Keypoints):
            if on_frame is not None:
                raise PoseError("on_frame is called with the frames of a video, but keypoints were given")
            lifted = [self._lift_poses(self._predictor, poses, each, stopwatch) for poses in opened.people[:most]]
            motions = place_people(
                [motion for motion, _ in lifted], self.model, self._placing, focal=self._predictor.focal
            )
            report = replace(LiftReport().plus(motions[0]), people=len(opened.people), filled=lifted[0][1])
        else:
            for guess in opened.info.guesses:
                log.warning("%s", guess)
            with opened as video:
                background = background_of(video, self._placing)
                taps = [*([on_frame] if on_frame else []), *([background.watch] if background else [])]
                if people == "largest":
                    attempt = partial(self._lift_largest, video, taps, each=each, stopwatch=stopwatch)
                    motions, report = with_second_try(attempt, self.detector)
                else:
                    attempt = partial(self._lift_several, video, taps, most, each=each, stopwatch=stopwatch)
                    motions, report = with_second_try(attempt, self.detector.for_people(MOST))
                motions = [_at_mean_rate(motion) for motion in motions]
                focal = self._predictor.focal or video.info.focal
                motions = place_people(motions, self.model, self._placing, focal=focal, background=background)
                report = replace(report, problem=video.problem)
        self.report = replace(report, engine=self.engine)
        if people == "largest":
            if report.people > 1:
                log.warning("%d people in sight: only the most prominent one is lifted; %s", report.people, EVERYBODY)
            return motions[0] if report.people == 1 else replace(motions[0], person=1)
        return [replace(motion, person=number) for number, motion in enumerate(motions, 1)]

    def stream(
        self, frames: "Iterable[Frame]", *, size: tuple[int, int], fps: float, stopwatch: Stopwatch | None = None
    ) -> Iterator[PoseSequence]:
        """Lift one person in frames as they arrive, and yield the motion in chunks as soon as each is final.

        Memory stays bounded. Decoding, detection and lifting overlap. A chunk follows its frames by up to two windows
        of the model and one more chunk, whose frames tell glitches of the detector from movements. The person is the
        most prominent one at first; when they have been out of sight for three seconds, the most prominent one in
        sight is followed instead.

        Args:
            frames: Images with increasing times, such as a :class:`poseglass.video.reading.VideoReader`.
            size: Width and height of the images.
            fps: Nominal frames per second; lifting uses the frames' own times.
            stopwatch: Counts the stages "decode", "detect" and "lift".
        """
        stopwatch, follower, glitches = stopwatch or Stopwatch(), Follower(size), Glitches()
        film = Film(self.detector.skeleton, size, fps)

        crowds = detected_people(frames, self.detector, stopwatch=stopwatch, every=self._every)
        poses = followed_poses(crowds, follower, film)
        report = LiftReport()
        for chunk in motion_chunks(self._predictor, glitches.chunks(poses), size=size, stopwatch=stopwatch):
            report = report.plus(chunk)
            yield chunk
        self.report = replace(report, people=follower.people, filled=glitches.count, engine=self.engine)
        if follower.people > 1:
            log.warning("%d people in sight: only one is followed, at first the most prominent", follower.people)

    def _lift_largest(
        self,
        video: "VideoReader",
        taps: "Sequence[Callable[[Frame], object]]",
        detector: "Detector",
        *,
        each: Callable[[PoseSequence], object] | None,
        stopwatch: Stopwatch,
    ) -> tuple[list[PoseSequence], LiftReport]:
        """Lift the person followed at first while the video is detected, and another one if they are more prominent."""
        predictor = self._predictor.for_lens(video.info.focal)
        crowd, glitches = ClipPeople(Film(detector.skeleton, video.info.size, video.info.fps)), Glitches()
        frames = _tapped(video, taps)
        poses = crowd.follow(detected_people(frames, detector, stopwatch=stopwatch, every=self._every))
        chunks = motion_chunks(predictor, glitches.chunks(poses), size=video.info.size, stopwatch=stopwatch)
        motion, filled = collected(chunks, each), glitches.count
        ranked = _somebody(crowd, video)
        if ranked[0] != crowd.followed:
            motion, filled = self._lift_poses(predictor, crowd.poses(ranked[0]), each, stopwatch)
        return [motion], replace(LiftReport().plus(motion), people=len(ranked), filled=filled)

    def _lift_several(
        self,
        video: "VideoReader",
        taps: "Sequence[Callable[[Frame], object]]",
        most: int | None,
        detector: "Detector",
        *,
        each: Callable[[PoseSequence], object] | None,
        stopwatch: Stopwatch,
    ) -> tuple[list[PoseSequence], LiftReport]:
        """Detect everybody in the whole video, then lift the most prominent people."""
        crowd = ClipPeople(Film(detector.skeleton, video.info.size, video.info.fps))
        frames = _tapped(video, taps)
        for crowds in detected_people(frames, detector, stopwatch=stopwatch, every=self._every):
            crowd.add(crowds)
        ranked = _somebody(crowd, video)
        poses = [replace(crowd.poses(number), person=person) for person, number in enumerate(ranked[:most], 1)]
        predictor = self._predictor.for_lens(video.info.focal)
        lifted = [self._lift_poses(predictor, person, each, stopwatch) for person in poses]
        report = replace(LiftReport().plus(lifted[0][0]), people=len(ranked), filled=lifted[0][1])
        return [motion for motion, _ in lifted], report

    def _lift_poses(
        self,
        predictor: Predictor,
        poses: PoseSequence,
        each: Callable[[PoseSequence], object] | None,
        stopwatch: Stopwatch,
    ) -> tuple[PoseSequence, int]:
        """Lift the whole sequence of one person's 2D poses. Also returns how many glitches of joints were filled."""
        if poses.space != "pixels":
            raise PoseError(f"lifting takes 2D keypoints in pixels, but these poses are in {poses.space} space")
        if not len(poses):
            raise PoseError("lifting takes one or more frames of keypoints, got none")
        poses.to_skeleton(H36M_17)  # raises at once if the skeleton does not convert
        if not (poses.validity & (poses.confidence > 0).any(-1)).any():
            raise DetectorError(f"none of the {len(poses)} frames shows a person: none is valid with a score above 0")
        glitches, times = Glitches(), poses.times
        poses = glitches.fill(poses)
        # A GPU runs windows in batches, so a chunk must hold as many; on the CPU, short chunks show progress.
        length = CHUNK if predictor.batch == 1 else predictor.batch * predictor.stride
        starts = range(0, len(poses), length)
        chunks = (replace(poses[start : start + length], timestamps=times[start : start + length]) for start in starts)
        motion = collected(motion_chunks(predictor, chunks, size=poses.size, stopwatch=stopwatch), each)
        motion = replace(motion, fps=poses.rate, timestamps=poses.timestamps, start=poses.start, pose2d=poses)
        return motion, glitches.count


def _tapped(frames: "Iterable[Frame]", taps: "Iterable[Callable[[Frame], object]]") -> "Iterator[Frame]":
    """Yield the frames after giving each to the taps."""
    for frame in frames:
        for tap in taps:
            tap(frame)
        yield frame


def _at_mean_rate(motion: PoseSequence) -> PoseSequence:
    """The motion, its rate the mean of its times, if the rate that the header states is far from it."""
    rate = mean_rate(motion.times.tolist())
    if rate is None or abs(rate - motion.rate) <= OFF * motion.rate:
        return motion
    pose2d = None if motion.pose2d is None else replace(motion.pose2d, fps=rate)
    return replace(motion, fps=rate, pose2d=pose2d)


def _somebody(crowd: ClipPeople, video: "VideoReader") -> Sequence[int]:
    """The numbers of the people, the most prominent first; an error if there is nobody."""
    if ranked := crowd.ranked():
        return ranked
    lost = f" ({video.problem})" if video.problem else ""
    count = len(crowd.times)
    where = f"any of the {count} frames of {video.path}" if count > 1 else f"{video.path}"
    raise NobodyError(f"nobody was detected in {where}{lost}")
