"""Random tensors: the distributions of both sources, and their reproducibility."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from poseglass.data.virtual.draws import Draws, NumpyDraws, TorchDraws

COUNT = 40_000


@pytest.fixture(params=["torch", "numpy"])
def draws(request) -> Draws:
    if request.param == "torch":
        return TorchDraws(torch.Generator().manual_seed(0))
    return NumpyDraws(np.random.default_rng(0))


def test_uniform_numbers_fill_their_range_evenly(draws):
    numbers = draws.uniform(-2, 3, COUNT)
    assert -2 <= numbers.min() < -1.99
    assert 2.99 < numbers.max() <= 3
    shares = torch.histc(numbers.double(), 5, -2, 3) / COUNT
    assert shares.tolist() == pytest.approx([0.2] * 5, abs=0.01)


def test_normal_numbers_have_mean_0_and_deviation_1(draws):
    numbers = draws.normal(COUNT)
    assert (numbers.mean().item(), numbers.std().item()) == pytest.approx((0, 1), abs=0.02)
    assert (numbers.abs() > 1.96).double().mean().item() == pytest.approx(0.05, abs=0.005)


def test_integers_exclude_the_upper_limit(draws):
    numbers = draws.integers(-3, 4, COUNT)
    assert sorted(set(numbers.tolist())) == [-3, -2, -1, 0, 1, 2, 3]
    assert (numbers == 3).double().mean().item() == pytest.approx(1 / 7, abs=0.01)


def test_choices_have_their_shares(draws):
    numbers = draws.choice((0.5, 0.0, 0.3, 0.2), COUNT)
    shares = [(numbers == entry).double().mean().item() for entry in range(4)]
    assert shares == pytest.approx([0.5, 0, 0.3, 0.2], abs=0.01)
    assert draws.chance(0.3, COUNT).double().mean().item() == pytest.approx(0.3, abs=0.01)
    assert not draws.chance(0.0, COUNT).any()
    assert draws.chance(1.0, COUNT).all()


def test_numbers_have_the_shape_and_type_of_the_source(draws):
    for numbers in (draws.uniform(0, 1, 2, 3, 4), draws.normal(2, 3, 4), draws.integers(0, 2, 2, 3, 4)):
        assert numbers.shape == (2, 3, 4)
        assert numbers.device == draws.device
    assert draws.normal(3).dtype == draws.dtype


def test_draws_follow_each_other_in_the_generators_stream():
    """Two draws of a generator differ, and a generator with the same seed repeats both."""
    first, second = (TorchDraws(torch.Generator().manual_seed(7)) for _ in range(2))
    batches = [first.normal(5) for _ in range(3)]
    assert all(not torch.equal(a, b) for a, b in pairwise(batches))
    assert all(torch.equal(batch, second.normal(5)) for batch in batches)


def test_numpys_generator_gives_its_own_numbers():
    draws, rng = NumpyDraws(np.random.default_rng(3)), np.random.default_rng(3)
    assert draws.uniform(0.1, 9, 4, 2).tolist() == rng.uniform(0.1, 9, (4, 2)).tolist()
    assert draws.normal(5).tolist() == rng.normal(0, 1, 5).tolist()
    assert draws.integers(-2, 7, 6).tolist() == rng.integers(-2, 7, 6).tolist()
    chosen = draws.choice((0.5, 0.2, 0.15, 0.15), 50)
    assert chosen.tolist() == rng.choice(4, 50, p=(0.5, 0.2, 0.15, 0.15)).tolist()
