"""The stopwatch counts busy seconds per stage."""

import time

import pytest

from poseglass.lifting.stopwatch import Stopwatch


def test_waiting_for_other_stages_does_not_count() -> None:
    def slow(seconds: float):
        for number in range(2):
            time.sleep(seconds)
            yield number

    stopwatch = Stopwatch()
    first = stopwatch.busy("first", slow(0.05))
    second = stopwatch.busy("second", (time.sleep(0.02) or item for item in stopwatch.waiting("second", first)))
    assert list(second) == [0, 1]
    assert stopwatch.seconds["first"] == pytest.approx(0.1, abs=0.03)
    assert stopwatch.seconds["second"] == pytest.approx(0.04, abs=0.03)
    assert 0.14 <= stopwatch.elapsed < 1


def test_seconds_measured_elsewhere_are_added() -> None:
    stopwatch = Stopwatch()
    stopwatch.add("draw", 2.0)
    with stopwatch.timing("draw"):
        pass
    assert stopwatch.seconds["draw"] == pytest.approx(2, abs=0.01)
    stopwatch.seconds["draw"] = 0
    assert stopwatch.seconds["draw"] >= 2, "changing the returned copy has no effect"


def test_an_error_in_a_stage_is_raised() -> None:
    stopwatch = Stopwatch()
    with pytest.raises(LookupError):
        list(stopwatch.busy("read", ({}[key] for key in "abc")))
    assert stopwatch.seconds["read"] >= 0
