"""Facts about Human3.6M (Ionescu et al., PAMI 2014): subjects, actions, joints and cameras. No motion data."""

import json
import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.geometry import Camera
from poseglass.data.recordings.splits import PUBLISHED
from poseglass.errors import DataError

__all__ = [
    "ACTIONS",
    "BAD_TAKES",
    "FPS",
    "KEPT",
    "LICENCE",
    "RENAMED",
    "SOURCES",
    "SUBJECTS",
    "TEST",
    "TRAIN",
    "H36MCamera",
    "action_of",
    "cameras",
    "take_name",
]

TRAIN = PUBLISHED["Human3.6M"]["train"]
TEST = PUBLISHED["Human3.6M"]["test"]
SUBJECTS = TRAIN + TEST
FPS = 50.0
LICENCE = "Human3.6M licence: academic use only, not to be passed on (vision.imar.ro/human3.6m)"

ACTIONS = (
    *("Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing", "Purchases", "Sitting"),
    *("SittingDown", "Smoking", "Waiting", "WalkDog", "Walking", "WalkTogether"),
)
# Other names of two actions in some of the original files.
RENAMED = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"}
# Our names for the field's 2D files, by the part of the file name after "data_2d_h36m_"; other names are kept.
SOURCES = {"gt": "gt", "cpn_ft_h36m_dbb": "cpn", "sh_ft_h36m": "sh"}
# Takes with broken motion capture, which the field leaves out.
BAD_TAKES = {("S11", "Directions")}

# The 17 of the files' 32 joints that form H36M_17, in its order.
KEPT = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)


class H36MCamera(NamedTuple):
    """One of the four cameras, as it was placed for a subject.

    Args:
        name: The camera's serial number, such as 54138969.
        camera: Position (metres), rotation and lens.
        size: Width and height of the images in pixels.
    """

    name: str
    camera: Camera
    size: tuple[int, int]


@cache
def cameras(subject: str) -> tuple[H36MCamera, ...]:
    """Return the four cameras of a subject, in the order of the field's 2D files.

    Raises:
        DataError: No subject of this name has published 3D poses.

    Example:
        >>> [camera.name for camera in cameras("S9")]
        ['54138969', '55011271', '58860488', '60457274']
    """
    table = json.loads((files("poseglass.data.h36m") / "cameras.json").read_text(encoding="utf-8"))
    if subject not in table["extrinsics"]:
        raise DataError(f"Human3.6M has no subject {subject!r} with 3D poses; choose one of {', '.join(SUBJECTS)}")
    result = []
    for inside, outside in zip(table["intrinsics"], table["extrinsics"][subject], strict=True):
        camera = Camera(
            rotation=_rotation(np.array(outside["orientation"])).T,  # the quaternion goes from camera to world
            position=np.array(outside["translation"]) / 1000,
            focal=np.array(inside["focal_length"]),
            centre=np.array(inside["center"]),
            radial=np.array(inside["radial_distortion"]),
            tangential=np.array(inside["tangential_distortion"]),
        )
        result.append(H36MCamera(inside["id"], camera, (inside["res_w"], inside["res_h"])))
    return tuple(result)


def take_name(take: str) -> str:
    """Return a take's name in the field's spelling: ``"WalkingDog 1"`` becomes ``"WalkDog 1"``.

    Raises:
        DataError: There is no such action. The whole name must match: ``"Walk"`` is not ``"Walking"``.

    Example:
        >>> take_name("TakingPhoto"), take_name("Walking 1")
        ('Photo', 'Walking 1')
    """
    match = re.fullmatch(r"([A-Za-z]+)( \d+)?", take)
    action = RENAMED.get(match[1], match[1]) if match else take
    if match is None or action not in ACTIONS:
        raise DataError(f"Human3.6M has no action {take!r}; expected one of {', '.join(ACTIONS)}")
    return action + (match[2] or "")


def action_of(take: str) -> str:
    """Return the action of a take: that of ``"Walking 1"`` is ``"Walking"``.

    Raises:
        DataError: There is no such action.

    Example:
        >>> action_of("WalkingDog 1")
        'WalkDog'
    """
    return take_name(take).partition(" ")[0]


def _rotation(quaternion: Float[ndarray, " 4"]) -> Float[ndarray, "3 3"]:
    """Return the rotation matrix of a quaternion (w, x, y, z)."""
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
