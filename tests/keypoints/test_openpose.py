"""OpenPose folders."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import BODY_25, COCO_17
from poseglass.errors import FormatError
from poseglass.keypoints import COCO_18, read_keypoints
from samples.keypoint_files import SIZE, person, write


@pytest.mark.parametrize(("joints", "skeleton"), [(25, BODY_25), (18, COCO_18)])
def test_a_folder_is_read_frame_by_frame(tmp_path, joints, skeleton):
    for frame, crowd in {
        12: [person(joints)],
        13: [],
        15: [person(joints, x=105), person(joints, x=400, height=90)],
    }.items():
        people = [{"person_id": [-1], "pose_keypoints_2d": p.reshape(-1).tolist()} for p in crowd]
        write(tmp_path / f"clip_2_{frame:012d}_keypoints.json", {"version": 1.3, "people": people})
    write(tmp_path / "settings.json", {"not": "a frame"})
    poses = read_keypoints(tmp_path, size=SIZE)
    assert poses.skeleton == skeleton
    assert poses.validity.tolist() == [True, False, False, True]
    assert_allclose(poses.points[3], person(joints, x=105)[:, :2], atol=1e-3)


def test_undetected_joints_have_a_score_of_zero(tmp_path):
    joints = person(25)
    joints[4] = 0
    write(tmp_path / "a_0_keypoints.json", {"people": [{"pose_keypoints_2d": joints.reshape(-1).tolist()}]})
    poses = read_keypoints(tmp_path)
    assert poses.confidence[0, 4] == 0
    assert (np.delete(poses.confidence[0], 4) > 0).all()


def folder(path: Path, frames: list[list[dict]]) -> Path:
    for frame, people in enumerate(frames):
        write(path / f"a_{frame}_keypoints.json", {"people": people})
    return path


def test_people_are_followed_by_their_numbers(tmp_path):
    """Two people who change places abruptly, so that their boxes say nothing."""
    left, right = person(25, x=100, score=0.8), person(25, x=400)
    frames = [{0: left, 1: right}, {1: left, 0: right}, {0: left, 1: right}, {1: left, 0: right}, {1: right}]
    people = [
        [{"person_id": [number], "pose_keypoints_2d": joints.reshape(-1).tolist()} for number, joints in crowd.items()]
        for crowd in frames
    ]
    poses = read_keypoints(folder(tmp_path, people), size=SIZE)
    assert_allclose(poses.points, [crowd[1][:, :2] for crowd in frames], rtol=1e-6)  # the one in view for longest


@pytest.mark.parametrize("number", [[], [-1], [-2]])
def test_people_without_a_number_are_followed_by_their_boxes(tmp_path, number):
    joints = [person(25, x=x).reshape(-1).tolist() for x in (100, 103)]
    people = [[{"person_id": number, "pose_keypoints_2d": row}] for row in joints]
    bystander = {"person_id": number, "pose_keypoints_2d": person(25, x=400, height=90).reshape(-1).tolist()}
    poses = read_keypoints(folder(tmp_path, [people[0], [bystander, *people[1]]]))
    assert_allclose(poses.points[:, 0, 0], [person(25, x=x)[0, 0] for x in (100, 103)])


def test_a_layout_is_needed_for_other_numbers_of_joints(tmp_path):
    folder(tmp_path, [[{"pose_keypoints_2d": person(17).reshape(-1).tolist()}]])
    with pytest.raises(FormatError, match=r"this format has 25 \(body25\) or 18 \(coco18\) joints, but 17 are given"):
        read_keypoints(tmp_path)
    assert read_keypoints(tmp_path, layout="coco17").skeleton == COCO_17


@pytest.mark.parametrize("content", [[], {}, 3])
def test_a_file_without_a_list_of_people_is_refused(tmp_path, content):
    write(tmp_path / "a_0_keypoints.json", content)
    with pytest.raises(FormatError, match=r"a_0_keypoints\.json lacks the list of people"):
        read_keypoints(tmp_path)


def flat(joints: np.ndarray) -> list[float]:
    return joints.reshape(-1).tolist()


@pytest.mark.parametrize(
    "person_without_joints",
    [None, {}, {"pose_keypoints_2d": []}, {"pose_keypoints_2d": None, "hand_left_keypoints_2d": [1, 2, 0.5] * 21}],
)
def test_people_without_joints_are_left_out(tmp_path, person_without_joints):
    frames = [[person_without_joints, {"pose_keypoints_2d": flat(person(25, x=100 + n))}] for n in range(3)]
    poses = read_keypoints(folder(tmp_path, [*frames, [person_without_joints], None]))
    assert poses.validity.tolist() == [True, True, True, False, False]


def test_a_folder_of_hands_is_refused(tmp_path):
    with pytest.raises(FormatError, match="no frame shows a person: none of 2 people has pose_keypoints_2d"):
        read_keypoints(folder(tmp_path, [[{"hand_left_keypoints_2d": [1, 2, 0.5] * 21}]] * 2))


def test_keys_of_old_versions_are_read(tmp_path):
    poses = read_keypoints(folder(tmp_path, [[{"pose_keypoints": flat(person(18))}]]))
    assert poses.skeleton == COCO_18


def test_files_may_have_other_names(tmp_path):
    for frame in (9, 10):
        write(tmp_path / f"cam01.{frame:04d}.json", {"people": [{"pose_keypoints_2d": flat(person(25, x=90 + frame))}]})
    poses = read_keypoints(tmp_path)
    assert_allclose(poses.points[:, 0, 0], person(25, x=0)[0, 0] + [99, 100], rtol=1e-6)


def test_alphapose_open_is_an_object_of_frames(tmp_path):
    data = {
        f"{n}.jpg": {"version": "AlphaPose v0.3", "people": [{"pose_keypoints_2d": flat(person(18, x=100 + n))}]}
        for n in range(3)
    }
    poses = read_keypoints(write(tmp_path / "a.json", data))
    assert poses.skeleton == COCO_18
    assert poses.validity.tolist() == [True] * 3


@pytest.mark.parametrize("shares", [True, False])
def test_a_list_of_frames_with_a_canvas_is_read(tmp_path, shares):
    joints = person(18)
    joints[:, :2] /= SIZE if shares else 1
    frame = {"people": [{"pose_keypoints_2d": flat(joints)}], "canvas_width": 640, "canvas_height": 480}
    poses = read_keypoints(write(tmp_path / "a.json", [frame, {**frame, "people": []}]))
    assert poses.size == SIZE
    assert_allclose(poses.points[0], person(18)[:, :2], atol=1e-2)


@pytest.mark.parametrize("number", [[float("inf")], [float("nan")], [], [[]], None])
def test_numbers_of_people_that_are_no_numbers_are_ignored(tmp_path, number):
    assert len(read_keypoints(folder(tmp_path, [[{"person_id": number, "pose_keypoints_2d": flat(person(25))}]]))) == 1
