"""Run a model on a batch of clips, with or without flip averaging.

Lifting and evaluation both use it.
"""

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from poseglass._shapes import Indices
from poseglass.body.skeleton import H36M_17, Skeleton
from poseglass.clips.mirror import flip as mirrored
from poseglass.engines.engine import Engine
from poseglass.models import devices
from poseglass.waist.hourglass import Funnel, Hourglass, PoseModel, Trace

__all__ = ["answer", "answer_frame", "answered_frame", "centre_frame"]


def centre_frame(model: PoseModel) -> int:
    """The frame of a clip that counts in seq2frame use: the one that a funnel always keeps, or else the centre.

    Example:
        >>> import poseglass as pg
        >>> model = pg.create_model("mixste-tiny")
        >>> centre_frame(model), centre_frame(pg.funnel(model, keep=9, at=1, always=20))
        (13, 20)
    """
    return model.always if isinstance(model, Funnel) else model.frames // 2


def answered_frame(model: PoseModel) -> int | None:
    """The only frame of a clip with a valid pose (seq2frame models), or None if all are valid (seq2seq models).

    Example:
        >>> import poseglass as pg
        >>> answered_frame(pg.create_model("mhformer-tiny", card=pg.Card(answers="centre")))
        13
    """
    return centre_frame(model) if isinstance(model, Funnel) or model.card.answers == "centre" else None


@torch.inference_mode()
def answer(
    model: PoseModel,
    pose2d: Float[ndarray, "b f j i"],
    *,
    flip: bool = False,
    skeleton: Skeleton = H36M_17,
    engine: Engine | None = None,
) -> tuple[Float[ndarray, "b _ j 3"], dict[int, Indices]]:
    """The model's poses for clips, and the frames that it kept at each pruning layer. It runs on the model's device.

    Args:
        model: A backbone or hourglass, which predicts all frames, or a funnel, which predicts those that it keeps.
        pose2d: Clips (b f j i), with x centred at 0.
        flip: Average with the mirrored pass: x negated, left and right swapped, in the input and back in the output.
            The mirrored pass keeps the frames that the plain pass kept.
        skeleton: Which joints mirror each other.
        engine: The model's engine; PyTorch if None.

    Returns:
        Poses (b f j 3), or (b k j 3) from a funnel; and the indices of the kept frames (b k), by layer.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> model = pg.hourglass("mixste-tiny", keep=9, at=1)
        >>> poses, kept = answer(model, np.zeros((2, 27, 17, 2), np.float32), flip=True)
        >>> poses.shape, kept[1].shape
        ((2, 27, 17, 3), torch.Size([2, 9]))
    """
    plain = _trace(model, pose2d, engine=engine)
    pose3d: ndarray = plain.pose3d.cpu().numpy()
    if flip:
        mirror = _trace(model, mirrored(pose2d, skeleton), plain.kept, engine=engine)
        pose3d = (pose3d + mirrored(mirror.pose3d.cpu().numpy(), skeleton)) / 2
    return pose3d, plain.kept


def answer_frame(
    model: PoseModel,
    pose2d: Float[ndarray, "b f j i"],
    frame: int,
    *,
    flip: bool = False,
    skeleton: Skeleton = H36M_17,
    engine: Engine | None = None,
) -> Float[ndarray, "b 1 j 3"]:
    """The model's poses for one frame of each clip.

    Args:
        model: A backbone or hourglass, or a funnel that always keeps the frame.
        pose2d: Clips (b f j i), with x centred at 0.
        frame: The frame's index in its clip.
        flip: Average with the mirrored pass, as in :func:`answer`.
        skeleton: Which joints mirror each other.
        engine: The model's engine; PyTorch if None.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> answer_frame(pg.funnel("mixste-tiny", keep=9, at=1), np.zeros((2, 27, 17, 2), np.float32), 13).shape
        (2, 1, 17, 3)
    """
    pose3d, kept = answer(model, pose2d, flip=flip, skeleton=skeleton, engine=engine)
    place = np.full(len(pose3d), frame)
    if isinstance(model, Funnel):
        place = (kept[max(kept)].cpu().numpy() == frame).argmax(1)
    return np.take_along_axis(pose3d, place[:, None, None, None], 1)


def _trace(
    model: PoseModel,
    pose2d: Float[ndarray, "b f j i"],
    kept: dict[int, Indices] | None = None,
    *,
    engine: Engine | None,
) -> Trace:
    if engine is not None:
        return engine.trace(pose2d, kept=kept)
    clips = torch.from_numpy(pose2d).to(devices.device_of(model))
    return model.trace(clips, kept=kept) if isinstance(model, Hourglass | Funnel) else Trace(model(clips), {})
