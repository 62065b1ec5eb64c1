"""Plain numpy files: ``.npy`` of (frames, joints, 2 or 3) or (frames, people, joints, 2 or 3), or ``.npz`` with it.

In an npz, the array is named ``keypoints`` or is the only one of that shape. The arrays ``scores`` (of the same shape
without the last axis), ``fps``, ``size`` (width, height) and ``layout``, the skeleton's name, are optional. So is
``ids`` (frames, people), the numbers of a tracker, below 0 if unknown. The third column is a score.
"""

import numpy as np
from jaxtyping import Float, Num
from numpy import ndarray

from poseglass.body.skeleton import BLAZEPOSE_33, Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.file import KeypointFile
from poseglass.keypoints.frames import KeypointFrames
from poseglass.keypoints.layouts import find_layout, layout_by_count
from poseglass.keypoints.parsing import parse_numbers
from poseglass.people.detection import DetectedPerson

__all__ = ["matches", "read", "split_scores"]


def matches(file: KeypointFile) -> bool:
    """Whether the file is an ``.npy`` or ``.npz``. Formats with particular arrays must be tried first."""
    return file.suffix in (".npy", ".npz")


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every frame. Rows of NaN are frames without the person.

    Raises:
        FormatError: The file is damaged or holds pickled objects, or the layout is missing or wrong.
    """
    arrays = file.arrays() if file.suffix == ".npz" else {"keypoints": _load(file)}
    name, table = _choose(arrays)
    if layout is None and "layout" in arrays:
        layout = find_layout(str(arrays["layout"]))
    skeleton = layout_by_count(table.shape[-2], layout, f"the array {name!r}")
    points, scores = split_scores(table, skeleton, f"the array {name!r}")
    if "scores" in arrays:
        given = parse_numbers(arrays["scores"], "the array 'scores'")
        if given.shape != scores.shape:
            raise FormatError(
                f"the array 'scores' must have shape {scores.shape} to match the keypoints, got {given.shape}"
            )
        scores = given
    if table.ndim == 3:
        points, scores = points[:, None], scores[:, None]  # f 1 j 2, f 1 j
    known = np.isfinite(points).all(-1).any(-1)  # f p
    ids = _ids(arrays, known.shape)
    frames = {
        frame: [
            DetectedPerson(
                points[frame, p], scores[frame, p], None if ids is None or ids[frame][p] < 0 else ids[frame][p]
            )
            for p in np.flatnonzero(known[frame])
        ]
        for frame in range(len(points))
    }
    return KeypointFrames(skeleton, frames, _fps(arrays), _size(arrays))


def split_scores(
    table: Num[ndarray, "*b j _"], skeleton: Skeleton, place: str
) -> tuple[Float[ndarray, "*b j 2"], Float[ndarray, "*b j"]]:
    """Split (..., joints, 2 or 3) into points and scores. Without a third column, all scores are 1.

    For BlazePose, a third column outside the range of scores is a depth, and is ignored.

    Raises:
        FormatError: The third column is not a score.
    """
    points = table[..., :2].astype(np.float64)
    if table.shape[-1] == 2:
        return points, np.ones(points.shape[:-1])
    third = table[..., 2].astype(np.float64)
    known = third[np.isfinite(third)]
    if known.size and (known.min() < -0.1 or known.max() > 1.5):
        if skeleton == BLAZEPOSE_33:
            return points, np.ones(points.shape[:-1])
        raise FormatError(
            f"{place}: the third number of a joint must be its score from 0 to 1, but runs from {known.min():.3g} to "
            f"{known.max():.3g}; if it is a depth, leave it out"
        )
    return points, third


def _load(file: KeypointFile) -> ndarray:
    try:
        return np.asarray(np.load(file.path, allow_pickle=False))
    except Exception as problem:
        raise FormatError(f"cannot read the array: {problem}") from None


def _choose(arrays: dict[str, ndarray]) -> tuple[str, ndarray]:
    """Find the array of keypoints, and its name."""
    fitting = [
        name
        for name, array in arrays.items()
        if array.ndim in (3, 4) and array.shape[-1] in (2, 3) and len(array) and array.dtype.kind in "fiu"
    ]
    if "keypoints" in fitting:
        return "keypoints", arrays["keypoints"]
    if len(fitting) == 1:
        return fitting[0], arrays[fitting[0]]
    shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
    problem = "several arrays fit; name the right one 'keypoints'" if fitting else "no array fits"
    raise FormatError(
        "expected one array of numbers of shape (frames, joints, 2 or 3) or (frames, people, joints, 2 or 3), "
        f"but {problem}; got {shapes}"
    )


def _ids(arrays: dict[str, ndarray], shape: tuple[int, ...]) -> list[list[int]] | None:
    if "ids" not in arrays:
        return None
    ids = parse_numbers(arrays["ids"], "the array 'ids'")
    if ids.shape != shape:
        raise FormatError(f"the array 'ids' must have shape {shape}, a number per frame and person, got {ids.shape}")
    numbers: list[list[int]] = np.where(np.isfinite(ids), ids, -1).astype(int).tolist()
    return numbers


def _fps(arrays: dict[str, ndarray]) -> float | None:
    return float(parse_numbers(arrays["fps"], "fps").reshape(-1)[0]) if "fps" in arrays and arrays["fps"].size else None


def _size(arrays: dict[str, ndarray]) -> tuple[int, int] | None:
    if "size" not in arrays:
        return None
    sides = parse_numbers(arrays["size"], "size").reshape(-1)
    if len(sides) != 2 or not np.isfinite(sides).all():
        raise FormatError(f"size must be a finite width and height, got {sides.tolist()}")
    return int(sides[0]), int(sides[1])
