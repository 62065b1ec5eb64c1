"""Quantile regression against its definition, and coverage of errors whose distribution is known."""

import numpy as np
import pytest
from scipy.optimize import linprog

import poseglass as pg
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.errors import DataError
from poseglass.judging.calibration import AIM, LiftedTake, calibrate, coverage, fit_quantile, lifted_takes
from poseglass.judging.viewpoints import CAMERAS

RNG = np.random.default_rng(11)


def taken(name: str, frames: int = 400, *, scale: float = 0.05) -> LiftedTake:
    """A take whose errors double where the score is low."""
    scores = np.repeat(RNG.choice([0.1, 0.5, 0.8, 0.95, 1.0], (frames // 20, 17)), 20, 0)
    points = RNG.normal(0, 0.3, (1, 17, 3)) + RNG.normal(0, 0.001, (frames, 17, 3))
    motion = pg.PoseSequence(points - points[:, :1], pg.H36M_17, "camera", fps=30, scores=scores)
    errors = scale * (2 - scores) * RNG.exponential(1, (frames, 17))
    errors[:, 0] = 0
    return LiftedTake(name, name[:3], motion, errors)


def test_the_fit_is_the_minimum_of_the_pinball_loss():
    """Against the linear program of Koenker and Bassett (1978)."""
    x, share = RNG.normal(size=(150, 2)), RNG.uniform(0.5, 2, 150)
    y = 1 + x @ [0.5, -0.3] + RNG.exponential(0.4, 150)
    design = np.column_stack([np.ones(150), x])
    cost = np.concatenate([np.zeros(6), 0.9 * share, 0.1 * share])
    equal = np.hstack([design, -design, np.eye(150), -np.eye(150)])
    exact = linprog(cost, A_eq=equal, b_eq=y).x
    np.testing.assert_allclose(fit_quantile(x, y, share, 0.9), exact[:3] - exact[3:6], atol=0.12)


def test_level_and_weights_count():
    y = RNG.uniform(size=20_000)
    nothing = np.zeros((20_000, 1))
    assert fit_quantile(nothing, y, np.ones(20_000), 0.3)[0] == pytest.approx(0.3, abs=0.03)
    upper = np.where(y > 0.5, 1.0, 1e-9)
    assert fit_quantile(nothing, y, upper, 0.5)[0] == pytest.approx(0.75, abs=0.03)


def test_calibrated_radii_hold_nine_of_ten_errors_of_other_takes():
    model = calibrate([taken(f"a_{number}") for number in range(9)], "abc")
    assert model.weights == "abc"
    assert {"all", "knee", "score above 0 to 0.3", "score above 0.97 to 1"} <= {*model.coverage}
    for name, share in model.coverage.items():
        assert 0.88 < share < 0.98, name
    others = [taken(f"a_{number}") for number in range(20, 24)]
    for name, share in coverage(others, [model.radius(take.motion) for take in others]).items():
        assert 0.88 < share < 0.98, name


def test_coverage_is_measured_on_takes_that_the_fit_has_not_used():
    """Takes whose errors differ by their names' thirds: each is judged by the fit of the other two."""
    takes = [taken(f"a_{number}", scale=0.3 if number % 3 == 0 else 0.05) for number in range(9)]
    model = calibrate(takes)
    assert model.coverage["all"] < 0.85
    pooled = coverage(takes, [model.radius(take.motion) for take in takes])["all"]
    assert pooled == pytest.approx(AIM, abs=0.03)


def test_each_person_is_judged_by_a_fit_to_the_others():
    """Three people, of whom the second is lifted far worse: the fit to the others holds few of their joints."""
    takes = [taken(f"a_{person}_{n}", scale=0.3 if person == 2 else 0.05) for person in (1, 2, 3) for n in range(3)]
    measured = calibrate(takes).coverage
    assert measured["left out: a_2"] < 0.5
    assert measured["left out: a_1"] > 0.9
    assert "left out: a_1" not in calibrate(takes[:3]).coverage


def test_data_sets_count_equally():
    few, many = [taken(f"a_{n}", 200, scale=0.2) for n in range(3)], [taken(f"b_{n}", 800) for n in range(6)]
    model = calibrate([*few, *many])
    shares = [coverage(part, [model.radius(take.motion) for take in part])["all"] for part in (few, many)]
    assert sum(shares) / 2 == pytest.approx(AIM, abs=0.04)


def test_coverage_counts_joints():
    take = taken("a_0", 40)
    radius = np.ones((40, 17))
    radius[:, 3] = 0  # the right ankle; the left one counts too
    radius[10:] = np.nan
    shares = coverage([take], [radius])
    assert (shares["ankle"], shares["knee"]) == (0.5, 1)
    assert shares["all"] == pytest.approx(15 / 16, abs=1e-3)
    assert "pelvis" not in shares


def test_takes_are_lifted_from_all_cameras():
    points = RNG.normal((0, 1, 0), 0.3, (24, 17, 3))
    clips = MotionClips((MotionClip("cmu_1_2", points, "cmu_1", split="val"),), fps=60)
    takes = list(lifted_takes(pg.create_model("mixste-tiny", frames=9, inputs=3), clips))
    assert len(takes) == len(CAMERAS)
    assert {(take.name, take.source, len(take.motion)) for take in takes} == {("cmu_1_2", "cmu", 12)}
    assert takes[0].motion.pose2d is not None
    assert (takes[0].errors[:, 0] == 0).all()
    with pytest.raises(DataError, match="3 takes or more, got 1"):
        calibrate(takes)
