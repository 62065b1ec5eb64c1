"""2D poses against projected 3D poses: distances, warnings, errors, and the camera that fits best."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.data.checks.findings import Findings
from poseglass.data.checks.projection import ProjectionCheck, best_projection
from poseglass.errors import DataError


def poses(frames: int = 20) -> np.ndarray:
    return np.random.default_rng(0).uniform(200, 800, (frames, 17, 2))


def noise(distance: float, frames: int = 20) -> np.ndarray:
    """Offsets of one length in many directions, so that no common offset explains them."""
    angle = np.arange(17) * 2 * np.pi / 17 + np.arange(frames)[:, None]
    return distance * np.stack([np.cos(angle), np.sin(angle)], -1)


def compare(offset: np.ndarray | float) -> ProjectionCheck:
    check = ProjectionCheck(Findings())
    check.compare("cpn", poses() + offset, poses(), place="S1 Walking", usual=20, limit=60)
    return check


@pytest.mark.parametrize(("distance", "warned"), [(0.0, False), (19.9, False), (20.1, True), (59.9, True)])
def test_a_distance_beyond_the_usual_one_gives_a_warning(distance, warned):
    check = compare(noise(distance))
    assert check.distances["cpn"] == pytest.approx([distance])
    expected = f"warning: S1 Walking: cpn is {distance:.0f} pixels (median) from the projected 3D poses"
    assert str(check.findings) == (expected if warned else "")


def test_a_distance_beyond_the_limit_is_an_error():
    with pytest.raises(DataError, match=r"S1 Walking: the 2D poses 'cpn' are 60 pixels \(median\) from"):
        compare(noise(60.1))


def test_a_person_displaced_as_a_whole_gives_only_a_warning():
    for distance in (100, 10_000):
        check = compare(np.array([distance, 0.0]))
        assert len(check.findings.warnings) == 1
    compare(noise(29.9) + np.array([200, 0.0]))
    with pytest.raises(DataError, match="the 2D poses 'cpn'"):
        compare(noise(30.1) + np.array([200, 0.0]))


def test_distances_that_are_unknown_are_an_error():
    with pytest.warns(RuntimeWarning, match="All-NaN"), pytest.raises(DataError, match="nan pixels"):
        compare(np.nan)


def test_the_best_projection_is_exact_for_a_pinhole_camera():
    points = np.random.default_rng(0).normal([0, 0, 4], 0.5, (50, 17, 3))
    pixels = points[..., :2] / points[..., 2:] * [1500, 1490] + [1020, 1030]
    assert_allclose(best_projection(points, pixels), pixels, atol=1e-6)
    assert np.abs(best_projection(points[::-1], pixels) - pixels).max() > 50
