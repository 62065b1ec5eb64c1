"""MediaPipe's landmarks."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import BLAZEPOSE_33
from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints, read_people
from poseglass.keypoints.pixels import are_shares
from samples.keypoint_files import SIZE, person, write


def landmarks(**place: float) -> list[dict[str, float]]:
    joints = person(33, **place) / [*SIZE, 1]
    return [{"x": x, "y": y, "z": -0.1, "visibility": score} for x, y, score in joints.tolist()]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda points: points,
        lambda points: [points] if points else [],
        lambda points: {"landmarks": points},
        lambda points: {"frame": 3, "poseLandmarks": points},
        lambda points: {"pose_landmarks": [points] if points else None},
    ],
)
def test_frames_are_read_in_several_forms(tmp_path, wrap):
    frames = [wrap(landmarks()), wrap([]), wrap(landmarks(x=104))]
    poses = read_keypoints(write(tmp_path / "a.json", frames), size=SIZE)
    assert poses.skeleton == BLAZEPOSE_33
    assert poses.validity.tolist() == [True, False, True]
    assert_allclose(poses.points[2], person(33, x=104)[:, :2], atol=1e-2)
    assert_allclose(poses.confidence[0], 0.9)


def test_several_people_are_read(tmp_path):
    frames = [[landmarks(x=x) for x in (100, 400)]] * 3
    assert len(read_people(write(tmp_path / "a.json", frames), size=SIZE)) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda points: points, "its size is needed"),
        (lambda points: points[:20], "must have 33 landmarks with numbers x and y, got 20"),
        (lambda points: [*points[:32], {"z": 1}], "frame 0, landmark 32 must have x and y"),
        (lambda points: [{**point, "x": point["x"] - 0.5} for point in points], "give pose_landmarks, not world landm"),
    ],
)
def test_other_landmarks_are_refused(tmp_path, change, message):
    with pytest.raises(FormatError, match=message):
        read_keypoints(write(tmp_path / "a.json", [change(landmarks())]))
    with pytest.raises(FormatError, match="MediaPipe's landmarks are blazepose33, not coco17"):
        read_keypoints(write(tmp_path / "a.json", [landmarks()]), layout="coco17")


@pytest.mark.parametrize(
    ("low", "high", "shares"), [(0, 1, True), (0, 1.9, False), (-0.9, 0.9, False), (0, 2.1, False)]
)
def test_shares_lie_from_0_to_1(low, high, shares):
    assert are_shares(np.linspace([low, low], [high, high], 99)) == shares
