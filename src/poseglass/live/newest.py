"""`NewestPoses`: lifts the frames of a live source, each in windows that end at it or shortly after it."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import H36M_17
from poseglass.errors import ModelError
from poseglass.lifting.blocks import PoseBlock
from poseglass.lifting.predictor import Predictor
from poseglass.lifting.resampler import DENSE, FASTEST
from poseglass.live.history import History, Window

__all__ = ["LiftedFrame", "NewestPoses", "check_lookahead"]


@dataclass(eq=False)
class LiftedFrame:
    """A frame, and the mean of the poses that windows have given it.

    Args:
        pose2d: Its 2D pose: one frame, with a timestamp.
        person: The number of the person.
        pose3d: In camera space, metres, relative to the pelvis (17 3).
        windows: Number of windows that the pose is the mean of.
    """

    pose2d: PoseSequence
    person: int
    pose3d: Float[ndarray, "17 3"]
    windows: int = 0

    @property
    def time(self) -> float:
        """Seconds."""
        return self.pose2d.start

    def add(self, pose3d: Float[ndarray, "17 3"]) -> None:
        """Take another window's pose into the mean."""
        self.windows += 1
        self.pose3d = self.pose3d + (pose3d - self.pose3d) / self.windows


def check_lookahead(predictor: Predictor, lookahead: int) -> None:
    """Raise :class:`ModelError` unless the model can answer a frame this many frames later."""
    last, answered = predictor.clip - 1, predictor.answered
    if not 0 <= lookahead <= last:
        raise ModelError(f"lookahead must be from 0 to {last} frames for a model of {last + 1}, got {lookahead}")
    if answered is not None and lookahead != last - answered:
        raise ModelError(
            f"this model predicts frame {answered} of {last + 1} only: lookahead must be {last - answered}, "
            f"got {lookahead}"
        )


class NewestPoses:
    """Lifts the newest window of each frame, and returns frames whose pose is final.

    A frame's pose is final `lookahead` frames later. A model that predicts all frames of a window has then answered it
    1 + `lookahead` times, and the mean jitters less than one answer. A model that predicts one frame answers it once.

    Args:
        predictor: Lifts single windows.
        lookahead: Frames; see :func:`check_lookahead`.
        size: Width and height of the image, if known.

    Raises:
        ModelError: The model needs the size, and it is missing.
    """

    def __init__(self, predictor: Predictor, *, lookahead: int, size: tuple[int, int] | None) -> None:
        predictor.check_size(size)
        self._predictor, self._lookahead, self._size = predictor, lookahead, size
        fastest = FASTEST if predictor.model.card.coordinates == "screen" else DENSE
        self._history = History(predictor.clip, fastest=fastest)
        self._waiting: deque[LiftedFrame] = deque()
        self._start = -np.inf  # the time of the first frame since the last restart
        self._last: Float[ndarray, "f 17 3"] | None = None  # the poses of the last window with a person

    @property
    def rate(self) -> float:
        """Frames per second, from the newest frames."""
        return self._history.rate

    def restart(self) -> None:
        """Forget the frames so far, except those that wait for their pose to be final."""
        self._history.clear()

    def push(self, pose2d: PoseSequence, person: int, corrected: PoseSequence | None = None) -> LiftedFrame | None:
        """Lift the next frame, and return the one that is now final, if any.

        Args:
            pose2d: The 2D pose of the frame: one frame, with a timestamp.
            person: Whose pose it is.
            corrected: Corrected 2D poses of the frames just before it.
        """
        if corrected is not None:
            self._correct(corrected)
        if not len(self._history):
            self._start = pose2d.start
        block = _body(pose2d)
        self._history.add(pose2d.start, block.points[0], block.scores[0])
        self._waiting.append(LiftedFrame(pose2d, person, np.zeros((17, 3))))
        if self._predictor.answered is None or len(self._waiting) > self._lookahead:
            self._answer(self._history.window())
        return self._waiting.popleft() if len(self._waiting) > self._lookahead else None

    def finish(self) -> list[LiftedFrame]:
        """The remaining frames. For a model that predicts one frame, the newest frame is repeated after the end."""
        frames = []
        for after in range(self._lookahead - len(self._waiting) + 1, self._lookahead + 1):
            if self._predictor.answered is not None:
                self._answer(self._history.window(after))
            frames.append(self._waiting.popleft())
        return frames

    def _answer(self, window: Window) -> None:
        """Run the model on a window, and give its poses to the frames that wait."""
        points, scores = window.block
        if self._last is None or scores.any():  # else nobody is in view for a whole window: the last pose is held
            self._last = self._predictor.lift_clips(points[None], scores[None], size=self._size)[0][0]
        if self._predictor.answered is not None:
            self._waiting[0].add(self._last[0])
            return
        for frame in self._waiting:
            if frame.time >= self._start:
                frame.add(window.at(self._last, frame.time))

    def _correct(self, poses: PoseSequence) -> None:
        body = _body(poses)
        for back in range(len(poses)):
            row = len(poses) - 1 - back
            self._history.correct(back, body.points[row], body.scores[row])
            if back < len(self._waiting):
                self._waiting[-1 - back].pose2d = poses[row : row + 1]


def _body(poses: PoseSequence) -> PoseBlock:
    """The joints that the model takes; unknown ones have score 0."""
    body = poses.to_skeleton(H36M_17)
    return PoseBlock(body.points.astype(np.float64), np.where(body.validity[:, None], body.confidence, 0))
