"""`PointTracks`, units and frame rates."""

import numpy as np
import pytest

from poseglass.errors import FormatError
from poseglass.mocap.tracks import UNITS, PointTracks, frame_rate, unit_of


def test_names_must_be_unique_and_at_least_one():
    with pytest.raises(FormatError, match="expected unique point names, got these more than once: a"):
        PointTracks(("a", "b", "a"), np.zeros((1, 3, 3)))
    with pytest.raises(FormatError, match="expected at least one frame, got none"):
        PointTracks(("a",), np.zeros((0, 1, 3)))
    with pytest.raises(FormatError, match="expected at least one point, got none"):
        PointTracks((), np.zeros((1, 0, 3)))


def test_units_are_given_in_metres():
    assert (UNITS["m"], UNITS["cm"], UNITS["mm"]) == (1, 0.01, 0.001)
    assert unit_of("inches") == unit_of("Inch") == unit_of("in") == UNITS["in"]
    assert [unit_of(word) for word in ("m", "MM", "millimeters", "centimetre", "feet", "mete", "mil", "cm\0")] == [
        *(1, 0.001, 0.001, 0.01, 0.3048, 1, 0.001, 0.01)
    ]
    assert [unit_of(word) for word in ("", "me", "yards", "i", "metersx")] == [None] * 5
    assert 12 * UNITS["in"] == pytest.approx(UNITS["ft"], rel=1e-12)
    assert UNITS["ft"] == 0.3048
    assert {unit_of(word) for word in ("meters", "metres", "meter", "metre")} == {1.0}


@pytest.mark.parametrize("fps", [24, 25, 30, 30000 / 1001, 24000 / 1001, 60000 / 1001, 50, 59.9, 120, 12.5])
def test_the_frame_rate_follows_from_the_time_stamps(fps):
    assert frame_rate(np.arange(1000) / fps) == pytest.approx(fps, rel=1e-9)


def test_a_frame_rate_near_a_whole_number_is_rounded():
    assert frame_rate(np.array([0, 0.1])) == 10
    assert frame_rate(np.array([0, 0.033, 0.067, 0.1])) == 30
    assert frame_rate(np.arange(100) * 0.0166667) == 60
    assert frame_rate(np.arange(100) / (50 * 1.0004)) == 50
    assert frame_rate(np.arange(100) / (50 * 1.0006)) == pytest.approx(50.03, rel=1e-6)


@pytest.mark.parametrize("times", [[], [0.0], [0.0, np.nan], [0.1, 0.1], [1.0, 0.5], [0.2, 0.1, 0.15], [0.1, 0.5, 0.1]])
def test_times_that_do_not_increase_have_no_rate(times):
    assert frame_rate(np.array(times, float)) is None
