"""Laws of cameras, screen coordinates, mirroring, alignment and metrics."""

from dataclasses import replace

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from poseglass import H36M_17
from poseglass.body.geometry import Camera, align, facing, from_screen, look_at, rays, to_screen
from poseglass.body.skeleton import SKELETONS, conversion
from poseglass.clips.mirror import flip
from poseglass.judging.metrics import acceleration_error, auc, joint_errors, mpjpe, mpjve, n_mpjpe, p_mpjpe, pck

metres = st.floats(-20, 20, width=32)
# Points either coincide or lie at least a millimetre apart; smaller distances would be lost in rounding.
millimetres = st.integers(-20_000, 20_000).map(lambda number: number / 1000)
seeds = st.integers(0, 2**32 - 1)


def rotation(rng: np.random.Generator) -> np.ndarray:
    q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return q * np.sign(np.linalg.det(q))


def camera(rng: np.random.Generator) -> Camera:
    return Camera(rotation(rng), rng.normal(0, 5, 3), rng.uniform(300, 3000, 2), rng.uniform(0, 2000, 2))


@given(arrays(np.float32, (4, 17, 3), elements=metres))
def test_flipping_twice_is_the_identity(poses):
    assert_array_equal(flip(flip(poses)), poses)


@given(st.sampled_from(list(SKELETONS.values())), seeds)
def test_flipping_exchanges_the_sides_and_keeps_the_middle(skeleton, seed):
    pose = np.random.default_rng(seed).normal(size=(len(skeleton), 3))
    mirrored = flip(pose, skeleton)
    for joint, name in enumerate(skeleton.joints):
        other = name.replace("left_", "RIGHT_").replace("right_", "left_").replace("RIGHT_", "right_")
        assert_array_equal(mirrored[joint], pose[skeleton.index(other)] * [-1, 1, 1])


@given(seeds, seeds)
def test_flipping_both_poses_keeps_their_errors(seed, other):
    a, b = (np.random.default_rng(s).normal(size=(3, 17, 3)) for s in (seed, other))
    assert_allclose(mpjpe(flip(a), flip(b)), mpjpe(a, b))
    assert_allclose(p_mpjpe(flip(a), flip(b)), p_mpjpe(a, b), atol=1e-9)


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0.1, 10))
def test_facing_is_the_smallest_rotation_that_turns_the_ray_onto_the_axis(x, y, z):
    ray = np.array([x, y, z])
    turn = facing(ray)
    assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    assert_allclose(np.linalg.det(turn), 1)
    assert_allclose(turn @ ray, [0, 0, np.linalg.norm(ray)], atol=1e-8)
    # The smallest rotation turns by the angle between the two directions.
    assert_allclose((np.trace(turn) - 1) / 2, z / np.linalg.norm(ray), atol=1e-9)


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0.1, 10))
def test_facing_a_mirrored_ray_is_the_mirrored_rotation(x, y, z):
    mirror = np.diag([-1.0, 1.0, 1.0])
    assert_allclose(facing(np.array([-x, y, z])), mirror @ facing(np.array([x, y, z])) @ mirror, atol=1e-12)


@given(seeds)
def test_rays_pass_through_the_projected_points(seed):
    rng = np.random.default_rng(seed)
    focal, size = rng.uniform(300, 3000), (1920, 1080)
    pinhole = Camera(np.eye(3), np.zeros(3), np.full(2, focal), np.array(size) / 2)
    points = rng.uniform([-5, -5, 1], [5, 5, 10], (6, 3))
    directions = rays(pinhole.project(points), size, focal)
    assert_allclose(directions * points[:, 2:], points, atol=1e-9)


@given(seeds, arrays(np.float64, (5, 3), elements=metres))
def test_world_and_camera_space_round_trip(seed, points):
    own = camera(np.random.default_rng(seed))
    assert_allclose(own.to_world(own.to_camera(points)), points, atol=1e-9)
    assert_allclose(own.to_camera(own.to_world(points)), points, atol=1e-9)


@given(seeds, arrays(np.float64, (5, 3), elements=millimetres))
def test_camera_space_keeps_distances(seed, points):
    moved = camera(np.random.default_rng(seed)).to_camera(points)
    assert_allclose(np.linalg.norm(np.diff(moved, axis=0), axis=1), np.linalg.norm(np.diff(points, axis=0), axis=1))


@given(seeds, st.floats(0.05, 20), st.floats(-0.3, 0.3))
def test_points_along_a_ray_project_to_one_pixel(seed, factor, distortion):
    rng = np.random.default_rng(seed)
    own = camera(rng)
    distorted = replace(own, radial=np.full(3, distortion), tangential=np.full(2, distortion / 10))
    points = rng.normal(size=(6, 3)) * [1, 1, 0] + [0, 0, 2]
    assert_allclose(distorted.project(points * factor), distorted.project(points), rtol=1e-9, atol=1e-6)


@given(arrays(np.float64, (17, 2), elements=st.floats(-1e4, 1e4)), st.integers(1, 8000), st.integers(1, 8000))
def test_screen_coordinates_round_trip(pixels, width, height):
    assert_allclose(from_screen(to_screen(pixels, (width, height)), (width, height)), pixels, atol=1e-6)


@given(seeds, st.floats(-3, 3))
def test_look_at_is_a_rotation(seed, roll):
    direction = np.random.default_rng(seed).normal(size=3)
    assume(np.hypot(direction[0], direction[2]) > 1e-3)
    turn = look_at(direction, roll)
    assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    assert_allclose(np.linalg.det(turn), 1)


def similar(rng: np.random.Generator, points: np.ndarray) -> np.ndarray:
    return rng.uniform(0.2, 5) * points @ rotation(rng) + rng.normal(0, 3, 3)


@given(seeds)
def test_p_mpjpe_does_not_change_under_similarities_of_the_prediction(seed):
    rng = np.random.default_rng(seed)
    predicted, target = rng.normal(size=(2, 3, 17, 3))
    moved = np.stack([similar(rng, pose) for pose in predicted])
    assert_allclose(p_mpjpe(moved, target), p_mpjpe(predicted, target), rtol=1e-9)
    assert p_mpjpe(np.stack([similar(rng, pose) for pose in target]), target) < 1e-9


@given(seeds)
def test_alignment_never_mirrors(seed):
    target = np.random.default_rng(seed).normal(size=(1, 17, 3))
    assert p_mpjpe(target * [-1, 1, 1], target) > 1


@given(seeds)
def test_alignment_beats_random_similarities(seed):
    rng = np.random.default_rng(seed)
    points, target = rng.normal(size=(2, 17, 3))
    best = ((align(points, target) - target) ** 2).sum()
    assert best <= ((points - target) ** 2).sum() + 1e-9
    for _ in range(10):
        assert best <= ((similar(rng, points) - target) ** 2).sum() + 1e-9


@given(seeds)
def test_alignment_is_idempotent(seed):
    points, target = np.random.default_rng(seed).normal(size=(2, 17, 3))
    once = align(points, target)
    assert_allclose(align(once, target), once, atol=1e-9)


@given(seeds, st.floats(0.1, 10))
def test_errors_are_metrics_and_scale_with_the_motion(seed, factor):
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(size=(3, 5, 17, 3))
    shift = rng.normal(size=3)
    turn = rotation(rng)
    for metric in (mpjpe, mpjve, acceleration_error):
        assert metric(a, a) == 0
        assert_allclose(metric(a, b), metric(b, a))
        assert metric(a, c) <= metric(a, b) + metric(b, c) + 1e-9
        assert_allclose(metric(a @ turn, b @ turn), metric(a, b))
        assert_allclose(metric(a * factor, b * factor), factor * metric(a, b))
        assert_allclose(metric(a + shift, b + shift), metric(a, b))
        assert_allclose(metric(a[::-1], b[::-1]), metric(a, b))
    drift = a + shift  # the same motion at another place
    assert mpjve(drift, a) < 1e-9
    assert_allclose(mpjpe(drift, a), 1000 * np.linalg.norm(shift))


@given(seeds, st.floats(0.1, 10))
def test_n_mpjpe_does_not_change_with_the_scale_of_the_prediction(seed, factor):
    rng = np.random.default_rng(seed)
    predicted, target = rng.normal(size=(2, 3, 17, 3))
    turn = rotation(rng)
    assert_allclose(n_mpjpe(factor * predicted, target), n_mpjpe(predicted, target))
    assert_allclose(n_mpjpe(predicted @ turn, target @ turn), n_mpjpe(predicted, target))
    assert n_mpjpe(factor * target, target) < 1e-9


@given(seeds)
def test_freer_alignment_gives_smaller_squared_errors(seed):
    predicted, target = np.random.default_rng(seed).normal(size=(2, 3, 17, 3))
    plain, scale, similarity = (
        (joint_errors(predicted, target, align_by=by) ** 2).sum(-1) for by in ("none", "scale", "similarity")
    )
    assert (similarity <= scale + 1e-6).all()
    assert (scale <= plain + 1e-6).all()


@given(seeds, st.floats(1, 400))
def test_pck_rises_with_the_threshold_and_bounds_auc(seed, threshold):
    rng = np.random.default_rng(seed)
    predicted, target = rng.normal(0, 0.1, (2, 5, 17, 3))
    share = pck(predicted, target, threshold=threshold)
    assert 0 <= share <= pck(predicted, target, threshold=threshold + 10) <= 100
    assert_allclose(share, 100 * (joint_errors(predicted, target) < threshold).mean())
    assert auc(predicted, target) <= pck(predicted, target), "the threshold of PCK is the largest of AUC"
    shift, turn = rng.normal(size=3), rotation(rng)
    assert_allclose(auc(predicted @ turn + shift, target @ turn + shift), auc(predicted, target))


@given(st.sampled_from(list(SKELETONS.values())), seeds)
def test_skeleton_conversions_are_affine(skeleton, seed):
    rng = np.random.default_rng(seed)
    matrix = conversion(skeleton, H36M_17)
    assert_allclose(matrix.sum(1), 1)
    points = rng.normal(size=(len(skeleton), 3))
    turn, shift = rng.normal(size=(3, 3)), rng.normal(size=3)
    assert_allclose(matrix @ (points @ turn + shift), (matrix @ points) @ turn + shift, atol=1e-9)
