"""Frames that come at odd times, for a model that wants them evenly spaced."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.lifting.predictor import Prediction

__all__ = ["PAUSE", "Grid"]

PAUSE = 10.0  # seconds: several windows of the model


class Grid:
    """Evenly spaced times beside the video's own: 2D is taken onto them, 3D back, both linearly, chunk by chunk.

    A pause in which no frame comes counts for at most :data:`PAUSE` seconds: it tells the model nothing more, and in a
    time lapse, or a file whose times are broken, it may last for days.
    """

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self._start = 0.0
        self._told = np.zeros(0)  # the time of the last frame that came, as the video has it
        self._skipped = 0.0  # seconds of pauses so far that do not count
        self._done = 0  # grid rows handed out
        self._edge: tuple[ndarray, ndarray, ndarray] | None = None  # the last frame that came
        self._times = np.zeros(0)  # of frames that wait for their 3D
        self._rows = np.zeros((0, 17, 3), np.float32)
        self._kept = np.zeros(0, bool)
        self._first = 0  # the grid row that `_rows` begins with

    def onto(
        self, times: Float[ndarray, " f"], points: Float[ndarray, "f 17 2"], scores: Float[ndarray, "f 17"]
    ) -> tuple[Float[ndarray, "g 17 2"], Float[ndarray, "g 17"]]:
        """Grid rows between the frames that came."""
        pauses = np.diff(times, prepend=self._told if len(self._told) else times[:1])
        skipped = self._skipped + np.cumsum(np.maximum(pauses - PAUSE, 0))
        self._told, self._skipped = times[-1:], float(skipped[-1])
        times = times - skipped
        self._times = np.concatenate([self._times, times])
        if self._edge is None:
            self._start = float(times[0])
        else:
            times, points, scores = (
                np.concatenate(pair) for pair in zip(self._edge, (times, points, scores), strict=True)
            )
        self._edge = (times[-1:], points[-1:], scores[-1:])
        until = int(np.floor((times[-1] - self._start) * self.fps + 1e-6)) + 1
        ticks = self._start + np.arange(self._done, until) / self.fps
        self._done = until
        after = np.clip(np.searchsorted(times, ticks - 1e-9), 0, len(times) - 1)
        before = np.maximum(after - 1, 0)
        span = np.maximum(times[after] - times[before], 1e-9)
        share = np.clip((ticks - times[before]) / span, 0, 1)[:, None] if len(times) > 1 else np.ones((len(ticks), 1))
        # Between a joint that is known and one that is not, the nearer one counts.
        share = np.where((scores[before] > 0) & (scores[after] > 0), share, np.round(share))
        here, there = np.nan_to_num(points[before]), np.nan_to_num(points[after])
        mixed = here + share[..., None] * (there - here)
        return mixed, scores[before] + share * (scores[after] - scores[before])

    def back(self, prediction: Prediction, *, last: bool = False) -> Prediction:
        """The frames, in order, whose place on the grid is settled on both sides."""
        self._rows = np.concatenate([self._rows, prediction.pose3d])
        self._kept = np.concatenate([self._kept, prediction.kept])
        if not len(self._rows):
            return Prediction(self._rows, self._kept)
        place = (self._times - self._start) * self.fps - self._first
        end = len(self._rows) - 1
        count = len(place) if last else int((place <= end).sum())
        place = np.clip(place[:count], 0, end)
        before = np.floor(place).astype(int)
        after = np.minimum(before + 1, end)
        share = (place - before)[:, None, None]
        pose3d = self._rows[before] * (1 - share) + self._rows[after] * share
        done = Prediction(pose3d.astype(np.float32), self._kept[np.round(place).astype(int)])
        self._times = self._times[count:]
        drop = int(before[-1]) if count else 0
        self._rows, self._kept, self._first = self._rows[drop:], self._kept[drop:], self._first + drop
        return done

    def rest(self, prediction: Prediction) -> Prediction:
        """All frames that are left."""
        return self.back(prediction, last=True)
