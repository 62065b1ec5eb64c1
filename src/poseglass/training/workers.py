"""Several processes, on one or more machines, that train together by averaging their gradients.

They communicate through NCCL if each process has a GPU of its own, and through gloo otherwise. They use these directly
rather than `DistributedDataParallel`. That class would need a funnel's training pass as a module
of its own, would search for parameters without a gradient in each step, and reorders its buckets after the first step,
so a resumed run might not sum gradients in the order of an uninterrupted one.
"""

import logging
import multiprocessing
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection
from threading import Thread
from typing import Literal

import torch
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException, spawn

from poseglass import errors
from poseglass.errors import TrainingError
from poseglass.models import devices
from poseglass.training.reporting import StepReport, silent

__all__ = ["OnStep", "Worker", "averaged", "check_together", "launched", "spawn_workers", "together"]

PATIENCE = timedelta(hours=3)  # maximum wait while the first worker validates; the death of a worker is noticed at once
UNNUMBERED = ("auto", "cuda")  # values of `run.device` that leave the choice of a GPU to poseglass

OnStep = Callable[[StepReport], None]


@dataclass(frozen=True)
class Worker:
    """A process of a run.

    Attributes:
        rank: Its number among all processes; the first one validates and writes.
        world: How many processes there are.
        local_rank: Its number among those of its machine.
        local_world: How many processes its machine has.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1

    def device(self, name: str) -> torch.device:
        """The device that a recipe's `run.device` means for this process: several processes take GPUs in turn.

        Raises:
            ModelError: There is no such device.

        Example:
            >>> Worker(rank=1, world=2, local_rank=1, local_world=2).device("cpu")
            device(type='cpu')
        """
        where = devices.device(name)
        if where.type == "cuda" and name in UNNUMBERED and self.local_world > 1:
            return torch.device("cuda", self.local_rank % torch.cuda.device_count())
        return where

    def backend(self, name: str) -> Literal["nccl", "gloo"]:
        """How the processes communicate: NCCL needs a GPU for each of a machine's processes."""
        own = name in UNNUMBERED and self.local_world <= torch.cuda.device_count()
        nccl = self.device(name).type == "cuda" and own and distributed.is_nccl_available()
        return "nccl" if nccl else "gloo"


def launched() -> Worker:
    """This process among those that a launcher such as ``torchrun`` started; the only one if there is no launcher.

    Raises:
        TrainingError: The launcher's variables are not valid numbers.
    """
    rank, world = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
    place = os.environ.get("LOCAL_RANK", rank), os.environ.get("LOCAL_WORLD_SIZE", world)
    for number, count, names in ((rank, world, "RANK WORLD_SIZE"), (*place, "LOCAL_RANK LOCAL_WORLD_SIZE")):
        if not (number.isdecimal() and count.isdecimal() and int(number) < int(count)):
            raise TrainingError(
                f"the launcher's {' must be a number below its '.join(names.split())}, got {number!r} and {count!r}; "
                "start with torchrun, or without these variables"
            )
    return Worker(int(rank), int(world), int(place[0]), int(place[1]))


def spawn_workers(work: Callable[[Worker, OnStep], None], workers: int, report: OnStep, *, device: str = "cpu") -> None:
    """Run `work` in several processes of this machine, each with its share of the cores, and wait for them.

    Args:
        work: Called in each process with its :class:`Worker` and the callback for its reports. It must be importable
            by name, as pickle requires. The workers are already connected then (:func:`together`).
        workers: The number of processes.
        report: Receives the reports of the first worker, in this process.
        device: The recipe's `run.device`.

    Raises:
        PoseglassError: The worker's own error if the input was at fault, otherwise a :class:`TrainingError`.
    """
    receiver, sender = multiprocessing.Pipe(duplex=False)
    relay = Thread(target=_relay, args=(receiver, report), daemon=True)
    relay.start()
    with tempfile.TemporaryDirectory() as meeting:
        process = partial(
            _process, work=work, workers=workers, device=device, meeting=f"file://{meeting}/workers", reports=sender
        )  # fmt: skip
        try:
            spawn(process, nprocs=workers)
        except (ProcessRaisedException, ProcessExitedException) as problem:
            reason = str(problem).strip().splitlines()[-1]
            ours = re.match(r"poseglass\.errors\.(\w+): (?!another worker)(.*)", reason)
            if ours:  # the input is wrong, so a restart would not help
                raise getattr(errors, ours[1])(ours[2]) from None
            raise TrainingError(
                f"one of {workers} workers ended, which stopped all: {reason}; start again to resume"
            ) from None
        finally:
            sender.close()
            relay.join(timeout=5)


def _relay(receiver: Connection, report: OnStep) -> None:
    """Pass on reports until the last process that can send them has ended."""
    while True:
        try:
            received = receiver.recv()
        except (EOFError, OSError):
            return
        report(received)


def _process(
    rank: int, *, work: Callable[[Worker, OnStep], None], workers: int, device: str, meeting: str, reports: Connection
) -> None:
    """Run `work` in a spawned process, and end the process if that succeeds."""
    _end_with_parent()
    logging.getLogger("poseglass").addHandler(logging.NullHandler())  # the parent logs
    torch.set_num_threads(max((os.cpu_count() or 1) // workers, 1))
    worker = Worker(rank, workers, rank, workers)
    with together(meeting, worker, device):
        work(worker, reports.send if rank == 0 else silent)
        # All files are written. End without disconnecting and without shutting Python down: gloo's threads can abort
        # the process meanwhile (pytorch/pytorch#179291), and the finished run would count as failed.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _end_with_parent() -> None:
    """End this process as soon as its parent has ended for any reason.

    torch sends an interrupt in that case, but the children of a background script ignore interrupts.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)  # a run may be killed at any moment

    Thread(target=watch, daemon=True).start()


@contextmanager
def together(meeting: str, worker: Worker, device: str) -> Iterator[None]:
    """Connect the workers for the duration of the block.

    Args:
        meeting: The meeting place, as torch's `init_method`: ``env://`` with a launcher, else ``file://...``.
        worker: This process.
        device: The recipe's `run.device`.

    Raises:
        TrainingError: The other workers do not connect.
    """
    backend = worker.backend(device)
    try:
        distributed.init_process_group(
            backend,
            init_method=meeting,
            rank=worker.rank,
            world_size=worker.world,
            timeout=PATIENCE,
            device_id=worker.device(device) if backend == "nccl" else None,
        )
    except (ValueError, RuntimeError) as problem:
        raise TrainingError(
            f"worker {worker.rank} of {worker.world} could not connect to the others: {problem}"
        ) from None
    yield
    # Only after success: gloo may abort a worker that leaves after another has ended, and its error would be lost.
    distributed.destroy_process_group()


def check_together(step: int, fingerprint: str, where: torch.device) -> None:
    """Make sure that all workers are at the same step with the same data. A single process needs no check.

    Args:
        step: The step at which this worker starts.
        fingerprint: That of its data.
        where: Its device.

    Raises:
        TrainingError: They are not, for example because machines do not see the same folder, or a worker has ended.
    """
    if not distributed.is_initialized():
        return
    mine = _sendable(torch.tensor([step, int(fingerprint, 16)], device=where))
    every = [torch.empty_like(mine) for _ in range(distributed.get_world_size())]
    with _communicating():
        distributed.all_gather(every, mine)
    if any(not torch.equal(each, mine) for each in every):
        states = ", ".join(f"step {int(each[0])} with data {int(each[1]):012x}" for each in every)
        raise TrainingError(
            f"the workers do not agree: they start at {states}; give all of them the same run folder and the same data"
        )


def averaged(loss: Tensor, parameters: Iterable[nn.Parameter]) -> Tensor:
    """Return the mean loss of all workers, and replace the parameters' gradients by their mean over the workers.

    The loss stays on its device, so that nothing waits for a GPU.

    Raises:
        TrainingError: Another worker has ended.
    """
    if not distributed.is_initialized():
        return loss.detach()
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = _sendable(nn.utils.parameters_to_vector([*gradients, loss.detach()]))
    with _communicating():
        distributed.all_reduce(flat)
    flat = (flat / distributed.get_world_size()).to(loss.device)
    nn.utils.vector_to_parameters(flat[:-1], gradients)
    return flat[-1]


def _sendable(x: Tensor) -> Tensor:
    """The tensor where it can be sent to other workers: gloo sends from the CPU."""
    return x if distributed.get_backend() == "nccl" else x.cpu()


@contextmanager
def _communicating() -> Iterator[None]:
    """Turn an error of communication into a :class:`TrainingError`: it means that another worker has ended."""
    try:
        yield
    except RuntimeError as problem:
        raise TrainingError(f"another worker has ended ({problem}); start again to resume") from None
