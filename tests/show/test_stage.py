"""The stage: where figures stand, on which clock, and what the camera follows."""

from dataclasses import replace

import numpy as np
import pytest

from conftest import make_walk
from poseglass import H36M_17, PoseSequence
from poseglass.errors import PoseError
from poseglass.show.scene import BONE, LEFT, RIGHT
from poseglass.show.stage import set_stage
from samples.circle_walk import ANKLE, RADIUS, circle_walk


def test_a_placed_motion_walks_in_the_world_with_its_feet_on_the_floor() -> None:
    motion = circle_walk(120)
    stage = set_stage(motion)
    assert stage.place == "world"
    points = stage.figures[0].points
    np.testing.assert_allclose(points, motion.world().points * [1, -1, -1], atol=1e-5)
    np.testing.assert_allclose(points[..., 1].max(1), -ANKLE, atol=1e-4)  # y points down
    pelvis = points[:, 0]
    np.testing.assert_allclose(pelvis[0, [0, 2]], 0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(pelvis[:, [0, 2]] - [-RADIUS, 0], axis=1), RADIUS, atol=1e-4)


def test_the_filming_camera_sees_the_2d_poses() -> None:
    motion = circle_walk(30)
    stage = set_stage(motion)
    camera = stage.camera
    assert camera is not None
    assert camera.size == (1280, 720)
    before = (stage.figures[0].points - camera.eye) @ camera.turn.T
    pixels = before[..., :2] / before[..., 2:] * camera.focal + np.array(camera.size) / 2
    np.testing.assert_allclose(pixels, motion.pose2d.points, atol=0.02)


def test_a_motion_in_world_space_keeps_its_floor_if_its_feet_are_near_0() -> None:
    placed = circle_walk(30).world()
    assert set_stage(placed).place == "world"
    assert set_stage(placed).camera is None
    np.testing.assert_allclose(set_stage(placed).figures[0].points, placed.points * [1, -1, -1])
    floating = replace(placed, points=placed.points + np.float32([0, 1, 0]))
    stage = set_stage(floating)
    assert stage.place == "body"
    assert abs(stage.figures[0].points[..., 1].max()) < 0.1


def test_without_gravity_a_motion_is_placed_before_the_camera_on_an_estimated_floor() -> None:
    motion = circle_walk(30)
    motion = replace(motion, trajectory=replace(motion.trajectory, to_world=None))
    stage = set_stage(motion)
    assert stage.place == "camera"
    assert stage.camera is None
    across = stage.figures[0].points[..., [0, 2]]
    np.testing.assert_allclose(across, (motion.points + motion.root[:, None])[..., [0, 2]], atol=1e-6)
    assert -0.15 < stage.figures[0].points[..., 1].max(1).min() < 0.02


def test_motions_without_a_place_stand_side_by_side_in_line() -> None:
    walk = make_walk(30)
    stage = set_stage([walk, replace(walk, points=walk.points + np.float32([0.4, 0, 2.0])), walk])
    assert stage.place == "body"
    pelvis = np.array([figure.points[:, 0] for figure in stage.figures])
    np.testing.assert_allclose(pelvis[..., 0], [[-1.2] * 30, [0] * 30, [1.2] * 30], atol=1e-6)
    np.testing.assert_allclose(pelvis[..., 2], 0, atol=1e-6)
    np.testing.assert_allclose(stage.target, 0, atol=1e-6)


def test_one_motion_without_a_place_takes_the_others_out_of_the_world() -> None:
    assert set_stage([circle_walk(30), make_walk(30)]).place == "body"
    no_gravity = replace(circle_walk(30), trajectory=replace(circle_walk(30).trajectory, to_world=None))
    assert set_stage([circle_walk(30), no_gravity]).place == "camera"


def test_compared_motions_lie_over_each_other_in_other_colours() -> None:
    walk = make_walk(30)
    stage = set_stage(walk, walk[:])
    assert [figure.name for figure in stage.figures] == ["A", "B"]
    assert [figure.compared for figure in stage.figures] == [False, True]
    np.testing.assert_array_equal(*(figure.points for figure in stage.figures))
    assert stage.figures[0].colours == (BONE, LEFT, RIGHT)
    assert not set(stage.figures[1].colours) & {BONE, LEFT, RIGHT}
    several = set_stage([walk, walk], [walk, walk])
    assert [figure.name for figure in several.figures] == ["A person 1", "A person 2", "B person 3", "B person 4"]


def test_people_keep_their_numbers_and_have_colours_of_their_own() -> None:
    stage = set_stage([circle_walk(10, person=number) for number in (3, 1)])
    assert [figure.name for figure in stage.figures] == ["person 3", "person 1"]
    assert len({figure.colours for figure in stage.figures}) == 2


def test_motions_share_the_clock_of_the_longest() -> None:
    slow, fast = make_walk(60, fps=15.0), make_walk(45, fps=30.0)
    late = replace(fast, start=1.0, kept=None)
    stage = set_stage([late, slow])
    assert len(stage) == 60
    np.testing.assert_allclose(stage.times, slow.times)
    figure = stage.figures[0]
    assert figure.shown.tolist() == [bool(1 <= t <= 1 + 44 / 30 + 0.5 / 30) for t in slow.times]
    np.testing.assert_allclose(late.times[figure.rows[figure.shown]], slow.times[figure.shown], atol=0.5 / 30 + 1e-9)
    assert np.isnan(figure.points[~figure.shown]).all()
    assert np.isfinite(figure.points[figure.shown]).all()
    assert stage.figures[1].rows.tolist() == list(range(60))
    assert stage.figures[1].shown.all()


@pytest.mark.parametrize("shift", [0.0, 1e-4, -1e-4])
def test_people_on_one_clock_keep_their_rows(shift: float) -> None:
    walk = make_walk(31, fps=29.97)
    other = replace(walk, timestamps=walk.times + shift, fps=None)
    for figure in set_stage([walk, other]).figures:
        assert figure.rows.tolist() == list(range(31))
        assert figure.shown.all()


def test_the_camera_follows_calmly_and_rises_and_sinks_with_the_feet() -> None:
    motion = circle_walk(150)
    stage = set_stage(motion)
    pelvis = stage.figures[0].points[:, 0]
    assert np.abs(stage.target - pelvis)[20:-20, [0, 2]].max() < 0.12
    assert np.abs(np.diff(stage.target, 2, axis=0))[20:-20].max() < 0.002
    assert np.abs(stage.target[:, 1]).max() < 0.03
    world, step = circle_walk(300).world(), np.zeros((300, 3))
    step[100:150, 1], step[150:200, 1] = 2, -1.5  # the world's y points up
    risen = set_stage(replace(world, points=world.points + step[:, None])).target[:, 1]
    np.testing.assert_allclose(risen[[50, 125, 175, 260]], [0, -2, 1.5, 0], atol=0.15)


def test_the_viewpoint_is_far_enough_to_show_everybody() -> None:
    people = [circle_walk(30, start=start) for start in (0.0, 3.1)]
    people[1] = replace(people[1].world(), points=people[1].world().points + np.float32([6, 0, 0]), pose2d=None)
    stage = set_stage([people[0].world(), people[1]])
    view = stage.viewpoint(1.0)
    for figure in stage.figures:
        pixels = view.project(figure.points[10] - stage.target[10], (500, 500))
        assert pixels[:, :2].min() > 0
        assert pixels[:, :2].max() < 500
    assert set_stage(people[0]).viewpoint(1.0).distance == 4.6


@pytest.mark.parametrize("aspect", [0.6, 1.0, 1.8])
def test_the_viewpoint_shows_people_near_it_and_on_a_roof(aspect: float) -> None:
    ground = circle_walk(30).world()
    near, roof = (
        replace(ground, points=ground.points + np.float32(move), person=number, pose2d=None)
        for number, move in enumerate(([0.5, 0, 2.5], [0, 2.5, -1]), 1)
    )
    stage = set_stage([ground, near, roof])
    size = (round(500 * aspect), 500)
    view = stage.viewpoint(aspect)
    inside = [
        (pixels[..., :2] > 0).all() and (pixels[..., :2] < size).all()
        for figure in stage.figures
        for pixels in [view.project(figure.points - stage.target[:, None], size)]
    ]
    assert inside == [True] * 3


def test_unknown_poses_do_not_disturb_the_camera() -> None:
    motion = circle_walk(30).world()
    points = motion.points.copy()
    points[10:15] = np.nan
    stage = set_stage(replace(motion, points=points))
    assert np.isfinite(stage.target).all()
    blank = set_stage(replace(motion, points=np.full_like(points, np.nan)))
    assert (blank.target == 0).all()
    assert blank.place == "body"


def test_contact_uncertainty_and_kept_follow_the_clock() -> None:
    motion = replace(circle_walk(30), uncertainty=np.full((30, 17), 0.05))
    figure = set_stage(motion).figures[0]
    np.testing.assert_array_equal(figure.contact, motion.contact)
    np.testing.assert_array_equal(figure.uncertainty, motion.uncertainty)
    np.testing.assert_array_equal(figure.kept, motion.kept)
    bare = set_stage(replace(make_walk(30), kept=None, pose2d=None)).figures[0]
    assert (bare.contact, bare.uncertainty, bare.kept, bare.pose2d) == (None, None, None, None)


def test_wrong_motions_are_refused(walk: PoseSequence) -> None:
    with pytest.raises(PoseError, match="empty list"):
        set_stage([])
    with pytest.raises(PoseError, match="at least one frame"):
        set_stage([walk, walk[:0]])
    with pytest.raises(PoseError, match=r"3D motion.*pixels"):
        set_stage(walk, walk.pose2d)
    assert walk.skeleton == H36M_17
