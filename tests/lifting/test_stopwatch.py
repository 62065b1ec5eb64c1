"""The stopwatch counts busy seconds per stage."""

import time

import pytest

from poseglass.lifting import stopwatch as module
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


def test_each_block_adds_its_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 3.0, 10.0, 14.0, 20.0, 21.0, 30.0])
    monkeypatch.setattr(module, "perf_counter", lambda: next(clock))
    stopwatch = Stopwatch()  # at 0
    for options in ({}, {"sign": 1}, {"sign": -1}):
        with stopwatch.timing("draw", **options):  # from 1 to 3, from 10 to 14, from 20 to 21
            pass
    assert stopwatch.seconds == {"draw": 2 + 4 - 1}
    assert stopwatch.elapsed == 30


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
