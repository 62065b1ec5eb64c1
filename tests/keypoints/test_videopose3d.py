"""VideoPose3D custom data sets, and pickles that must not run."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import COCO_17
from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints
from samples.bomb import Bomb
from samples.keypoint_files import SIZE, person


def videopose(path: Path, videos: object, **metadata: object) -> Path:
    np.savez(path, positions_2d=np.array(videos, dtype=object), metadata=np.array(metadata, dtype=object))
    return path


@pytest.mark.parametrize("dtype", ["float32", ">f8", "int16"])
def test_custom_data_sets_are_read(tmp_path, dtype):
    table = np.stack([person(17, x=100 + n)[:, :2] for n in range(4)]).astype(dtype)
    sizes = {"walk.mp4": {"w": np.int64(640), "h": 480}}
    metadata = {
        "layout_name": "coco",
        "num_joints": 17,
        "keypoints_symmetry": [[1, 3], [2, 4]],
        "video_metadata": sizes,
    }
    poses = read_keypoints(videopose(tmp_path / "data_2d_custom.npz", {"walk.mp4": {"custom": [table]}}, **metadata))
    assert (poses.skeleton, poses.size) == (COCO_17, SIZE)
    assert_allclose(poses.points, table.astype(float), rtol=1e-6)
    with pytest.raises(FormatError, match=r"must hold one video, got 2 \(a, b\)"):
        read_keypoints(videopose(tmp_path / "two.npz", {"a": {}, "b": {}}, **metadata))
    with pytest.raises(FormatError, match="does not say which joints its 17 are"):
        read_keypoints(videopose(tmp_path / "nameless.npz", {"a": {"custom": [table]}}))


def test_pickled_code_is_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    videopose(tmp_path / "evil.npz", {"a": {"custom": [Bomb("trapped")]}})
    with pytest.raises(FormatError, match=r"positions_2d: the pickle asks for \S+\.\S+, which is refused"):
        read_keypoints("evil.npz", layout="coco17")
    np.savez(tmp_path / "plain.npz", keypoints=np.array([Bomb("trapped")], dtype=object))
    with pytest.raises(FormatError, match="cannot read the arrays"):
        read_keypoints("plain.npz", layout="coco17")
    (tmp_path / "evil.npy").write_bytes(pickle.dumps(Bomb("trapped")))
    with pytest.raises(FormatError, match="cannot read the array"):
        read_keypoints("evil.npy", layout="coco17")
    assert not (tmp_path / "trapped").exists()
    pickle.loads(pickle.dumps(Bomb("trapped")))  # shows that the bomb works
    assert (tmp_path / "trapped").exists()
