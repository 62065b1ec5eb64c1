"""The processes that share a run's batches."""

import atexit
import os

import pytest
import torch
from torch import distributed

from poseglass.errors import TrainingError
from poseglass.training.reporting import StepReport
from poseglass.training.workers import OnStep, Worker, launched, spawn_workers


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


class TestPlaces:
    """Which device each process takes, and how the processes communicate."""

    @pytest.fixture
    def gpus(self, monkeypatch):
        def build(count: int) -> None:
            monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
            monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
            monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
            monkeypatch.setattr(distributed, "is_nccl_available", lambda: True)

        return build

    @pytest.mark.parametrize(
        ("name", "count", "processes", "chosen", "backend"),
        [
            ("auto", 4, 4, ["cuda:0", "cuda:1", "cuda:2", "cuda:3"], "nccl"),
            ("cuda", 4, 2, ["cuda:0", "cuda:1"], "nccl"),
            ("cuda", 2, 3, ["cuda:0", "cuda:1", "cuda:0"], "gloo"),
            ("cuda:1", 2, 2, ["cuda:1", "cuda:1"], "gloo"),
            ("cpu", 2, 2, ["cpu", "cpu"], "gloo"),
            ("auto", 0, 2, ["cpu", "cpu"], "gloo"),
            ("auto", 2, 1, ["cuda:0"], "nccl"),
        ],
    )
    def test_each_process_takes_a_gpu_in_turn(self, gpus, name, count, processes, chosen, backend):
        gpus(count)
        team = [Worker(number, processes, number, processes) for number in range(processes)]
        assert [str(worker.device(name)) for worker in team] == chosen
        assert {worker.backend(name) for worker in team} == {backend}

    def test_processes_count_by_machine(self, gpus):
        gpus(2)
        worker = Worker(rank=5, world=6, local_rank=1, local_world=2)
        assert (str(worker.device("auto")), worker.backend("auto")) == ("cuda:1", "nccl")

    def test_a_build_without_nccl_uses_gloo(self, gpus, monkeypatch):
        gpus(2)
        monkeypatch.setattr(distributed, "is_nccl_available", lambda: False)
        assert Worker(0, 2, 0, 2).backend("auto") == "gloo"

    def test_a_launcher_says_which_process_this_is(self, monkeypatch):
        assert launched() == Worker(0, 1, 0, 1)
        monkeypatch.setenv("RANK", "3")
        monkeypatch.setenv("WORLD_SIZE", "4")
        assert launched() == Worker(3, 4, 3, 4), "all on one machine, if the launcher does not say"
        monkeypatch.setenv("LOCAL_RANK", "1")
        monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
        assert launched() == Worker(3, 4, 1, 2)
        monkeypatch.setenv("LOCAL_RANK", "2")
        with pytest.raises(
            TrainingError, match="LOCAL_RANK must be a number below its LOCAL_WORLD_SIZE, got '2' and '2'"
        ):
            launched()
