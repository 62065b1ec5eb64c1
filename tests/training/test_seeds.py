"""Seeds for a block of code."""

import pytest
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


class FakeGpu:
    """Generators of two GPUs."""

    def __init__(self) -> None:
        self.default_generators = [torch.Generator().manual_seed(number) for number in (10, 11)]

    def get_rng_state(self, device: int = 0) -> torch.Tensor:
        return self.default_generators[device].get_state()

    def set_rng_state(self, state: torch.Tensor, device: int = 0) -> None:
        self.default_generators[device].set_state(state)

    def manual_seed(self, seed: int) -> None:
        self.default_generators[0].manual_seed(seed)

    def draw(self, device: int) -> float:
        return torch.rand((), generator=self.default_generators[device]).item()


@pytest.mark.parametrize(("name", "index"), [("cuda:0", 0), ("cuda:1", 1), ("mps:0", 0)])
def test_the_generator_of_the_device_is_seeded_and_restored(monkeypatch, name, index):
    gpu, where = FakeGpu(), torch.device(name)
    monkeypatch.setattr(torch, where.type, gpu)
    monkeypatch.setattr(torch.random.torch, "get_device_module", lambda kind: gpu)
    before = [gpu.get_rng_state(number) for number in (0, 1)]
    drawn = []
    for _ in range(2):
        with seeded(5, where):
            drawn.append((torch.rand(()).item(), gpu.draw(index)))
            assert torch.equal(gpu.get_rng_state(1 - index), before[1 - index]), "of the other GPU"
    assert drawn[0] == drawn[1]
    assert all(torch.equal(gpu.get_rng_state(number), before[number]) for number in (0, 1))
    with seeded(6, where):
        assert gpu.draw(index) != drawn[0][1]
