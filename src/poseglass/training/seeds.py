"""Reproducible randomness for torch code that accepts no generator, without disturbing anybody else's."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

__all__ = ["mixed", "seeded"]


def mixed(*numbers: int) -> int:
    """One seed that depends on all the numbers, from 0 to 2^32 - 1.

    torch's CPU generator ignores all but the low 32 bits of a seed, so numbers cannot simply be put side by side.

    Example:
        >>> mixed(1126, 0) != mixed(1127, 0)
        True
    """
    (seed,) = np.random.SeedSequence(numbers).generate_state(1)
    return int(seed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's global CPU generator within the block; after it, the generator is as it was before.

    For initial weights and dropout, which draw from the global generator and accept no other.

    Example:
        >>> with seeded(1126):
        ...     first = torch.rand(3)
        >>> with seeded(1126):
        ...     bool((torch.rand(3) == first).all())
        True
    """
    with torch.random.fork_rng(devices=[]):  # no devices: the generators of accelerators are neither used nor saved
        torch.default_generator.manual_seed(seed)
        yield
