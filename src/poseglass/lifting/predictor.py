"""Lift a sequence of any length: overlapping windows, flip averaging, seamless blending.

:class:`Predictor` takes frames as they arrive and returns those whose pose is final (*settled*), so memory stays
bounded. On the CPU, windows run one by one, and the division into blocks does not change the result by a single bit; on
a GPU they run in batches, which agree to rounding. :func:`predict` lifts a whole sequence.
"""

from collections.abc import Iterable, Iterator
from copy import copy

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass._shapes import Indices
from poseglass.body.skeleton import H36M_17
from poseglass.clips.windows import blend_weights, cut, stitch
from poseglass.engines.engine import Engine
from poseglass.errors import ModelError
from poseglass.lifting.answer import answer, answer_frame, answered_frame
from poseglass.lifting.blocks import PoseBlock, Prediction
from poseglass.lifting.frame_by_frame import FrameByFrame
from poseglass.lifting.model_input import model_input
from poseglass.models import devices
from poseglass.models.finite import check_finite
from poseglass.models.mode import in_eval_mode
from poseglass.waist.hourglass import PoseModel, backbone_of

__all__ = ["Predictor", "predict"]

# Windows of a forward pass, by the type of device. A GPU waits for the start of its kernels if it gets fewer.
BATCH = {"cuda": 32, "mps": 8}


class Predictor:
    """Lifts evenly spaced 2D poses that come block by block.

    A model that predicts all frames (seq2seq) lifts overlapping windows, which are blended. One that predicts a single
    frame (seq2frame: its card says so, or it is a funnel) lifts a window for each frame. Swapped left and right sides
    are repaired first (:mod:`poseglass.clips.sides`). A predictor remembers nothing from one sequence to the next, so
    several threads may use it at once.

    Args:
        model: A model of Human3.6M's joints that takes x and y, or x, y and score, in the coordinates of its card. It
            may be in training mode, now or later, and stays in it (:func:`poseglass.models.mode.in_eval_mode`).
        flip: Average with the mirrored pass, which keeps the same frames; takes twice the time.
        focal: Focal length in pixels; by default that of an ordinary lens.
        overlap: Share of a window that overlaps with the next, from 0 to below 1; not used by seq2frame models.
        batch: Windows of a forward pass, if as many are complete; by default 1 on the CPU, and more on a GPU.
        engine: What runs the model; PyTorch if None.

    Raises:
        ModelError: The model takes other input, its weights are not finite, the overlap, the focal length or the batch
            is out of range, or a focal length is given for a model that predicts metres from screen coordinates, for
            which it has no effect.

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
        engine: Engine | None = None,
    ) -> None:
        card, joints = model.card, backbone_of(model).joints
        if model.inputs not in (2, 3):
            raise ModelError(f"lifting needs a model of x, y or of x, y, score; this one takes {model.inputs} inputs")
        if card.skeleton != H36M_17.name or joints != len(H36M_17):
            own = f"{card.skeleton}'s" if joints == len(H36M_17) else str(joints)
            raise ModelError(f"lifting needs a model of the 17 joints of {H36M_17.name}; this one has {own}")
        if not 0 <= overlap < 1:
            raise ModelError(f"overlap must be a share of a window, from 0 to below 1, got {overlap}")
        if focal is not None and not 0 < focal < np.inf:
            raise ModelError(f"focal must be a length in pixels above 0, got {focal}")
        if focal is not None and (card.coordinates, card.units) == ("screen", "metres"):
            raise ModelError(
                "a focal length has no effect on this model, which was trained to turn screen coordinates into metres "
                "in camera space: leave it out"
            )
        if batch is not None and batch < 1:
            raise ModelError(f"batch must be a number of windows from 1, got {batch}")
        check_finite(model)
        self.model = in_eval_mode(model)
        self.batch = batch or BATCH.get(devices.device_of(model).type, 1)
        self.flip, self.focal, self.engine = flip, focal, engine
        self.clip, self.answered = model.frames, answered_frame(model)
        self.stride = max(round(self.clip * (1 - overlap)), 1)
        self.weights = blend_weights(self.clip, self.clip - self.stride)

    def for_lens(self, focal: float | None) -> "Predictor":
        """This predictor for a camera of another focal length in pixels, unless it has its own or has no use for it."""
        card = self.model.card
        if focal is None or self.focal is not None or (card.coordinates, card.units) == ("screen", "metres"):
            return self
        other = copy(self)
        other.focal = focal
        return other

    def lift(self, blocks: Iterable[PoseBlock], *, size: tuple[int, int] | None = None) -> Iterator[Prediction]:
        """Lift one sequence.

        Args:
            blocks: The frames, in order.
            size: Width and height of the image. A model of screen coordinates needs it. A model of person coordinates
                predicts the person as seen along the line of sight to them; with the size, the poses are rotated into
                the camera's axes, and without it, the person is taken to be in the middle of the image.

        Returns:
            After each block, the frames that no later frame can change, in order (perhaps none); at the end, the rest.

        Raises:
            ModelError: The size is missing, and the model or a focal length needs it.
        """
        self.check_size(size)
        return self._lift(blocks, size)

    def check_size(self, size: tuple[int, int] | None) -> None:
        """Raise :class:`ModelError` if the image's size is missing, and the model or a focal length needs it."""
        if size is None and self.focal is not None:
            raise ModelError("a focal length needs the image's size: give the keypoints their size, or no focal")
        if size is None and self.model.card.coordinates == "screen":
            raise ModelError(
                "this model takes screen coordinates, which depend on the image's size, but the keypoints state none: "
                "give their size (--size WIDTHxHEIGHT)"
            )

    def lift_clips(
        self, points: Float[ndarray, "b f 17 2"], scores: Float[ndarray, "b f 17"], *, size: tuple[int, int] | None
    ) -> tuple[Float[ndarray, "b _ 17 3"], dict[int, Indices]]:
        """Lift windows, each by itself.

        Args:
            points: Human3.6M joints in pixels (b f 17 2).
            scores: Their confidence (b f 17).
            size: Width and height of the image; see :meth:`lift`.

        Returns:
            Poses in camera space (b f 17 3), or, for a seq2frame model, that of the answered frame (b 1 17 3); and the
            indices of the kept frames (b k), by layer, which seq2frame models leave out.
        """
        window = model_input(self.model, points, scores, size=size, focal=self.focal)
        if self.answered is None:
            pose3d, kept = answer(self.model, window.pose2d, flip=self.flip, engine=self.engine)
            return window.to_camera(pose3d), kept
        pose3d = answer_frame(self.model, window.pose2d, self.answered, flip=self.flip, engine=self.engine)
        return window.to_camera(pose3d, slice(self.answered, self.answered + 1)), {}

    def _lift(self, blocks: Iterable[PoseBlock], size: tuple[int, int] | None) -> Iterator[Prediction]:
        def lift_frame(points: Float[ndarray, "b f 17 2"], scores: Float[ndarray, "b f 17"]) -> ndarray:
            return self.lift_clips(points, scores, size=size)[0]

        windows: _Windows | FrameByFrame
        if self.answered is None:
            windows = _Windows(self, size)
        else:
            windows = FrameByFrame(lift_frame, clip=self.clip, answered=self.answered, batch=self.batch)
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
        pose3d, kept = predictor.lift_clips(points, scores, size=self._size)
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
    engine: Engine | None = None,
) -> Prediction:
    """Lift a whole sequence of Human3.6M joints in the image: one or more frames, evenly spaced in time.

    Args:
        model: See :class:`Predictor`.
        points: Positions in pixels (f 17 2). Joints of score 0 may have any value.
        scores: Confidences (f 17).
        flip: Average with the mirrored pass.
        size: Width and height of the image; see :meth:`Predictor.lift`.
        focal: Focal length in pixels, if known.
        engine: What runs the model; PyTorch if None.

    Example:
        >>> import poseglass as pg
        >>> model = pg.create_model("mixste-tiny", frames=9, inputs=3)
        >>> predict(model, np.ones((20, 17, 2)), np.ones((20, 17))).pose3d.shape
        (20, 17, 3)
    """
    parts = list(Predictor(model, flip=flip, focal=focal, engine=engine).lift([PoseBlock(points, scores)], size=size))
    return Prediction(np.concatenate([part.pose3d for part in parts]), np.concatenate([part.kept for part in parts]))
