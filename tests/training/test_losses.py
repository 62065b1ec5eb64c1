"""Training losses against plain loops and known answers."""

import math

import numpy as np
import pytest
import torch

from oracle import losses as oracle
from poseglass import H36M_17, MPI_INF_3DHP_17
from poseglass.errors import ModelError
from poseglass.training.losses import JOINT_WEIGHTS, MOTION, TERMS, PoseLoss

torch.set_num_threads(1)

PARENTS = H36M_17.parents
ORACLES = {
    "position": lambda p, t: oracle.position(p, t, JOINT_WEIGHTS),
    "n_position": oracle.n_position,
    "image_position": lambda p, t: oracle.position(p[..., :2], t[..., :2], JOINT_WEIGHTS),
    "newest_position": lambda p, t: oracle.position(p[:, -6:], t[:, -6:], JOINT_WEIGHTS),
    "smoothness": lambda p, t: oracle.smoothness(p, JOINT_WEIGHTS),
    "velocity": oracle.velocity,
    "limb_length": lambda p, t: oracle.limb_length(p, t, PARENTS),
    "limb_variance": lambda p, t: oracle.limb_variance(p, PARENTS),
    "angle": lambda p, t: oracle.angle(p, t, PARENTS),
    "angle_velocity": lambda p, t: oracle.angle_velocity(p, t, PARENTS),
}


def clips(seed: int, frames: int = 9) -> tuple[np.ndarray, np.ndarray]:
    predicted, target = np.random.default_rng(seed).normal(0, 0.5, (2, 2, frames, 17, 3))
    return predicted, target


def loss(predicted: np.ndarray, target: np.ndarray, **terms: float) -> float:
    loss = PoseLoss(terms, joint_weights=JOINT_WEIGHTS)
    return loss(torch.from_numpy(predicted), torch.from_numpy(target)).item()


def test_every_term_has_an_oracle():
    assert ORACLES.keys() == TERMS.keys()


@pytest.mark.parametrize("term", TERMS)
def test_each_term_matches_plain_loops(term):
    pair = clips(0)
    truth = ORACLES[term](*pair)
    assert loss(*pair, **{term: 1.0}) == pytest.approx(truth, rel=1e-5)
    assert loss(*pair, **{term: 0.25}) == pytest.approx(0.25 * truth, rel=1e-5)


@pytest.mark.parametrize(("smooth", "speed"), [(0.5, 2.0), (0, 0), (1, 0), (0, 3)])
def test_the_loss_of_hot_w_mixste_matches_plain_loops(smooth, speed):
    truth = oracle.sequence_loss(*clips(1), JOINT_WEIGHTS, smooth=smooth, speed=speed)
    assert loss(*clips(1), position=1, smoothness=smooth, velocity=speed) == pytest.approx(truth, rel=1e-5)


def test_the_loss_of_motionbert_is_a_weighted_sum_of_terms():
    pair = clips(2)
    truth = oracle.position(*pair, [1] * 17) + 0.5 * oracle.n_position(*pair) + 20 * oracle.velocity(*pair)
    loss = PoseLoss({"position": 1, "n_position": 0.5, "velocity": 20, "angle": 0})
    assert loss(*map(torch.from_numpy, pair)).item() == pytest.approx(truth, rel=1e-5)


def test_a_single_frame_has_only_position_terms():
    predicted, target = clips(3, frames=1)
    value = PoseLoss({"position": 1.0})(torch.from_numpy(predicted), torch.from_numpy(target))
    assert value.item() == pytest.approx(oracle.position(predicted, target, [1] * 17), rel=1e-5)
    for term in MOTION:
        with pytest.raises(ModelError, match=f"{term} need at least two frames"):
            loss(predicted, target, **{term: 1.0})
        pair = clips(3, frames=2)
        assert loss(*pair, **{term: 1.0}) == pytest.approx(ORACLES[term](*pair), rel=1e-5), "two frames suffice"


def test_terms_match_values_calculated_by_hand():
    still, moving = np.zeros((1, 3, 17, 3)), np.zeros((1, 3, 17, 3))
    moving[0, :, :, 0] = np.array([0.0, 3.0, 6.0])[:, None]
    assert loss(moving, still, position=1) == pytest.approx(3 * sum(JOINT_WEIGHTS) / 17)
    assert loss(moving, still, velocity=1) == pytest.approx(3)
    assert loss(moving, still, smoothness=1) == pytest.approx(9 / 3 * sum(JOINT_WEIGHTS) / 17)
    assert loss(still, moving, smoothness=1) == 0
    # The elbow bends from straight to a right angle while the upper arm stays: one of 20 angles, one of 16 limbs.
    straight = np.random.default_rng(4).normal(size=(1, 3, 17, 3))
    straight[:] = straight[:, :1]
    shoulder, elbow, wrist = (H36M_17.index(f"left_{joint}") for joint in ("shoulder", "elbow", "wrist"))
    straight[..., shoulder, :], straight[..., elbow, :], straight[..., wrist, :] = (0, 0, 0), (1, 0, 0), (2, 0, 0)
    bent = straight.copy()
    bent[:, 1:, wrist] = (1, 2, 0)
    angles = len(PoseLoss({}).angles)
    assert loss(bent, straight, angle=1) == pytest.approx(2 / 3 * math.pi / 2 / angles, rel=1e-5)
    assert loss(bent, straight, angle_velocity=1) == pytest.approx(1 / 2 * math.pi / 2 / angles, rel=1e-5)
    assert loss(bent, straight, limb_length=1) == pytest.approx(2 / 3 / 16, rel=1e-5)
    assert loss(bent, straight, limb_variance=1) == pytest.approx(1 / 3 / 16, rel=1e-5)
    assert loss(5 * straight, straight, n_position=1) == pytest.approx(0, abs=1e-6)


def test_the_joint_weights_are_largest_for_elbows_and_wrists():
    weight = dict(zip(H36M_17.joints, JOINT_WEIGHTS, strict=True))
    assert JOINT_WEIGHTS == (1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4)
    assert all(weight[f"left_{part}"] == weight[f"right_{part}"] for part in ("hip", "knee", "ankle", "elbow", "wrist"))
    assert max(weight, key=lambda joint: weight[joint]) in ("left_elbow", "left_wrist")


def test_the_loss_is_computed_in_float32():
    target = torch.zeros(1, 3, 17, 3)
    assert PoseLoss(dict.fromkeys(TERMS, 1.0))(target.bfloat16() + 1, target).dtype == torch.float32


def test_a_perfect_prediction_of_motion_costs_only_smoothness():
    moving = np.zeros((1, 4, 17, 3)) + np.random.default_rng(0).normal(size=(17, 3)) + np.arange(4)[:, None, None]
    terms = dict.fromkeys(TERMS, 1.0)
    assert loss(moving, moving, **(terms | {"smoothness": 0})) == pytest.approx(0, abs=1e-6)
    assert loss(moving, moving, **terms) == pytest.approx(sum(JOINT_WEIGHTS) / 17, rel=1e-5)


@pytest.mark.parametrize("predicted", [torch.zeros(1, 4, 17, 3), torch.arange(17.0)[:, None].expand(1, 4, 17, 3)])
@pytest.mark.parametrize("term", TERMS)
def test_gradients_are_finite_in_degenerate_poses(term, predicted):
    predicted = predicted.clone().requires_grad_()
    PoseLoss({term: 1.0})(predicted, predicted.detach()).backward()
    assert predicted.grad is not None
    assert torch.isfinite(predicted.grad).all()


def test_unknown_terms_and_wrong_weights_are_refused(as_used):
    with pytest.raises(ModelError, match=r"no term speed; the terms are position"):
        PoseLoss({"speed": 1})
    with pytest.raises(ModelError, match=r"expected 17 joint weights for h36m17, got 3"):
        PoseLoss({}, joint_weights=[1, 2, 3])
    with pytest.raises(ModelError, match="must have the same shape"):
        loss(np.zeros((2, 4, 17, 3)), np.zeros((1, 4, 17, 3)), position=1)


def test_limbs_come_from_the_skeleton():
    assert PoseLoss({}, skeleton=MPI_INF_3DHP_17).limbs.shape == (16, 2)
    assert [0, 1] not in PoseLoss({}).limbs.tolist(), "a limb is a child and its parent"
    assert PoseLoss({}).state_dict() == {}, "it has no state"
