"""Lift a sequence of any length: overlapping windows, flip averaging, seamless blending.

:class:`Predictor` takes frames as they arrive and returns those whose pose is final (*settled*), so memory stays
bounded. The division into blocks does not change the result by a single bit, on the CPU, where windows run one by one.
On a GPU they run in batches, and results agree to rounding. :func:`predict` lifts a whole sequence.
"""

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
from poseglass.models import devices
from poseglass.models.mode import in_eval_mode
from poseglass.waist.hourglass import Funnel, PoseModel

__all__ = ["PoseBlock", "Prediction", "Predictor", "predict"]

# Windows of a forward pass, by the type of device. A GPU waits for the start of its kernels if it gets fewer.
BATCH = {"cuda": 32, "mps": 8}


class PoseBlock(NamedTuple):
    """Consecutive frames: Human3.6M joints in pixels and their scores. Joints of score 0 may have any value."""

    points: Float[ndarray, "f 17 2"]
    scores: Float[ndarray, "f 17"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """Poses of settled frames.

    Attributes:
        pose3d: Root-relative poses in camera space, metres, (f 17 3).
        kept: Whether any window kept the frame in the model's middle layers, (f).
    """

    pose3d: Float[ndarray, "f 17 3"]
    kept: Bool[ndarray, " f"]


class Predictor:
    """Lifts evenly spaced 2D poses that come block by block.

    Swapped left and right sides are repaired first (:mod:`poseglass.clips.sides`). A predictor remembers nothing from
    one sequence to the next, so several threads may use it at once.

    Args:
        model: A backbone or an hourglass whose input is :func:`poseglass.clips.person.person_coordinates`. It may be in
            training mode, now or later, and stays in it (:func:`poseglass.models.mode.in_eval_mode`).
        flip: Average with the mirrored pass, which keeps the same frames; takes twice the time.
        focal: Focal length in pixels; by default that of an ordinary lens.
        overlap: Share of a window that overlaps with the next, from 0 to below 1.
        batch: Windows of a forward pass, if as many are complete; by default 1 on the CPU, and more on a GPU.

    Raises:
        ModelError: The model is a funnel or does not take x, y and score of Human3.6M's joints in person coordinates,
            or the overlap, the focal length or the batch is out of range.

    Example:
        >>> import poseglass as pg
        >>> predictor = Predictor(pg.create_model("mixste-tiny", frames=9, inputs=3))
        >>> blocks = [PoseBlock(np.ones((20, 17, 2)), np.ones((20, 17)))] * 2
        >>> sum(len(prediction.pose3d) for prediction in predictor.lift(blocks))
        40
    """

    def __init__(
        self,
        model: PoseModel,
        *,
        flip: bool = False,
        focal: float | None = None,
        overlap: float = 1 / 3,
        batch: int | None = None,
    ) -> None:
        if isinstance(model, Funnel):
            raise ModelError("a funnel predicts some frames only; lifting needs its backbone, or an hourglass")
        card = model.card
        if card.coordinates != "person":
            raise ModelError(
                f"lifting needs a model of person coordinates; this one was trained on {card.coordinates} coordinates, "
                "as published models are. Call it directly on 2D poses normalised that way, or evaluate it on prepared "
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
        if batch is not None and batch < 1:
            raise ModelError(f"batch must be a number of windows from 1, got {batch}")
        self.model = in_eval_mode(model)
        self.batch = batch or BATCH.get(devices.device_of(model).type, 1)
        self.flip, self.focal = flip, focal
        self.clip = model.frames
        self.stride = max(round(self.clip * (1 - overlap)), 1)
        self.weights = blend_weights(self.clip, self.clip - self.stride)

    def lift(self, blocks: Iterable[PoseBlock], *, size: tuple[int, int] | None = None) -> Iterator[Prediction]:
        """Lift one sequence.

        Args:
            blocks: The frames, in order.
            size: Width and height of the image. The model predicts the person as seen along the line of sight to them;
                with the size, the poses are rotated into the camera's axes. Without it, the person is taken to be in
                the middle of the image.

        Returns:
            After each block, the frames that no later frame can change, in order (perhaps none); at the end, the rest.

        Raises:
            ModelError: A focal length is given, but no size.
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
        """Add frames, and return those that no later frame can change."""
        self._points = np.concatenate([self._points, block.points])
        self._scores = np.concatenate([self._scores, block.scores])
        starts = []
        while self._first + len(self._points) >= self._start + self._predictor.clip:
            starts.append(self._start)
            self._start += self._predictor.stride
        for number in range(0, len(starts), self._predictor.batch):
            self._run(starts[number : number + self._predictor.batch])
        # The very last window may start just after the last one so far.
        return self._settle(self._done[-1][0] if self._done else self._first)

    def finish(self) -> Prediction:
        """Return the remaining frames, after the last block."""
        frames = self._first + len(self._points)
        last = max(frames - self._predictor.clip, 0)
        if frames and (not self._done or self._done[-1][0] < last):
            self._run([last])
        return self._settle(frames)

    def _run(self, starts: list[int]) -> None:
        """Run the model on windows. While nobody is in view for a whole window, the last pose is held."""
        clip = self._predictor.clip
        points, scores = (cut(x, clip, np.array(starts) - self._first) for x in (self._points, self._scores))
        visible = np.any(scores, axis=(1, 2))  # b
        visible[0] |= not self._done  # before the first window there is no pose to hold
        lifted = iter(self._lifted(points[visible], scores[visible]))
        for start, present in zip(starts, visible, strict=True):
            if present:
                window = next(lifted)
            else:
                held = self._done[-1][1].pose3d[-1:]
                window = Prediction(np.repeat(held, clip, 0), np.zeros(clip, bool))
            self._done.append((start, window))

    def _lifted(self, points: Float[ndarray, "b f 17 2"], scores: Float[ndarray, "b f 17"]) -> Iterator[Prediction]:
        """Yield the poses of each window, from one forward pass."""
        if not len(points):
            return
        predictor = self._predictor
        pose2d, turn = person_view(points, scores, size=self._size, focal=predictor.focal)
        pose3d, kept = answer(predictor.model, pose2d, flip=predictor.flip)
        pose3d = root_relative(pose3d)
        if turn is not None:
            pose3d = pose3d @ turn
        every = np.arange(predictor.clip)
        first = next(iter(kept.values())).cpu().numpy() if kept else [every] * len(pose3d)  # b k
        for poses, indices in zip(pose3d, first, strict=True):
            yield Prediction(poses, np.isin(every, indices))

    def _settle(self, until: int) -> Prediction:
        """Blend and return the frames before `until`, and forget them."""
        first, frames, clip = self._first, until - self._first, self._predictor.clip
        if frames <= 0:
            return Prediction(np.zeros((0, 17, 3), np.float32), np.zeros(0, bool))
        starts = np.array([start for start, _ in self._done])
        end = max(until, int(starts[-1]) + clip)
        # Windows may start before the first open frame; that part is blended again and discarded.
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


def predict(
    model: PoseModel,
    points: Float[ndarray, "f 17 2"],
    scores: Float[ndarray, "f 17"],
    *,
    flip: bool = False,
    size: tuple[int, int] | None = None,
    focal: float | None = None,
) -> Prediction:
    """Lift a whole sequence of Human3.6M joints in the image: one or more frames, evenly spaced in time.

    Args:
        model: A model that takes x, y, score; see :class:`Predictor`.
        points: Positions in pixels (f 17 2). Joints of score 0 may have any value.
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
