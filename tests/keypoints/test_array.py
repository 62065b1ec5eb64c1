"""Plain numpy arrays."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints
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
