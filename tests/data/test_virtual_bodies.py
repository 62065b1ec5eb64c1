"""Motion transferred to other bone lengths, and random bone lengths."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from oracle import bodies, virtual
from poseglass import H36M_17
from poseglass.body.proportions import H36M_LENGTHS
from poseglass.data.virtual import bodies as virtual_bodies
from poseglass.data.virtual.draws import NumpyDraws

PARENTS = list(H36M_17.parents)


def retarget(points: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return virtual_bodies.retarget(torch.from_numpy(points), torch.from_numpy(lengths)).numpy()


def random_lengths(rng: np.random.Generator, own: np.ndarray) -> np.ndarray:
    return virtual_bodies.random_lengths(NumpyDraws(rng), torch.from_numpy(own)).numpy()


def bone_lengths(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points - points[..., PARENTS, :], axis=-1)


def test_bones_take_their_new_lengths_and_keep_their_directions():
    poses = np.stack([bodies.motion(9, H36M_17.joints, seed) for seed in range(3)])
    lengths = np.random.default_rng(0).uniform(0.1, 0.6, (3, 17))
    moved = retarget(poses, lengths)
    for clip in range(3):
        for joint, parent in enumerate(PARENTS[1:], start=1):
            before = poses[clip, :, joint] - poses[clip, :, parent]
            after = moved[clip, :, joint] - moved[clip, :, parent]
            assert np.linalg.norm(after, axis=1).mean() == pytest.approx(lengths[clip, joint])
            cosine = (before * after).sum(1) / np.linalg.norm(before, axis=1) / np.linalg.norm(after, axis=1)
            assert_allclose(cosine, 1)


def test_the_original_lengths_change_nothing():
    poses = bodies.motion(9, H36M_17.joints)[None]
    assert_allclose(retarget(poses, bone_lengths(poses).mean(1)), poses, atol=1e-12)


def test_longer_legs_take_longer_steps():
    poses = bodies.motion(9, H36M_17.joints)[None]
    lengths = bone_lengths(poses).mean(1)
    assert_allclose(retarget(poses, 1.3 * lengths), 1.3 * poses, atol=1e-12)
    for name, scale in {"knee": 1.5, "ankle": 1.5, "hip": 1, "elbow": 1, "spine": 1}.items():
        longer = lengths.copy()
        longer[:, [number for number, joint in enumerate(H36M_17.joints) if joint.endswith(name)]] *= 1.5
        path = retarget(poses, longer)[:, :, 0]
        assert np.allclose(path, poses[:, :, 0]) is (scale == 1), "only the legs set the step length"


def test_bones_of_zero_length_stay_finite():
    assert np.isfinite(retarget(np.zeros((1, 3, 17, 3)) + 1e-12 * np.arange(17)[:, None], H36M_LENGTHS[None])).all()


def test_random_people_match_plain_loops():
    own = np.tile(bone_lengths(bodies.body(H36M_17.joints)), (400, 1))
    before = own.copy()
    lengths = random_lengths(np.random.default_rng(0), own)
    assert_array_equal(own, before)
    assert_allclose(lengths, virtual.lengths(np.random.default_rng(0), own, H36M_17.joints), rtol=1e-12)


def test_random_people_are_symmetric_and_have_human_sizes():
    own = np.tile(bone_lengths(bodies.body(H36M_17.joints)), (500, 1))
    lengths = random_lengths(np.random.default_rng(0), own)
    assert_allclose(lengths[:, 1:], lengths[:, list(H36M_17.mirror)][:, 1:])
    ratio = lengths[:, 1:] / H36M_LENGTHS[1:]
    assert 0.3 < ratio.min() < ratio.max() < 2
    assert 0.85 < np.median(ratio) < 1.1


def test_one_in_ten_is_a_child_of_0p6_to_0p9_of_the_size():
    """Over the whole body, the other factors cancel: adults have 0.9 to 1.15 times the mean size."""
    own = np.tile(H36M_LENGTHS, (20_000, 1))
    height = random_lengths(np.random.default_rng(1), own).sum(1) / H36M_LENGTHS.sum()
    assert (height < 0.8).mean() == pytest.approx(0.1 * 2 / 3, rel=0.1), "sizes of children are uniform from 0.6 to 0.9"
    assert 0.5 < height.min() < 0.6
    assert (height < 0.57).mean() < 0.001
