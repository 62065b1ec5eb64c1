"""Progress of a run: log lines everywhere, and a bar on a terminal."""

import logging
import re

import pytest

from poseglass.training import reporting
from poseglass.training.reporting import Reporter, StepReport

LOGGER = "poseglass.training.reporting"


def show(steps: int, reports: list[StepReport], *, bar: bool = False) -> None:
    with Reporter(steps, bar=bar, device="mps") as reporter:
        for report in reports:
            reporter(report)


@pytest.fixture
def log(caplog) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, LOGGER)
    return caplog


def test_the_start_and_each_validation_are_logged(log):
    show(9, [StepReport(3), StepReport(4, 0.5), StepReport(5, 0.25, "P-MPJPE 81.0 mm", 0.031), StepReport(6, 0.2)])
    assert log.messages[0] == "training from step 3 to 9 on mps"
    pattern = r"step 5 of 9: loss 0.2500, P-MPJPE 81.0 mm, waited 3% of the time for data, \S+ steps/s, \d+ min left"
    assert re.fullmatch(pattern, log.messages[1])
    assert len(log.messages) == 2


def test_progress_is_logged_at_least_every_minute(log, monkeypatch):
    now = 0.0
    monkeypatch.setattr(reporting, "monotonic", lambda: now)
    with Reporter(1000, bar=False) as reporter:
        reporter(StepReport(0))
        for step in range(1, 301):  # one second per step
            now += 1
            reporter(StepReport(step, 0.5))
    assert log.messages[1:] == [f"step {n} of 1000: loss 0.5000, 1 steps/s, {round((1000 - n) / 60)} min left"
                         for n in range(60, 301, 60)]  # fmt: skip


def test_a_finished_run_is_logged_as_done(log):
    show(9, [StepReport(9)])
    assert log.messages == ["all 9 steps are done"]


def test_without_a_terminal_there_is_no_bar(capfd):
    show(1, [StepReport(0), StepReport(1, 0.5, "MPJPE 81.0 mm")], bar=True)
    assert capfd.readouterr() == ("", "")


def test_the_bar_fits_a_terminal_of_80_columns(capfd, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    show(5000, [StepReport(0), StepReport(5000, 0.5, "P-MPJPE 181.0 mm", 0.12)], bar=True)
    out, shown = capfd.readouterr()
    assert not out
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert re.search(r"training .* 5000/5000 .* P-MPJPE 181.0 mm, waited 12%", plain), "the line is complete"
    assert max(map(len, re.split(r"[\r\n]", plain))) <= 80
