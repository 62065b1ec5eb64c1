"""Detectron2's keypoints, as VideoPose3D's script writes them, and HoT's `reconstruction`."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import COCO_17, H36M_17
from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints, read_people
from samples.keypoint_files import SIZE, person


def ragged(items: list) -> np.ndarray:
    array = np.empty(len(items), object)
    array[:] = items
    return array


def detections(path: Path, frames: list[list[np.ndarray]], **metadata: object) -> Path:
    """Write the people of every frame: rows of x, y, height of the peak and probability, and a box with its score."""
    joints = [
        [[], np.stack([np.stack([*p.T[:2], p[:, 2] * 9, p[:, 2] / 9]) for p in crowd]) if crowd else []]
        for crowd in frames
    ]
    boxes = [[[], np.array([[0, 0, 9, 9, 0.7]] * len(crowd))] for crowd in frames]
    np.savez_compressed(
        path, boxes=ragged(boxes), segments=ragged([None] * len(frames)), keypoints=ragged(joints), metadata=metadata
    )
    return path


def test_people_are_read_with_the_scores_of_their_boxes(tmp_path):
    path = detections(tmp_path / "a.npz", [[person(17)], [], [person(17, x=104), person(17, x=400)]], w=640, h=480)
    poses = read_people(path)[0]
    assert (poses.skeleton, poses.size) == (COCO_17, SIZE)
    assert poses.validity.tolist() == [True, False, True]
    assert_allclose(poses.points[2], person(17, x=104)[:, :2], atol=1e-3)
    assert_allclose(poses.confidence[0], 0.7)


def test_a_hundred_frames_are_one_person(tmp_path):
    path = detections(tmp_path / "a.npz", [[person(17, x=100 + n)] for n in range(100)], w=640, h=480)
    assert len(read_keypoints(path)) == 100


@pytest.mark.parametrize(
    ("boxes", "joints", "message"),
    [
        (3, [[[], []]], "must be lists with an entry for each frame"),
        ([[[], []]] * 2, [[[], []]], "must be lists with an entry for each frame"),
        ([[[], np.zeros((1, 5))]], [[[], np.zeros((1, 9, 17))]], r"keypoints must have shape \(people, 4, joints\)"),
        ([[[], []]], [[[], np.ones((1, 4, 17))]], r"boxes must have shape \(1, 5\)"),
        ([[[], ["a"]]], [[[], np.ones((1, 4, 17))]], "boxes must be an array of numbers"),
        ([[[], []]], [[[], []]], "no frame shows a person"),
    ],
)
def test_other_contents_are_refused(tmp_path, boxes, joints, message):
    boxes = ragged(boxes) if isinstance(boxes, list) else np.array(boxes, object)
    np.savez(tmp_path / "a.npz", boxes=boxes, keypoints=ragged(joints), metadata=np.array({}, object))
    with pytest.raises(FormatError, match=message):
        read_keypoints(tmp_path / "a.npz")


@pytest.mark.parametrize("people", [1, 2])
def test_reconstructions_start_with_the_people_and_are_human36m(tmp_path, people):
    table = np.stack([[person(17, x=100 + 300 * p + n)[:, :2] for n in range(2)] for p in range(people)])  # p f j 2
    np.savez(tmp_path / "keypoints.npz", reconstruction=table)
    read = read_people(tmp_path / "keypoints.npz")
    assert [poses.skeleton for poses in read] == [H36M_17] * people
    assert [len(poses) for poses in read] == [2] * people
    assert_allclose(sorted(poses.points[1, 0, 0] for poses in read), table[:, 1, 0, 0], rtol=1e-6)


@pytest.mark.parametrize("shape", [(9, 17, 2), (1, 9, 17, 4), (1, 9, 16, 2)])
def test_other_reconstructions_are_refused(tmp_path, shape):
    np.savez(tmp_path / "keypoints.npz", reconstruction=np.ones(shape))
    with pytest.raises(FormatError, match="reconstruction"):
        read_keypoints(tmp_path / "keypoints.npz")
