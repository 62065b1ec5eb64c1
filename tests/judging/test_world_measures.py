"""Measures in the world, against plain loops and laws."""

import math

import numpy as np
import pytest
from numpy import ndarray
from numpy.testing import assert_array_equal

import poseglass as pg
from oracle import bodies
from oracle import world_measures as oracle
from poseglass.errors import PoseError
from poseglass.judging.world_measures import WORLD_MEASURES, PlacedMotion, WorldMeasure, standing

UP = np.array([0.0, -1.0, 0.0])
SHAPE = ("WA-MPJPE", "W-MPJPE", "RTE", "root error", "scale off")


def motion(frames: int = 230, seed: int = 0) -> ndarray:
    """A person (f 17 3) in front of the camera."""
    return np.array([0.3, 1.0, 4.0]) + bodies.turned(bodies.motion(frames, pg.H36M_17.joints, seed), np.pi, 0)


def placed(points: ndarray, contact: ndarray | None = None, up: ndarray = UP, fps: float = 30.0) -> PlacedMotion:
    return PlacedMotion(points, np.zeros((len(points), 2)) if contact is None else contact, up, fps)


def noisy(points: ndarray, size: float = 0.03, seed: int = 1) -> ndarray:
    rng = np.random.default_rng(seed)
    drift = np.cumsum(rng.normal(0, size / 4, (len(points), 1, 3)), 0)
    return 1.1 * points + drift + rng.normal(0, size, points.shape)


def value(name: str, predicted: PlacedMotion, true: PlacedMotion) -> float:
    return WORLD_MEASURES[name].value(np.array([WORLD_MEASURES[name].sums(predicted, true)], float))


@pytest.mark.parametrize("frames", [100, 199, 230])
@pytest.mark.parametrize("seed", [0, 1])
def test_measures_match_plain_loops(frames, seed):
    rng = np.random.default_rng(seed)
    points, fps = motion(frames, seed), 24.0
    guess = noisy(points, seed=seed + 7)
    stands, chance = rng.random((frames, 2)) < 0.4, rng.random((frames, 2))
    predicted, true = placed(guess, chance, fps=fps), placed(points, stands.astype(float), fps=fps)
    expected = {
        "WA-MPJPE": oracle.aligned_mpjpe(guess, points, 100),
        "W-MPJPE": oracle.aligned_mpjpe(guess, points, 2),
        "RTE": oracle.rte(guess, points),
        "median RTE": oracle.rte(guess, points),
        "root error": oracle.root_error(guess, points),
        "scale off": oracle.scale_off(guess, points),
        "jitter": oracle.jitter(guess, fps),
        "sliding": oracle.sliding(guess, stands.tolist()),
        "contact F1": oracle.contact_f1(chance, stands.tolist()),
        "tilt": 0.0,
    }
    assert [*expected] == [*WORLD_MEASURES]
    for name, number in expected.items():
        assert value(name, predicted, true) == pytest.approx(number, rel=1e-9, abs=1e-9), name


class TestLaws:
    def test_the_truth_has_no_error(self):
        true = placed(motion(), np.ones((230, 2)))
        for name in (*SHAPE, "median RTE", "tilt"):
            assert value(name, true, true) == pytest.approx(0, abs=1e-9), name
        assert value("contact F1", true, true) == 100

    def test_turning_and_moving_a_prediction_changes_no_error_of_the_paths_shape(self):
        points = motion()
        guess = noisy(points)
        moved = np.array([3.0, -2.0, 1.0]) + bodies.turned(bodies.turned(guess, 0.7, 0), -1.2, 1)
        for name in ("WA-MPJPE", "W-MPJPE", "RTE", "jitter"):
            before, after = (value(name, placed(each), placed(points)) for each in (guess, moved))
            assert after == pytest.approx(before, rel=1e-9), name
            assert before > 0
        rigid = bodies.turned(points, 0.4, 2) + 1.0
        for name in ("WA-MPJPE", "W-MPJPE", "RTE"):
            assert value(name, placed(rigid), placed(points)) == pytest.approx(0, abs=1e-9)
        assert value("root error", placed(rigid), placed(points)) > 10, "the place before the camera is wrong"

    @pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.0])
    def test_the_scale_alone_shows_in_the_scale_and_the_rte(self, factor):
        points = motion()
        scaled, true = placed(factor * points), placed(points)
        for name in ("WA-MPJPE", "W-MPJPE", "root error"):
            assert value(name, scaled, true) == pytest.approx(0, abs=1e-8), name
        assert value("scale off", scaled, true) == pytest.approx(100 * abs(factor - 1))
        assert value("RTE", scaled, true) > 1
        assert value("jitter", scaled, true) == pytest.approx(factor * value("jitter", true, true))

    def test_a_mirrored_prediction_is_wrong(self):
        points = motion()
        assert value("WA-MPJPE", placed(points * [-1, 1, 1]), placed(points)) > 50

    def test_drift_shows_in_w_mpjpe_more_than_in_wa_mpjpe(self):
        points = motion(100)
        drifting = points + np.arange(100)[:, None, None] * [0.004, 0, 0]
        whole, start = (value(name, placed(drifting), placed(points)) for name in ("WA-MPJPE", "W-MPJPE"))
        assert start == pytest.approx(4 * 49.5, rel=0.2), "4 mm per frame"
        assert whole < start / 1.5

    def test_each_segment_is_aligned_on_its_own_and_the_rest_is_left_out(self):
        points = motion(270)
        jump = points.copy()
        jump[100:200] += 5.0
        jump[200:] *= 3.0
        assert value("WA-MPJPE", placed(jump), placed(points)) == pytest.approx(0, abs=1e-8)

    def test_planted_feet_do_not_slide_and_lifted_feet_do_not_count(self):
        points = motion()
        points[:, [3, 6]] = points[0, [3, 6]]
        points[:50, 6] += np.arange(50)[:, None] * 0.1  # the left foot moves while it is up
        stands = np.ones((230, 2))
        stands[:50, 0] = 0
        assert value("sliding", placed(points), placed(motion(), stands)) == 0
        points[60:, 3] += [0.01, 0, 0]  # one step of 10 mm
        assert value("sliding", placed(points), placed(motion(), stands)) == pytest.approx(10 / (229 + 179))
        assert math.isnan(value("sliding", placed(points), placed(motion(), 0 * stands))), "no foot stands"

    def test_contact_counts_both_kinds_of_mistakes(self):
        stands = np.tile([[1.0, 0.0]], (230, 1))
        true = placed(motion(), stands)
        for contact, f1 in ((stands, 100), (0.49 + 0.02 * stands, 100), (1 - stands, 0), (np.ones((230, 2)), 200 / 3)):
            assert value("contact F1", placed(motion(), contact), true) == pytest.approx(f1)
        nowhere = placed(motion())
        assert math.isnan(value("contact F1", nowhere, nowhere)), "neither stands anywhere"
        assert value("contact F1", nowhere, true) == 0

    @pytest.mark.parametrize("angle", [0.0, 1e-6, 0.3, 1.5, 3.0])
    def test_tilt_is_the_angle_between_the_upward_directions(self, angle):
        tilted = placed(motion(), up=bodies.turned(UP, angle, 2))
        assert value("tilt", tilted, placed(motion())) == pytest.approx(np.degrees(angle), abs=1e-9)
        assert math.isnan(value("tilt", placed(motion(), up=np.full(3, np.nan)), placed(motion())))

    def test_a_person_who_does_not_move_has_no_rte(self):
        still = placed(np.repeat(motion(1), 100, 0))
        assert math.isnan(value("RTE", placed(noisy(still.points)), still))

    def test_constant_acceleration_has_no_jitter(self):
        time = np.arange(30.0)[:, None, None] / 30
        assert value("jitter", placed(9.81 / 2 * time**2 + motion(1)), placed(motion(30))) == pytest.approx(0, abs=1e-8)
        cubic = placed(np.repeat(time**3 * [1, 0, 0], 17, 1))
        assert value("jitter", cubic, cubic) == pytest.approx(0.6), "the third derivative of t^3 is 6 m/s^3"


class TestStanding:
    @pytest.mark.parametrize("fps", [24.0, 30.0, 60.0])
    def test_it_matches_plain_loops(self, fps):
        rng = np.random.default_rng(3)
        world = np.cumsum(rng.normal(0, 0.15 / fps, (80, 17, 3)), 0)
        expected = oracle.standing(world, fps)
        assert_array_equal(standing(world[:, [6, 3]], fps), expected)
        assert 0.05 < np.mean(expected) < 0.95

    def test_a_still_foot_in_the_air_does_not_stand(self):
        ankles = np.zeros((40, 2, 3))
        ankles[20:, 0, 1] = 0.06
        ankles[20:, 1, 1] = 0.04
        stands = standing(ankles, 30.0)
        assert not stands[22:, 0].any()
        assert stands[22:, 1].all()

    def test_one_frame_is_refused(self):
        with pytest.raises(PoseError, match="two frames or more, got 1"):
            standing(np.zeros((1, 2, 3)), 30.0)


def test_views_are_pooled_by_their_weights_and_those_without_weight_do_not_count():
    views = np.array([[10.0, 2], [0, 0], [30, 2], [100, 1]])
    assert WorldMeasure("mm", WORLD_MEASURES["RTE"].sums).value(views) == 28
    assert WorldMeasure("mm", WORLD_MEASURES["RTE"].sums, "median").value(views) == 15
    assert math.isnan(WorldMeasure("mm", WORLD_MEASURES["RTE"].sums).value(views[1:2]))
