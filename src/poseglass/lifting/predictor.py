"""A model over a sequence of any length: overlapping windows, flip averaging, blending without seams.

:class:`Predictor` takes frames as they come and gives back those that are settled, so memory stays bounded; how the
frames were dealt out to it does not change a bit of the result. :func:`predict` is the same for a whole sequence.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.geometry import root_relative
from poseglass.body.skeleton import H36M_17
from poseglass.clips.view import person_view
from poseglass.clips.windows import blend_weights, cut, stitch
from poseglass.errors import ModelError
from poseglass.lifting.answer import answer
from poseglass.waist.hourglass import Funnel, Model

__all__ = ["Prediction", "Predictor", "predict"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """Settled frames.

    Attributes:
        pose3d: Root-relative poses in camera space, metres, (f 17 3).
        kept: Whether some window kept the frame in the model's middle layers, (f).
    """

    pose3d: Float[ndarray, "f 17 3"]
    kept: Bool[ndarray, " f"]


class Predictor:
    """Lifts 2D poses that come block by block.

    Where a detector exchanges left and right for a spell, that is undone first (:mod:`poseglass.clips.sides`).

    Args:
        model: A backbone or an hourglass whose input is :func:`poseglass.clips.person.person_coordinates`.
        flip: Average with the mirrored pass, which keeps the same frames; twice the time.
        size: Width and height of the image. The model says how the person looks along the line of sight to them; with
            the size this is turned into the camera's axes. Without it the person is taken to be in the middle.
        focal: Focal length in pixels, which goes with `size`; that of an ordinary lens where None.
        overlap: Share of a window that the next one covers again, from 0 to below 1.

    Raises:
        ModelError: The model does not take x, y and score of Human3.6M's joints in person coordinates or is a funnel,
            the overlap or the focal length is out of range, or there is a focal length and no size.
    """

    def __init__(
        self,
        model: Model,
        *,
        flip: bool = False,
        size: tuple[int, int] | None = None,
        focal: float | None = None,
        overlap: float = 1 / 3,
    ) -> None:
        if isinstance(model, Funnel):
            raise ModelError("a funnel answers for some frames only; lifting needs its backbone, or an hourglass")
        card = model.card
        if card.coordinates != "person":
            raise ModelError(
                f"lifting gives a model person coordinates, and this one was trained on {card.coordinates} "
                "coordinates, as published models are: call it yourself on 2D poses that are normalised so, or "
                "judge it on prepared recordings (poseglass evaluate --data FOLDER)"
            )
        if model.inputs != 3:
            raise ModelError(f"lifting needs a model of 3 inputs (x, y, score); this one takes {model.inputs}")
        if card.skeleton != H36M_17.name:
            raise ModelError(f"lifting gives a model the joints of {H36M_17.name}, and this one has {card.skeleton}'s")
        if not 0 <= overlap < 1:
            raise ModelError(f"overlap is a share of a window, from 0 to below 1, not {overlap}")
        self.model = model.eval()
        if focal is not None and not 0 < focal < np.inf:
            raise ModelError(f"focal is a length in pixels above 0, not {focal}")
        if focal is not None and size is None:
            raise ModelError(
                "a focal length says nothing without the image's size: give the keypoints their size, or no focal"
            )
        self.flip = flip
        self.size, self.focal = size, focal
        self.clip = model.frames
        self.stride = max(round(self.clip * (1 - overlap)), 1)
        self._weights = blend_weights(self.clip, self.clip - self.stride)
        self._restart()

    def _restart(self) -> None:
        self._first = 0  # the frame that row 0 of the buffers holds
        self._begin = 0  # where the next window begins
        self._points = np.zeros((0, 17, 2))
        self._scores = np.zeros((0, 17))
        self._windows: list[tuple[int, Prediction]] = []

    def push(self, points: Float[ndarray, "f 17 2"], scores: Float[ndarray, "f 17"]) -> Prediction:
        """Take further frames, and give the frames that no later one can change, in order."""
        self._points = np.concatenate([self._points, points])
        self._scores = np.concatenate([self._scores, scores])
        while self._first + len(self._points) >= self._begin + self.clip:
            self._run(self._begin)
            self._begin += self.stride
        # The last window may still come to begin just after the last one done.
        return self._settle(self._windows[-1][0] if self._windows else self._first)

    def finish(self) -> Prediction:
        """The rest, after the last frame. The predictor is then ready for another sequence."""
        frames = self._first + len(self._points)
        last = max(frames - self.clip, 0)
        if frames and (not self._windows or self._windows[-1][0] < last):
            self._run(last)
        rest = self._settle(frames)
        self._restart()
        return rest

    def _run(self, begin: int) -> None:
        """One window. It runs alone, not in a batch, so that its result never depends on its neighbours.

        And on one core: a window is so small that a second one costs more in waiting than it brings.
        """
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            self._windows.append((begin, self._lift_window(begin)))
        finally:
            torch.set_num_threads(threads)

    def _lift_window(self, begin: int) -> Prediction:
        window = np.array([begin - self._first])
        points, scores = (cut(x, self.clip, window) for x in (self._points, self._scores))
        if self._windows and not scores.any():  # nobody for so long that the model has nothing to go by: stand still
            return Prediction(np.repeat(self._windows[-1][1].pose3d[-1:], self.clip, 0), np.zeros(self.clip, bool))
        pose2d, turn = person_view(points, scores, size=self.size, focal=self.focal)
        pose3d, kept = answer(self.model, pose2d, flip=self.flip)
        pose3d = root_relative(pose3d)
        if turn is not None:
            pose3d = pose3d @ turn
        every = np.arange(self.clip)
        first = next(iter(kept.values()))[0].numpy() if kept else every
        return Prediction(pose3d[0], np.isin(every, first))

    def _settle(self, until: int) -> Prediction:
        """Blend and forget the frames before `until`."""
        first, frames = self._first, until - self._first
        if frames <= 0:
            return Prediction(np.zeros((0, 17, 3), np.float32), np.zeros(0, bool))
        begins = np.array([begin for begin, _ in self._windows])
        end = max(until, int(begins[-1]) + self.clip)
        # Windows may begin before the first frame still open; that part is blended again and dropped.
        origin = min(first, int(begins[0]))
        pose3d = stitch(np.stack([p.pose3d for _, p in self._windows]), begins - origin, end - origin, self._weights)
        kept = np.zeros(end - origin, bool)
        for begin, window in self._windows:
            kept[begin - origin : begin - origin + self.clip] |= window.kept
        settled = slice(first - origin, until - origin)
        self._points, self._scores = self._points[frames:], self._scores[frames:]
        self._first = until
        self._windows = [(begin, p) for begin, p in self._windows if begin + self.clip > until]
        return Prediction(pose3d[settled].astype(np.float32), kept[settled])


def predict(
    model: Model,
    points: Float[ndarray, "f 17 2"],
    scores: Float[ndarray, "f 17"],
    *,
    flip: bool = False,
    size: tuple[int, int] | None = None,
    focal: float | None = None,
) -> Prediction:
    """Lift a whole sequence of Human3.6M joints in the image, evenly spaced in time, of one frame or many.

    Args:
        model: A model that takes x, y, score.
        points: Positions in pixels (f 17 2); those of score 0 may be anything.
        scores: Confidences (f 17).
        flip: Average with the mirrored pass.
        size: Width and height of the image; see :class:`Predictor`.
        focal: Focal length in pixels, if it is known.
    """
    predictor = Predictor(model, flip=flip, size=size, focal=focal)
    parts = [predictor.push(points, scores), predictor.finish()]
    return Prediction(np.concatenate([p.pose3d for p in parts]), np.concatenate([p.kept for p in parts]))
