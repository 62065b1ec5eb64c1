"""Several processes, on one or more machines, that train together by averaging their gradients.

They use gloo directly rather than `DistributedDataParallel`. That class would need a funnel's training pass as a module
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
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection
from threading import Thread

import torch
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException, spawn

from poseglass import errors
from poseglass.errors import TrainingError
from poseglass.training.reporting import StepReport, silent

__all__ = ["OnStep", "averaged", "check_together", "launched", "spawn_workers", "together"]

PATIENCE = timedelta(hours=3)  # maximum wait while the first worker validates; the death of a worker is noticed at once

OnStep = Callable[[StepReport], None]


def launched() -> tuple[int, int]:
    """This process's rank and the number of processes, if a launcher such as ``torchrun`` started it; (0, 1) otherwise.

    Raises:
        TrainingError: The launcher's variables are not valid numbers.
    """
    rank, world = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
    if not (rank.isdecimal() and world.isdecimal() and int(rank) < int(world)):
        raise TrainingError(
            f"the launcher's RANK must be a number below its WORLD_SIZE, got {rank!r} and {world!r}; start with "
            "torchrun, or without these variables"
        )
    return int(rank), int(world)


def spawn_workers(work: Callable[[int, OnStep], None], workers: int, report: OnStep) -> None:
    """Run `work` in several processes of this machine, each with its share of the cores, and wait for them.

    Args:
        work: Called in each worker with its rank and the callback for its reports. It must be importable by name, as
            pickle requires. The workers are already connected then (:func:`together`).
        workers: The number of processes.
        report: Receives the reports of the first worker, in this process.

    Raises:
        PoseglassError: The worker's own error if the input was at fault, otherwise a :class:`TrainingError`.
    """
    receiver, sender = multiprocessing.Pipe(duplex=False)
    relay = Thread(target=_relay, args=(receiver, report), daemon=True)
    relay.start()
    with tempfile.TemporaryDirectory() as meeting:
        worker = partial(_worker, work=work, workers=workers, meeting=f"file://{meeting}/workers", reports=sender)
        try:
            spawn(worker, nprocs=workers)
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


def _worker(rank: int, *, work: Callable[[int, OnStep], None], workers: int, meeting: str, reports: Connection) -> None:
    """Run `work` in a spawned process, and end the process if that succeeds."""
    _end_with_parent()
    logging.getLogger("poseglass").addHandler(logging.NullHandler())  # the parent logs
    torch.set_num_threads(max((os.cpu_count() or 1) // workers, 1))
    with together(meeting, rank, workers):
        work(rank, reports.send if rank == 0 else silent)
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
def together(meeting: str, rank: int, workers: int) -> Iterator[None]:
    """Connect the workers for the duration of the block.

    Args:
        meeting: The meeting place, as torch's `init_method`: ``env://`` with a launcher, else ``file://...``.
        rank: The number of this worker.
        workers: The number of workers.

    Raises:
        TrainingError: The other workers do not connect.
    """
    try:
        distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=workers, timeout=PATIENCE)
    except (ValueError, RuntimeError) as problem:
        raise TrainingError(f"worker {rank} of {workers} could not connect to the others: {problem}") from None
    yield
    # Only after success: gloo may abort a worker that leaves after another has ended, and its error would be lost.
    distributed.destroy_process_group()


def check_together(step: int, fingerprint: str) -> None:
    """Make sure that all workers are at the same step with the same data. A single process needs no check.

    Raises:
        TrainingError: They are not, for example because machines do not see the same folder, or a worker has ended.
    """
    if not distributed.is_initialized():
        return
    mine = torch.tensor([step, int(fingerprint, 16)])
    every = [torch.empty_like(mine) for _ in range(distributed.get_world_size())]
    with _communicating():
        distributed.all_gather(every, mine)
    if any(not torch.equal(each, mine) for each in every):
        states = ", ".join(f"step {int(each[0])} with data {int(each[1]):012x}" for each in every)
        raise TrainingError(
            f"the workers do not agree: they start at {states}; give all of them the same run folder and the same data"
        )


def averaged(loss: Tensor, parameters: Iterable[nn.Parameter]) -> float:
    """Return the mean loss of all workers, and replace the parameters' gradients by their mean over the workers.

    Raises:
        TrainingError: Another worker has ended.
    """
    if not distributed.is_initialized():
        return loss.item()
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = nn.utils.parameters_to_vector([*gradients, loss.detach()])
    with _communicating():
        distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    nn.utils.vector_to_parameters(flat[:-1], gradients)
    return flat[-1].item()


@contextmanager
def _communicating() -> Iterator[None]:
    """Turn an error of communication into a :class:`TrainingError`: it means that another worker has ended."""
    try:
        yield
    except RuntimeError as problem:
        raise TrainingError(f"another worker has ended ({problem}); start again to resume") from None
