"""Run a model on a batch of clips, with or without flip averaging.

Lifting and evaluation both use it.
"""

import torch
from jaxtyping import Float
from numpy import ndarray

from poseglass._shapes import Indices
from poseglass.body.skeleton import H36M_17, Skeleton
from poseglass.clips.mirror import flip as mirrored
from poseglass.models import devices
from poseglass.waist.hourglass import Funnel, Hourglass, PoseModel, Trace

__all__ = ["answer"]


@torch.inference_mode()
def answer(
    model: PoseModel, pose2d: Float[ndarray, "b f j i"], *, flip: bool = False, skeleton: Skeleton = H36M_17
) -> tuple[Float[ndarray, "b _ j 3"], dict[int, Indices]]:
    """The model's poses for clips, and the frames that it kept at each pruning layer. It runs on the model's device.

    Args:
        model: A backbone or hourglass, which predicts all frames, or a funnel, which predicts those that it keeps.
        pose2d: Clips (b f j i), with x centred at 0.
        flip: Average with the mirrored pass: x negated, left and right swapped, in the input and back in the output.
            The mirrored pass keeps the frames that the plain pass kept.
        skeleton: Which joints mirror each other.

    Returns:
        Poses (b f j 3), or (b k j 3) from a funnel; and the indices of the kept frames (b k), by layer.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> model = pg.hourglass("mixste-tiny", keep=9, at=1)
        >>> poses, kept = answer(model, np.zeros((2, 27, 17, 2), np.float32), flip=True)
        >>> poses.shape, kept[1].shape
        ((2, 27, 17, 3), torch.Size([2, 9]))
    """
    plain = _trace(model, pose2d)
    pose3d: ndarray = plain.pose3d.cpu().numpy()
    if flip:
        mirror = _trace(model, mirrored(pose2d, skeleton), plain.kept)
        pose3d = (pose3d + mirrored(mirror.pose3d.cpu().numpy(), skeleton)) / 2
    return pose3d, plain.kept


def _trace(model: PoseModel, pose2d: Float[ndarray, "b f j i"], kept: dict[int, Indices] | None = None) -> Trace:
    clips = torch.from_numpy(pose2d).to(devices.device_of(model))
    return model.trace(clips, kept=kept) if isinstance(model, Hourglass | Funnel) else Trace(model(clips), {})
