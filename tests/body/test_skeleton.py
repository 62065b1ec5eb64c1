"""Skeletons and conversions between them, checked on a body with a known position for every joint."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from oracle import bodies
from poseglass import BLAZEPOSE_33, BODY_25, COCO_17, H36M_17, HALPE_26, MPI_INF_3DHP_17, PoseSequence, Skeleton
from poseglass.body.skeleton import DERIVED, SKELETONS, conversion, counterparts, get_skeleton
from poseglass.errors import PoseError

ALL = list(SKELETONS.values())
DETECTORS = [COCO_17, HALPE_26, BODY_25, BLAZEPOSE_33]


def ids(skeleton: Skeleton) -> str:
    return skeleton.name


def test_joint_orders_match_the_datasets():
    # Human3.6M and MPI-INF-3DHP as numbered in their papers; COCO's keypoint order; OpenPose's BODY_25.
    h36m = (H36M_17.left, H36M_17.right, H36M_17.index("pelvis"), H36M_17.index("head_top"))
    assert h36m == ((4, 5, 6, 11, 12, 13), (1, 2, 3, 14, 15, 16), 0, 10)
    assert (MPI_INF_3DHP_17.left, MPI_INF_3DHP_17.right) == ((5, 6, 7, 11, 12, 13), (2, 3, 4, 8, 9, 10))
    assert MPI_INF_3DHP_17.index("pelvis") == 14
    assert [COCO_17.index(j) for j in ("nose", "left_shoulder", "right_wrist", "left_hip", "right_ankle")] == [
        0, 5, 10, 11, 16,
    ]  # fmt: skip
    assert [BODY_25.index(j) for j in ("neck", "right_shoulder", "pelvis", "right_hip", "left_big_toe")] == [
        1, 2, 8, 9, 19,
    ]  # fmt: skip
    assert [HALPE_26.index(j) for j in ("head_top", "neck", "pelvis", "left_heel")] == [17, 18, 19, 24]
    assert [BLAZEPOSE_33.index(j) for j in ("left_shoulder", "right_wrist", "left_hip", "right_foot_index")] == [
        11, 16, 23, 32,
    ]  # fmt: skip


def test_human36m_has_the_published_parents():
    assert H36M_17.parents == (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)


@pytest.mark.parametrize("skeleton", ALL, ids=ids)
def test_left_and_right_joints_are_paired(skeleton):
    assert len(skeleton.left) == len(skeleton.right) == sum(j.startswith("right_") for j in skeleton.joints)
    for left, right in zip(skeleton.left, skeleton.right, strict=True):
        assert skeleton.joints[left].replace("left_", "right_") == skeleton.joints[right]
    assert [skeleton.mirror[i] for i in skeleton.mirror] == list(range(len(skeleton)))
    # The mirror image of the upright, symmetric body is the body itself.
    body = bodies.body(skeleton.joints)
    assert_allclose((body * [-1, 1, 1])[list(skeleton.mirror)], body)


@pytest.mark.parametrize("skeleton", ALL, ids=ids)
def test_bones_join_all_joints_and_have_human_lengths(skeleton):
    body = bodies.body(skeleton.joints)
    reached = {"left_hip"}
    for _ in skeleton.bones:
        reached |= {j for bone in skeleton.bones if set(bone) & reached for j in bone}
    assert reached >= set(skeleton.joints) - {"left_mouth", "right_mouth"} - set(COCO_17.joints[:5]) - set(
        BLAZEPOSE_33.joints[:9]
    ), "the body is connected; parts of the face may be separate"
    for child, parent in skeleton.bones:
        assert 0.005 < np.linalg.norm(body[skeleton.index(child)] - body[skeleton.index(parent)]) < 0.6


@pytest.mark.parametrize("source", ALL, ids=ids)
def test_conversion_to_human36m_is_accurate_to_centimetres(source):
    truth, body = bodies.body(H36M_17.joints), bodies.body(source.joints)
    error = np.linalg.norm(conversion(source) @ body - truth, axis=1)
    assert error.max() < 0.08, dict(zip(H36M_17.joints, error.round(3), strict=True))
    named = [j for j, joint in enumerate(H36M_17.joints) if joint in source.joints]
    assert_allclose(error[named], 0, atol=1e-12)


@pytest.mark.parametrize("source", ALL, ids=ids)
def test_a_conversion_never_mixes_left_and_right(source):
    matrix = conversion(source)
    for row, joint in enumerate(H36M_17.joints):
        used = {source.joints[i].split("_")[0] for i in np.flatnonzero(matrix[row])}
        other = {"left": "right", "right": "left"}.get(joint.split("_")[0])
        assert other not in used
        if joint.split("_")[0] not in ("left", "right"):
            sides = [
                matrix[row, [source.index(j) for j in source.joints if j.startswith(s)]] for s in ("left", "right")
            ]
            assert sides[0].sum() == pytest.approx(sides[1].sum()), "blends for the middle of the body are symmetric"


@pytest.mark.parametrize("source", DETECTORS, ids=ids)
def test_conversion_commutes_with_mirroring(source):
    points = np.random.default_rng(0).normal(size=(len(source), 2))
    flipped = (points * [-1, 1])[list(source.mirror)]
    assert_allclose(conversion(source) @ flipped, ((conversion(source) @ points) * [-1, 1])[list(H36M_17.mirror)])


def test_a_conversion_to_itself_is_the_identity():
    for skeleton in ALL:
        assert_allclose(conversion(skeleton, skeleton), np.eye(len(skeleton)))


def test_a_conversion_matrix_is_read_only():
    with pytest.raises(ValueError, match=r"read-only"):
        conversion(COCO_17)[0, 0] = 1


def test_a_joint_that_cannot_be_derived_is_named_in_the_error():
    with pytest.raises(PoseError, match=r"h36m17 cannot be converted to coco17.*'nose'"):
        conversion(H36M_17, COCO_17)
    legs = Skeleton("legs", ("left_hip", "right_hip"), ())
    with pytest.raises(PoseError, match=r"right_knee"):
        conversion(legs)


def test_blend_weights_sum_to_one():
    for joint, recipes in DERIVED.items():
        for recipe in recipes:
            assert sum(recipe.values()) == pytest.approx(1), joint


def test_the_score_of_a_derived_joint_is_the_lowest_it_uses():
    scores = np.linspace(0.2, 1, 17)[None]
    body = PoseSequence(bodies.body(COCO_17.joints)[None, :, :2], COCO_17, "pixels", scores=scores).to_skeleton()
    score = dict(zip(H36M_17.joints, body.confidence[0], strict=True))
    by_name = dict(zip(COCO_17.joints, scores[0], strict=True))
    assert score["left_knee"] == pytest.approx(by_name["left_knee"])
    assert score["pelvis"] == pytest.approx(min(by_name["left_hip"], by_name["right_hip"]))
    assert score["thorax"] == pytest.approx(by_name["nose"])
    assert score["spine"] == pytest.approx(by_name["nose"])


def test_an_unknown_joint_affects_only_joints_derived_from_it():
    points = bodies.body(COCO_17.joints)[None, :, :2].astype(np.float32)
    points[0, COCO_17.index("left_hip")] = np.nan
    poses = PoseSequence(points, COCO_17, "pixels").to_skeleton()
    lost = {joint for joint, score in zip(H36M_17.joints, poses.confidence[0], strict=True) if score == 0}
    assert lost == {"left_hip", "pelvis", "spine"}
    assert np.isnan(poses.points[0, H36M_17.index("pelvis")]).all()
    assert np.isfinite(poses.points[0, H36M_17.index("thorax")]).all()


@pytest.mark.parametrize(
    ("source", "target"), [(MPI_INF_3DHP_17, H36M_17), (H36M_17, H36M_17), (BODY_25, BODY_25)], ids=ids
)
def test_corresponding_joints_have_the_same_names(source, target):
    same = {"neck_nose": "head"}  # two names for the same point
    order = counterparts(source, target)
    assert sorted(order) == [*range(len(source))]
    for joint, place in zip(target.joints, order, strict=True):
        assert source.joints[place] in (joint, same.get(joint))


def test_a_derived_joint_has_no_counterpart():
    with pytest.raises(
        PoseError, match="coco17 lacks the joints pelvis, spine, thorax, head_top; joints are only reordered"
    ):
        counterparts(COCO_17)
    with pytest.raises(PoseError, match="'nose' is not one of its joints"):
        counterparts(H36M_17, COCO_17)


@pytest.mark.parametrize("name", ["halpe26", "HALPE26", "halpe-26", "Halpe_26"])
def test_names_ignore_case_and_punctuation(name):
    assert get_skeleton(name) is HALPE_26
    assert get_skeleton(HALPE_26) is HALPE_26


def test_every_skeleton_is_available_by_name():
    for name, skeleton in SKELETONS.items():
        assert get_skeleton(name) is skeleton


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(PoseError, match=r"'smpl24'.*h36m17.*blazepose33"):
        get_skeleton("smpl24")


def test_inconsistent_skeletons_are_refused():
    with pytest.raises(PoseError, match=r"must be unique"):
        Skeleton("x", ("a", "a"), ())
    with pytest.raises(PoseError, match=r"does not have: \['b'\]"):
        Skeleton("x", ("a",), (("a", "b"),))
    with pytest.raises(PoseError, match=r"'hip'"):
        Skeleton("x", ("a",), (), root="hip")
    with pytest.raises(PoseError, match=r"no joint 'nose'.*pelvis"):
        H36M_17.index("nose")
