"""Metrics against plain loops and known answers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from oracle import metrics as oracle
from poseglass import MPI_INF_3DHP_17
from poseglass.body.geometry import align, rescale
from poseglass.errors import PoseError
from poseglass.judging.metrics import (
    AUC_THRESHOLDS,
    METRICS,
    SCORED_3DHP,
    acceleration_error,
    auc,
    joint_errors,
    metrics_for,
    mpjpe,
    mpjve,
    n_mpjpe,
    p_mpjpe,
    pck,
)

KINDS = ["far off", "flat", "collinear", "both collinear", "one point", "the origin", "truth in one point", "mirrored",
         "turned inside out", "the truth"]  # fmt: skip
FUNCTIONS = [mpjpe, p_mpjpe, n_mpjpe, mpjve, acceleration_error, pck, auc]


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    target = rng.normal(0, 0.4, (12, 17, 3)).astype(np.float32)
    return target + rng.normal(0, 0.05, target.shape).astype(np.float32), target


def degenerate(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Degenerate predictions (12 17 3) and the truth."""
    rng = np.random.default_rng(7)
    predicted, target = rng.normal(0, 0.3, (2, 12, 17, 3))
    match kind:
        case "far off":
            predicted = 50 * predicted + 1e3
        case "flat":
            predicted[..., 2] = 0
        case "collinear":
            predicted = rng.normal(size=(12, 17, 1)) * rng.normal(size=(12, 1, 3))
        case "both collinear":
            predicted = rng.normal(size=(12, 17, 1)) * rng.normal(size=(12, 1, 3))
            target = rng.normal(size=(12, 17, 1)) * rng.normal(size=(12, 1, 3))
        case "one point":
            predicted[:] = rng.normal(size=(12, 1, 3))
        case "the origin":
            predicted[:] = 0
        case "truth in one point":
            target[:] = rng.normal(size=(12, 1, 3))
        case "mirrored":
            predicted = target * [-1, 1, 1]
        case "turned inside out":
            predicted = -target
        case "the truth":
            predicted = target.copy()
    return predicted, target


def check(predicted: np.ndarray, target: np.ndarray) -> None:
    def near(value: float) -> object:
        return pytest.approx(value, rel=1e-9, abs=1e-6)

    joints = range(predicted.shape[1])
    assert mpjpe(predicted, target) == near(oracle.mpjpe(predicted, target))
    assert p_mpjpe(predicted, target) == near(oracle.p_mpjpe(predicted, target))
    assert n_mpjpe(predicted, target) == near(oracle.n_mpjpe(predicted, target))
    assert mpjve(predicted, target) == near(oracle.velocity_error(predicted, target))
    assert acceleration_error(predicted, target) == near(oracle.acceleration_error(predicted, target))
    assert pck(predicted, target) == near(oracle.pck(predicted, target, joints, 150))
    assert auc(predicted, target) == near(oracle.auc(predicted, target, joints))
    assert auc(predicted, target, joints=SCORED_3DHP) == near(oracle.auc(predicted, target, range(14)))


def test_every_metric_matches_plain_loops(pair):
    predicted, target = (poses.astype(float) for poses in pair)
    check(predicted, target)
    check(target + 2 * (predicted - target), target)


@pytest.mark.parametrize("kind", KINDS)
def test_degenerate_poses_match_plain_loops(kind):
    check(*degenerate(kind))


@pytest.mark.parametrize("by", ["similarity", "scale"])
def test_poses_of_a_mixed_batch_are_aligned_one_by_one(by):
    pairs = [degenerate(kind) for kind in KINDS]
    predicted, target = (np.stack(poses) for poses in zip(*pairs, strict=True))  # kinds 12 17 3
    errors = joint_errors(predicted, target, align_by=by)
    fit = oracle.procrustes if by == "similarity" else oracle.scaled
    for kind, frame in np.ndindex(errors.shape[:2]):
        alone = np.linalg.norm(fit(predicted[kind, frame], target[kind, frame]) - target[kind, frame], axis=-1)
        # A straight body may be turned about its own line without changing the sum of squares.
        each = "collinear" not in KINDS[kind]
        assert_allclose(
            errors[kind, frame] if each else np.square(errors[kind, frame]).sum(),
            1000 * alone if each else np.square(1000 * alone).sum(),
            rtol=1e-7, atol=1e-5,
        )  # fmt: skip


@pytest.mark.parametrize("metric", FUNCTIONS)
def test_float32_poses_are_computed_in_float64(pair, metric):
    assert metric(*pair) == metric(*(poses.astype(float) for poses in pair))


@pytest.mark.parametrize("name", METRICS)
def test_metrics_of_the_table_have_a_value_per_frame(pair, name):
    metric = METRICS[name]
    values = metric.values(*pair)
    assert values.shape == (12 - metric.order,)
    assert metric.mean(*pair) == pytest.approx(values.mean())
    expected = {
        "MPJPE": oracle.mpjpe, "P-MPJPE": oracle.p_mpjpe, "N-MPJPE": oracle.n_mpjpe, "MPJVE": oracle.velocity_error,
        "acceleration": oracle.acceleration_error, "PCK": lambda p, t: oracle.pck(p, t, range(14), 150),
        "AUC": lambda p, t: oracle.auc(p, t, range(14)),
    }  # fmt: skip
    assert metric.mean(*pair) == pytest.approx(expected[name](*(poses.astype(float) for poses in pair)))


def test_each_kind_of_report_has_its_metrics():
    assert [*metrics_for("clips")] == ["MPJPE", "P-MPJPE", "MPJVE", "acceleration"]
    assert [*metrics_for("recordings")] == ["MPJPE", "P-MPJPE", "N-MPJPE", "MPJVE", "acceleration"]
    assert [*metrics_for("3dhp")] == ["MPJPE", "PCK", "AUC"]


def test_errors_are_given_per_frame_and_joint(pair):
    predicted, target = pair
    errors = joint_errors(predicted, target)
    assert errors.shape == (12, 17)
    assert errors[3, 5] == pytest.approx(oracle.mpjpe(predicted[3:4, 5:6], target[3:4, 5:6]))
    aligned = joint_errors(predicted, target, align_by="similarity")
    assert aligned[4].mean() == pytest.approx(oracle.p_mpjpe(predicted[4:5], target[4:5]))
    scaled = joint_errors(predicted, target, align_by="scale")
    assert scaled[4].mean() == pytest.approx(oracle.n_mpjpe(predicted[4:5], target[4:5]))
    assert joint_errors(predicted, target, order=2).shape == (10, 17)


@pytest.mark.parametrize("metric", FUNCTIONS)
def test_batches_have_equal_weight(pair, metric):
    predicted, target = pair
    halves = [metric(predicted[:6], target[:6]), metric(predicted[6:], target[6:])]
    stacked = metric(predicted.reshape(2, 6, 17, 3), target.reshape(2, 6, 17, 3))
    assert stacked == pytest.approx(np.mean(halves))


def test_errors_of_an_accelerating_body_are_known():
    still, moving = np.zeros((5, 17, 3)), np.zeros((5, 17, 3))
    moving[..., 2] = 0.003 * np.arange(5)[:, None] ** 2  # 3 mm times t squared
    assert mpjpe(moving, still) == pytest.approx(3 * (0 + 1 + 4 + 9 + 16) / 5)
    assert mpjve(moving, still) == pytest.approx(3 * (1 + 3 + 5 + 7) / 4)
    assert acceleration_error(moving, still) == pytest.approx(6)


def test_pck_and_auc_of_increasing_errors_are_known():
    truth = np.zeros((1, 17, 3))
    off = truth.copy()
    off[0, :, 1] = np.arange(17) / 64  # exact in binary: 0, 15.625, ..., 250 mm
    assert pck(off, truth) == pytest.approx(100 * 10 / 17), "0 to 140.625 mm"
    assert pck(off, truth, threshold=125) == pytest.approx(100 * 8 / 17), "125 mm is not less than 125 mm"
    assert pck(off, truth, joints=[9, 10]) == 50
    below = [sum(15.625 * joint < threshold for joint in range(17)) for threshold in range(0, 151, 5)]
    assert auc(off, truth) == pytest.approx(100 * sum(below) / 31 / 17)
    assert auc(truth, truth) == pytest.approx(100 * 30 / 31)
    assert AUC_THRESHOLDS == (0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100, 105,
                              110, 115, 120, 125, 130, 135, 140, 145, 150)  # fmt: skip


def test_pck_on_3dhp_leaves_out_pelvis_spine_and_head():
    assert tuple(range(14)) == SCORED_3DHP
    assert {MPI_INF_3DHP_17.joints[joint] for joint in (14, 15, 16)} == {"pelvis", "spine", "head"}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("metric", FUNCTIONS)
def test_nan_is_not_hidden(pair, metric, which, bad):
    predicted, target = (poses.copy() for poses in pair)
    for poses in ((predicted,), (target,), (predicted, target))[which]:
        poses[3, 5, 1] = bad
    assert not np.isfinite(metric(predicted, target))


@pytest.mark.parametrize("by", ["none", "scale", "similarity"])
def test_nan_stays_in_its_frame(pair, by):
    predicted, target = pair[0].copy(), pair[1]
    predicted[3, 5, 1] = np.nan
    errors, whole = joint_errors(predicted, target, align_by=by), joint_errors(*pair, align_by=by)
    others = np.arange(12) != 3
    assert_allclose(errors[others], whole[others])
    assert np.isnan(errors[3]).sum() == (1 if by == "none" else 17)


@pytest.mark.parametrize("metric", FUNCTIONS)
def test_poses_of_different_shapes_are_refused(metric, as_used):
    # numpy would broadcast one frame over all frames and return a meaningless number.
    with pytest.raises(PoseError, match=r"\(6, 17, 3\).*\(1, 17, 3\)"):
        metric(np.ones((6, 17, 3)), np.ones((1, 17, 3)))
    with pytest.raises(PoseError, match="must have the same shape"):
        metric(np.ones((1, 17, 3)), np.ones((6, 17, 3)))


@pytest.mark.parametrize(
    ("metric", "frames", "needs"),
    [(mpjpe, 0, 1), (p_mpjpe, 0, 1), (pck, 0, 1), (mpjve, 1, 2), (acceleration_error, 2, 3)],
)
def test_too_few_frames_are_refused(metric, frames, needs):
    with pytest.raises(PoseError, match=f"nothing to compare.*at least {needs} frames"):
        metric(np.zeros((frames, 17, 3)), np.zeros((frames, 17, 3)))


def test_rescaling_matches_plain_loops(pair):
    for points, target in zip(*pair, strict=True):
        assert_allclose(rescale(points, target), oracle.scaled(points.astype(float), target.astype(float)), atol=1e-12)


class TestAlign:
    def test_alignment_matches_the_method_of_horn(self):
        rng = np.random.default_rng(1)
        for _ in range(30):
            points, target = rng.normal(size=(2, 17, 3))
            assert_allclose(align(points, target), oracle.procrustes(points, target), atol=1e-9)

    def test_a_mirror_image_is_never_used(self):
        rng = np.random.default_rng(2)
        target = rng.normal(size=(17, 3))
        mirrored = target * [-1, 1, 1]
        assert_allclose(align(mirrored, target), oracle.procrustes(mirrored, target), atol=1e-9)
        assert np.linalg.norm(align(mirrored, target) - target, axis=1).mean() > 0.1

    @pytest.mark.parametrize("collapsed", [(2,), (1, 2)])
    def test_flat_and_straight_bodies_are_aligned(self, collapsed):
        rng = np.random.default_rng(3)
        points, target = rng.normal(size=(2, 17, 3))
        points[:, list(collapsed)] = 0
        error = np.linalg.norm(align(points, target) - target)
        assert error == pytest.approx(np.linalg.norm(oracle.procrustes(points, target) - target), rel=1e-9)
        turned = points @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
        assert_allclose(align(points, 2 * turned + 1), 2 * turned + 1, atol=1e-9)

    def test_coinciding_points_are_aligned_to_the_mean(self):
        target = np.random.default_rng(4).normal(size=(17, 3))
        for place in (np.zeros(3), np.array([0.1, 0.2, 0.3]), np.full(3, 1e6 / 3)):
            aligned = align(np.tile(place, (17, 1)), target)
            assert_allclose(aligned, np.tile(target.mean(0), (17, 1)), atol=1e-9)

    def test_a_target_of_coinciding_points_collapses_the_prediction(self):
        points = np.random.default_rng(5).normal(size=(17, 3))
        assert_allclose(align(points, np.ones((17, 3))), 1, atol=1e-9)

    def test_points_in_the_plane_are_aligned(self):
        rng = np.random.default_rng(6)
        points = rng.normal(size=(17, 2))
        turn = np.array([[0.6, -0.8], [0.8, 0.6]])
        assert_allclose(align(points, 3 * points @ turn - 5), 3 * points @ turn - 5, atol=1e-9)
