"""Plain numpy files: ``.npy`` of (frames, joints, 2 or 3) or (frames, people, joints, 2 or 3), or ``.npz`` with it.

(people, frames, joints, 2 or 3) is read too, if the sizes tell which is which (:mod:`poseglass.keypoints.axes`).

In an npz, the array is named ``keypoints`` or is the only one of that shape. The arrays ``scores`` (of the same shape
without the last axis), ``fps`` or ``timestamps`` (frames), ``size`` (width, height), ``layout``, the skeleton's name,
and ``axes``, ``"frames people"`` or ``"people frames"``, are optional. So is ``ids`` (frames, people), the numbers of a
tracker, below 0 if unknown. The third column is a score.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Num
from numpy import ndarray

from poseglass.body.skeleton import BLAZEPOSE_33, Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.axes import frames_first, notes_on_order
from poseglass.keypoints.clock import with_times
from poseglass.keypoints.file import RAGGED, KeypointFile
from poseglass.keypoints.frames import KeypointFrames, detected
from poseglass.keypoints.layouts import find_layout, layout_by_count
from poseglass.keypoints.names import SCORE_KEYS
from poseglass.keypoints.parsing import parse_numbers

__all__ = ["matches", "people_of_array", "read", "split_scores"]

TIME_ARRAYS = ("timestamps", "times", "seconds", "time")


def matches(file: KeypointFile) -> bool:
    """Whether the file is an ``.npy`` or ``.npz``. Formats with particular arrays must be tried first."""
    return file.suffix in (".npy", ".npz")


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every frame. Rows of NaN are frames without the person.

    Raises:
        FormatError: The file is damaged or holds pickled objects, the layout is missing or wrong, or the order of the
            axes is unknown.
    """
    arrays = file.arrays() if file.suffix == ".npz" else {"keypoints": _load(file)}
    name, table = _choose(arrays)
    if layout is None and "layout" in arrays:
        layout = find_layout(str(arrays["layout"]))
    scores = next((arrays[key] for key in SCORE_KEYS if key in arrays and key != name), None)
    content = people_of_array(
        table,
        f"the array {name!r}",
        layout_by_count(table.shape[-2], layout, f"the array {name!r}"),
        scores=scores,
        ids=arrays.get("ids"),
        order=str(arrays["axes"]) if "axes" in arrays else None,
    )
    times = next((arrays[key] for key in TIME_ARRAYS if key in arrays), None)
    if times is not None:
        times = parse_numbers(times, "the times").reshape(-1)
        if len(times) != len(content.frames):
            raise FormatError(f"there must be one time per frame, {len(content.frames)}, got {len(times)}")
        content = with_times(content, times.tolist(), "the times", unit=None)
    fps = _fps(arrays)
    return replace(content, fps=content.fps if fps is None else fps, size=_size(arrays))


def people_of_array(
    table: Num[ndarray, "..."],
    place: str,
    skeleton: Skeleton,
    *,
    scores: Num[ndarray, "..."] | None = None,
    ids: Num[ndarray, "..."] | None = None,
    order: str | None = None,
) -> KeypointFrames:
    """The people of an array of three or four axes; see :func:`poseglass.keypoints.axes.frames_first`.

    Args:
        table: The array.
        place: What error messages call it.
        skeleton: The joints; those that follow are not used.
        scores: The scores, of the same shape without the last axis, or with an axis of length 1. Default: the third
            column, else 1.
        ids: The numbers of a tracker (frames, people), below 0 if unknown.
        order: The order of the first two axes, if it is known.

    Raises:
        FormatError: An array has another shape, or holds no scores.
    """
    points, confidence = split_scores(table, skeleton, place)
    if scores is not None:
        given = parse_numbers(scores, "the array 'scores'")
        if given.shape not in (confidence.shape, (*confidence.shape, 1)):
            raise FormatError(
                f"the array 'scores' must have shape {confidence.shape} to match the keypoints, got {given.shape}"
            )
        confidence = given.reshape(confidence.shape)
    full = frames_first(np.concatenate([points, confidence[..., None]], -1), place, order)  # f p j 3
    known = np.isfinite(full[..., :2]).all(-1).any(-1)  # f p
    numbers = None if ids is None else _ids(ids, known.shape)
    frames = {
        frame: [
            detected(
                full[frame, person, :, :2],
                full[frame, person, :, 2],
                skeleton,
                None if numbers is None else float(numbers[frame, person]),
            )
            for person in np.flatnonzero(known[frame])
        ]
        for frame in range(len(full))
    }
    return KeypointFrames(skeleton, frames, notes=() if order else notes_on_order(table.shape, place))


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
        table = np.load(file.path, allow_pickle=False, mmap_mode="r")  # a header that claims too much is refused
        return np.asarray(table)
    except Exception as problem:
        hint = RAGGED if "bject" in str(problem) else ""
        raise FormatError(f"cannot read the array: {problem}{hint}") from None


def _choose(arrays: Mapping[str, ndarray]) -> tuple[str, ndarray]:
    """Find the array of keypoints, and its name."""
    fitting = [
        name
        for name, array in arrays.items()
        if array.ndim in (3, 4)
        and array.shape[-1] in (2, 3)
        and array.size
        and array.dtype.kind in "fiu"
        and name not in SCORE_KEYS
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


def _ids(array: Num[ndarray, "..."], shape: tuple[int, ...]) -> Num[ndarray, "f p"]:
    ids = parse_numbers(array, "the array 'ids'")
    if ids.shape != shape:
        raise FormatError(f"the array 'ids' must have shape {shape}, a number per frame and person, got {ids.shape}")
    return ids


def _fps(arrays: Mapping[str, ndarray]) -> float | None:
    return float(parse_numbers(arrays["fps"], "fps").reshape(-1)[0]) if "fps" in arrays and arrays["fps"].size else None


def _size(arrays: Mapping[str, ndarray]) -> tuple[int, int] | None:
    if "size" not in arrays:
        return None
    sides = parse_numbers(arrays["size"], "size").reshape(-1)
    if len(sides) != 2 or not np.isfinite(sides).all():
        raise FormatError(f"size must be a finite width and height, got {sides.tolist()}")
    return int(sides[0]), int(sides[1])
