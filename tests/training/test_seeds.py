"""Seeds for a block of code."""

import torch

from poseglass.training.seeds import mixed, seeded


def test_every_number_changes_the_seed():
    """Mixed seeds have 32 bits because torch's generator ignores the higher ones."""
    seeds = [mixed(*numbers) for numbers in ((1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1), (2**31 - 1, 10**6, 63))]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 1 << 32 for seed in seeds)


def test_the_generator_is_restored_even_after_an_error():
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    try:
        with seeded(5):
            torch.rand(3)
            raise ValueError
    except ValueError:
        pass
    assert torch.equal(torch.random.get_rng_state(), before)
