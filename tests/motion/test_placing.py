"""`place`: a person whose path is known exactly, seen by a camera that is known exactly."""

import logging
from dataclasses import replace

import numpy as np
import pytest

import poseglass as pg
from oracle import walkers
from oracle.walkers import FOCAL, J
from poseglass.errors import PoseError
from poseglass.motion.placing import Placing, place, place_together, stature

RNG = np.random.default_rng(11)


def root_error(placed: pg.PoseSequence, scene: walkers.Scene) -> float:
    """Mean distance from the true root in metres."""
    return float(np.linalg.norm(placed.root - scene.camera[:, 0], axis=-1).mean())


def f1(placed: pg.PoseSequence, scene: walkers.Scene) -> float:
    found, true = placed.contact > 0.5, scene.contact
    return float(2 * (found & true).sum() / (found.sum() + true.sum()))


@pytest.mark.parametrize("pitch", [0, 20, -10])
@pytest.mark.parametrize("direction", [90, 30])
def test_a_walk_is_where_it_was(pitch: float, direction: float):
    scene = walkers.walk(direction=direction, pitch=pitch, distance=9)
    placed = place(scene.motion(noise=2), focal=FOCAL)
    assert root_error(placed, scene) < 0.05
    # The network knows real feet, whose ankles move before the toes leave the ground.
    assert f1(placed, scene) > 0.7
    assert scene.contact[placed.contact > 0.5].mean() > 0.93
    up = placed.trajectory.to_world[1, :3]
    assert np.degrees(np.arccos(up @ scene.turn[:, 1])) < 5


def test_the_world_has_its_floor_at_0_and_its_origin_below_the_first_pelvis():
    scene = walkers.walk(pitch=20)
    world = place(scene.motion(), focal=FOCAL, pitch=20).world().points
    np.testing.assert_allclose(world[0, 0, [0, 2]], 0, atol=1e-4)
    lower = np.minimum(world[:, J["left_ankle"], 1], world[:, J["right_ankle"], 1])
    np.testing.assert_allclose(np.median(lower), walkers.ANKLE, atol=0.02)
    np.testing.assert_allclose(world - world[:1, :1], scene.world - scene.world[:1, :1], atol=0.06)


def test_standing_feet_do_not_slide():
    scene = walkers.walk(direction=60, distance=8)
    placed = place(scene.motion(noise=3), focal=FOCAL)
    ankles = (placed.points + placed.root[:, None])[:, [J["left_ankle"], J["right_ankle"]]]
    still = scene.contact[1:] & scene.contact[:-1]
    assert np.linalg.norm(np.diff(ankles, axis=0), axis=-1)[still].mean() < 0.004


def test_a_lying_person_is_not_stood_upright(caplog):
    scene = walkers.lying(pitch=10)
    with caplog.at_level(logging.INFO, "poseglass"):
        placed = place(scene.motion(), focal=FOCAL)
    assert abs(placed.trajectory.to_world[1, 1]) > 0.97  # up in the image is up in the world
    assert np.ptp(placed.world().points[..., 1], axis=1).max() < 0.5
    assert "level" in caplog.text


def test_outliers_and_gaps_do_not_move_the_path():
    scene = walkers.walk(direction=70, distance=8)
    motion = scene.motion(noise=2)
    pixels = motion.pose2d.points.copy()
    wild = RNG.random(pixels.shape[:2]) < 0.1
    pixels[wild] += RNG.normal(0, 300, (wild.sum(), 2))
    pixels[40] += 800  # a whole frame is elsewhere
    valid = np.ones(len(motion), bool)
    valid[100:130] = False
    pixels[100:130] = np.nan
    motion = replace(motion, pose2d=replace(motion.pose2d, points=pixels), valid=valid)
    placed = place(motion, focal=FOCAL)
    assert np.isfinite(placed.root).all()
    assert root_error(placed, scene) < 0.15


@pytest.mark.parametrize("pitch", [0, 15])
def test_a_jump_takes_off_flies_and_lands(pitch: float):
    scene = walkers.jump(pitch=pitch)
    placed = place(scene.motion(noise=2), focal=FOCAL)
    heights = placed.world().points[:, 0, 1].astype(float)
    air = np.flatnonzero(~scene.contact.any(1))
    flight = air[2:-2]
    fall = 2 * np.polyfit(flight / scene.fps, heights[flight], 2)[0]
    assert abs(fall / -9.81 - 1) < 0.25
    assert abs(np.ptp(heights) - np.ptp(scene.world[:, 0, 1])) < 0.08
    assert (placed.contact[flight[:-1]] < 0.5).all()  # an ankle that slows down stands a frame too early
    assert (placed.contact[: air[0] - 3] > 0.5).all()
    assert (placed.contact[air[-1] + 4 :] > 0.5).all()


@pytest.mark.parametrize("drop", [1.0, 2.5])
def test_a_jump_down_falls_freely_and_lands_on_the_floor(drop: float):
    scene = walkers.jump_down(drop=drop, distance=8)
    placed = place(scene.motion(noise=2), focal=FOCAL)
    world, air = placed.world().points.astype(float), np.flatnonzero(~scene.contact.any(1))
    fall = 2 * np.polyfit(air / scene.fps, world[air, 0, 1], 2)[0]
    assert abs(fall / -9.81 - 1) < 0.25
    ankles = world[:, [J["left_ankle"], J["right_ankle"]], 1]
    np.testing.assert_allclose(ankles[-30:], walkers.ANKLE, atol=0.05)  # the floor is below, not on the platform
    np.testing.assert_allclose(ankles[:50], drop + walkers.ANKLE, atol=0.1)
    assert (placed.contact[air[2:-2]] < 0.5).all()
    assert (placed.contact[[0, 30, -30, -1]] > 0.5).all()


def test_poses_of_wandering_size_do_not_move_the_person_to_and_fro():
    scene = walkers.walk(direction=90, distance=8)
    size = 1 + 0.1 * np.sin(np.arange(240) / 20)
    motion = scene.motion(noise=1)
    motion = replace(motion, points=size[:, None, None] * motion.points)
    placed = place(motion, focal=FOCAL)
    assert np.abs(placed.root - scene.camera[:, 0])[:, 2].max() < 0.25  # of 0.8 that the poses alone say
    np.testing.assert_array_equal(placed.points, motion.points)


def test_a_mirrored_person_takes_the_mirrored_path():
    scene = walkers.walk(direction=50, distance=9, pitch=10)
    motion = scene.motion(noise=2)
    mirror = list(pg.H36M_17.mirror)
    pixels = motion.pose2d.points[:, mirror] * [-1, 1] + [walkers.SIZE[0], 0]
    mirrored = replace(
        motion, points=motion.points[:, mirror] * [-1, 1, 1], pose2d=replace(motion.pose2d, points=pixels)
    )
    plain, other = place(motion, focal=FOCAL), place(mirrored, focal=FOCAL)
    np.testing.assert_allclose(other.root, plain.root * [-1, 1, 1], atol=2e-3)
    np.testing.assert_allclose(other.contact, plain.contact[:, ::-1], atol=0.02)


def test_time_and_frame_rate_do_not_change_the_path():
    motion = walkers.walk(direction=50, distance=9).motion(noise=1)
    plain = place(motion, focal=FOCAL)
    late = place(replace(motion, start=1000.0, pose2d=replace(motion.pose2d, start=1000.0)), focal=FOCAL)
    np.testing.assert_allclose(late.root, plain.root, atol=1e-4)
    dense = walkers.walk(direction=50, distance=9, fps=120.0)
    fast = place(dense.motion(noise=1), focal=FOCAL)
    np.testing.assert_allclose(fast.root[::4], plain.root, atol=0.05)
    assert np.abs(fast.contact[::4] - plain.contact).mean() < 0.05


@pytest.mark.parametrize("frames", [1, 2, 3, 10])
def test_short_motions_are_placed(frames: int):
    scene = walkers.walk(seconds=1)
    placed = place(scene.motion()[:frames], focal=FOCAL)
    np.testing.assert_allclose(placed.root, scene.camera[:frames, 0], atol=0.08)
    assert placed.contact.shape == (frames, 2)


def test_without_any_visible_frame_the_path_is_finite():
    motion = walkers.walk(seconds=1).motion()
    placed = place(replace(motion, valid=np.zeros(len(motion), bool)), focal=FOCAL)
    assert np.isfinite(placed.root).all()


def test_no_frames_and_no_size_come_back_unchanged():
    motion = walkers.walk(seconds=1).motion()
    assert place(motion[:0]).trajectory is None
    assert place(replace(motion, size=None)).trajectory is None


def test_a_moving_camera_gives_a_path_and_no_world():
    scene = walkers.walk(distance=8)
    placed = place(scene.motion(), focal=FOCAL, camera="moving")
    assert placed.trajectory.to_world is None
    assert root_error(placed, scene) < 0.05


def test_an_unknown_focal_length_costs_scale_and_not_shape():
    scene = walkers.walk(direction=60, distance=8)
    placed = place(scene.motion(noise=1))
    assert placed.trajectory.focal == 1.1 * 1920
    scale = (placed.root * scene.camera[:, 0]).sum() / (placed.root**2).sum()
    assert np.linalg.norm(scale * placed.root - scene.camera[:, 0], axis=-1).mean() < 0.15


def test_the_height_scales_poses_and_path():
    motion = walkers.walk(seconds=3).motion()
    motion = replace(motion, uncertainty=np.full(motion.points.shape[:2], 0.1))
    plain = place(motion, focal=FOCAL, pitch=0)
    own = stature(plain.points)
    taller = place(motion, focal=FOCAL, pitch=0, height=1.1 * own)
    np.testing.assert_allclose(taller.points, 1.1 * plain.points, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(taller.root, 1.1 * plain.root, rtol=0.005, atol=2e-3)
    np.testing.assert_allclose(taller.uncertainty, 1.1 * plain.uncertainty, rtol=1e-4)
    np.testing.assert_allclose(plain.uncertainty, 0.1, rtol=0.01)
    assert stature(taller.points) == pytest.approx(1.1 * own, rel=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"focal": 0}, "focal must be a length in pixels above 0"),
        ({"focal": np.nan}, "focal"),
        ({"height": 180}, "height must be from 0.3 to 3 metres, got 180"),
        ({"pitch": 100}, "pitch must be from -90 to 90 degrees"),
        ({"camera": "drone"}, "camera must be one of auto, static, moving"),
    ],
)
def test_wrong_options_are_refused(options: dict, message: str):
    with pytest.raises(PoseError, match=message):
        place(walkers.walk(seconds=1).motion(), **options)


def test_only_lifted_motions_are_placed():
    with pytest.raises(PoseError, match="expected a lifted motion"):
        place(walkers.walk(seconds=1).motion().pose2d)


def test_people_together_share_one_world():
    first = walkers.walk(direction=90, distance=9, pitch=10)
    shift = first.turn @ np.array([1.0, 0, -1.5])  # to the right and farther away
    second = replace(first, world=first.world + np.array([1.0, 0, -1.5]))
    assert np.allclose(second.camera - first.camera, shift)
    one, other = place_together([first.motion(), second.motion()], focal=FOCAL)
    np.testing.assert_array_equal(one.trajectory.to_world, other.trajectory.to_world)
    apart = (other.world().points - one.world().points)[:, 0].mean(0)
    np.testing.assert_allclose(apart, [1.0, 0, -1.5], atol=0.1)
    taller = place_together([first.motion(), second.motion()], focal=FOCAL, height=1.1 * stature(one.points))
    np.testing.assert_allclose(taller[1].points, 1.1 * other.points, rtol=1e-4, atol=1e-5)


def test_people_of_different_pictures_are_refused():
    motion = walkers.walk(seconds=1).motion()
    with pytest.raises(PoseError, match="one image size"):
        place_together([motion, replace(motion, size=(640, 480))])


def test_nobody_is_placed_nowhere():
    assert place_together([]) == []


def test_options_are_checked_when_they_are_set():
    assert Placing(height=1.8, pitch=20).camera == "auto"
    with pytest.raises(PoseError, match="height"):
        Placing(height=18)
