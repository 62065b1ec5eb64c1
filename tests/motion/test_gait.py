"""Gait events of a figure that walks like a pendulum clock, whose events are known."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import poseglass as pg
from poseglass.body.trajectory import Trajectory
from poseglass.errors import PoseError
from poseglass.motion.gait import gait_events

RNG = np.random.default_rng(4)
STRIDE = 1.1  # seconds
INDEX = pg.H36M_17.index


def walker(times: np.ndarray, *, swing: float = 0.35, heading: np.ndarray | None = None) -> np.ndarray:
    """Joints (f 17 3) of a person who faces +z, turned by a heading in radians, on a treadmill.

    The left ankle is farthest in front at 0, STRIDE, 2 STRIDE, ...
    """
    points = np.zeros((len(times), 17, 3))
    for name, height in (("pelvis", 0.9), ("spine", 1.1), ("thorax", 1.4), ("neck_nose", 1.5), ("head_top", 1.6)):
        points[:, INDEX(name), 1] = height
    phase = 2 * np.pi * times / STRIDE
    for side, sign in (("left", 1), ("right", -1)):
        points[:, INDEX(f"{side}_hip")] = [0.12 * sign, 0.9, 0]
        points[:, INDEX(f"{side}_knee")] = [0.12 * sign, 0.5, 0]
        points[:, INDEX(f"{side}_ankle")] = [0.12 * sign, 0.1, 0]
        points[:, INDEX(f"{side}_ankle"), 2] = sign * swing * np.cos(phase)
        for joint, height in (("shoulder", 1.4), ("elbow", 1.1), ("wrist", 0.9)):
            points[:, INDEX(f"{side}_{joint}")] = [0.18 * sign, height, 0]
    if heading is None:
        return points
    return np.einsum("fab,fjb->fja", Rotation.from_rotvec(heading[:, None] * [0, 1, 0]).as_matrix(), points)


def world(points: np.ndarray, **fields) -> pg.PoseSequence:
    return pg.PoseSequence(points, pg.H36M_17, "world", fps=None if "timestamps" in fields else 30, **fields)


def expected(seconds: float) -> list[tuple[float, str, str]]:
    """The events of :func:`walker` away from the ends."""
    events = []
    for number in range(1, int(2 * seconds / STRIDE) + 1):
        front, back = ("right", "left") if number % 2 else ("left", "right")
        events += [(number * STRIDE / 2, front, "heel_strike"), (number * STRIDE / 2, back, "toe_off")]
    return events


def check(motion: pg.PoseSequence, tolerance: float) -> None:
    """The events away from the ends are the known ones, each once."""
    inside = [0.3, motion.duration - 0.3]
    truth = [event for event in expected(motion.duration) if inside[0] < event[0] < inside[1]]
    events = [event for event in gait_events(motion) if inside[0] < event.seconds < inside[1]]
    events.sort(key=lambda event: (round(2 * event.seconds / STRIDE), event.kind))
    assert [(event.side, event.kind) for event in events] == [(side, kind) for _, side, kind in truth]
    np.testing.assert_allclose([event.seconds for event in events], [row[0] for row in truth], atol=tolerance)
    for event in events:
        assert abs(motion.times[event.frame] - event.seconds) <= 0.51 / motion.rate + 0.005


def test_events_of_a_treadmill():
    check(world(walker(np.arange(180) / 30)), 0.003)


def test_noise_moves_events_little():
    points = walker(np.arange(180) / 30)
    check(world(points + RNG.normal(0, 0.01, points.shape)), 0.05)


def test_walking_along_a_curve():
    times = np.arange(180) / 30
    check(world(walker(times, heading=0.6 * times)), 0.02)


def test_uneven_clocks():
    times = np.arange(300) / 50 + RNG.uniform(-0.004, 0.004, 300)
    times -= times[0]
    check(world(walker(times), timestamps=times), 0.01)


def test_gravity_may_be_unknown_and_the_camera_oblique():
    times = np.arange(180) / 30
    turn = Rotation.from_euler("xyz", [190, 40, 5], degrees=True).as_matrix()
    points = walker(times) @ turn.T
    points -= points[:, :1]
    check(pg.PoseSequence(points, pg.H36M_17, "camera", fps=30), 0.003)
    to_world = np.eye(4)
    to_world[:3, :3] = turn.T
    path = Trajectory(np.zeros((180, 3)), contact=np.zeros((180, 2)), to_world=to_world)
    check(pg.PoseSequence(points, pg.H36M_17, "camera", fps=30, trajectory=path), 0.003)


@pytest.mark.parametrize("swing", [0.0, 0.05])
def test_standing_and_swaying_have_no_events(swing):
    assert gait_events(world(walker(np.arange(180) / 30, swing=swing))) == []


def test_a_kick_has_no_events():
    """One foot swings far forward while the other stays below the pelvis."""
    points = walker(np.arange(120) / 30, swing=0)
    points[40:80, INDEX("left_ankle"), 2] = 0.7 * np.sin(np.linspace(0, np.pi, 40)) ** 2
    assert gait_events(world(points)) == []


def test_events_alternate():
    strikes = [e.side for e in gait_events(world(walker(np.arange(240) / 30))) if e.kind == "heel_strike"]
    assert len(strikes) > 10
    assert all(one != other for one, other in pairwise(strikes))


@pytest.mark.parametrize("frames", [0, 1, 2, 5, 20])
def test_short_clips(frames):
    assert all(0 <= event.frame < frames for event in gait_events(world(walker(np.arange(frames) / 30))))


def test_unknown_ankles_have_no_events():
    points = walker(np.arange(180) / 30)
    points[:, INDEX("left_ankle")] = np.nan
    assert gait_events(world(points)) == []
    points = walker(np.arange(180) / 30)
    points[85:87, INDEX("right_ankle")] = np.nan  # far from an event
    check(world(points), 0.02)


def test_pictures_are_refused():
    with pytest.raises(PoseError, match="lift them first"):
        gait_events(pg.PoseSequence(np.zeros((9, 17, 2)), pg.H36M_17, "pixels"))
