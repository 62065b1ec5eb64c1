"""Plain numpy arrays."""

from contextlib import nullcontext

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from poseglass import BLAZEPOSE_33, COCO_17, H36M_17
from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints, read_people
from poseglass.keypoints.array import split_scores
from samples.keypoint_files import SIZE, person


def test_arrays_are_read_with_and_without_scores(tmp_path):
    table = np.stack([person(17, x=100 + n) for n in range(5)])
    table[2] = np.nan
    np.save(tmp_path / "a.npy", table)
    np.savez(tmp_path / "a.npz", keypoints=table[..., :2], scores=table[..., 2], layout="coco17", fps=50, size=SIZE)
    for poses in (read_keypoints(tmp_path / "a.npy", layout="coco17"), read_keypoints(tmp_path / "a.npz")):
        assert_allclose(poses.points, table[..., :2], rtol=1e-6)
        assert poses.validity.tolist() == [True, True, False, True, True]
        assert poses.confidence[0, 0] == pytest.approx(0.9)
    assert (poses.rate, poses.size) == (50, SIZE)
    np.save(tmp_path / "deep.npy", table + np.array([0, 0, 40]))
    with pytest.raises(FormatError, match=r"must be its score from 0 to 1, but runs from 40\.9 to 40\.9"):
        read_keypoints(tmp_path / "deep.npy", layout="coco17")
    np.savez(tmp_path / "two.npz", a=table, b=table)
    with pytest.raises(FormatError, match=r"several arrays fit; name the right one 'keypoints'; got a \(5, 17"):
        read_keypoints(tmp_path / "two.npz", layout="coco17")


def test_the_only_array_of_keypoints_is_used_whatever_its_name(tmp_path):
    table = np.stack([person(17), person(17, x=101)])
    np.savez(tmp_path / "a.npz", walk=table, boxes=np.zeros((2, 4)))
    assert_allclose(read_keypoints(tmp_path / "a.npz", layout="coco17").points, table[..., :2], rtol=1e-6)


def test_a_layout_that_is_given_takes_precedence_over_the_file(tmp_path):
    np.savez(tmp_path / "a.npz", keypoints=person(17)[None], layout="coco17")
    assert read_keypoints(tmp_path / "a.npz").skeleton == COCO_17
    assert read_keypoints(tmp_path / "a.npz", layout="h36m17").skeleton == H36M_17


@pytest.mark.parametrize("size", [(640, 480, 3), (640, np.nan), (np.inf, 480), 640])
def test_a_size_that_is_not_a_width_and_height_is_refused(tmp_path, size):
    np.savez(tmp_path / "a.npz", keypoints=person(17)[None], size=size)
    with pytest.raises(FormatError, match="size must be a finite width and height"):
        read_keypoints(tmp_path / "a.npz", layout="coco17")


@pytest.mark.parametrize(("third", "score"), [(-0.1, True), (-0.11, False), (1.5, True), (1.51, False), (np.nan, True)])
def test_the_third_number_is_a_score_if_it_is_in_the_range_of_scores(third, score):
    """One number outside the range decides, because the others may lie in it by chance."""
    table = np.stack([person(33)])
    table[0, 5, 2] = third
    points, scores = split_scores(table, BLAZEPOSE_33, "the file")
    assert_array_equal(points, table[..., :2])
    assert_array_equal(scores, table[..., 2] if score else np.ones((1, 33)))
    with nullcontext() if score else pytest.raises(FormatError, match="the file: the third number of a joint must be"):
        split_scores(table[:, :17], COCO_17, "the file")


@pytest.mark.parametrize("ids", [None, [[5, 6], [6, 5], [5, 6]], [[-1, -1]] * 3, [[0, 0]] * 3])
def test_an_array_of_several_people_is_read(tmp_path, ids):
    crowd = np.stack([person(17, x=x) for x in (100, 600)])[None].repeat(3, 0)  # f p j 3
    crowd[1] = crowd[1, ::-1]  # in another order
    np.savez(tmp_path / "crowd.npz", keypoints=crowd, **({} if ids is None else {"ids": ids}))
    both = read_people(tmp_path / "crowd.npz", layout="coco17")
    assert [poses.person for poses in both] == [1, 2]
    for poses in both:
        assert poses.validity.all()
        np.testing.assert_array_equal(poses.points[0], poses.points[1])


def test_ids_need_the_shape_of_the_people(tmp_path):
    np.savez(tmp_path / "crowd.npz", keypoints=np.ones((3, 2, 17, 2)) * 50, ids=[1, 2])
    with pytest.raises(FormatError, match=r"the array 'ids' must have shape \(3, 2\), .* got \(2,\)"):
        read_people(tmp_path / "crowd.npz", layout="coco17")


def test_a_person_missing_from_an_array_of_several_is_absent(tmp_path):
    crowd = np.stack([person(17, x=x)[..., :2] for x in (100, 500)])[None].repeat(4, 0)  # f p j 2
    crowd[2:, 1] = np.nan
    np.save(tmp_path / "crowd.npy", crowd)
    assert [poses.validity.tolist() for poses in read_people(tmp_path / "crowd.npy", layout="coco17")] == [
        [True] * 4,
        [True, True, False, False],
    ]


@pytest.mark.parametrize("name", ["scores", "keypoint_scores", "conf", "confidence"])
def test_scores_have_several_names_and_may_have_an_axis_of_one(tmp_path, name):
    table = np.stack([person(17)] * 3)
    np.savez(tmp_path / "a.npz", keypoints=table[..., :2], **{name: table[..., 2:]})
    assert_allclose(read_keypoints(tmp_path / "a.npz", layout="coco17").confidence, 0.9)


def test_times_are_the_clock(tmp_path, caplog):
    table = np.stack([person(17)] * 3)
    np.savez(tmp_path / "a.npz", keypoints=table, timestamps=[1.0, 1.1, 1.4], layout="coco17", size=SIZE)
    poses = read_keypoints(tmp_path / "a.npz")
    assert_allclose(poses.times, [1.0, 1.1, 1.4])
    assert poses.size == SIZE
    assert "frame rate" not in caplog.text
    np.savez(tmp_path / "a.npz", keypoints=table, timestamps=[1.0, 1.1], layout="coco17")
    with pytest.raises(FormatError, match="there must be one time per frame, 3, got 2"):
        read_keypoints(tmp_path / "a.npz")


@pytest.mark.parametrize("size", [(10**300, 480), (0, 480), (640, -1)])
def test_sizes_beyond_reason_are_refused(tmp_path, size):
    np.savez(tmp_path / "a.npz", keypoints=person(17)[None], size=np.array(size, float))
    with pytest.raises(FormatError, match=r"size must be \(width, height\) in pixels, from 1 to 1000000"):
        read_keypoints(tmp_path / "a.npz", layout="coco17")


def test_a_frame_rate_of_zero_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", keypoints=np.full((3, 17, 2), 100.0), layout="coco17", fps=0)
    with pytest.raises(FormatError, match="fps must be a positive number"):
        read_keypoints(tmp_path / "a.npz")
