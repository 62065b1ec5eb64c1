"""Batches sent to a device."""

import numpy as np
import pytest
import torch

from poseglass.clips.sample import Sample
from poseglass.training.transfer import transferred


def sample() -> Sample:
    rng = np.random.default_rng(0)
    return Sample(*(rng.normal(size=(2, 9, 17, 3)).astype(np.float32) for _ in range(2)))


@pytest.mark.parametrize("name", ["cpu", "meta"])
def test_both_poses_are_sent(name):
    given = sample()
    batch = transferred(given, torch.device(name))
    for tensor, array in zip(batch, (given.pose2d, given.pose3d), strict=True):
        assert (tensor.device.type, tensor.dtype, tensor.shape) == (name, torch.float32, array.shape)
        assert name == "meta" or np.array_equal(tensor, array)


def test_cuda_copies_from_pinned_memory_without_waiting(monkeypatch):
    calls = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda x: calls.append("pinned") or x)
    monkeypatch.setattr(torch.Tensor, "to", lambda x, where, **how: calls.append((str(where), how)) or x)
    transferred(sample(), torch.device("cuda", 1))
    assert calls == ["pinned", ("cuda:1", {"non_blocking": True})] * 2
