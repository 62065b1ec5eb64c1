"""Where a person is: the trajectory's checks, its slices, and the motion in the world."""

import numpy as np
import pytest

import poseglass as pg
from poseglass.body.concatenate import concatenate
from poseglass.body.trajectory import Trajectory
from poseglass.errors import PoseError

RNG = np.random.default_rng(5)
# A camera 1.5 m above the floor that looks 30 degrees down.
DOWN = np.deg2rad(30)
TO_WORLD = np.array(
    [
        [1, 0, 0, 0],
        [0, -np.cos(DOWN), -np.sin(DOWN), 1.5],
        [0, np.sin(DOWN), -np.cos(DOWN), 0],
        [0, 0, 0, 1],
    ]
)


def trajectory(frames: int = 20, **changes) -> Trajectory:
    fields = {"contact": RNG.random((frames, 2)), "to_world": TO_WORLD, "focal": 1100.0} | changes
    return Trajectory(RNG.normal((0, 0, 4), size=(frames, 3)), **fields)


def walk(frames: int = 20, **changes) -> pg.PoseSequence:
    points = RNG.normal(size=(frames, 17, 3))
    points[:, 0] = 0
    fields = {"trajectory": trajectory(frames), "person": 2, "uncertainty": RNG.random((frames, 17))} | changes
    return pg.PoseSequence(points, pg.H36M_17, "camera", fps=30, **fields)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"contact": np.full((20, 2), 1.5)}, "from 0 to 1"),
        ({"contact": np.full((20, 2), np.nan)}, "finite"),
        ({"to_world": 2 * np.eye(4)}, "a rotation and a translation"),
        ({"to_world": np.diag([1.0, 1, -1, 1])}, "a rotation and a translation"),
        ({"focal": -1.0}, "above 0"),
    ],
)
def test_a_wrong_trajectory_is_refused(changes, message):
    with pytest.raises(PoseError, match=message):
        trajectory(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trajectory": trajectory(19)}, "trajectory must have as many frames"),
        ({"person": 0}, "numbered from 1"),
    ],
)
def test_parts_of_another_length_are_refused(changes, message):
    with pytest.raises(PoseError, match=message):
        walk(**changes)


def test_only_camera_space_has_a_trajectory():
    with pytest.raises(PoseError, match="only poses in camera space"):
        pg.PoseSequence(np.zeros((20, 17, 3)), pg.H36M_17, "world", trajectory=trajectory())


def test_world_is_the_camera_turned_and_moved():
    motion = walk()
    world = motion.world()
    assert (world.space, world.person) == ("world", 2)
    for frame in range(len(motion)):
        for joint in range(17):
            in_camera = motion.points[frame, joint] + motion.root[frame]
            expected = TO_WORLD[:3, :3] @ in_camera + TO_WORLD[:3, 3]
            np.testing.assert_allclose(world.points[frame, joint], expected, atol=1e-5)


def test_a_point_straight_ahead_of_a_tilted_camera_lies_on_the_floor():
    ahead = np.array([0, 0, 1.5 / np.sin(DOWN)])
    np.testing.assert_allclose(trajectory().placed(ahead), [0, 0, -1.5 / np.tan(DOWN)], atol=1e-9)


@pytest.mark.parametrize("motion", [walk(trajectory=None), walk(trajectory=trajectory(to_world=None))])
def test_an_unknown_place_is_refused(motion):
    with pytest.raises(PoseError, match="no place in the world"):
        motion.world()


def test_slices_and_their_concatenation_keep_everything():
    motion = walk()
    again = concatenate([motion[:7], motion[7:]])
    np.testing.assert_array_equal(again.root, motion.root)
    np.testing.assert_array_equal(again.contact, motion.contact)
    np.testing.assert_array_equal(again.uncertainty, motion.uncertainty)
    np.testing.assert_array_equal(again.world().points, motion.world().points)
    np.testing.assert_array_equal(motion[3:9:2].root, motion.root[3:9:2])
    assert again.person == 2


def test_parts_of_two_worlds_have_no_common_trajectory():
    elsewhere = walk(10, trajectory=trajectory(10, to_world=None), start=10 / 30)
    assert concatenate([walk(10), elsewhere]).trajectory is None


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@pytest.mark.parametrize("changes", [{}, {"trajectory": trajectory(to_world=None, focal=None), "person": None}])
def test_files_keep_everything(tmp_path, suffix, changes):
    motion = walk(**changes)
    again = pg.PoseSequence.load(motion.save(tmp_path / f"walk{suffix}"))
    for name in ("root", "contact", "uncertainty"):
        np.testing.assert_allclose(getattr(again, name), getattr(motion, name), atol=1e-6)
    assert (again.person, again.trajectory.focal) == (motion.person, motion.trajectory.focal)
    if motion.trajectory.to_world is None:
        assert again.trajectory.to_world is None
    else:
        np.testing.assert_allclose(again.trajectory.to_world, TO_WORLD, atol=1e-6)


def test_csv_has_columns_for_the_path_and_the_feet(tmp_path):
    motion = walk()
    header, *rows = (line.split(",") for line in motion.save(tmp_path / "walk.csv").read_text().splitlines())
    columns = ["root_x", "root_y", "root_z", "contact_left", "contact_right"]
    start = header.index("root_x")
    assert header[start : start + 5] == columns
    expected = np.concatenate([motion.root, motion.contact], 1)
    np.testing.assert_allclose(np.array(rows)[:, start : start + 5].astype(float), expected, rtol=1e-5)
