"""Constant tensors: made once per device, and usable in training wherever they were made."""

import torch

from poseglass.clips.constants import constant

CPU = torch.device("cpu")


def test_a_constant_is_made_once_per_device_and_type():
    assert constant((1, 2), CPU) is constant((1, 2), CPU)
    assert constant((1, 2), CPU).dtype == torch.int64
    assert constant((1, 2), CPU, torch.bool).dtype == torch.bool
    assert constant((1.0, 2.5), CPU, torch.float64).tolist() == [1.0, 2.5]
    assert constant(((1, 2), (3, 4)), torch.device("meta")).shape == (2, 2)
    assert constant(((1, 2), (3, 4)), torch.device("meta")).device.type == "meta"


def test_a_constant_made_in_inference_mode_serves_in_training():
    with torch.inference_mode():
        factor = constant((2.0, 3.5, 7.25), CPU, torch.float32)
    weight = torch.ones(3, requires_grad=True)
    (weight * factor).sum().backward()
    assert weight.grad is not None
    assert weight.grad.tolist() == [2.0, 3.5, 7.25]
