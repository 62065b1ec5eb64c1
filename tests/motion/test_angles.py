"""Joint angles recovered from bodies that were posed with known angles, and the laws that they obey."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import poseglass as pg
from poseglass.body.trajectory import Trajectory
from poseglass.errors import PoseError
from poseglass.motion.angles import ANGLES, joint_angles

RNG = np.random.default_rng(8)
JOINTS = pg.H36M_17.joints
# A person who faces +z: forward, up and right in the world.
WORLD = np.array([[0, 0, -1], [0, 1, 0], [1, 0, 0]])
PELVIS_NAMES = [name for name in ANGLES if name.startswith("pelvis")]


def posed(degrees: dict[str, float]) -> np.ndarray:
    """Human3.6M's joints (17 3) of a body posed by forward kinematics, with all other angles at zero.

    Every rotation is built one axis at a time in the axes forward, up, right; the left side is built as a mirror image.
    """

    def turn(order: str, *names: str) -> np.ndarray:
        signs = [-1 if name.startswith("-") else 1 for name in names]
        values = [sign * degrees.get(name.lstrip("-"), 0.0) for sign, name in zip(signs, names, strict=True)]
        return Rotation.from_euler(order, values, degrees=True).as_matrix()

    pelvis = turn("YXZ", "pelvis_rotation", "-pelvis_obliquity", "-pelvis_tilt")
    thorax = pelvis @ turn("ZXY", "-trunk_flexion", "trunk_bending", "trunk_rotation")
    body = {"pelvis": np.zeros(3)}
    body["spine"] = body["pelvis"] + pelvis @ [0, 0.24, 0]
    body["thorax"] = body["spine"] + thorax @ [0, 0.25, 0]
    body["neck_nose"] = body["thorax"] + thorax @ [0.05, 0.12, 0]
    body["head_top"] = body["neck_nose"] + thorax @ [0, 0.12, 0]
    for side, sign in (("right", 1), ("left", -1)):
        mirror = np.diag([1, 1, sign])

        def limb(upper, order, names, mirror=mirror, side=side):
            return upper @ mirror @ turn(order, *(name.replace("*", side) for name in names)) @ mirror

        thigh = limb(pelvis, "ZXY", ("*_hip_flexion", "*_hip_adduction", "*_hip_rotation"))
        shank = limb(thigh, "Z", ("-*_knee_flexion",))
        arm = limb(thorax, "ZXY", ("*_shoulder_flexion", "-*_shoulder_abduction", "*_shoulder_rotation"))
        forearm = limb(arm, "Z", ("*_elbow_flexion",))
        body[f"{side}_hip"] = pelvis @ [0, 0, sign * 0.13]
        body[f"{side}_knee"] = body[f"{side}_hip"] + thigh @ [0, -0.44, 0]
        body[f"{side}_ankle"] = body[f"{side}_knee"] + shank @ [0, -0.43, 0]
        body[f"{side}_shoulder"] = body["thorax"] + thorax @ [0, 0, sign * 0.15]
        body[f"{side}_elbow"] = body[f"{side}_shoulder"] + arm @ [0, -0.28, 0]
        body[f"{side}_wrist"] = body[f"{side}_elbow"] + forearm @ [0, -0.25, 0]
    return np.stack([body[name] for name in JOINTS]) @ WORLD.T


def measured(*poses: dict[str, float]) -> dict[str, np.ndarray]:
    angles = joint_angles(world(np.stack([posed(pose) for pose in poses])))
    return {name: angles[name] for name in angles.names}


def world(points: np.ndarray, **fields) -> pg.PoseSequence:
    return pg.PoseSequence(points, pg.H36M_17, "world", **({"fps": 30} | fields))


def random_pose() -> dict[str, float]:
    ranges = {"pelvis_tilt": 60, "pelvis_obliquity": 40, "pelvis_rotation": 170}
    ranges |= {"trunk_flexion": 60, "trunk_bending": 40, "trunk_rotation": 60}
    for side in ("right", "left"):
        ranges |= {f"{side}_hip_flexion": 80, f"{side}_hip_adduction": 50, f"{side}_hip_rotation": 60}
        ranges |= {f"{side}_shoulder_flexion": 85, f"{side}_shoulder_abduction": 70, f"{side}_shoulder_rotation": 80}
    pose = {name: RNG.uniform(-limit, limit) for name, limit in ranges.items()}
    return pose | {
        f"{s}_{joint}_flexion": RNG.uniform(25, 150) for s in ("left", "right") for joint in ("knee", "elbow")
    }


def test_angles_are_those_that_the_body_was_posed_with():
    poses = [random_pose() for _ in range(40)]
    angles = measured(*poses)
    headings = np.unwrap([pose["pelvis_rotation"] for pose in poses], period=360)
    for name in poses[0]:
        expected = headings if name == "pelvis_rotation" else [pose[name] for pose in poses]
        np.testing.assert_allclose(angles[name], expected, atol=0.01, err_msg=name)
    expected_names = {n.replace("*", side) for n in ANGLES for side in ("left", "right") if "ankle" not in n}
    assert {*angles} == expected_names


def test_all_angles_of_the_neutral_pose_are_zero():
    for name, values in measured({}).items():
        if "hip_rotation" in name or "shoulder_rotation" in name:
            assert np.isnan(values).all(), name  # straight limbs do not show it
        else:
            np.testing.assert_allclose(values, 0, atol=1e-3, err_msg=name)


@pytest.mark.parametrize(
    ("name", "joint", "axis", "sign"),
    [
        ("right_hip_flexion", "right_knee", 2, 1),
        ("left_hip_flexion", "left_knee", 2, 1),
        ("right_hip_adduction", "right_knee", 0, 1),  # to the left, +x
        ("left_hip_adduction", "left_knee", 0, -1),
        ("right_knee_flexion", "right_ankle", 2, -1),
        ("left_elbow_flexion", "left_wrist", 2, 1),
        ("right_shoulder_flexion", "right_elbow", 2, 1),
        ("right_shoulder_abduction", "right_elbow", 0, -1),
        ("left_shoulder_abduction", "left_elbow", 0, 1),
        ("pelvis_tilt", "thorax", 2, 1),
        ("pelvis_obliquity", "right_hip", 1, 1),
        ("pelvis_rotation", "right_hip", 2, 1),
        ("trunk_flexion", "thorax", 2, 1),
        ("trunk_bending", "thorax", 0, -1),
        ("trunk_rotation", "right_shoulder", 2, 1),
    ],
)
def test_signs(name, joint, axis, sign):
    """A person who faces +z and has +x on the left moves a joint the way that the angle's description says."""
    moved = posed({name: 25.0}) - posed({})
    assert sign * moved[JOINTS.index(joint), axis] > 0.02
    assert measured({name: 25.0})[name] == pytest.approx(25, abs=1e-3)


@pytest.mark.parametrize("side", ["right", "left"])
def test_inward_rotation(side):
    """With the knee bent, turning the thigh inward moves the foot outward; with the elbow bent, the hand inward."""
    outward = -1 if side == "right" else 1  # along x
    for limb, end, way in (("hip", "ankle", 1), ("shoulder", "wrist", -1)):
        hinge = {f"{side}_{'knee' if limb == 'hip' else 'elbow'}_flexion": 90.0}
        moved = posed(hinge | {f"{side}_{limb}_rotation": 30.0}) - posed(hinge)
        assert way * outward * moved[JOINTS.index(f"{side}_{end}"), 0] > 0.1


def test_a_mirrored_body_exchanges_left_and_right():
    points = np.stack([posed(random_pose()) for _ in range(20)])
    mirrored = points[:, list(pg.H36M_17.mirror)] * [-1, 1, 1]
    one, other = joint_angles(world(points)), joint_angles(world(mirrored))
    for name in one.names:
        side, _, rest = name.partition("_")
        twin = {"left": "right_", "right": "left_"}.get(side, f"{side}_") + rest
        sign = -1 if name in ("pelvis_obliquity", "pelvis_rotation", "trunk_bending", "trunk_rotation") else 1
        np.testing.assert_allclose(other[twin], sign * one[name], atol=1e-2, err_msg=name)


def test_the_camera_does_not_change_the_angles_between_segments():
    points = np.stack([posed(random_pose()) for _ in range(20)])
    turn = Rotation.from_euler("xyz", [200, 30, 10], degrees=True).as_matrix()
    camera = pg.PoseSequence(points @ turn.T, pg.H36M_17, "camera", fps=30)
    one, other = joint_angles(world(points)), joint_angles(camera)
    assert {*one.names} - {*other.names} == {*PELVIS_NAMES}
    for name in other.names:
        np.testing.assert_allclose(other[name], one[name], atol=0.01, err_msg=name)
    with pytest.raises(PoseError, match="no angle 'pelvis_tilt': the direction of gravity is unknown"):
        other["pelvis_tilt"]


def test_a_motion_with_a_place_in_the_world_has_the_pelvis_too():
    points = np.stack([posed(random_pose()) for _ in range(20)])
    to_world = np.eye(4)
    to_world[:3, :3] = Rotation.from_euler("x", 170, degrees=True).as_matrix()
    path = Trajectory(np.ones((20, 3)), contact=np.ones((20, 2)), to_world=to_world)
    motion = pg.PoseSequence(points @ to_world[:3, :3], pg.H36M_17, "camera", fps=30, trajectory=path)
    for name in PELVIS_NAMES:
        np.testing.assert_allclose(joint_angles(motion)[name], joint_angles(world(points))[name], atol=0.01)


def test_a_turning_person_counts_on_beyond_half_a_turn():
    turns = np.linspace(0, 720, 50)
    rotation = measured(*({"pelvis_rotation": turn} for turn in turns))["pelvis_rotation"]
    np.testing.assert_allclose(rotation, turns, atol=0.01)


def test_an_arm_that_passes_overhead_does_not_jump():
    flexion = np.linspace(-60, 230, 60)
    angles = measured(*({"left_shoulder_flexion": value} for value in flexion))
    np.testing.assert_allclose(angles["left_shoulder_flexion"], flexion, atol=0.01)
    elevation = np.minimum(np.abs(flexion), 360 - flexion)
    np.testing.assert_allclose(angles["left_shoulder_elevation"], elevation, atol=0.01)


def test_flexion_is_unknown_when_the_arm_points_sideways():
    angles = measured({"right_shoulder_abduction": 88.0, "right_elbow_flexion": 90.0})
    assert np.isnan(angles["right_shoulder_flexion"]).all()
    assert np.isnan(angles["right_shoulder_rotation"]).all()
    assert angles["right_shoulder_elevation"][0] == pytest.approx(88, abs=0.01)
    assert angles["right_shoulder_abduction"][0] == pytest.approx(88, abs=0.01)


def test_ankles_need_heel_and_toe():
    """A shank that leans forward by 20 degrees over a flat foot."""
    points = np.zeros((1, len(pg.HALPE_26), 3), np.float32)
    body = posed({})
    lean = {"left_knee": (0.13, -0.44, 0.15), "left_ankle": (0.13, -0.84, 0), "left_heel": (0.13, -0.9, -0.05)}
    for number, name in enumerate(pg.HALPE_26.joints):
        if name in JOINTS:
            points[0, number] = body[JOINTS.index(name)]
        points[0, number] = lean.get(name, points[0, number])
    points[0, pg.HALPE_26.index("left_big_toe")] = (0.13, -0.9, 0.15)
    angles = joint_angles(pg.PoseSequence(points, pg.HALPE_26, "world", fps=30))
    assert angles["left_ankle_dorsiflexion"][0] == pytest.approx(np.degrees(np.arctan(0.15 / 0.4)), abs=0.01)
    with pytest.raises(PoseError, match="'left_ankle_dorsiflexion': h36m17 has no heel and toe"):
        joint_angles(world(body[None]))["left_ankle_dorsiflexion"]


def test_unknown_joints_make_only_their_angles_unknown():
    points = np.stack([posed(random_pose()) for _ in range(3)])
    points[1, JOINTS.index("left_wrist")] = np.nan
    angles = joint_angles(world(points))
    unknown = {name for name in angles.names if np.isnan(angles[name][1])}
    assert unknown == {"left_elbow_flexion", "left_shoulder_rotation"}
    assert np.isfinite(angles.degrees[[0, 2]]).all()
    collapsed = joint_angles(world(np.zeros((2, 17, 3))))
    assert np.isnan(collapsed.degrees).all()


def test_times_are_those_of_the_motion():
    motion = world(np.stack([posed({})] * 3), start=2.5)
    np.testing.assert_array_equal(joint_angles(motion).times, motion.times)


def test_refusals_and_empty_motion():
    with pytest.raises(PoseError, match="lift them first"):
        joint_angles(pg.PoseSequence(np.zeros((3, 17, 2)), pg.H36M_17, "pixels"))
    motion = world(np.stack([posed({})] * 3))
    with pytest.raises(PoseError, match="no angle 'knee'; it is one of pelvis_tilt"):
        joint_angles(motion)["knee"]
    assert joint_angles(motion[:0]).degrees.shape == (0, len(joint_angles(motion).names))
    assert len(joint_angles(replace(motion, fps=60))) == 3
