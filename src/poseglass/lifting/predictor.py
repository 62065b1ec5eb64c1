"""Lift a sequence of any length: overlapping windows, flip averaging, blending without seams.

:class:`Predictor` takes frames as they come and gives back those that are settled, so memory stays bounded. How the
frames are dealt out does not change a bit of the result. :func:`predict` does the same for a whole sequence.
"""

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.geometry import root_relative
from poseglass.body.skeleton import H36M_17
from poseglass.clips.view import person_view
from poseglass.clips.windows import blend_weights, cut, stitch
from poseglass.errors import ModelError
from poseglass.lifting.answer import answer
from poseglass.waist.hourglass import Funnel, PoseModel

__all__ = ["PoseBlock", "Prediction", "Predictor", "in_eval_mode", "predict"]


class PoseBlock(NamedTuple):
    """Consecutive frames: Human3.6M joints in pixels (those of score 0 may be anything) and their scores."""

    points: Float[ndarray, "f 17 2"]
    scores: Float[ndarray, "f 17"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """Settled frames.

    Attributes:
        pose3d: Root-relative poses in camera space, metres, (f 17 3).
        kept: Whether a window kept the frame in the model's middle layers, (f).
    """

    pose3d: Float[ndarray, "f 17 3"]
    kept: Bool[ndarray, " f"]


class Predictor:
    """Lifts evenly spaced 2D poses that come block by block.

    Exchanged left and right are repaired first (:mod:`poseglass.clips.sides`). Nothing is remembered from one sequence
    to the next, so several threads may use a predictor at once.

    Args:
        model: A backbone or an hourglass whose input is :func:`poseglass.clips.person.person_coordinates`. If it is in
            training mode, it stays so, and is used through :func:`in_eval_mode`.
        flip: Average with the mirrored pass, which keeps the same frames; takes twice the time.
        focal: Focal length in pixels; by default that of an ordinary lens.
        overlap: Share of a window that the next one covers again, from 0 to below 1.

    Raises:
        ModelError: The model is a funnel or does not take x, y and score of Human3.6M's joints in person coordinates,
            or the overlap or the focal length is out of range.

    Example:
        >>> import poseglass as pg
        >>> predictor = Predictor(pg.create_model("mixste-tiny", frames=9, inputs=3))
        >>> blocks = [PoseBlock(np.ones((20, 17, 2)), np.ones((20, 17)))] * 2
        >>> sum(len(prediction.pose3d) for prediction in predictor.lift(blocks))
        40
    """

    def __init__(
        self, model: PoseModel, *, flip: bool = False, focal: float | None = None, overlap: float = 1 / 3
    ) -> None:
        if isinstance(model, Funnel):
            raise ModelError("a funnel predicts some frames only; lifting needs its backbone, or an hourglass")
        card = model.card
        if card.coordinates != "person":
            raise ModelError(
                f"lifting needs a model of person coordinates; this one was trained on {card.coordinates} coordinates, "
                "as published models are. Call it yourself on 2D poses normalised that way, or judge it on prepared "
                "recordings (poseglass evaluate --data FOLDER)"
            )
        if model.inputs != 3:
            raise ModelError(f"lifting needs a model of 3 inputs (x, y, score); this one takes {model.inputs}")
        if card.skeleton != H36M_17.name:
            raise ModelError(f"lifting needs a model of the joints of {H36M_17.name}; this one has {card.skeleton}'s")
        if not 0 <= overlap < 1:
            raise ModelError(f"overlap must be a share of a window, from 0 to below 1, got {overlap}")
        if focal is not None and not 0 < focal < np.inf:
            raise ModelError(f"focal must be a length in pixels above 0, got {focal}")
        trains = any(module.training for module in model.modules())
        self.model = in_eval_mode(model) if trains else model
        self.flip, self.focal = flip, focal
        self.clip = model.frames
        self.stride = max(round(self.clip * (1 - overlap)), 1)
        self.weights = blend_weights(self.clip, self.clip - self.stride)

    def lift(self, blocks: Iterable[PoseBlock], *, size: tuple[int, int] | None = None) -> Iterator[Prediction]:
        """Lift one sequence.

        Args:
            blocks: The frames, in order.
            size: Width and height of the image. The model predicts the person as seen along the line of sight to them;
                with the size this is turned into the camera's axes. Without it the person is taken to be in the middle.

        Returns:
            After each block the frames that no later one can change, in order, perhaps none; at the end the rest.

        Raises:
            ModelError: There is a focal length but no size.
        """
        if self.focal is not None and size is None:
            raise ModelError("a focal length needs the image's size: give the keypoints their size, or no focal")
        return self._lift(blocks, size)

    def _lift(self, blocks: Iterable[PoseBlock], size: tuple[int, int] | None) -> Iterator[Prediction]:
        windows = _Windows(self, size)
        for block in blocks:
            yield windows.push(block)
        yield windows.finish()


class _Windows:
    """The frames of one sequence that are not settled yet, and the windows over them."""

    def __init__(self, predictor: Predictor, size: tuple[int, int] | None) -> None:
        self._predictor, self._size = predictor, size
        self._first = 0  # the first open frame
        self._start = 0  # the first frame of the next window
        self._points = np.zeros((0, 17, 2))  # of the open frames
        self._scores = np.zeros((0, 17))
        self._done: list[tuple[int, Prediction]] = []  # windows that cover an open frame, and their first frames

    def push(self, block: PoseBlock) -> Prediction:
        """Take more frames, and give those that no later one can change."""
        self._points = np.concatenate([self._points, block.points])
        self._scores = np.concatenate([self._scores, block.scores])
        while self._first + len(self._points) >= self._start + self._predictor.clip:
            self._run(self._start)
            self._start += self._predictor.stride
        # The last window of all may start just after the last one done.
        return self._settle(self._done[-1][0] if self._done else self._first)

    def finish(self) -> Prediction:
        """The rest, after the last frame."""
        frames = self._first + len(self._points)
        last = max(frames - self._predictor.clip, 0)
        if frames and (not self._done or self._done[-1][0] < last):
            self._run(last)
        return self._settle(frames)

    def _run(self, start: int) -> None:
        """One window. It runs alone, not in a batch, so that its result never depends on its neighbours."""
        clip, predictor = self._predictor.clip, self._predictor
        points, scores = (
            cut(x, clip, np.array([start - self._first])) for x in (self._points, self._scores)
        )  # 1 f ...
        if self._done and not scores.any():  # out of sight for a whole window: the last pose is held
            held = self._done[-1][1].pose3d[-1:]
            self._done.append((start, Prediction(np.repeat(held, clip, 0), np.zeros(clip, bool))))
            return
        pose2d, turn = person_view(points, scores, size=self._size, focal=predictor.focal)
        pose3d, kept = answer(predictor.model, pose2d, flip=predictor.flip)
        pose3d = root_relative(pose3d)
        if turn is not None:
            pose3d = pose3d @ turn
        every = np.arange(clip)
        first = next(iter(kept.values()))[0].cpu().numpy() if kept else every
        self._done.append((start, Prediction(pose3d[0], np.isin(every, first))))

    def _settle(self, until: int) -> Prediction:
        """Blend and forget the frames before `until`."""
        first, frames, clip = self._first, until - self._first, self._predictor.clip
        if frames <= 0:
            return Prediction(np.zeros((0, 17, 3), np.float32), np.zeros(0, bool))
        starts = np.array([start for start, _ in self._done])
        end = max(until, int(starts[-1]) + clip)
        # Windows may start before the first open frame; that part is blended again and dropped.
        origin = min(first, int(starts[0]))
        clips = np.stack([window.pose3d for _, window in self._done])  # b f 17 3
        pose3d = stitch(clips, starts - origin, end - origin, self._predictor.weights)  # f 17 3
        kept = np.zeros(end - origin, bool)
        for start, window in self._done:
            kept[start - origin : start - origin + clip] |= window.kept
        settled = slice(first - origin, until - origin)
        self._points, self._scores = self._points[frames:], self._scores[frames:]
        self._first = until
        self._done = [(start, window) for start, window in self._done if start + clip > until]
        return Prediction(pose3d[settled].astype(np.float32), kept[settled])


def in_eval_mode(model: PoseModel) -> PoseModel:
    """A copy of a model in evaluation mode that shares its weights; the model itself stays in the mode it is in.

    Example:
        >>> import poseglass as pg
        >>> model = pg.create_model("mixste-tiny").train()
        >>> twin = in_eval_mode(model)
        >>> twin.training, model.training, next(twin.parameters()) is next(model.parameters())
        (False, True, True)
    """
    shared: dict[int, object] = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    for module in model.modules():  # the tables too, so that a parameter that is replaced is replaced in both
        shared |= {id(table): table for table in (module._parameters, module._buffers)}
    return copy.deepcopy(model, shared).eval()


def predict(
    model: PoseModel,
    points: Float[ndarray, "f 17 2"],
    scores: Float[ndarray, "f 17"],
    *,
    flip: bool = False,
    size: tuple[int, int] | None = None,
    focal: float | None = None,
) -> Prediction:
    """Lift a whole sequence of Human3.6M joints in the image, evenly spaced in time, of one frame or many.

    Args:
        model: A model that takes x, y, score; see :class:`Predictor`.
        points: Positions in pixels (f 17 2); those of score 0 may be anything.
        scores: Confidences (f 17).
        flip: Average with the mirrored pass.
        size: Width and height of the image; see :meth:`Predictor.lift`.
        focal: Focal length in pixels, if known.

    Example:
        >>> import poseglass as pg
        >>> model = pg.create_model("mixste-tiny", frames=9, inputs=3)
        >>> predict(model, np.ones((20, 17, 2)), np.ones((20, 17))).pose3d.shape
        (20, 17, 3)
    """
    parts = list(Predictor(model, flip=flip, focal=focal).lift([PoseBlock(points, scores)], size=size))
    return Prediction(np.concatenate([part.pose3d for part in parts]), np.concatenate([part.kept for part in parts]))
