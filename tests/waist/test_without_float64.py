"""Devices without float64: frames are chosen on the CPU, and are the same frames."""

import pytest
import torch

from poseglass.models import devices
from poseglass.waist.prune import PRUNERS
from poseglass.waist.select import exact


@pytest.fixture
def _no_float64(monkeypatch):
    """Let the CPU count as a device without float64."""
    monkeypatch.setattr(devices, "SINGLE", ("cpu",))


def choose(name: str, always: torch.Tensor | None = None) -> torch.Tensor:
    noise = torch.Generator().manual_seed(0)
    tokens, pose2d = torch.randn(3, 27, 17, 8, generator=noise), torch.randn(3, 27, 17, 3, generator=noise)
    tokens[:, 5], tokens[:, 20], pose2d[:, 5], pose2d[:, 20] = 1, 1, 0, 0  # ties
    received = {"attention": torch.rand(3, 27, generator=noise)} if name == "attention" else {}
    return PRUNERS[name]()(tokens, pose2d, keep=9, always=always, **received)


@pytest.mark.parametrize("always", [None, torch.tensor([0, 13, 26])])
@pytest.mark.parametrize("name", PRUNERS)
def test_the_same_frames_are_chosen(name, always, request):
    expected = choose(name, always)
    request.getfixturevalue("_no_float64")
    assert torch.equal(choose(name, always), expected)


@pytest.mark.usefixtures("_no_float64")
def test_numbers_move_to_the_cpu_before_they_become_float64(monkeypatch):
    moved = []
    monkeypatch.setattr(torch.Tensor, "cpu", lambda x: moved.append(x.dtype) or x)
    assert exact(torch.ones(2)).dtype == torch.float64
    assert moved == [torch.float32]


def test_devices_with_float64_keep_their_numbers():
    assert exact(torch.ones(2, device="meta")).device.type == "meta"


@pytest.mark.parametrize("name", PRUNERS)
def test_pruners_run_on_the_device_of_their_tokens(name):
    """On meta, a tensor on the wrong device is an error."""
    tokens, pose2d = torch.zeros(2, 27, 17, 8, device="meta"), torch.zeros(2, 27, 17, 3, device="meta")
    received = {"attention": torch.zeros(2, 27, device="meta")} if name == "attention" else {}
    always = torch.zeros(2, dtype=torch.long, device="meta")
    kept = PRUNERS[name]()(tokens, pose2d, keep=9, always=always, **received)
    assert (kept.device.type, kept.shape) == ("meta", (2, 9))
