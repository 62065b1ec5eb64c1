"""Files that are refused by their own name."""

import h5py
import numpy as np
import pytest

from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints
from poseglass.keypoints.unread import UNREAD
from samples.keypoint_files import person, write

FILES = {
    "AlphaPose cmu": {"0.jpg": {"version": "AlphaPose v0.3", "bodies": [{"joints": [1.0] * 51}]}},
    "MMPose 0.x": [{"preds": [[[1, 2, 0.5]]], "boxes": [[1, 2]], "image_paths": ["1.jpg"]}],
    "boxes": [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}],
    "Ultralytics boxes": [[{"name": "person", "box": {"x1": 1}}]],
}
ARRAYS = {
    "motion capture": {"poses": np.zeros((3, 72)), "trans": np.zeros((3, 3))},
    "ground truth": {"positions_3d": np.array({"S1": 1}, object)},
}
NAMES = {"pickle": "a.pkl", "SLEAP project": "a.slp", "text": "a.txt"}


@pytest.mark.parametrize("name", [name for name in UNREAD if name != "HDF5"])
def test_each_kind_is_refused_by_its_name(tmp_path, name):
    path = tmp_path / NAMES.get(name, "a.json" if name in FILES else "a.npz")
    if name in FILES:
        write(path, FILES[name])
    elif name in ARRAYS:
        np.savez(path, **ARRAYS[name])
    else:
        path.write_bytes(b"\x80\x04 not text")
    with pytest.raises(FormatError) as caught:
        read_keypoints(path)
    assert str(caught.value) == f"{path}: {UNREAD[name].reason}"


def test_older_projects_of_sleap_are_recognised(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["frames"], file["instances"], file["points"] = [0], [0], [0]
    write(tmp_path / "a.json", {"version": "2.0.0", "skeletons": [], "nodes": [], "labels": []})
    for name in ("a.h5", "a.json"):
        with pytest.raises(FormatError, match="this is a project of SLEAP: export it"):
            read_keypoints(tmp_path / name)


def test_pickled_arrays_say_what_to_do(tmp_path):
    people = np.empty(2, object)
    people[:] = [person(17)[None], np.stack([person(17)] * 2)]
    np.save(tmp_path / "a.npy", people, allow_pickle=True)
    np.savez(tmp_path / "a.npz", keypoints=people)
    for name in ("a.npy", "a.npz"):
        with pytest.raises(FormatError, match=r"different numbers of people[?] Fill up with NaN"):
            read_keypoints(tmp_path / name, layout="coco17")
