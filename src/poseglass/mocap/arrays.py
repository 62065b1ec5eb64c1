"""Readers of NumPy arrays of points: bare ``.npy``, and ``.npz`` with joint names, frame rate and time stamps."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError
from poseglass.files.arrays import array_sizes, read_arrays
from poseglass.mocap.humaneva import MEMBER, read_humaneva
from poseglass.mocap.neutral_body import neutral_bones
from poseglass.mocap.rigid import NamedMotion, RigidMotion
from poseglass.mocap.smpl import read_amass
from poseglass.mocap.text import SHOWN_TEXT
from poseglass.mocap.tracks import PointTracks

__all__ = ["read_npy", "read_npz"]

LARGEST = 1 << 32  # bytes of an unpacked array: 6 hours of 52 joints at 120 frames per second
KEYS = ("points", "joints", "fps", "timestamps", "valid", "space")


def read_npy(path: Path, names: Sequence[str]) -> PointTracks:
    """Read an array of points (f j 3) with the given joint names.

    Raises:
        FormatError: The file is missing or broken, the array has another shape, or the names do not fit it.

    Example:
        >>> import numpy as np
        >>> np.save("hips.npy", np.zeros((90, 2, 3)))
        >>> read_npy(Path("hips.npy"), ["left_hip", "right_hip"]).points.shape
        (90, 2, 3)
    """
    try:
        points = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as problem:
        raise FormatError(f"cannot read {path}: {problem.strerror or problem}") from None
    except (ValueError, EOFError) as problem:
        raise FormatError(f"{path} is not an array of numbers, or was cut off: {problem}") from None
    return _tracks(path, {"points": points}, names)


def read_npz(path: Path, names: Sequence[str] = ()) -> PointTracks | RigidMotion | list[NamedMotion]:
    """Read an archive of points, of SMPL's rotations, or of HumanEva.

    - ``points`` (f j 3), and optionally ``joints``, ``fps``, ``timestamps`` (seconds), ``valid`` (per frame) and
      ``space``, as `poseglass.PoseSequence.save` writes them;
    - ``poses`` and ``trans`` in the layout of AMASS, which move a neutral body (:mod:`poseglass.mocap.neutral_body`);
    - ``positions_3d`` in VideoPose3D's form of HumanEva (:mod:`poseglass.mocap.humaneva`).

    Args:
        path: The file.
        names: Joint names, used if the archive has no ``joints``.

    Raises:
        FormatError: The file is missing or broken, holds none of these, or its arrays do not fit each other.

    Example:
        >>> import numpy as np
        >>> np.savez("hips.npz", points=np.zeros((90, 2, 3)), joints=["left_hip", "right_hip"], fps=30)
        >>> read_npz(Path("hips.npz")).fps
        30.0
    """
    try:
        sizes = array_sizes(path)
    except FormatError as problem:
        raise FormatError(f"{path}: {problem}") from None
    if largest := [key for key, size in sizes.items() if size > LARGEST]:
        text = f"unpacked, its array {largest[0]!r} would have {sizes[largest[0]]:,} bytes"
        raise FormatError(f"{path}: {text}; expected at most {LARGEST:,}: split the file")
    if "points" not in sizes and MEMBER in sizes:
        return read_humaneva(path)
    if "points" not in sizes and {"trans"} <= sizes.keys() and {"poses", "pose_body"} & sizes.keys():
        return neutral_bones(read_amass(path))
    if "points" not in sizes:
        expected = "an array 'points' (frames, joints, 3), or 'poses' and 'trans' as in AMASS"
        raise FormatError(f"{path}: expected {expected}, got {', '.join(sizes)[:SHOWN_TEXT] or 'nothing'}")
    try:
        arrays = read_arrays(path, KEYS)
    except FormatError as problem:
        raise FormatError(f"{path}: {problem}") from None
    return _tracks(path, arrays, names)


def _tracks(path: Path, arrays: Mapping[str, Any], names: Sequence[str]) -> PointTracks:
    points = arrays["points"]
    if points.ndim != 3 or points.shape[2] != 3 or points.dtype.kind not in "fiu":
        raise FormatError(f"{path}: expected numbers (frames, joints, 3), got {points.dtype} {points.shape}")
    joints = tuple(str(joint) for joint in np.ravel(arrays["joints"])) if "joints" in arrays else tuple(names)
    if not joints:
        raise FormatError(
            f"{path} does not name its {points.shape[1]} joints: name them in motion.toml, as "
            'skeleton = "coco17", skeleton = "smpl22" (HumanML3D) or skeleton = ["hips", "left_knee", ...]'
        )
    if len(joints) != points.shape[1]:
        raise FormatError(f"{path} has {points.shape[1]} joints, but {len(joints)} names: {', '.join(joints)}")
    known: Float[ndarray, "f j 3"] = np.array(points, np.float64)
    try:
        if "valid" in arrays:
            known[~np.asarray(arrays["valid"], bool)] = np.nan
        fps = float(arrays["fps"]) if "fps" in arrays else None
        times = np.asarray(arrays["timestamps"], np.float64) if "timestamps" in arrays else None
    except (IndexError, TypeError, ValueError) as problem:
        raise FormatError(f"{path}: fps, timestamps or valid do not fit its points: {problem}") from None
    if times is not None and times.shape != (len(known),):
        raise FormatError(f"{path}: expected {len(known)} timestamps, one per frame, got {times.size}")
    space = str(arrays.get("space", ""))
    try:
        return PointTracks(joints, known, fps, times=times, space=space if space in ("camera", "world") else None)
    except FormatError as problem:
        raise FormatError(f"{path}: {problem}") from None
