"""The training loss against plain loops."""

import numpy as np
import pytest
import torch

from oracle import losses as oracle
from poseglass import H36M_17
from poseglass.training.losses import JOINT_WEIGHTS, sequence_loss

torch.set_num_threads(1)


@pytest.mark.parametrize(("smoothness", "velocity"), [(0.5, 2.0), (0, 0), (1, 0), (0, 3)])
def test_against_loops(smoothness, velocity):
    rng = np.random.default_rng(0)
    predicted, target = rng.normal(0, 0.5, (2, 2, 5, 17, 3))
    loss = sequence_loss(
        torch.from_numpy(predicted), torch.from_numpy(target), smoothness=smoothness, velocity=velocity
    )
    truth = oracle.sequence_loss(predicted, target, JOINT_WEIGHTS, smoothness=smoothness, velocity=velocity)
    assert loss.item() == pytest.approx(truth, rel=1e-5)


def test_the_published_weights_count_wrists_most():
    weight = dict(zip(H36M_17.joints, JOINT_WEIGHTS, strict=True))
    assert JOINT_WEIGHTS == (1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4)
    assert all(weight[f"left_{part}"] == weight[f"right_{part}"] for part in ("hip", "knee", "ankle", "elbow", "wrist"))
    assert max(weight, key=lambda joint: weight[joint]) in ("left_elbow", "left_wrist")


def test_defaults_are_the_published_ones():
    rng = np.random.default_rng(1)
    predicted, target = (torch.from_numpy(x) for x in rng.normal(size=(2, 1, 4, 17, 3)))
    assert sequence_loss(predicted, target) == sequence_loss(predicted, target, smoothness=0.5, velocity=2.0)


def test_it_is_computed_in_float32_whatever_the_network_ran_in():
    target = torch.zeros(1, 3, 17, 3)
    assert sequence_loss(target.bfloat16() + 1, target).dtype == torch.float32


def test_a_perfect_prediction_that_moves_costs_only_smoothness():
    moving = torch.arange(4.0)[None, :, None, None].expand(1, 4, 17, 3)
    assert sequence_loss(moving, moving, smoothness=0).item() == 0
    assert sequence_loss(moving, moving).item() == pytest.approx(0.5 * sum(JOINT_WEIGHTS) / 17)


def test_gradients_are_finite_at_the_truth():
    predicted = torch.zeros(1, 4, 17, 3, requires_grad=True)
    sequence_loss(predicted, torch.zeros(1, 4, 17, 3)).backward()
    assert predicted.grad is not None
    assert torch.isfinite(predicted.grad).all()
