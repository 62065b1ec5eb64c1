"""VideoPose3D custom data sets, and pickles that must not run."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import COCO_17, H36M_17, HALPE_26
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
    with pytest.raises(FormatError, match="does not name its 17 joints"):
        read_keypoints(videopose(tmp_path / "nameless.npz", {"a": {"custom": [table]}}))


@pytest.mark.parametrize(
    ("videos", "message"),
    [
        (3, "must hold one video, got int"),
        ({"a": [1]}, "the video 'a' must hold one action, got list"),
        ({"a": {"x": [], "y": []}}, r"the video 'a' must hold one action, got 2 \(x, y\)"),
        ({"a": {"x": [0, 0]}}, "'a', 'x' must be a list of one camera, got 2"),
        ({"a": {"x": 3}}, "'a', 'x' must be a list of one camera, got 0"),
        ({"a": {"x": [np.zeros((4, 17))]}}, r"numbers of shape \(frames, joints, 2 or 3\), got \(4, 17\)"),
        ({"a": {"x": [np.zeros((4, 17, 4))]}}, r"numbers of shape .*, got \(4, 17, 4\)"),
        ({"a": {"x": [np.full((4, 17, 2), "a")]}}, r"numbers of shape .*, got \(4, 17, 2\)"),
    ],
)
def test_other_contents_are_refused(tmp_path, videos, message):
    with pytest.raises(FormatError, match=message):
        read_keypoints(videopose(tmp_path / "data.npz", videos), layout="coco17")


def test_a_third_number_is_a_score(tmp_path):
    path = videopose(tmp_path / "data.npz", {"a": {"x": [person(17, score=0.4)[None]]}}, layout_name="h36m")
    poses = read_keypoints(path)
    assert poses.skeleton == H36M_17
    assert_allclose(poses.confidence, 0.4)


def test_a_layout_that_is_given_takes_precedence_over_the_metadata(tmp_path):
    path = videopose(tmp_path / "data.npz", {"a": {"x": [person(17)[None]]}}, layout_name="coco")
    assert read_keypoints(path, layout="h36m17").skeleton == H36M_17


def test_a_layout_in_the_metadata_counts_only_if_it_fits(tmp_path):
    path = videopose(tmp_path / "data.npz", {"a": {"x": [person(26)[None]]}}, layout_name="coco")
    assert read_keypoints(path).skeleton == HALPE_26


def test_pickled_code_is_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    videopose(tmp_path / "evil.npz", {"a": {"custom": [Bomb("trapped")]}})
    with pytest.raises(FormatError, match=r"positions_2d: the pickle asks for \S+\.\S+, which is refused"):
        read_keypoints("evil.npz", layout="coco17")
    np.savez(tmp_path / "plain.npz", keypoints=np.array([Bomb("trapped")], dtype=object))
    with pytest.raises(FormatError, match="pickled objects, which are never read"):
        read_keypoints("plain.npz", layout="coco17")
    (tmp_path / "evil.npy").write_bytes(pickle.dumps(Bomb("trapped")))
    with pytest.raises(FormatError, match="cannot read the array"):
        read_keypoints("evil.npy", layout="coco17")
    assert not (tmp_path / "trapped").exists()
    pickle.loads(pickle.dumps(Bomb("trapped")))  # shows that the bomb works
    assert (tmp_path / "trapped").exists()
