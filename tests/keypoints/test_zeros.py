"""Joints at exactly (0, 0)."""

import logging

import numpy as np
import pytest

from poseglass import COCO_17
from poseglass.keypoints import read_keypoints
from poseglass.keypoints.frames import KeypointFrames, detected
from poseglass.keypoints.zeros import forget_zeros
from samples.keypoint_files import coco, person, write


def frames_of(*tables: np.ndarray, zeros: bool | None = False) -> KeypointFrames:
    people = {n: [detected(table[:, :2], table[:, 2], COCO_17)] for n, table in enumerate(tables)}
    return KeypointFrames(COCO_17, people, zeros=zeros)


@pytest.mark.parametrize(
    ("scores", "at_zero", "zeros", "unknown"),
    [
        ("same", 0.9, False, True),  # all scores are the same: none is real
        ("real", 0.9, False, False),
        ("real", 0.31, False, False),
        ("real", 0.29, False, True),
        ("real", 0.9, True, True),  # the format writes (0, 0) for "not found"
        ("same", 0.9, None, False),  # poseglass's own files
    ],
)
def test_a_joint_at_zero_is_unknown_unless_a_real_score_speaks_against_it(scores, at_zero, zeros, unknown):
    table = person(17)
    table[4] = [0, 0, at_zero]
    if scores == "real":
        table[5:, 2] = 0.7
    content = frames_of(table, zeros=zeros)
    assert forget_zeros(content) == ((1, 1) if unknown else (0, 0))
    assert (content.frames[0][0].scores[4] == 0) == unknown
    assert (np.delete(content.frames[0][0].scores, 4) > 0).all()


def test_joints_with_one_coordinate_of_zero_are_known():
    table = person(17)
    table[3, 0] = table[4, 1] = 0
    assert forget_zeros(frames_of(table)) == (0, 0)


def test_joints_and_frames_are_counted_where_a_score_changes():
    tables = [person(17) for _ in range(3)]
    tables[0][:2] = [0, 0, 0.9]
    tables[1][2] = [0, 0, 0.9]
    tables[2][3] = [0, 0, 0]  # the score says so itself
    assert forget_zeros(frames_of(*tables)) == (3, 2)


def test_the_number_is_logged(tmp_path, caplog):
    joints = person(17, score=1)
    joints[4] = [0, 0, 1]
    with caplog.at_level(logging.WARNING, "poseglass"):
        poses = read_keypoints(write(tmp_path / "r.json", coco({0: [joints]})))
    assert poses.confidence[0, 4] == 0
    assert "1 joints at exactly (0, 0), in 1 frames, are taken as not found" in caplog.text
