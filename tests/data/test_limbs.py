"""Poses that motion capture lacks: what changes, by how much, in which share of clips, and what stays."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from oracle import bodies
from poseglass import H36M_17
from poseglass.data.virtual.bodies import PARENTS, bone_lengths
from poseglass.data.virtual.draws import TorchDraws
from poseglass.data.virtual.limbs import Variety, exchange_limbs, fold_legs, trunk_axes, turn_bodies

ARMS, LEGS = (12, 13, 15, 16), (2, 3, 5, 6)


def draws(seed: int = 0) -> TorchDraws:
    return TorchDraws(torch.Generator().manual_seed(seed))


def poses(count: int, frames: int = 6) -> torch.Tensor:
    clips = [bodies.turned(bodies.motion(frames, H36M_17.joints, seed), 0.7 * seed) for seed in range(count)]
    return torch.from_numpy(np.stack(clips)).float()


def directions(points: torch.Tensor, axes: torch.Tensor, joint: int) -> torch.Tensor:
    """The direction of a bone along the trunk's axes (b f 3)."""
    bone = points[:, :, joint] - points[:, :, PARENTS[joint]]
    return (bone / bone.norm(dim=-1, keepdim=True))[:, :, None].matmul(axes)[:, :, 0]


def test_the_trunks_axes_of_an_upright_person():
    body = torch.from_numpy(bodies.body(H36M_17.joints)).float()[None, None]
    for hips in (False, True):
        left, up, front = trunk_axes(body, hips=hips)[0, 0].T
        assert left[0] > 0.99, "the body faces z, so its left is x"
        assert up[1] > 0.95
        assert front[2] > 0.95


class TestExchangeLimbs:
    @pytest.mark.parametrize(("variety", "limb"), [(Variety(arms=1.0), ARMS), (Variety(legs=1.0), LEGS)])
    def test_limbs_point_as_those_of_the_clip_before_relative_to_the_trunk(self, variety, limb):
        points = poses(5)
        exchanged = exchange_limbs(draws(), points, variety)
        for joint in range(1, 17):
            if joint not in limb:
                bones = (part[:, :, joint] - part[:, :, PARENTS[joint]] for part in (exchanged, points))
                assert_allclose(next(bones), next(bones), atol=1e-5)
        axes = trunk_axes(points, hips=limb is LEGS)
        for joint in limb:
            own, before = directions(exchanged, axes, joint), directions(points, axes, joint).roll(1, 0)
            assert_allclose(own, before, atol=1e-5)

    def test_arms_and_legs_have_their_shares(self):
        points = poses(20).repeat(100, 1, 1, 1)
        moved = (exchange_limbs(draws(), points, Variety(arms=0.25, legs=0.1)) - points).norm(dim=-1).amax(1) > 1e-3
        assert moved[:, 13].double().mean().item() == pytest.approx(0.25, abs=0.03)
        assert moved[:, 3].double().mean().item() == pytest.approx(0.10, abs=0.02)

    def test_by_default_nothing_changes(self):
        points = poses(3)
        assert_allclose(exchange_limbs(draws(), points, Variety()), points, atol=1e-5)


class TestFoldLegs:
    def test_thighs_rise_forwards_and_nothing_else_changes(self):
        body = torch.from_numpy(bodies.body(H36M_17.joints)).float().expand(300, 2, -1, -1)
        folded = fold_legs(draws(), body, 1.0)
        assert_allclose(bone_lengths(folded), bone_lengths(body), atol=1e-5)
        others = [joint for joint in range(17) if joint not in LEGS]
        assert_allclose(folded[:, :, others], body[:, :, others], atol=1e-6)
        thigh, shank = (folded[:, 0, joint] - folded[:, 0, PARENTS[joint]] for joint in (2, 3))
        raised = torch.atan2(thigh[:, 2], -thigh[:, 1]).rad2deg()
        assert 25 < raised.min() < raised.max() < 120, "forwards by 30 to 110 degrees"
        bent = raised - torch.atan2(shank[:, 2], -shank[:, 1]).rad2deg()
        assert (bent > -1).all(), "knees bend backwards only"
        assert bent.max() > 90

    def test_raised_thighs_are_raised_less(self):
        body = torch.from_numpy(bodies.body(H36M_17.joints)).float()[None, None].clone()
        sitting = body.clone()
        for hip, knee, ankle in ((1, 2, 3), (4, 5, 6)):
            sitting[..., knee, :] = sitting[..., hip, :] + torch.tensor([0, 0.0, 0.45])
            sitting[..., ankle, :] = sitting[..., knee, :] + torch.tensor([0, -0.45, 0.0])
        for pose, least, most in ((body, 0.2, 2.0), (sitting, 0.0, 0.15)):
            moved = (fold_legs(draws(1), pose, 1.0) - pose).norm(dim=-1).max()
            assert least <= moved <= most

    def test_only_the_share_is_folded(self):
        points = poses(20).repeat(100, 1, 1, 1)
        moved = (fold_legs(draws(), points, 0.2) - points).norm(dim=-1).amax((1, 2)) > 1e-3
        assert moved.double().mean().item() == pytest.approx(0.2, abs=0.03)


class TestTurnBodies:
    STANDING = torch.tensor([0.0, 1.0, 0.0]).repeat(20_000, 2, 17, 1)

    def test_six_in_a_hundred_people_lie(self):
        turned = turn_bodies(draws(), self.STANDING, Variety())[:, 0, 0]
        assert_allclose(turned.norm(dim=-1), 1, atol=1e-6)
        lying = turned[:, 1] < 1 - 1e-6
        assert lying.double().mean().item() == pytest.approx(0.06, abs=0.005)
        assert not turned[:, 0].any(), "the axis is x"
        angle = torch.atan2(turned[lying, 2], turned[lying, 1])
        assert angle.std().item() == pytest.approx(2 * np.pi / np.sqrt(12), abs=0.1), "evenly over the whole circle"

    def test_tilted_bodies_lean_by_some_30_degrees(self):
        turned = turn_bodies(draws(), self.STANDING, Variety(lying=0.0, tilted=1.0))[:, 0, 0]
        angle = torch.atan2(turned[:, 2], turned[:, 1]).rad2deg()
        assert (angle.mean().item(), angle.std().item()) == pytest.approx((0, 30), abs=1)
