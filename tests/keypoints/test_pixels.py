"""Numbers that cannot be pixels."""

from contextlib import nullcontext

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints
from poseglass.keypoints.pixels import clean, hold_shares
from poseglass.people.detection import DetectedPerson
from samples.keypoint_files import SAMPLES, SIZE, coco, person, write


def test_points_that_cannot_be_right_have_a_score_of_zero(tmp_path):
    joints = person(17)
    impossible = [
        [np.nan, 5, 0.9],
        [np.inf, 5, 0.9],
        [-1, 5, 0.9],
        [5, -1, 0.9],
        [641, 5, 0.9],
        [5, 481, 0.9],
        [5, 5, np.nan],
    ]
    joints[: len(impossible)] = impossible
    path = write(tmp_path / "r.json", coco({0: [joints]}))
    poses = read_keypoints(path, size=SIZE)
    assert (poses.confidence[0, : len(impossible)] == 0).all()
    assert_allclose(poses.confidence[0, len(impossible) :], 0.9)
    assert np.isnan(poses.points[0, :2]).all()
    assert_allclose(poses.points[0, 2:6], joints[2:6, :2])
    assert (read_keypoints(path).confidence[0, 4:6] > 0).all()  # without a size, no point is outside the image


def test_scores_are_clipped_to_1(tmp_path):
    poses = read_keypoints(write(tmp_path / "r.json", coco({0: [person(17, score=1.7)], 1: [person(17, score=0.4)]})))
    assert_allclose(poses.confidence[:, 0], [1, 0.4])


def test_fractions_of_the_image_are_refused(tmp_path):
    joints = person(17)
    joints[:, :2] /= SIZE
    with pytest.raises(FormatError, match="multiply x by its width and y by its height"):
        read_keypoints(write(tmp_path / "r.json", coco({0: [joints]})), size=SIZE)


def test_keypoints_in_metres_are_refused():
    with pytest.raises(FormatError, match=r"pixels are expected, but x runs from -0\.\d+ to 0\.\d+"):
        read_keypoints(SAMPLES / "blazepose33_world.json")


def test_a_wrong_image_size_is_refused():
    path = SAMPLES / "movenet_coco17_named.json"
    with pytest.raises(FormatError, match=r"far outside an image of 200 x 200: x runs from \d+ to \d+ and y from \d+"):
        read_keypoints(path, size=(200, 200))
    with pytest.raises(FormatError, match=r"size must be \(width, height\)"):
        read_keypoints(path, size=(0, 200))


def full(value: float, frames: int = 100) -> tuple[np.ndarray, np.ndarray]:
    return np.full((frames, 1, 2), value), np.ones((frames, 1))


@pytest.mark.parametrize(("largest", "refused"), [(2.99, True), (3.0, False)])
def test_coordinates_below_three_pixels_are_refused(largest, refused):
    with pytest.raises(FormatError, match="pixels are expected") if refused else nullcontext():
        clean(*full(largest), None)


@pytest.mark.parametrize(
    ("far", "place", "score", "refused"),
    [
        (11, 1.26, 1.0, True),  # 11 of 100 joints lie more than a quarter of the side outside
        (11, -0.26, 1.0, True),
        (10, 1.26, 1.0, False),
        (11, 1.24, 1.0, False),
        (11, -0.24, 1.0, False),
        (11, 1.26, 0.3, False),
        (11, 1.26, 0.31, True),
    ],
)
def test_a_tenth_of_the_trusted_joints_may_lie_far_outside(far, place, score, refused):
    points, scores = full(50.0)
    points[:far], scores[:far] = place * 100, score
    with pytest.raises(FormatError, match="far outside an image of 100 x 100") if refused else nullcontext():
        clean(points, scores, (100, 100))


def test_one_coordinate_may_contradict_the_size():
    points, scores = full(50.0)
    points[:11, :, 0] = 126
    with pytest.raises(FormatError, match="far outside an image of 100 x 100"):
        clean(points, scores, (100, 100))


def test_infinite_scores_are_unknown():
    points, scores = full(50.0, 3)
    scores[:, 0] = [np.inf, -np.inf, np.nan]
    assert clean(points, scores, None)[1].tolist() == [[0], [0], [0]]


def test_points_that_are_not_finite_have_a_score_of_zero():
    points, scores = full(50.0, 3)
    points[0, 0, 1], points[1, 0, 0] = np.nan, -np.inf
    points, scores = clean(points, scores, None)
    assert np.isnan(points[..., 0]).ravel().tolist() == [True, True, False]
    assert scores.ravel().tolist() == [0, 0, 1]


def test_unknown_points_do_not_decide_whether_coordinates_are_pixels():
    points, scores = full(0.5)
    points[0], scores[0] = 5000, 0
    with pytest.raises(FormatError, match=r"x runs from 0\.5 to 0\.5"):
        clean(points, scores, None)


@pytest.mark.parametrize(("x", "score"), [(0, 1), (0.5, 1), (100, 1), (-0.5, 0), (100.5, 0)])
def test_the_border_of_the_image_is_inside(x, score):
    points, scores = full(50.0)
    points[0, 0] = [x, 50]
    assert clean(points, scores, (100, 100))[1][0, 0] == score


@pytest.mark.parametrize("far", [1e9, -1e30, 1e300, np.inf])
def test_points_far_beyond_any_image_are_unknown(tmp_path, far):
    joints = person(17)
    joints[3, 0] = far
    crowd = coco({n: [joints] for n in range(3)})
    poses = read_keypoints(write(tmp_path / "r.json", crowd))
    assert (poses.confidence == 0).nonzero()[1].tolist() == [3] * 3


@pytest.mark.parametrize(("places", "shares"), [([], False), ([0.5], True), ([0.5, 300], False)])
def test_everybody_decides_whether_coordinates_are_shares(places, shares):
    frames = {n: [DetectedPerson(np.full((17, 2), place), np.ones(17))] for n, place in enumerate(places)}
    assert hold_shares({**frames, 9: []}) == shares
