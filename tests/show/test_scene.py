"""The look of figures: colours by side, the joints that the camera follows, and the ground."""

import math

import numpy as np
import pytest

from conftest import make_walk
from poseglass import BLAZEPOSE_33, COCO_17, H36M_17, Skeleton
from poseglass.show.scene import (
    BONE,
    LEFT,
    RIGHT,
    GroundLevel,
    Viewpoint,
    bone_ends,
    girths,
    middle_joints,
    mix,
    side_colours,
)

STANDING = make_walk(1).points[0]


@pytest.mark.parametrize(("share", "mixed"), [(0, (10, 200, 0)), (1, (20, 100, 255)), (0.25, (12, 175, 64))])
def test_colours_mix_in_proportion(share: float, mixed: tuple[int, int, int]) -> None:
    assert mix((10, 200, 0), (20, 100, 255), share) == mixed


def test_bones_have_the_colour_of_their_side_and_bones_across_that_of_the_middle() -> None:
    joints, bones = side_colours(COCO_17)
    assert [joints[COCO_17.index(name)] for name in ("nose", "left_eye", "right_knee")] == [BONE, LEFT, RIGHT]
    colours = dict(zip(COCO_17.bones, bones, strict=True))
    assert colours["left_elbow", "left_shoulder"] == LEFT
    assert colours["right_shoulder", "left_shoulder"] == BONE
    assert colours["right_eye", "nose"] == RIGHT  # from the middle to a side
    for (child, parent), far, near in zip(COCO_17.bones, *bone_ends(COCO_17), strict=True):
        assert (COCO_17.joints[far], COCO_17.joints[near]) == (child, parent)


def test_limbs_get_thinner_towards_their_ends() -> None:
    thickness = dict(zip(H36M_17.joints, girths(H36M_17), strict=True))
    for side in ("left", "right"):
        for chain in (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")):
            assert all(np.diff([thickness[f"{side}_{part}"] for part in chain]) < 0)
    others = dict(zip(BLAZEPOSE_33.joints, girths(BLAZEPOSE_33), strict=True))
    assert others["left_thumb"] < thickness["left_wrist"]


def test_the_camera_follows_the_root_or_the_hips_or_the_whole_body() -> None:
    assert middle_joints(H36M_17) == [0]
    assert [COCO_17.joints[joint] for joint in middle_joints(COCO_17)] == ["left_hip", "right_hip"]
    assert middle_joints(Skeleton("hand", ("thumb", "palm", "wrist"), ())) == [0, 1, 2]


@pytest.mark.parametrize(("change", "seconds"), [(0.5, 0.08), (-0.5, 0.3)])  # y points down
def test_the_ground_covers_63_percent_of_a_change_in_its_time_constant(change: float, seconds: float) -> None:
    ground, fps = GroundLevel(1000), 1000
    start = ground(np.array([[0.0, -1, 0], [0, 1, 0]]))
    assert start == pytest.approx(1.06)  # the sole is 6 cm below the ankle
    for _ in range(round(seconds * fps)):
        height = ground(np.array([[0.0, -1, 0], [0, 1 + change, 0]]))
    assert height - start == pytest.approx(change * (1 - 1 / math.e), rel=1e-6)


def test_the_viewpoint_projects_as_a_camera_does() -> None:
    viewpoint, points = Viewpoint(yaw=-50, pitch=20, distance=4), np.random.default_rng(0).normal(0, 0.5, (20, 3))
    # The same with vectors: a camera on a sphere looks at its centre.
    yaw, pitch = np.radians([-50, 20])
    ahead = np.array([-np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    right = np.cross([0, 1, 0], ahead) / np.cos(pitch)
    rays = points - (np.array([0, -viewpoint.height, 0]) - 4 * ahead)
    depth = rays @ ahead
    pixels = np.stack([rays @ right, rays @ np.cross(ahead, right)], -1) / depth[:, None] * viewpoint.zoom * 480
    projected = viewpoint.project(points, (640, 480))
    np.testing.assert_allclose(projected[:, :2], pixels + np.array([320, 240]))
    np.testing.assert_allclose(projected[:, 2], depth)


def test_raised_arms_fit_into_the_picture() -> None:
    tall = STANDING * 1.1
    tall[H36M_17.index("left_wrist")] = tall[H36M_17.index("head_top")] - [0, 0.42, 0]
    pixels = Viewpoint().project(tall - [0, tall[:, 1].max() + 0.06, 0], (540, 540))[:, :2]
    assert pixels.min() > 0
    assert pixels.max() < 540


def test_the_ground_stays_steady_below_the_lowest_joint() -> None:
    walk = make_walk(300)
    floor = GroundLevel(30)
    heights = np.array([floor(pose) for pose in walk.points])
    lowest = walk.points[..., 1].max(1) + 0.06
    assert heights[0] == pytest.approx(lowest[0], abs=1e-6)
    gap = heights - lowest
    assert gap.min() > -0.03, "feet sink in"
    assert gap.max() < 0.12, "the figure floats"
    assert np.abs(np.diff(heights)).max() < 0.02, "the ground jumps"
    still = GroundLevel(30)
    assert [still(STANDING) for _ in range(5)] == [pytest.approx(STANDING[:, 1].max() + 0.06)] * 5


def test_the_ground_follows_a_squat_and_stays_without_a_pose() -> None:
    floor = GroundLevel(30)
    start = floor(STANDING)
    squat = STANDING * [1, 0.5, 1]
    for _ in range(60):
        end = floor(squat)
    assert end == pytest.approx(squat[:, 1].max() + 0.06, abs=0.02)
    assert end < start - 0.3
    assert floor(np.full((17, 3), np.nan)) == end
    assert GroundLevel(30)(np.full((17, 3), np.nan)) == 0
