"""Several processes that train together, on one machine or on several: they meet, and average their gradients.

By hand, with gloo, and not by `DistributedDataParallel`: it would have to be given what a funnel is asked for as a
module of its own, and to look in each step for parameters without a gradient; and it sorts its buckets anew after the
first step, so that a run that goes on might not sum in the order of one that was not interrupted.
"""

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread

import torch
from torch import Tensor, distributed, nn

from poseglass.errors import TrainingError

__all__ = ["averaged", "check_together", "end_with_parent", "launched", "together"]

PATIENCE = timedelta(hours=3)  # of workers who wait while the first judges; that one has died they see at once


def launched() -> tuple[int, int]:
    """Which process this is and of how many, where a launcher such as ``torchrun`` says so; (0, 1) otherwise.

    Raises:
        TrainingError: What it says are no numbers.
    """
    said = [os.environ.get(name, default) for name, default in (("RANK", "0"), ("WORLD_SIZE", "1"))]
    if not all(number.isdecimal() for number in said) or not int(said[0]) < int(said[1]):
        raise TrainingError(
            f"the launcher's RANK must be a number below its WORLD_SIZE, got {said[0]!r} and {said[1]!r}; start with "
            "torchrun, or without these variables"
        )
    return int(said[0]), int(said[1])


def end_with_parent() -> None:
    """From now on this process ends when the one that began it does, however that ended; otherwise nobody could see it.

    torch sends an interrupt then, which is not heard where the parent was begun in a script's background.
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
    """Meet the other workers, and part in the end.

    Args:
        meeting: Where, as torch's `init_method` has it: ``env://`` for a launcher's, ``file://...``.
        rank: Which worker this is.
        workers: Of how many.

    Raises:
        TrainingError: The others are not there.
    """
    try:
        distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=workers, timeout=PATIENCE)
    except (ValueError, RuntimeError) as problem:
        raise TrainingError(f"worker {rank} of {workers} did not meet the others: {problem}") from None
    yield
    # Only where all went well: gloo may abort a worker that parts from one who has ended, and what went wrong would
    # not be told any more.
    distributed.destroy_process_group()


def check_together(step: int, fingerprint: str) -> None:
    """Make sure that all workers are at one step with the same data; nothing where there is one process.

    Raises:
        TrainingError: They are not, as where machines do not see the same folder, or one has ended.
    """
    if not distributed.is_initialized():
        return
    mine = torch.tensor([step, int(fingerprint, 16)])
    found = [torch.empty_like(mine) for _ in range(distributed.get_world_size())]
    with _others():
        distributed.all_gather(found, mine)
    if any(not torch.equal(each, mine) for each in found):
        told = ", ".join(f"step {int(each[0])} with data {int(each[1]):012x}" for each in found)
        raise TrainingError(
            f"the workers are not together: they begin at {told}; each needs to see the run's folder and the same data"
        )


def averaged(loss: Tensor, parameters: Iterable[nn.Parameter]) -> float:
    """The loss of all workers together, whose gradients become their mean.

    Raises:
        TrainingError: Another worker has ended.
    """
    if not distributed.is_initialized():
        return loss.item()
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = nn.utils.parameters_to_vector([*gradients, loss.detach()])
    with _others():
        distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    nn.utils.vector_to_parameters(flat[:-1], gradients)
    return flat[-1].item()


@contextmanager
def _others() -> Iterator[None]:
    """What goes wrong while workers talk is that one of them is no longer there."""
    try:
        yield
    except RuntimeError as problem:
        raise TrainingError(f"another worker has ended ({problem}); start again to go on") from None
