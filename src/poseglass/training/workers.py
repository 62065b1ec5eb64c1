"""Several processes that train together, on one machine or on several: they meet, and average their gradients.

They use gloo directly rather than `DistributedDataParallel`. That class would need a funnel's training pass as a module
of its own, would search for parameters without a gradient in each step, and reorders its buckets after the first step,
so that a resumed run might not sum gradients in the order of an uninterrupted one.
"""

import logging
import multiprocessing
import os
import re
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

PATIENCE = timedelta(hours=3)  # workers wait so long while the first validates; they notice at once if another has died

OnStep = Callable[[StepReport], None]


def launched() -> tuple[int, int]:
    """This process's rank and the number of processes, if a launcher such as ``torchrun`` started it; (0, 1) otherwise.

    Raises:
        TrainingError: The launcher's variables are not numbers that fit.
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
        work: What each worker does, given its rank and where to report. It must be importable by name, as pickle
            requires; inside, the workers have met (:func:`together`).
        workers: How many.
        report: Receives the reports of the first worker, in this process.

    Raises:
        PoseglassError: What the worker raised, if that was the input's fault; otherwise a :class:`TrainingError`.
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
            if ours:  # the input is wrong, so starting again would not help
                raise getattr(errors, ours[1])(ours[2]) from None
            raise TrainingError(
                f"one of {workers} workers ended, so all did: {reason}; start again to resume"
            ) from None
        finally:
            sender.close()
            relay.join(timeout=5)


def _relay(receiver: Connection, report: OnStep) -> None:
    """Pass reports on until the last process that could send one has ended."""
    while True:
        try:
            received = receiver.recv()
        except (EOFError, OSError):
            return
        report(received)


def _worker(rank: int, *, work: Callable[[int, OnStep], None], workers: int, meeting: str, reports: Connection) -> None:
    """What a spawned process does."""
    _end_with_parent()
    logging.getLogger("poseglass").addHandler(logging.NullHandler())  # the parent logs
    torch.set_num_threads(max((os.cpu_count() or 1) // workers, 1))
    with together(meeting, rank, workers):
        work(rank, reports.send if rank == 0 else silent)


def _end_with_parent() -> None:
    """From now on, this process ends when its parent does, however the parent ended.

    torch sends an interrupt then, but children of a script that runs in the background ignore interrupts.
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
    """Meet the other workers for the duration of the block.

    Args:
        meeting: Where, as torch's `init_method`: ``env://`` for a launcher's, ``file://...``.
        rank: Which worker this is.
        workers: How many there are.

    Raises:
        TrainingError: The others do not come.
    """
    try:
        distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=workers, timeout=PATIENCE)
    except (ValueError, RuntimeError) as problem:
        raise TrainingError(f"worker {rank} of {workers} did not meet the others: {problem}") from None
    yield
    # Only if all went well: gloo may abort a worker that leaves after another has ended, and its error would be lost.
    distributed.destroy_process_group()


def check_together(step: int, fingerprint: str) -> None:
    """Make sure that all workers are at the same step with the same data; nothing happens if there is one process.

    Raises:
        TrainingError: They are not, as when machines do not see the same folder, or a worker has ended.
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
            f"the workers do not agree: they start at {states}; each must see the run's folder and the same data"
        )


def averaged(loss: Tensor, parameters: Iterable[nn.Parameter]) -> float:
    """The mean loss of all workers. The parameters' gradients become their mean over the workers.

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
    """An error while workers communicate means that one of them has ended."""
    try:
        yield
    except RuntimeError as problem:
        raise TrainingError(f"another worker has ended ({problem}); start again to resume") from None
