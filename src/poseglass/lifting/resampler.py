"""Resample frames of irregular timing to an even clock, and the predictions back to the frames' own times."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.lifting.blocks import PoseBlock, Prediction

__all__ = ["CALM", "DENSE", "FASTEST", "MOST", "PAUSE", "PREFIX", "SLOWEST", "STEADY", "TimedBlock", "on_model_clock"]

SLOWEST, FASTEST = 23.5, 61.0
"""Range of frame rates at which models were trained: 24 to 60 frames per second."""
DENSE = 55.0
"""Frame rate above which 30 frames per second serve a model better, because a window then spans more time. Measured on
real video of 60 frames per second (docs/lifting.md). It leaves 50 alone, the rate of Human3.6M."""
STEADY = 30.0
"""Frame rate that all others are resampled to."""
PREFIX = 64
"""Number of frames at the start whose median step sets the rate: a second or more at rates that the model knows."""
CALM = 8
"""Number of consecutive frames in step after which irregular frames count as regular again."""
PAUSE = 10.0
"""Maximum length that a pause counts for, in seconds: several windows of the model."""
MOST = 30
"""Maximum mean number of ticks per frame, which bounds the work: below one frame per second, time passes faster for the
model. Fewer would cost accuracy: at 1 frame per second, poses of three real clips differ from those at the full rate by
59 mm with 30 ticks per frame (P-MPJPE), by 61 mm with 15 and by 64 mm with 8."""
CLOSE = 1e-3
"""Tolerance at the limits of a regular step, which are half a step and one and a half. Within this share of a limit, a
frame counts as out of step, so that rounded times, as in JSON files, do not decide when 30 frames per second become 60.
"""
SHORT = 0.1
"""The last frame gets no tick of its own if it follows the last tick within this share of the clock's step."""
ALIGNED = 1e-6
"""A tick up to this far after a frame, as a share of the clock's step, still falls on that frame."""


class TimedBlock(NamedTuple):
    """Consecutive frames: their times in seconds, and Human3.6M joints with scores."""

    times: Float[ndarray, " f"]
    points: Float[ndarray, "f 17 2"]
    scores: Float[ndarray, "f 17"]


def on_model_clock(
    blocks: Iterable[TimedBlock],
    lift: Callable[[Iterable[PoseBlock]], Iterable[Prediction]],
    *,
    fastest: float = DENSE,
) -> Iterator[Prediction]:
    """Lift frames at arbitrary times with a model that needs an even clock. Returns one row per frame.

    A steady rate from 24 frames per second to `fastest` is lifted unchanged: each frame is a tick of the clock. When a
    frame is out of step (sooner than half a step after the last, or later than one and a half), the ticks continue at
    that rate, interpolated between the frames around them, until eight frames in a row are in step again. Any other
    rate is resampled to 30 ticks per second. The rate comes from the median step of the first :data:`PREFIX` frames, so
    the result depends on the frames alone, not on their division into blocks.

    2D is interpolated linearly onto ticks, and 3D back onto frames. If the whole sequence is resampled, the ticks are
    placed so that one falls on the first frame that shows the person: a detector may have seen every second frame only.
    The last frame has a tick of its own.

    A pause without frames counts for at most :data:`PAUSE` seconds, and all of them together for :data:`MOST` ticks per
    frame: pauses tell the model nothing, and in a time lapse or a file with broken times they may last for days.

    Args:
        blocks: The frames, in order.
        lift: Lifts evenly spaced frames, such as :meth:`poseglass.lifting.predictor.Predictor.lift`.
        fastest: The highest frame rate to lift unchanged: :data:`DENSE` or, for models that were trained at one rate
            near it, :data:`FASTEST`.
    """
    clock: _Clock | None = None

    def ticks() -> Iterator[PoseBlock]:
        nonlocal clock
        for block in _with_long_start(blocks):
            if clock is None:
                clock = _Clock(block, fastest)
            yield clock.onto(block)
        if clock is not None and (last := clock.last_tick()) is not None:
            yield last

    for prediction in lift(ticks()):
        assert clock is not None
        yield clock.back(prediction)
    if clock is not None:
        yield clock.rest()


def _with_long_start(blocks: Iterable[TimedBlock]) -> Iterator[TimedBlock]:
    """Yield the same frames, with at least :data:`PREFIX` of them (or all) in the first block."""
    iterator, start, frames = iter(blocks), list[TimedBlock](), 0
    for block in iterator:
        start.append(block)
        frames += len(block.times)
        if frames >= PREFIX:
            break
    if frames:
        yield from chain([TimedBlock(*map(np.concatenate, zip(*start, strict=True)))], iterator)


class _Clock:
    """Ticks of an even clock beside the times of the frames."""

    def __init__(self, block: TimedBlock, fastest: float) -> None:
        times, scores = block.times[:PREFIX], block.scores[:PREFIX]
        steps = np.diff(times)
        step = float(np.median(steps)) if len(steps) else 1 / STEADY
        self._known = SLOWEST <= 1 / step <= fastest  # whether the model takes the rate unchanged
        self._step = step if self._known else 1 / STEADY
        late = 0.0 if self._known else float(times[np.any(scores, axis=1).argmax()] - times[0]) % self._step
        # Seconds from the first frame to the first tick; just below a step, the rest is a rounding error.
        self._late = late if late < (1 - ALIGNED) * self._step else 0.0
        self._calm = CALM if self._known else 0  # consecutive frames in step
        self._anchor, self._count = 0.0, 0  # the last tick that was set by a frame, and the number of ticks after it
        self._now: float | None = None  # the time of the last frame, with pauses shortened to PAUSE
        self._skipped = 0.0  # seconds of pauses left out so far
        self._allowed = 0.0  # the longest step, in seconds, that the next frame may count for
        self._edge = TimedBlock(np.zeros(0), np.zeros((0, 17, 2)), np.zeros((0, 17)))  # the last frame
        self._times = np.zeros(0)  # of frames still without 3D
        self._ticks = np.zeros(0)  # of the rows so far, and of those to come
        self._rows = Prediction(np.zeros((0, 17, 3), np.float32), np.zeros(0, bool))

    def onto(self, block: TimedBlock) -> PoseBlock:
        """Interpolate the ticks up to the last of these frames."""
        first = len(self._edge.times)  # the row of the first new frame
        times, ticks, after = self._edge.times.tolist(), list[float](), list[int]()
        for row, time in enumerate(block.times.tolist(), start=first):
            now, new = self._advance(time)
            times.append(now)
            ticks += new
            after += [row] * len(new)
        points = np.concatenate([self._edge.points, np.nan_to_num(block.points)])
        scores = np.concatenate([self._edge.scores, block.scores])
        clock = np.array(times)
        self._edge = TimedBlock(clock[-1:], points[-1:], scores[-1:])
        self._times = np.concatenate([self._times, clock[first:]])
        self._ticks = np.concatenate([self._ticks, ticks])
        right = np.array(after, int)
        left = np.maximum(right - 1, 0)
        share = _share(np.array(ticks), clock[left], clock[right])[:, None]  # f 1
        # Between a known joint and an unknown one, take the nearer.
        share = np.where((scores[left] > 0) & (scores[right] > 0), share, np.round(share))  # f 17
        return PoseBlock(
            points[left] * (1 - share[..., None]) + points[right] * share[..., None],
            scores[left] * (1 - share) + scores[right] * share,
        )

    def _advance(self, time: float) -> tuple[float, list[float]]:
        """Move on to the next frame: its time on the clock, and the ticks up to it."""
        before = self._now
        if before is None:
            self._anchor, self._count = time + self._late, -1  # the next tick is the first
        else:
            self._allowed = min(self._allowed + MOST * self._step, PAUSE)
            self._skipped += max(time - self._skipped - before - self._allowed, 0.0)
        now = self._now = time - self._skipped
        if before is not None:
            self._allowed -= now - before
        half = self._step / 2
        if before is not None:
            in_step = self._known and half * (1 + CLOSE) < now - before < 3 * half * (1 - CLOSE)
            self._calm = self._calm + 1 if in_step else 0
        regular = self._calm >= CALM
        ticks = []
        until = now - half if regular else now + ALIGNED * self._step
        while (tick := self._anchor + (self._count + 1) * self._step) <= until:
            self._count += 1
            ticks.append(tick)
        if regular and now - (self._anchor + self._count * self._step) > half:
            self._anchor, self._count = now, 0
            ticks.append(now)
        return now, ticks

    def last_tick(self) -> PoseBlock | None:
        """A tick on the last frame, if it has none, so that the model sees that frame."""
        assert self._now is not None
        if self._now <= self._anchor + (self._count + SHORT) * self._step:
            return None
        self._ticks = np.append(self._ticks, self._now)
        return PoseBlock(self._edge.points, self._edge.scores)

    def back(self, prediction: Prediction, *, last: bool = False) -> Prediction:
        """Return the frames that lie between ticks with settled 3D, in order; with `last`, all remaining frames."""
        pose3d = np.concatenate([self._rows.pose3d, prediction.pose3d])
        kept = np.concatenate([self._rows.kept, prediction.kept])
        end = len(pose3d) - 1
        if end < 0:
            return prediction
        ticks, count = self._ticks[: end + 1], len(self._times)
        if not last:
            count = int(np.searchsorted(self._times, ticks[-1], side="right"))
        times, self._times = self._times[:count], self._times[count:]
        left = np.maximum(np.searchsorted(ticks, times, side="right") - 1, 0)
        right = np.minimum(left + 1, end)
        share = _share(times, ticks[left], ticks[right])  # f
        settled = pose3d[left] * (1 - share[:, None, None]) + pose3d[right] * share[:, None, None]
        nearest = np.where(share > 0.5, right, left)
        drop = int(left[-1]) if count else 0
        self._rows, self._ticks = Prediction(pose3d[drop:], kept[drop:]), self._ticks[drop:]
        return Prediction(settled.astype(np.float32), kept[nearest])

    def rest(self) -> Prediction:
        """Return the remaining frames at the end."""
        return self.back(Prediction(self._rows.pose3d[:0], self._rows.kept[:0]), last=True)


def _share(
    times: Float[ndarray, " f"], left: Float[ndarray, " f"], right: Float[ndarray, " f"]
) -> Float[ndarray, " f"]:
    """Position of each time between left and right, from 0 to 1; 1 where left and right are equal."""
    span = right - left
    return np.where(span == 0, 1.0, np.clip((times - left) / np.where(span == 0, 1.0, span), 0, 1))
