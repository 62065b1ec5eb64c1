"""From pixels to a model's input, in tensor operations that an ONNX file can hold."""

import torch
from jaxtyping import Float
from torch import Tensor

from poseglass.body.geometry import USUAL_FOCAL
from poseglass.clips.person import pelvis_path, person_coordinates
from poseglass.clips.sides import steady_sides

__all__ = ["view_from_pixels"]


def view_from_pixels(
    points: Float[Tensor, "b f 17 2"], scores: Float[Tensor, "b f 17"], camera: Float[Tensor, " 3"]
) -> tuple[Float[Tensor, "b f 17 3"], Float[Tensor, "b f 3 3"]]:
    """Person coordinates, and the rotations into camera space: :func:`poseglass.clips.view.person_view` in tensors.

    Args:
        points: Human3.6M joints in pixels (b f 17 2).
        scores: Their confidence (b f 17); joints with score 0 are unknown.
        camera: Width and height of the image and the focal length, in pixels (3). A focal length of 0 means that of an
            ordinary lens.

    Example:
        >>> camera = torch.tensor([1920.0, 1080.0, 0.0])
        >>> pose2d, rotation = view_from_pixels(torch.zeros(1, 9, 17, 2), torch.ones(1, 9, 17), camera)
        >>> pose2d.shape, rotation.shape
        (torch.Size([1, 9, 17, 3]), torch.Size([1, 9, 3, 3]))
    """
    joints, confidence = steady_sides(points.double(), scores.double())
    size = camera[:2].double()
    focal = torch.where(camera[2] > 0, camera[2].double(), USUAL_FOCAL * torch.maximum(size[0], size[1]))
    middle = size / 2
    path = pelvis_path(joints, confidence)
    path = path.where(path.isnan().logical_not(), middle)  # without a known joint: the middle of the image
    flat = (path - middle) / focal  # b f 2
    x, y, z = torch.nn.functional.normalize(torch.cat([flat, torch.ones_like(flat[..., :1])], -1), dim=-1).unbind(-1)
    share = 1 / (1 + z)  # as in poseglass.body.geometry.facing
    rows = [1 - share * x * x, -share * x * y, -x, -share * x * y, 1 - share * y * y, -y, x, y, z]
    return person_coordinates(joints, confidence), torch.stack(rows, -1).unflatten(-1, (3, 3)).float()
