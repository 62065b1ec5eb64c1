"""Plain numpy files of one person: ``.npy`` of (frames, joints, 2 or 3), or ``.npz`` with such an array.

In an npz the array is called ``keypoints`` (or is the only one that fits); ``scores`` (frames, joints), ``fps``,
``size`` (width, height) and ``layout``, the skeleton's name, are read where they are there. The third column is a
score.
"""

import numpy as np
from jaxtyping import Float, Num
from numpy import ndarray

from poseglass.body.skeleton import BLAZEPOSE_33, Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints._layout import by_count, find_layout
from poseglass.keypoints._people import Detections, one_person
from poseglass.keypoints._source import Source, numbers

__all__ = ["matches", "read", "split_scores"]


def matches(source: Source) -> bool:
    """Any ``.npy`` or ``.npz`` (that no other format claims)."""
    return source.suffix in (".npy", ".npz")


def read(source: Source, layout: Skeleton | None) -> Detections:
    """The person of every frame; rows of NaN are frames without one.

    Raises:
        FormatError: The file is broken, holds pickled objects, or the layout is missing or wrong.
    """
    arrays = source.arrays() if source.suffix == ".npz" else {"keypoints": _load(source)}
    name, table = _choose(arrays)
    if layout is None and "layout" in arrays:
        layout = find_layout(str(arrays["layout"]))
    skeleton = by_count(table.shape[1], layout, f"the array {name!r}")
    points, scores = split_scores(table, skeleton, f"the array {name!r}")
    if "scores" in arrays:
        given = numbers(arrays["scores"], "the array 'scores'")
        if given.shape != scores.shape:
            raise FormatError(f"the array 'scores' must be {scores.shape} to go with the keypoints, got {given.shape}")
        scores = given
    found = one_person(points, scores, skeleton, _fps(arrays))
    return Detections(skeleton, found.frames, found.fps, _size(arrays))


def split_scores(
    table: Num[ndarray, "f j d"], skeleton: Skeleton, place: str
) -> tuple[Float[ndarray, "f j 2"], Float[ndarray, "f j"]]:
    """Points, and the scores that a third column gives; BlazePose's is a depth, which says nothing of trust.

    Raises:
        FormatError: The third column is no score.
    """
    points = table[..., :2].astype(np.float64)
    if table.shape[2] == 2:
        return points, np.ones(points.shape[:2])
    third = table[..., 2].astype(np.float64)
    known = third[np.isfinite(third)]
    if known.size and (known.min() < -0.1 or known.max() > 1.5):
        if skeleton == BLAZEPOSE_33:
            return points, np.ones(points.shape[:2])
        raise FormatError(
            f"{place}: the third number of a joint must be its score from 0 to 1, but runs from {known.min():.3g} to "
            f"{known.max():.3g}; if it is a depth, leave it out"
        )
    return points, third


def _load(source: Source) -> ndarray:
    try:
        return np.asarray(np.load(source.path, allow_pickle=False))
    except Exception as problem:
        raise FormatError(f"cannot read the array: {problem}") from None


def _choose(arrays: dict[str, ndarray]) -> tuple[str, ndarray]:
    """The array of keypoints and its name."""
    fitting = [
        name
        for name, array in arrays.items()
        if array.ndim == 3 and array.shape[2] in (2, 3) and len(array) and array.dtype.kind in "fiu"
    ]
    if "keypoints" in fitting:
        return "keypoints", arrays["keypoints"]
    if len(fitting) == 1:
        return fitting[0], arrays[fitting[0]]
    shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
    what = "several arrays fit; call the one to read 'keypoints'" if fitting else "none is"
    raise FormatError(f"an array (frames, joints, 2 or 3) of numbers is expected, and {what}; there are: {shapes}")


def _fps(arrays: dict[str, ndarray]) -> float | None:
    return float(numbers(arrays["fps"], "fps").reshape(-1)[0]) if "fps" in arrays and arrays["fps"].size else None


def _size(arrays: dict[str, ndarray]) -> tuple[int, int] | None:
    if "size" not in arrays:
        return None
    sides = numbers(arrays["size"], "size").reshape(-1)
    if len(sides) != 2 or not np.isfinite(sides).all():
        raise FormatError(f"size must be a width and a height, got {sides.tolist()}")
    return int(sides[0]), int(sides[1])
