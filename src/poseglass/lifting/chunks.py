"""Chunks of 2D poses to chunks of motion, on the model's clock."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.concatenate import concatenate
from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import H36M_17
from poseglass.errors import ModelError
from poseglass.lifting.predictor import Predictor
from poseglass.lifting.resampler import DENSE, FASTEST, TimedBlock, on_model_clock
from poseglass.lifting.stopwatch import Stopwatch

__all__ = ["collected", "motion_chunk", "motion_chunks"]


def motion_chunks(
    predictor: Predictor, chunks: Iterable[PoseSequence], *, size: tuple[int, int] | None, stopwatch: Stopwatch
) -> Iterator[PoseSequence]:
    """Yield a chunk of motion for each chunk of 2D poses, as soon as it is final.

    Args:
        predictor: Lifts evenly spaced frames.
        chunks: Consecutive frames of one person, in order. Only those still without motion are held.
        size: Width and height of the image, if known.
        stopwatch: Counts the stage "lift".
    """
    waiting: deque[PoseSequence] = deque()
    # Published models take screen coordinates and know one rate, 50 frames per second.
    fastest = FASTEST if predictor.model.card.coordinates == "screen" else DENSE

    def blocks() -> Iterator[TimedBlock]:
        for chunk in stopwatch.waiting("lift", chunks):
            waiting.append(chunk)
            body = chunk.to_skeleton(H36M_17)
            yield TimedBlock(chunk.times, body.points, np.where(body.validity[:, None], body.confidence, 0))

    def settled() -> Iterator[PoseSequence]:
        pose3d, kept = np.zeros((0, 17, 3), np.float32), np.zeros(0, bool)
        for prediction in on_model_clock(blocks(), lambda ticks: predictor.lift(ticks, size=size), fastest=fastest):
            pose3d, kept = np.concatenate([pose3d, prediction.pose3d]), np.concatenate([kept, prediction.kept])
            while waiting and len(pose3d) >= len(waiting[0]):
                pose2d = waiting.popleft()
                frames = len(pose2d)
                yield motion_chunk(pose2d, pose3d[:frames], kept[:frames])
                pose3d, kept = pose3d[frames:], kept[frames:]

    return stopwatch.busy("lift", settled())


def collected(chunks: Iterable[PoseSequence], each: Callable[[PoseSequence], object] | None) -> PoseSequence:
    """Join the chunks to one motion, and call `each` with every chunk as it comes."""
    parts = []
    for chunk in chunks:
        parts.append(chunk)
        if each is not None:
            each(chunk)
    return concatenate(parts)


def motion_chunk(
    pose2d: PoseSequence, pose3d: Float[ndarray, "f 17 3"], kept: Bool[ndarray, " f"] | None = None
) -> PoseSequence:
    """The motion of a chunk of 2D poses.

    Args:
        pose2d: The chunk.
        pose3d: Its poses in camera space, relative to the pelvis, metres.
        kept: Which frames the model kept, if known.

    Raises:
        ModelError: The model's poses are not finite: its arithmetic overflowed.
    """
    if not np.isfinite(pose3d).all():
        raise ModelError(
            "the model's poses are NaN or infinite, though its weights are finite: is it in half precision?"
        )
    return PoseSequence(
        pose3d,
        H36M_17,
        "camera",
        fps=pose2d.rate,
        scores=pose2d.to_skeleton(H36M_17).confidence,
        valid=pose2d.validity & (pose2d.confidence > 0).any(-1),
        timestamps=pose2d.timestamps,
        size=pose2d.size,
        kept=kept,
        pose2d=pose2d,
        person=pose2d.person,
    )
