"""The simulated detector, version 2: its errors lie within stated bands of those measured on real video."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from oracle import bodies
from poseglass import H36M_17
from poseglass.data.virtual import measured_detector as module
from poseglass.data.virtual.cameras import random_cameras
from poseglass.data.virtual.detector import body_size
from poseglass.data.virtual.draws import NumpyDraws, TorchDraws
from poseglass.data.virtual.face import H36M_FACE, face
from poseglass.data.virtual.measured_detector import (
    MEASURED,
    MEASURED_SCORES,
    MeasuredNoise,
    Projection,
    detect_measured,
)

COUNT, FRAMES = 160, 98
# Nose, shoulders, elbows, wrists, hips, knees and ankles, which all detectors report.
REPORTED = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16, 17]
COMPLETE = MeasuredNoise(swaps=False, gaps=0, blackouts=0)
MIRROR = H36M_FACE.mirror


def draws(seed: int = 0) -> TorchDraws:
    return TorchDraws(torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def view() -> Projection:
    """People who walk, in 98 frames at 60 frames per second, as the real clips have."""
    world = torch.from_numpy(
        np.stack([bodies.turned(bodies.motion(FRAMES, H36M_17.joints, seed % 8), 0.8 * seed) for seed in range(COUNT)])
    ).float()
    cameras = random_cameras(draws(1), world)
    space = cameras.to_camera(torch.cat([world, face(world)], 2))
    return Projection(cameras.project(space), space[..., 2], torch.full((COUNT,), 60.0))


@pytest.fixture(scope="module")
def errors(view) -> tuple[np.ndarray, np.ndarray]:
    """Errors in body sizes (b f j 2), and scores (b f j)."""
    points, scores = detect_measured(draws(), view, COMPLETE, MIRROR)
    error = (points - view.pixels) / body_size(view.pixels)
    return error[:, :, REPORTED].double().numpy(), scores[:, :, REPORTED].double().numpy()


def test_the_quantiles_of_the_error_are_within_a_quarter_of_the_measured_ones(errors):
    distance = np.linalg.norm(errors[0], axis=-1)
    for rank, measured in MEASURED["quantiles of the error"].items():
        assert np.quantile(distance, rank) == pytest.approx(measured, rel=0.25), rank


def test_the_autocorrelation_is_within_a_tenth_of_the_measured_one(errors):
    changing = errors[0] - errors[0].mean(1, keepdims=True)
    power = (changing**2).sum(-1).mean()
    for lag, measured in MEASURED["autocorrelation by frames"].items():
        product = (changing[:, lag:] * changing[:, :-lag]).sum(-1).mean()
        assert product / power == pytest.approx(measured, abs=0.1), lag


def test_joints_differ_in_their_deviation_and_constant_part_as_measured(errors):
    mean = errors[0].mean(1)
    deviation = np.sqrt(((errors[0] - mean[:, None]) ** 2).sum(-1).mean(1))
    for rank, measured in MEASURED["standard deviation"].items():
        assert np.quantile(deviation, rank) == pytest.approx(measured, rel=0.35), rank
    for rank, measured in MEASURED["constant part"].items():
        assert np.quantile(np.linalg.norm(mean, axis=-1), rank) == pytest.approx(measured, rel=0.5), rank


def test_scores_are_as_overconfident_as_measured(errors):
    distance, scores = np.linalg.norm(errors[0], axis=-1), errors[1]
    high = 1.01
    for low, share, median in MEASURED_SCORES:
        chosen = (scores >= low) & (scores < high)
        assert chosen.mean() == pytest.approx(share, rel=0.3, abs=0.003), low
        if median:
            assert np.median(distance[chosen]) == pytest.approx(median, rel=0.35), low
        high = low


def test_errors_last_as_long_at_any_frame_rate(view):
    """After a quarter of a second as little is left at 30 frames per second as at 60."""
    half = Projection(view.pixels[:, ::2], view.depth[:, ::2], view.fps / 2)
    points, _ = detect_measured(draws(2), half, COMPLETE, MIRROR)
    error = ((points - half.pixels) / body_size(half.pixels))[:, :, REPORTED]
    changing = error - error.mean(1, keepdim=True)
    power = (changing**2).sum(-1).mean()
    for frames, measured in ((3, MEASURED["autocorrelation by frames"][6]), (8, 0.0)):
        product = (changing[:, frames:] * changing[:, :-frames]).sum(-1).mean()
        assert (product / power).item() == pytest.approx(measured, abs=0.12)


def test_limbs_behind_the_trunk_are_lost_more_often(view):
    """An arm held behind the back is further off than the same arm held in front of the chest."""
    medians = []
    for depth in (0.3, -0.3):
        pixels = torch.from_numpy(250 * bodies.body(H36M_FACE.joints)[:, :2]).float().repeat(400, 60, 1, 1)
        distance = torch.full((400, 60, 23), 4.0)
        wrist, trunk = H36M_17.index("left_wrist"), [4, 1, 11, 14]
        pixels[:, :, wrist] = pixels[:, :, trunk].mean(2)
        distance[:, :, wrist] += depth
        hidden = Projection(pixels, distance, torch.full((400,), 30.0))
        points, _ = detect_measured(draws(), hidden, COMPLETE, MIRROR)
        error = (points - pixels).norm(dim=-1)[:, :, wrist] / body_size(pixels)[..., 0, 0]
        medians.append(error.median().item())
    assert medians[0] > 2 * medians[1]


def test_sides_are_exchanged_for_a_while(view):
    exact = view.pixels
    points = module._exchanged(draws(), view, MIRROR)
    legs, arms = ((points != exact).any(-1)[:, :, joint] for joint in (3, 16))
    assert ((points == exact) | (points == exact[:, :, list(MIRROR)])).all()
    assert (legs >= arms).all(), "arms are exchanged together with the legs only"
    spell = legs.sum(1)[legs.any(1)]
    assert spell.min() >= 1
    assert spell.max() <= 2 * 27, "two spells of 26 frames at 60 frames per second at most"
    share = legs.any(1).double().mean().item()
    assert share == pytest.approx(module.SWAPS_PER_SECOND * FRAMES / 60, abs=0.1)
    whole = arms.any(1).sum() / legs.any(1).sum()
    assert 0.2 < whole.item() < 0.8


def test_missing_joints_have_score_0(view):
    _, scores = detect_measured(draws(), view, MeasuredNoise(swaps=False, gaps=1.0, blackouts=0.0), MIRROR)
    assert 0.7 < (scores == 0).any(1).double().mean() <= 1
    _, scores = detect_measured(draws(), view, MeasuredNoise(swaps=False, gaps=0.0, blackouts=1.0), MIRROR)
    missing = scores == 0
    assert_array_equal(missing.any(2), missing.all(2))
    _, scores = detect_measured(draws(), view, COMPLETE, MIRROR)
    assert scores.min() > 0


def test_errors_grow_with_the_person(view):
    small = Projection(view.pixels / 4 + 300, view.depth, view.fps)
    near, far = (detect_measured(draws(), each, COMPLETE, MIRROR)[0] - each.pixels for each in (view, small))
    assert_allclose(far, near / 4, atol=2e-3)


def test_both_sources_of_randomness_give_the_same_distribution(view, errors):
    double = Projection(*(part.double() for part in view))
    points, _ = detect_measured(NumpyDraws(np.random.default_rng(0)), double, COMPLETE, MIRROR)
    error = (points - double.pixels) / body_size(double.pixels)
    distance = error[:, :, REPORTED].norm(dim=-1).numpy()
    ranks = (0.1, 0.25, 0.5, 0.75, 0.9)
    expected = np.quantile(np.linalg.norm(errors[0], axis=-1), ranks)
    assert np.quantile(distance, ranks) == pytest.approx(expected, rel=0.05)
