"""The path solved frame by frame, against truth and a general solver."""

import numpy as np
import pytest
from numpy import ndarray
from numpy.testing import assert_allclose

import poseglass as pg
from oracle import bodies
from poseglass.errors import PoseError
from poseglass.judging.baseline_path import frame_by_frame

SIZE, FOCAL = (1280, 720), 900.0


def lifted(frames: int = 40, noise: float = 0.0) -> tuple[pg.PoseSequence, ndarray]:
    """A motion with exact poses and its true path. `noise` is in pixels."""
    placed = np.array([0.3, 1.0, 4.0]) + bodies.turned(bodies.motion(frames, pg.H36M_17.joints), np.pi, 0)
    rng = np.random.default_rng(0)
    pixels = FOCAL * placed[..., :2] / placed[..., 2:] + np.array(SIZE) / 2
    scores = rng.uniform(0.3, 1, pixels.shape[:2])
    pixels = pixels + rng.normal(0, noise, pixels.shape)
    pose2d = pg.PoseSequence(pixels, pg.H36M_17, "pixels", scores=scores, size=SIZE)
    return pg.PoseSequence(placed - placed[:, :1], pg.H36M_17, "camera", size=SIZE, pose2d=pose2d), placed[:, 0]


def test_exact_poses_give_the_exact_path():
    motion, path = lifted()
    placed = frame_by_frame(motion, focal=FOCAL)
    assert_allclose(placed.root, path, atol=1e-4)
    assert placed.trajectory.focal == FOCAL
    assert_allclose(placed.points, motion.points)


def test_it_is_the_weighted_least_squares_solution():
    motion, _ = lifted(5, noise=3.0)
    root = frame_by_frame(motion, focal=FOCAL).root
    for frame in range(5):
        rows, right, weights = [], [], []
        for joint in range(17):
            x, y, z = motion.points[frame, joint].astype(float)
            u, v = (motion.pose2d.points[frame, joint].astype(float) - np.array(SIZE) / 2) / FOCAL
            rows += [[1, 0, -u], [0, 1, -v]]
            right += [u * z - x, v * z - y]
            weights += [np.sqrt(motion.pose2d.scores[frame, joint])] * 2
        expected = np.linalg.lstsq(np.array(rows) * np.array(weights)[:, None], np.array(right) * weights, rcond=None)
        assert_allclose(root[frame], expected[0], atol=1e-4)


def test_a_longer_focal_length_moves_the_person_away_in_proportion():
    motion, path = lifted()
    assert_allclose(frame_by_frame(motion).root[:, 2].mean() / path[:, 2].mean(), 1.1 * 1280 / FOCAL, rtol=0.05)


def test_frames_without_a_person_lie_between_their_neighbours():
    motion, path = lifted(31)
    scores = motion.pose2d.scores.copy()
    scores[10:20] = 0
    scores[10:20, 5] = 1  # one joint does not tell the depth
    hidden = pg.PoseSequence(motion.pose2d.points, pg.H36M_17, "pixels", scores=scores, size=SIZE)
    gap = pg.PoseSequence(motion.points, pg.H36M_17, "camera", size=SIZE, pose2d=hidden)
    root = frame_by_frame(gap, focal=FOCAL).root
    assert_allclose(root[9:21], np.linspace(path[9], path[20], 12), atol=1e-4)
    assert_allclose(root[:10], path[:10], atol=1e-4)


def test_the_world_is_level_with_the_floor_below_the_feet():
    motion, path = lifted()
    placed = frame_by_frame(motion, focal=FOCAL)
    world = placed.world().points
    assert_allclose(world[0, 0, [0, 2]], 0, atol=1e-4)
    assert world[:, [3, 6], 1].min() == pytest.approx(0, abs=1e-4)
    assert_allclose(np.ptp(world[:, 0], 0), np.ptp(path, 0), atol=1e-3)
    assert (world[:, 10, 1] > 1).all(), "the head is up"


def test_still_feet_stand():
    motion, _ = lifted()
    still = pg.PoseSequence(
        np.repeat(motion.points[:1], 40, 0), pg.H36M_17, "camera", size=SIZE,
        pose2d=pg.PoseSequence(np.repeat(motion.pose2d.points[:1], 40, 0), pg.H36M_17, "pixels", size=SIZE),
    )  # fmt: skip
    assert frame_by_frame(still, focal=FOCAL).contact.all()


def test_motions_that_cannot_be_placed_are_refused():
    motion, _ = lifted()
    with pytest.raises(PoseError, match="needs the 2D poses in pixels"):
        frame_by_frame(pg.PoseSequence(motion.points, pg.H36M_17, "camera"))
    nobody = pg.PoseSequence(
        motion.points, pg.H36M_17, "camera",
        pose2d=pg.PoseSequence(motion.pose2d.points, pg.H36M_17, "pixels", scores=np.zeros((40, 17)), size=SIZE),
    )  # fmt: skip
    with pytest.raises(PoseError, match="no frame shows two joints"):
        frame_by_frame(nobody)
