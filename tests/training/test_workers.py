"""The processes that share a run's batches."""

import atexit
import os

import pytest

from poseglass.errors import TrainingError
from poseglass.training.reporting import StepReport
from poseglass.training.workers import OnStep, Worker, spawn_workers


def abort_at_exit(worker: Worker, report: OnStep) -> None:
    atexit.register(os.abort)
    report(StepReport(worker.rank + 1))


def abort(worker: Worker, report: OnStep) -> None:
    os.abort()


def test_a_worker_that_aborts_while_python_shuts_down_has_done_its_work():
    reports: list[StepReport] = []
    spawn_workers(abort_at_exit, 2, reports.append)
    assert [report.step for report in reports] == [1]


def test_a_worker_that_aborts_at_work_fails_the_run():
    with pytest.raises(TrainingError, match=r"one of 2 workers ended.*SIGABRT.*start again to resume"):
        spawn_workers(abort, 2, lambda report: None)
