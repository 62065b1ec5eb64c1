"""Where a detector places the joints of each layout: not quite where motion capture has them.

Detectors learn from points that people marked in images. Their hips are closer together than Human3.6M's and their
shoulders wider. :func:`place` moves the joints before they are projected.
"""

from jaxtyping import Float, Int
from torch import Tensor

from poseglass.clips.constants import constant
from poseglass.data.virtual.draws import Draws
from poseglass.data.virtual.face import H36M_FACE
from poseglass.data.virtual.layouts import LAYOUTS
from poseglass.data.virtual.limbs import trunk_axes
from poseglass.data.virtual.vectors import length

__all__ = ["WIDTHS", "place"]

# The distances between the hips and between the shoulders as shares of the distance between their midpoints, when the
# person faces the camera: medians over the most frontal quarter of real files (docs/training.md). COCO takes the mean
# of its own and Halpe's, BODY_25 lacks a file and takes Halpe's. None keeps the person's own width.
WIDTHS: dict[str, tuple[float, float] | None] = {
    "h36m17": None,
    "coco17": (0.38, 0.77),
    "halpe26": (0.41, 0.70),
    "body25": (0.41, 0.70),
    "blazepose33": (0.40, 0.67),
}
WIDTH_SPREAD = 0.12  # standard deviation of the logarithm of a width's factor, over clips; our own choice
PULL = 0.7  # how far a detector's widths are the layout's (1) rather than the person's own (0); our own choice
SPREAD = 0.010  # standard deviation in metres of a joint's constant offset along each axis of the trunk; our own choice
LEFT_HIP, RIGHT_HIP, LEFT_SHOULDER, RIGHT_SHOULDER = (
    H36M_FACE.index(f"{side}_{part}") for part in ("hip", "shoulder") for side in ("left", "right")
)
PELVIS, NECK = H36M_FACE.index("pelvis"), H36M_FACE.index("neck")


def place(draws: Draws, joints: Float[Tensor, "b f 23 3"], layout: Int[Tensor, " b"]) -> Float[Tensor, "b f 23 3"]:
    """Move joints to where a detector of the layout would place them.

    Args:
        draws: The source of randomness.
        joints: The joints of :data:`poseglass.data.virtual.face.H36M_FACE` (b f 23 3), metres.
        layout: The number of each clip's layout in :data:`poseglass.data.virtual.layouts.LAYOUTS` (b).

    Returns:
        Moved joints (b f 23 3): hips and shoulders at the layout's widths, every joint a centimetre off.

    Example:
        >>> import torch
        >>> from poseglass.data.virtual.draws import TorchDraws
        >>> draws = TorchDraws(torch.Generator().manual_seed(0))
        >>> [*place(draws, torch.randn(2, 9, 23, 3), torch.tensor([0, 1])).shape]
        [2, 9, 23, 3]
    """
    count, device = len(joints), joints.device
    offset = SPREAD * draws.normal(count, 1, len(H36M_FACE), 3)
    offset = offset @ trunk_axes(joints[:, :, :17], hips=False).mT  # b f 23 3, in the world
    hips = (joints[:, :, LEFT_HIP] + joints[:, :, RIGHT_HIP]) / 2
    shoulders = (joints[:, :, LEFT_SHOULDER] + joints[:, :, RIGHT_SHOULDER]) / 2
    trunk = length(shoulders - hips)[..., None].mean(1, keepdim=True)  # b 1 1
    pairs = ((LEFT_HIP, RIGHT_HIP, PELVIS), (LEFT_SHOULDER, RIGHT_SHOULDER, NECK))
    for pair, (left, right, middle) in enumerate(pairs):
        ratios = tuple(0.0 if WIDTHS[each.name] is None else WIDTHS[each.name][pair] for each in LAYOUTS)  # type: ignore[index]
        ratio = constant(ratios, device, joints.dtype)[layout][:, None, None]  # b 1 1
        across = joints[:, :, left] - joints[:, :, right]
        own = length(across)[..., None].mean(1, keepdim=True).clamp(min=1e-6)
        factor = (PULL * (ratio * trunk / own).clamp(min=1e-6).log() + WIDTH_SPREAD * draws.normal(count, 1, 1)).exp()
        shift = across * (factor.where(ratio > 0, 1) - 1) / 2
        offset[:, :, left] += shift
        offset[:, :, right] -= shift
        offset[:, :, middle] = (offset[:, :, left] + offset[:, :, right]) / 2
    return joints + offset
