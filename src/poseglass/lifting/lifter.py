"""Lifting: a video, a stream of frames or 2D keypoints in, 3D motion out.

Frames are detected and lifted as they come. The model is fed at the video's own rate where that is steady and between
24 and 60 frames a second, the rates it was trained at; any other is resampled to 30 and the result taken back to the
video's own times. The first :data:`CHUNK` frames tell which it is. There is one row for every frame; one in which
nobody was seen is filled in by the model from its neighbours and marked invalid.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from os import PathLike
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import H36M_17, Skeleton
from poseglass.errors import DetectorError, PoseError
from poseglass.lifting.predictor import Prediction, Predictor
from poseglass.lifting.resampler import Grid
from poseglass.video.ahead import ahead
from poseglass.waist.hourglass import Model
from poseglass.weights import files as weights

if TYPE_CHECKING:
    from poseglass.detect._base import Detector
    from poseglass.video.reading import Frame

__all__ = ["Lifter", "Report", "lift"]

SLOWEST, FASTEST, STEADY = 23.5, 61.0, 30.0  # frames a second: what the model takes as it is, and what else becomes
CHUNK = 64  # frames that are handed on together

Item = TypeVar("Item")


@dataclass
class Report:
    """Where the time went, and what came of the frames.

    Attributes:
        frames: Frames that were lifted.
        seen: Those in which somebody was found.
        kept: Those that the model kept in its middle layers.
        seconds: Time each stage was busy, not counting its waits for the stage before. Stages overlap, so that their
            sum may exceed the time that passed.
        elapsed: The time that passed.
        problem: What was wrong with the video, if anything.
    """

    frames: int = 0
    seen: int = 0
    kept: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    elapsed: float = 0.0
    problem: str | None = None

    def timed(self, stage: str, items: Iterable[Item], *, sign: int = 1) -> Iterator[Item]:
        """The same items; the time that it takes to make them counts for the stage, or with sign -1 against it."""
        iterator = iter(items)
        while True:
            start = perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self.seconds[stage] = self.seconds.get(stage, 0.0) + sign * (perf_counter() - start)
            yield item


class Lifter:
    """Turns video or 2D keypoints into 3D motion; made once, used often.

    Args:
        model: A name such as ``"balanced"``, a folder of weights, or a model that takes x, y and score.
        detector: Finds the 2D keypoints in frames; MediaPipe where None, made on first use.
        flip: Average with the mirrored pass: a little more exact, twice the lifting time.
        focal: Focal length of the camera in pixels, if it is known; else that of an ordinary lens is assumed. It tells
            how far to the side somebody stands who is not in the middle of the image. Keypoints need their `size` then.

    Attributes:
        report: Where the time of the last call went.

    Raises:
        WeightsError: The model cannot be loaded.
        ModelError: The model takes another input.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> squat = pg.PoseSequence(np.random.rand(50, 17, 2) * 100, pg.COCO_17, "pixels", fps=30)
        >>> pg.Lifter("balanced").lift(squat)
        PoseSequence(50 frames of h36m17, camera (metres), 30 fps, 50 valid)
    """

    def __init__(
        self,
        model: str | PathLike[str] | Model = "balanced",
        *,
        detector: "Detector | None" = None,
        flip: bool = False,
        focal: float | None = None,
    ) -> None:
        self.model = weights.load(model) if isinstance(model, str | PathLike) else model
        self.flip, self.focal = flip, focal
        self.report = Report()
        self._detector = detector
        Predictor(self.model, flip=flip, size=(1, 1), focal=focal)  # says at once if something does not fit

    @property
    def detector(self) -> "Detector":
        """The 2D detector."""
        if self._detector is None:
            from poseglass.detect.mediapipe import MediaPipeDetector

            self._detector = MediaPipeDetector()
        return self._detector

    def use(self, detector: "Detector") -> None:
        """Find the 2D keypoints with this detector from now on."""
        self._detector = detector

    def lift(
        self, source: str | PathLike[str] | PoseSequence, *, each: Callable[[PoseSequence], object] | None = None
    ) -> PoseSequence:
        """The whole motion of a video file or of 2D keypoints.

        Args:
            source: A video (or image) file, or keypoints in pixels on any skeleton that converts to Human3.6M's.
            each: Called with every chunk of a video's motion as soon as it is settled, to show how far it is, or to
                draw it meanwhile.

        Returns:
            Human3.6M's 17 joints relative to the pelvis in camera space, metres, one row per frame, with the 2D poses
            they were lifted from in `pose2d`.

        Raises:
            VideoError: The video cannot be read.
            DetectorError: There is nobody in any frame, or no detector.
            PoseError: The keypoints are not in pixels, or do not convert.
            ModelError: There is a focal length, and the keypoints do not say the image's size.
        """
        if isinstance(source, PoseSequence):
            return self._lift_poses(source)
        from poseglass.video.reading import VideoReader

        with VideoReader(source) as video:
            chunks = []
            for chunk in self.stream(video, size=video.info.size, fps=video.info.fps):
                chunks.append(chunk)
                if each is not None:
                    each(chunk)
            self.report.problem = video.problem
            name = video.path
        if not self.report.seen:
            lost = f" ({self.report.problem})" if self.report.problem else ""
            raise DetectorError(f"nobody was found in any of the {self.report.frames} frames of {name}{lost}")
        return _joined(chunks)

    def stream(self, frames: "Iterable[Frame]", *, size: tuple[int, int], fps: float) -> Iterator[PoseSequence]:
        """The motion of frames that come one by one, in chunks, as soon as it is settled; memory stays bounded.

        Decoding, detection and lifting overlap. A chunk follows its frames by up to two windows of the model.

        Args:
            frames: Images with increasing times, such as a :class:`poseglass.video.reading.VideoReader`.
            size: Width and height of the images.
            fps: Frames a second, as far as known.
        """
        detector, report = self.detector, Report()
        self.report = report
        began = perf_counter()
        # Each stage works in a thread of its own; what it waits for the one before is taken off its time.
        decoded = report.timed("detect", ahead(report.timed("decode", frames)), sign=-1)
        # One frame at a time, so that leaving early need not wait for more than one.
        found = ((frame.seconds, detector.detect(frame.image, frame.seconds)) for frame in decoded)
        detected = ahead(report.timed("detect", found), by=2 * CHUNK)
        waited = report.timed("lift", _chunks(detected, detector.skeleton, size, fps), sign=-1)
        for chunk in report.timed("lift", self._lifted(waited)):
            report.frames += len(chunk)
            report.seen += int(chunk.validity.sum())
            report.kept += 0 if chunk.kept is None else int(chunk.kept.sum())
            report.elapsed = perf_counter() - began
            yield chunk
        report.elapsed = perf_counter() - began

    def _lift_poses(self, poses: PoseSequence) -> PoseSequence:
        if poses.space != "pixels":
            raise PoseError(f"lifting takes 2D keypoints in pixels, these poses are in {poses.space} space")
        if not len(poses):
            raise PoseError("there are no frames to lift")
        poses.to_skeleton(H36M_17)  # says at once if the skeleton does not convert
        seen = poses.validity & (poses.confidence > 0).any(-1)
        report = self.report = Report(frames=len(poses), seen=int(seen.sum()))
        if not seen.any():
            raise DetectorError(f"nobody is in any of the {len(poses)} frames: none is valid with a score above 0")
        began = perf_counter()
        motion = _joined(list(report.timed("lift", self._lifted([poses]))))
        report.kept = 0 if motion.kept is None else int(motion.kept.sum())
        report.elapsed = perf_counter() - began
        return motion

    def _lifted(self, chunks: Iterable[PoseSequence]) -> Iterator[PoseSequence]:
        """3D chunks of 2D chunks. The frames that wait for theirs are all that is held."""
        predictor: Predictor | None = None
        grid: Grid | None = None
        waiting: list[PoseSequence] = []

        def settled(prediction: Prediction) -> Iterator[PoseSequence]:
            if len(prediction.pose3d):
                held = _joined(waiting)
                done, waiting[:] = held[: len(prediction.pose3d)], [held[len(prediction.pose3d) :]]
                yield _motion(done, prediction)

        for chunk in chunks:
            if predictor is None:
                predictor = Predictor(self.model, flip=self.flip, size=chunk.size, focal=self.focal)
                grid = None if _is_steady(chunk) else Grid(STEADY)
            waiting.append(chunk)
            body = chunk.to_skeleton(H36M_17)
            points, scores = body.points, np.where(body.validity[:, None], body.confidence, 0)
            if grid is None:
                yield from settled(predictor.push(points, scores))
            else:
                yield from settled(grid.back(predictor.push(*grid.onto(chunk.times, points, scores))))
        if predictor is not None:
            rest = predictor.finish()
            yield from settled(rest if grid is None else grid.rest(rest))


def lift(
    source: str | PathLike[str] | PoseSequence,
    *,
    model: str | PathLike[str] | Model = "balanced",
    detector: "Detector | None" = None,
    flip: bool = False,
    focal: float | None = None,
) -> PoseSequence:
    """The 3D motion of a video, or of 2D keypoints: see :meth:`Lifter.lift`.

    Example:
        >>> import poseglass as pg
        >>> motion = pg.lift("walk.mp4")  # doctest: +SKIP
        >>> motion.save("walk.npz")  # doctest: +SKIP
    """
    return Lifter(model, detector=detector, flip=flip, focal=focal).lift(source)


def _is_steady(chunk: PoseSequence) -> bool:
    """Whether the frames are evenly spaced, at a rate that the model knows."""
    steps = np.diff(chunk.times)
    step = float(np.median(steps)) if len(steps) else 1 / chunk.rate
    return bool(SLOWEST <= 1 / step <= FASTEST and (steps < 1.5 * step).all())


def _chunks(
    found: Iterator[tuple[float, Float[ndarray, "p j 3"]]], skeleton: Skeleton, size: tuple[int, int], fps: float
) -> Iterator[PoseSequence]:
    """Chunks of 2D poses, the first person's; a frame with nobody is a row of NaN, marked invalid.

    Args:
        found: The seconds of each frame, and the people in it.
    """
    while chunk := list(islice(found, CHUNK)):
        nobody = np.full((1, len(skeleton), 3), [np.nan, np.nan, 0], np.float32)
        people = np.stack([crowd[0] if len(crowd) else nobody[0] for _, crowd in chunk])
        yield PoseSequence(
            people[..., :2],
            skeleton,
            "pixels",
            fps=fps,
            scores=people[..., 2],
            valid=np.array([len(crowd) > 0 for _, crowd in chunk]),
            timestamps=np.array([seconds for seconds, _ in chunk]),
            size=size,
        )


def _motion(pose2d: PoseSequence, prediction: Prediction) -> PoseSequence:
    """The 3D chunk that belongs to a 2D one."""
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


def _joined(chunks: list[PoseSequence]) -> PoseSequence:
    """Chunks of one sequence, one after the other."""
    first = chunks[0]
    if len(chunks) == 1:
        return first

    def all_of(name: str) -> Any:
        parts = [getattr(chunk, name) for chunk in chunks]
        return None if any(part is None for part in parts) else np.concatenate(parts)

    inner = [chunk.pose2d for chunk in chunks if chunk.pose2d is not None]
    arrays: dict[str, Any] = {name: all_of(name) for name in ("points", "scores", "valid", "timestamps", "kept")}
    bare = replace(first[:0], pose2d=None)
    return replace(bare, **arrays, fps=first.rate, pose2d=_joined(inner) if len(inner) == len(chunks) else None)
