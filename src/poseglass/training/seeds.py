"""Reproducible randomness for torch code that accepts no generator, without side effects on other code."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

__all__ = ["mixed", "seeded"]

CPU = torch.device("cpu")


def mixed(*numbers: int) -> int:
    """Combine several numbers into one seed from 0 to 2^32 - 1.

    torch's CPU generator uses only the low 32 bits of a seed, so the numbers cannot simply be concatenated.

    Example:
        >>> mixed(1126, 0) != mixed(1127, 0)
        True
    """
    (seed,) = np.random.SeedSequence(numbers).generate_state(1)
    return int(seed)


@contextmanager
def seeded(seed: int, where: torch.device = CPU) -> Iterator[None]:
    """Seed torch's global generators of the CPU and of a device within the block, and restore their states afterwards.

    It is for initial weights and dropout, which draw from the global generators and accept no others.

    Args:
        seed: The seed of both generators.
        where: The device. Generators of other GPUs stay untouched.

    Example:
        >>> with seeded(1126):
        ...     first = torch.rand(3)
        >>> with seeded(1126):
        ...     bool((torch.rand(3) == first).all())
        True
    """
    gpu = where.type in ("cuda", "mps")
    with torch.random.fork_rng([where.index or 0] if gpu else [], device_type=where.type if gpu else None):
        torch.default_generator.manual_seed(seed)
        if where.type == "cuda":
            torch.cuda.default_generators[where.index or 0].manual_seed(seed)
        elif where.type == "mps":
            torch.mps.manual_seed(seed)
        yield
