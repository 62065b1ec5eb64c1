"""Find and fill glitches of a 2D detector: joints that jump away for one or two frames and come back.

Windows of a model would spread such a jump over their frames. Two kinds of evidence must agree: nobody can accelerate
like that, and the frames before and after it are calm. An exchange of left and right is left alone, because
:mod:`poseglass.clips.sides` repairs it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.concatenate import concatenate
from poseglass.body.pose import PoseSequence

__all__ = ["CONTEXT", "Glitches"]

CONTEXT = 4
"""The number of frames before and after a frame that decide whether it is a glitch."""
LEAST = 0.06
"""Smallest jump, as a share of the body's extent in the image: about 10 cm. Ten times the jitter of detectors."""
ACCELERATION = 300.0
"""Metres per second squared that a jump must exceed. Our own choice, above the limbs of boxing, dancing and throwing
people: ``benchmarks/glitches.py`` counts the joints of real motion that are taken for glitches."""
EXTENT = 1.8
"""Metres that the diagonal of a person's box stands for."""
CALM = 3.0
"""A jump must be this many times as long as the longest of the steps around it."""
LONGEST = 2
"""The most frames of a glitch."""
EXCHANGED = 0.5
"""Two joints are exchanged if each is nearer to where the other belongs than this share of its jump."""


class Glitches:
    """Fills the glitches of one person's 2D poses. The result depends on the poses alone, not on their chunks.

    A filled joint lies between its places before and after the glitch. Its score is 0; a frame without other joints
    is no longer valid.

    Attributes:
        count: Joints filled so far, over all frames.

    Example:
        >>> import poseglass as pg
        >>> points = np.ones((20, 2, 2)) * [[100, 50], [120, 400]]
        >>> points[9, 0] = 300, 90
        >>> glitches = Glitches()
        >>> filled = glitches.fill(pg.PoseSequence(points, pg.Skeleton("stick", ("a", "b"), ()), "pixels", fps=30))
        >>> filled.points[9, 0].tolist(), filled.scores[9].tolist(), glitches.count
        ([100.0, 50.0], [0.0, 1.0], 1)
    """

    def __init__(self) -> None:
        self.count = 0

    def fill(self, poses: PoseSequence) -> PoseSequence:
        """Fill the glitches of a whole sequence."""
        return self._filled(poses, 0, len(poses))

    def chunks(self, chunks: Iterable[PoseSequence]) -> Iterator[PoseSequence]:
        """Fill the glitches of consecutive chunks of one sequence. Each waits for the frames that decide on its end.

        Args:
            chunks: The chunks, with timestamps.
        """
        before: list[PoseSequence] = []  # the raw frames before the waiting chunks, at most CONTEXT
        waiting: list[PoseSequence] = []
        for chunk in chunks:
            waiting.append(chunk)
            while sum(map(len, waiting[1:])) >= CONTEXT:
                yield self._next(before, waiting)
        while waiting:
            yield self._next(before, waiting)

    def _next(self, before: list[PoseSequence], waiting: list[PoseSequence]) -> PoseSequence:
        """Fill the first waiting chunk, and make it the context of the next."""
        joined = concatenate([*before, *waiting])
        start = sum(map(len, before))
        chunk = waiting.pop(0)
        filled = self._filled(joined, start, start + len(chunk))
        end = start + len(chunk)
        before[:] = [joined[max(end - CONTEXT, 0) : end]]
        return filled

    def _filled(self, poses: PoseSequence, start: int, end: int) -> PoseSequence:
        """The frames from start to end, filled."""
        part = poses[start:end]
        if len(poses) <= CONTEXT:  # a glitch needs two frames before it and two after it
            return part
        points, wrong = _search(poses)
        wrong = wrong[start:end]
        if not wrong.any():
            return part
        self.count += int(wrong.sum())
        scores = np.where(wrong, 0, part.confidence)
        return replace(
            part,
            points=np.where(wrong[..., None], points[start:end], part.points),
            scores=scores,
            valid=part.validity & ((scores > 0).any(1) | ~wrong.any(1)),
        )


def _search(poses: PoseSequence) -> tuple[Float[ndarray, "f j 2"], Bool[ndarray, "f j"]]:
    """All joints, those of glitches moved to where they belong, and which joints of which frames are glitches."""
    points, times = poses.points.astype(np.float64), poses.times
    known = (poses.confidence > 0) & poses.validity[:, None] & np.isfinite(points).all(-1)
    points = np.where(known[..., None], points, np.nan)
    extent = _extent(points)
    partner = list(poses.skeleton.mirror)
    places, wrong = points.copy(), np.zeros(known.shape, bool)
    frames = len(points)
    for length in range(1, LONGEST + 1):
        first = np.arange(2, frames - 1 - length)  # of a glitch with two frames before and after
        if not len(first):
            break
        before, after = first - 1, first + length
        away = _step(points, before, first)
        back = _step(points, after - 1, after)
        between = _step(points, before, after) / (length + 1)
        around = np.stack([_step(points, before - 1, before), _step(points, after, after + 1), between])
        span = times[after] - times[before]
        # A joint that goes away and back in a time t speeds up for t / 4 and brakes for t / 4 on each way. With an
        # acceleration a, it gets a (t / 4)^2 far.
        least = np.maximum(LEAST * extent[first], ACCELERATION * (span / 4) ** 2 / EXTENT * extent[first])[:, None]
        jump = np.minimum(away, back)
        with np.errstate(invalid="ignore"):
            hit = (jump > least) & (jump > CALM * around.max(0))  # a comparison with NaN is false
        share = np.stack([(times[first + n] - times[before]) / span for n in range(length)])  # f
        for n in range(length):
            place = points[before] + share[n][:, None, None] * (points[after] - points[before])
            with np.errstate(invalid="ignore"):
                taken = np.linalg.norm(points[first + n][:, partner] - place, axis=-1) < EXCHANGED * jump
            exchanged = taken & taken[:, partner]
            rows, joints = np.nonzero(hit & ~exchanged & ~wrong[first + n])
            places[first[rows] + n, joints], wrong[first[rows] + n, joints] = place[rows, joints], True
    return places, wrong


def _step(points: Float[ndarray, "f j 2"], start: ndarray, end: ndarray) -> Float[ndarray, "_ j"]:
    """The distance of each joint between two frames; NaN where it is unknown in one of them."""
    distance: ndarray = np.linalg.norm(points[end] - points[start], axis=-1)
    return distance


def _extent(points: Float[ndarray, "f j 2"]) -> Float[ndarray, " f"]:
    """The diagonal of the person's box: the median over the frames around each one that show the person."""
    known = np.isfinite(points)
    low, high = np.where(known, points, np.inf).min(1), np.where(known, points, -np.inf).max(1)
    sizes = np.where(np.isfinite(low).all(1), np.hypot(*(high - low).T), np.nan)
    padded = np.pad(sizes, CONTEXT - 1, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * CONTEXT - 1)
    shown = np.isfinite(windows).any(1)
    extent = np.full(len(points), np.inf)  # nobody: nothing is a glitch
    extent[shown] = np.nanmedian(windows[shown], axis=1)
    return extent
