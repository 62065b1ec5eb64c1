"""Checks that stop the preparation of a faulty data set."""

import numpy as np
import pytest

from oracle import bodies
from poseglass import H36M_17
from poseglass.data.checks.dataset import check_bones, check_finite, numbers
from poseglass.errors import DataError

# Metres from each joint to its parent, of adults.
RANGES = {
    "hip": (0.05, 0.22),
    "knee": (0.30, 0.60),
    "ankle": (0.28, 0.60),
    "shoulder": (0.07, 0.28),
    "elbow": (0.18, 0.42),
    "wrist": (0.15, 0.40),
}


def stretched(kind: str, length: float, sides: tuple[str, ...] = ("left", "right")) -> np.ndarray:
    """A standing person whose bones of one kind have a given length."""
    points = np.tile(bodies.body(H36M_17.joints), (3, 1, 1))
    for side in sides:
        joint = H36M_17.index(f"{side}_{kind}")
        parent = H36M_17.parents[joint]
        bone = points[:, joint] - points[:, parent]
        points[:, joint] = points[:, parent] + bone * length / np.linalg.norm(bone, axis=-1, keepdims=True)
    return points


@pytest.mark.parametrize("kind", RANGES)
def test_bones_must_have_human_lengths(kind):
    low, high = RANGES[kind]
    for length in (0.99 * low, 1.01 * high):
        with pytest.raises(DataError, match=rf"walk: .*the bone to right_{kind} is .* m long, not {low:g} to {high:g}"):
            check_bones(stretched(kind, length), H36M_17, "walk")


@pytest.mark.parametrize("ratio", [1.24, 1.26])
def test_left_and_right_must_be_about_equal(ratio):
    points = stretched("wrist", 0.2)
    arm = stretched("wrist", 0.2 * ratio, ("left",))
    points[:, H36M_17.index("left_wrist")] = arm[:, H36M_17.index("left_wrist")]
    if ratio < 1.25:
        check_bones(points, H36M_17, "walk")
    else:
        with pytest.raises(DataError, match=r"the bone to left_wrist is 0\.252 m long and its right twin 0\.2 m"):
            check_bones(points, H36M_17, "walk")


def test_the_first_frame_that_is_not_finite_is_named():
    points = np.zeros((9, 17, 3))
    check_finite(points, "walk")
    points[4, 3, 1], points[7] = np.inf, np.nan
    with pytest.raises(DataError, match="walk: 2 of 9 frames are not finite, the first is frame 4"):
        check_finite(points, "walk")


@pytest.mark.parametrize("value", ["text", None, [[1, 2], [3]], {"a": 1}])
def test_only_finite_numbers_pass(value):
    with pytest.raises(DataError, match=r"a\.npz: expected an array of numbers"):
        numbers(value, "a.npz")
    assert numbers([[True, False]], "a.npz").shape == (1, 2)
