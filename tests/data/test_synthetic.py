"""Synthetic data sets: bodies are rigid, motion is smooth, and files have the published names and layouts."""

import tarfile

import cdflib
import h5py
import numpy as np
import pytest
import scipy.io
from numpy.testing import assert_allclose, assert_array_equal

from poseglass import H36M_17
from poseglass.data.synthetic.generate import generate
from poseglass.data.synthetic.people import STYLES, detections, move
from poseglass.errors import DataError
from poseglass.files.pickled import read_objects
from samples.archives import unpack

# From the description of the layouts, not from the code.
KEPT32 = [joint for joint in range(32) if joint not in (4, 5, 9, 10, 11, 16, 20, 21, 22, 23, 24, 28, 29, 30, 31)]
KEPT28 = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]


@pytest.mark.parametrize("action", STYLES)
def test_bodies_are_rigid_smooth_and_stand_on_the_floor(action):
    points = move(np.random.default_rng(1), STYLES[action], 500, scale=1.05)
    for child, parent in H36M_17.bones:
        bone = points[:, H36M_17.index(child)] - points[:, H36M_17.index(parent)]
        lengths = np.linalg.norm(bone, axis=-1)
        assert lengths.max() - lengths.min() < 1e-9
        assert 0.1 < lengths[0] < 0.5
    assert np.linalg.norm(np.diff(points, axis=0), axis=-1).max() * 50 < 8  # metres per second
    assert points[..., 2].min() > 0
    assert points[:, 3:7:3, 2].min(1).max() < 0.1
    assert np.abs(points[..., :2]).max() < 2.5
    assert (points[:, 10, 2] > points[:, 0, 2]).all()
    left = points[:, 4] - points[:, 1]
    assert_allclose(left[:, 2], 0, atol=1e-9)


def test_the_left_side_is_on_the_left():
    """People walk forward; forward, left and up form a right-handed system."""
    points = move(np.random.default_rng(3), STYLES["Walking"], 100)
    ahead, left = np.diff(points[:, 0], axis=0), (points[:, 4] - points[:, 1])[:-1]
    assert (np.cross(ahead, left)[:, 2] > 0).all()


def test_sitting_people_have_lower_hips():
    height = {a: move(np.random.default_rng(0), STYLES[a], 200)[:, 0, 2].mean() for a in ("Walking", "Sitting")}
    assert height["Walking"] > height["Sitting"] + 0.2


def test_most_detections_are_near_and_few_far_off():
    points = move(np.random.default_rng(0), STYLES["Walking"], 2000)
    pixels = 250 * points[..., :2] + 500  # about 400 pixels tall
    distance = np.linalg.norm(detections(np.random.default_rng(0), pixels) - pixels, axis=-1)
    assert 0.5 < np.median(distance) < 6
    assert 0.0003 < (distance > 30).mean() < 0.003


def test_human36m_npz_files_have_the_published_layout(tmp_path):
    files = generate("h36m", tmp_path, frames=12, subjects=["S1", "S11"])
    assert [f.name for f in files] == [
        "data_3d_h36m.npz",
        "data_2d_h36m_gt.npz",
        "data_2d_h36m_cpn_ft_h36m_dbb.npz",
    ]
    world = read_objects(files[0], "positions_3d")
    assert [*world] == ["S1", "S11"]
    assert len(world["S1"]) == 30
    assert len(world["S11"]) == 29
    assert "Directions" not in world["S11"]
    assert {"Walking", "Walking 1", "WalkDog 1", "Photo"} <= world["S1"].keys()
    assert not {"WalkingDog", "TakingPhoto"} & world["S1"].keys()
    pose = world["S1"]["Walking"]
    assert (pose.shape, pose.dtype) == ((12, 32, 3), np.float32)
    assert 0 < pose[..., 2].min() < pose[..., 2].max() < 2.2  # metres, z up
    for path in files[1:]:
        about = read_objects(path, "metadata")
        assert about == {
            "layout_name": "h36m",
            "num_joints": 17,
            "keypoints_symmetry": [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]],
        }
        poses = read_objects(path, "positions_2d")
        assert {s: [*takes] for s, takes in poses.items()} == {s: [*takes] for s, takes in world.items()}
        views = poses["S1"]["Walking"]
        assert len(views) == 4
        assert all(view.shape[1:] == (17, 2) and view.dtype == np.float32 and len(view) >= 12 for view in views)
        assert all(view.min() > 0 and view.max() < 1002 for view in views)
    lengths = {len(view) for takes in poses.values() for views in takes.values() for view in views}
    assert lengths == {12, 13, 14}  # detections may have more frames


def test_human36m_archives_have_the_published_layout(tmp_path):
    (path,) = generate("h36m-cdf", tmp_path / "cdf", frames=7, subjects=["S1"])
    assert path.name == "Poses_D3_Positions_S1.tgz"
    with tarfile.open(path) as archive:
        names = archive.getnames()
        assert len(names) == 30
        folder = "S1/MyPoseFeatures/D3_Positions"
        assert {f"{folder}/Directions 1.cdf", f"{folder}/TakingPhoto.cdf", f"{folder}/WalkingDog 1.cdf"} <= {*names}
    unpack(path, tmp_path)
    pose = cdflib.CDF(tmp_path / folder / "Walking 1.cdf").varget("Pose")
    assert (pose.shape, pose.dtype) == ((1, 7, 96), np.float32)
    same = read_objects(generate("h36m", tmp_path, frames=7, subjects=["S1"])[0], "positions_3d")
    # float32 metres and millimetres differ by rounding alone.
    assert_allclose(pose.reshape(7, 32, 3) / 1000, same["S1"]["Walking 1"], atol=1e-4)


def test_mpi_inf_3dhp_npz_files_have_the_published_layout(tmp_path):
    train, test = generate("3dhp", tmp_path, frames=20, subjects=["S1", "S2", "TS1", "TS6"])
    assert (train.name, test.name) == ("data_train_3dhp.npz", "data_test_3dhp.npz")
    sequences = read_objects(train, "data")
    assert [*sequences] == ["S1 Seq1", "S1 Seq2", "S2 Seq1", "S2 Seq2"]
    views, fps = sequences["S1 Seq2"]
    assert (fps, sorted(views)) == (50, ["0", "1", "2", "4", "5", "6", "7", "8"])
    assert views["4"]["data_2d"].shape == (20, 17, 2)
    assert views["4"]["data_3d"].shape == (20, 17, 3)
    assert 3000 < views["4"]["data_3d"][:, 14, 2].mean() < 6500  # millimetres in front of the camera
    tests = read_objects(test, "data")
    assert [*tests] == ["TS1", "TS6"]
    assert {name: array.shape for name, array in tests["TS6"].items()} == {
        "data_2d": (20, 17, 2),
        "data_3d": (20, 17, 3),
        "valid": (20,),
    }
    assert set(tests["TS6"]["valid"]) == {0, 1}
    # Head top, thorax, pelvis: y points down.
    top, thorax, pelvis = (tests["TS1"]["data_3d"][:, joint, 1] for joint in (0, 1, 14))
    assert (top < thorax).all()
    assert (thorax < pelvis).all()


def test_mpi_inf_3dhp_annotations_have_the_published_layout(tmp_path):
    files = generate("3dhp-mat", tmp_path / "mat", frames=20, subjects=["S2", "TS5"])
    assert [str(f.relative_to(tmp_path / "mat")) for f in files] == [
        "S2/Seq1/annot.mat",
        "S2/Seq2/annot.mat",
        "TS5/annot_data.mat",
    ]
    train, test = generate("3dhp", tmp_path, frames=20, subjects=["S2", "TS5"])
    views, _ = read_objects(train, "data")["S2 Seq1"]
    annotation = scipy.io.loadmat(files[0])
    assert annotation["cameras"].size == 14
    for camera, view in views.items():
        whole = annotation["univ_annot3"][int(camera), 0]
        assert whole.shape == (20, 84)
        assert_allclose(whole.reshape(20, 28, 3)[:, KEPT28], view["data_3d"])
        assert_allclose(annotation["annot2"][int(camera), 0].reshape(20, 28, 2)[:, KEPT28], view["data_2d"])
    with h5py.File(files[2]) as file:
        assert file["annot2"].shape == (20, 1, 17, 2)
        assert file["univ_annot3"].shape == (20, 1, 17, 3)
        assert_array_equal(file["valid_frame"][:, 0], read_objects(test, "data")["TS5"]["valid"])


def test_the_same_seed_gives_the_same_motion(tmp_path):
    one, two, three = (
        read_objects(generate("h36m", tmp_path / n, frames=3, subjects=["S9"], seed=s)[0], "positions_3d")["S9"]
        for n, s in (("a", 1), ("b", 1), ("c", 2))
    )
    assert_array_equal(one["Eating"], two["Eating"])
    assert np.abs(one["Eating"] - three["Eating"]).max() > 0.1


def test_impossible_requests_are_refused(tmp_path):
    with pytest.raises(DataError, match="no layout 'coco'; choose one of h36m, h36m-cdf, 3dhp, 3dhp-mat"):
        generate("coco", tmp_path)
    with pytest.raises(DataError, match="h36m has no subject S2; choose from S1, S5"):
        generate("h36m", tmp_path, subjects=["S1", "S2"])
    with pytest.raises(DataError, match="at least 2 frames, got 1"):
        generate("3dhp", tmp_path, frames=1)
