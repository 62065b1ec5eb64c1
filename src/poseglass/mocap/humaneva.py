"""Reader of HumanEva in the form of VideoPose3D: an npz file whose ``positions_3d`` holds all takes of all subjects."""

from pathlib import Path

import numpy as np

from poseglass.errors import FormatError
from poseglass.files.pickled import read_objects
from poseglass.mocap.rigid import NamedMotion
from poseglass.mocap.tracks import PointTracks

__all__ = ["HUMANEVA_15", "MEMBER", "read_humaneva"]

MEMBER = "positions_3d"
FPS = 60.0  # of HumanEva's motion capture after synchronisation with the video: Sigal et al., IJCV 2010, section 3
HUMANEVA_15 = (
    *("pelvis", "thorax", "left_shoulder", "left_elbow", "left_wrist"),
    *("right_shoulder", "right_elbow", "right_wrist", "left_hip", "left_knee", "left_ankle"),
    *("right_hip", "right_knee", "right_ankle", "head"),
)
"""The order of the joints. Source: github.com/facebookresearch/VideoPose3D, which publishes the script for the file."""
H36M_JOINTS = 32  # of Human3.6M, which VideoPose3D stores in the same form


def read_humaneva(path: Path) -> list[NamedMotion]:
    """Read ``data_3d_humaneva15.npz``: subjects such as ``Train/S1``, takes such as ``Walking 1 chunk0``, in metres.

    Raises:
        FormatError: The file is broken, or holds other joints.

    Example:
        >>> takes = {"Train/S1": {"Jog 1": np.zeros((9, 15, 3))}}
        >>> np.savez("data_3d_humaneva15.npz", positions_3d=np.array(takes, dtype=object))
        >>> (jog,) = read_humaneva(Path("data_3d_humaneva15.npz"))
        >>> jog.subject, jog.take, jog.motion.fps
        ('S1', 'Train Jog 1', 60.0)
    """
    content = read_objects(path, MEMBER)
    motions = []
    for subject, takes in content.items() if isinstance(content, dict) else ():
        part, _, person = str(subject).rpartition("/")
        for take, points in takes.items() if isinstance(takes, dict) else ():
            shape: tuple[int, ...] = getattr(points, "shape", ())
            kind = getattr(getattr(points, "dtype", None), "kind", "")
            if shape[1:] == (H36M_JOINTS, 3):
                raise FormatError(f"{path} holds Human3.6M, not HumanEva: prepare it with 'poseglass data h36m'")
            if shape[1:] != (len(HUMANEVA_15), 3) or not shape[0] or kind not in ("f", "i", "u"):
                expected = f"expected numbers (frames, {len(HUMANEVA_15)}, 3)"
                raise FormatError(f"{path}, {subject}, {take}: {expected}, got {type(points).__name__} {shape}")
            tracks = PointTracks(
                HUMANEVA_15,
                np.asarray(points, np.float64),
                FPS,
                unit=1.0,
                up="z",
                notes=(f"HumanEva's {FPS:g} frames per second are assumed",),
            )
            motions.append(NamedMotion(tracks, person, f"{part} {take}".strip()))
    if not motions:
        raise FormatError(
            f"{path}: expected {MEMBER} to hold takes by subject and name, as VideoPose3D stores HumanEva"
        )
    return motions
