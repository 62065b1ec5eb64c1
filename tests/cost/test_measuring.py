"""Peak memory against a count by hand, and the matrix product that gives the floor."""

import time

import pytest
import torch
from torch import Tensor, nn

import poseglass as pg
from poseglass.cost.flops import count_parameters
from poseglass.cost.measuring import Product, elapsed, peak_memory
from poseglass.models import devices, kernels

CPU = torch.device("cpu")


def test_peak_memory_matches_a_count_by_hand() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(10))

        def forward(self, x: Tensor) -> Tensor:
            x = x.view(1, 100)[:, None] + 1  # 400 bytes
            x = x * 2  # another 400, then the first are freed
            x += 1
            return x.repeat(5, 1, 1)  # another 2000

    x = torch.zeros(1, 10, 5, 2)
    assert peak_memory(Two(), x) == 40 + 400 + 400 + 2000


def test_memory_grows_with_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Product, "aim", 0.001)
    tiny = pg.MixSTE(frames=9, dim=16, depth=3, heads=2)
    one, ten = (pg.bench(tiny, rounds=1, batch=batch, threads=1).model.memory for batch in (1, 10))
    weights = 4 * count_parameters(tiny)
    assert 9 < (ten - weights) / (one - weights) <= 10.1


def test_the_product_has_a_plausible_size_and_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Product, "aim", 0.01)
    product = Product(torch.float32, CPU)
    product.time()
    assert 256 <= product.side <= 4096
    assert product.rates[0] > 1e8


def test_the_rate_is_the_multiply_adds_of_the_fastest_of_three_products(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([0.05, 0.04, 0.2, 0.3, 0.5, 0.25, 0.4])
    monkeypatch.setattr(Product, "_once", lambda self: next(seconds))
    product = Product(torch.float32, CPU)
    assert product.side == 512, "the first that takes a tenth of a second"
    product.time()
    assert product.rates == [2 * 512**3 / 0.25]


def test_the_faster_of_two_products_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Product, "aim", 0.001)
    monkeypatch.setattr(kernels, "WIDE", True)
    forms = ("plain_linear", "onednn_linear")
    for slow, fast in (forms, forms[::-1]):
        monkeypatch.setattr(kernels, slow, lambda *_: time.sleep(0.05))
        monkeypatch.setattr(kernels, fast, lambda *_: None)
        assert Product(torch.float32, CPU)._once() < 0.05


def test_a_gpu_is_idle_before_the_clock_starts_and_after_it_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []

    def wait(where: torch.device) -> None:
        time.sleep(0.05)  # earlier work before the clock starts, this work before it stops
        events.append(str(where))

    monkeypatch.setattr(devices, "synchronise", wait)
    assert 0.05 <= elapsed(lambda: events.append("work"), torch.device("cuda", 1)) < 0.1
    assert events == ["cuda:1", "work", "cuda:1"]
