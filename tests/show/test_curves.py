"""The curves that the page plots, against the motion they come from."""

from dataclasses import replace

import numpy as np
import pytest

from conftest import make_walk
from poseglass import H36M_17, PoseSequence, Skeleton
from poseglass.motion.angles import joint_angles
from poseglass.show.stage import set_stage
from poseglass.show.viewer.curves import Curve, curves
from samples.circle_walk import SPEED, circle_walk


def named(name: str, *motions: PoseSequence) -> Curve:
    return next(curve for curve in curves(set_stage(motions)) if curve.name == name)


def test_the_pelvis_height_is_that_above_the_floor() -> None:
    motion = circle_walk(60)
    (line,) = named("pelvis height", motion).lines
    np.testing.assert_allclose(line.values, motion.world().joint("pelvis")[:, 1], atol=1e-5)
    (estimated,) = named("pelvis height", make_walk(60)).lines
    assert 0.8 < np.median(estimated.values) < 1.1


@pytest.mark.parametrize("fps", [30.0, 240.0, 4.0])
def test_the_speed_of_a_walk_on_a_circle_is_its_speed(fps: float) -> None:
    motion = circle_walk(round(4 * fps), fps)
    flat = replace(motion.world(), points=motion.world().points * np.float32([1, 0, 1]))
    (line,) = named("speed", flat).lines
    assert line.values == pytest.approx(SPEED, rel=0.02)


def test_the_speed_of_uneven_frames_is_that_between_them() -> None:
    times = np.cumsum(np.where(np.arange(60) % 2, 0.02, 0.06))
    points = np.zeros((60, 17, 3))
    points[..., 0] = (2.5 * times)[:, None]
    (line,) = named("speed", PoseSequence(points, H36M_17, "world", timestamps=times)).lines
    np.testing.assert_allclose(line.values, 2.5, rtol=1e-4)


def test_speed_needs_a_world_and_two_frames() -> None:
    assert "speed" not in [curve.name for curve in curves(set_stage(make_walk(30)))]
    (line,) = named("speed", circle_walk(1)).lines
    assert np.isnan(line.values).all()


def test_left_and_right_angles_share_a_curve() -> None:
    motion = circle_walk(60)
    angles, curve = joint_angles(motion), named("knee flexion", motion)
    assert (curve.unit, {line.side for line in curve.lines}) == ("°", {1, 2})
    for line in curve.lines:
        np.testing.assert_allclose(line.values, angles[f"{('', 'left', 'right')[line.side]}_knee_flexion"])


def test_every_figure_has_its_lines_on_the_common_clock() -> None:
    long, short = circle_walk(60, person=1), circle_walk(30, start=1.0, person=2)
    curve = named("knee flexion", long, short)
    assert [(line.person, line.side) for line in curve.lines if line.side == 1] == [(0, 1), (1, 1)]
    line = next(line for line in curve.lines if (line.person, line.side) == (1, 1))
    np.testing.assert_allclose(line.values[:30], joint_angles(short)["left_knee_flexion"])
    assert np.isnan(line.values[31:]).all()
    (_, height) = named("pelvis height", long, short).lines
    assert np.isnan(height.values[31:]).all()


def test_a_skeleton_without_legs_has_a_height_only() -> None:
    stick = Skeleton("stick", ("low", "high"), (("high", "low"),))
    motion = PoseSequence(np.random.default_rng(0).normal(size=(5, 2, 3)), stick, "camera")
    assert [curve.name for curve in curves(set_stage(motion))] == ["pelvis height"]
