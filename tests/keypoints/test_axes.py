"""Which axis is which."""

import numpy as np
import pytest

from poseglass.errors import FormatError
from poseglass.keypoints import read_people
from poseglass.keypoints.axes import frames_first
from samples.keypoint_files import person


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((90, 17, 2), (90, 1, 17, 2)),
        ((90, 1, 17, 3), (90, 1, 17, 3)),
        ((90, 3, 17, 3), (90, 3, 17, 3)),
        ((4, 3, 17, 3), (4, 3, 17, 3)),
        ((1, 90, 17, 2), (90, 1, 17, 2)),
        ((3, 9, 17, 2), (9, 3, 17, 2)),
        ((1, 1, 17, 2), (1, 1, 17, 2)),
    ],
)
def test_the_sizes_tell_people_from_frames(shape, expected):
    table = np.arange(np.prod(shape)).reshape(shape)
    result = frames_first(table, "it")
    assert result.shape == expected
    assert result[0, 0].tolist() == table.reshape(-1, 17, shape[-1])[0].tolist()


@pytest.mark.parametrize("shape", [(3, 8, 17, 2), (3, 3, 17, 2), (1, 2, 17, 2), (11, 90, 17, 3)])
def test_other_sizes_are_refused_unless_the_order_is_given(shape):
    table = np.zeros(shape)
    with pytest.raises(FormatError, match=f"{shape[0]} frames of {shape[1]} people, or {shape[1]} frames of"):
        frames_first(table, "it")
    assert frames_first(table, "it", "frames people").shape == shape
    assert frames_first(table, "it", "people frames").shape[:2] == shape[1::-1]


def test_an_unknown_order_and_other_axes_are_refused():
    with pytest.raises(FormatError, match="axes must be 'frames people' or 'people frames', got 'f p'"):
        frames_first(np.zeros((3, 8, 17, 2)), "it", "f p")
    with pytest.raises(FormatError, match=r"got \(2, 3, 8, 17, 2\)"):
        frames_first(np.zeros((2, 3, 8, 17, 2)), "it")


def test_a_file_may_state_the_order(tmp_path):
    crowd = np.stack([[person(17, x=x + n) for n in range(4)] for x in (100, 500)])  # p f j 3
    np.savez(tmp_path / "a.npz", keypoints=crowd, axes="people frames", layout="coco17")
    assert [len(poses) for poses in read_people(tmp_path / "a.npz")] == [4, 4]


def test_people_first_is_an_assumption_unless_it_is_stated_or_one_person(tmp_path, caplog):
    table = np.stack([np.stack([person(17, x=100 + 300 * which)] * 9) for which in range(3)])  # p f j 3
    assert len(read_people(saved(tmp_path, keypoints=table), layout="coco17")) == 3
    assert "'keypoints' of shape (3, 9, 17, 3) is taken as 9 frames of 3 people" in caplog.text
    caplog.clear()
    read_people(saved(tmp_path, keypoints=table, axes="people frames"), layout="coco17")
    read_people(saved(tmp_path, keypoints=table[:1]), layout="coco17")
    assert "is taken as" not in caplog.text


def saved(folder, **arrays):
    np.savez(folder / "a.npz", **arrays)
    return folder / "a.npz"
