"""The look of figures: colours by side, the joints that the camera follows, and the ground."""

import math

import numpy as np
import pytest

from poseglass import BLAZEPOSE_33, COCO_17, H36M_17, Skeleton
from poseglass.show.scene import BONE, LEFT, RIGHT, GroundLevel, bone_ends, girths, middle_joints, mix, side_colours


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
