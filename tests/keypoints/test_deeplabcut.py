"""DeepLabCut's tables and SLEAP's arrays."""

import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import COCO_17
from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints, read_people
from samples.bomb import Bomb
from samples.keypoint_files import person

QUANTITIES = ("x", "y", "likelihood")


def labels(individuals: list[str | None], quantities: tuple[str, ...] = QUANTITIES) -> list[tuple[str, ...]]:
    return [
        ("DLC_net", *([] if who is None else [who]), joint.replace("_", " "), quantity)
        for who in individuals
        for joint in COCO_17.joints
        for quantity in quantities
    ]


def csv_file(path: Path, names: list[tuple[str, ...]], rows: list[str]) -> Path:
    levels = (
        ("scorer", "bodyparts", "coords") if len(names[0]) == 3 else ("scorer", "individuals", "bodyparts", "coords")
    )
    header = [",".join([level, *(name[n] for name in names)]) for n, level in enumerate(levels)]
    path.write_text("\n".join([*header, *rows]) + "\n")
    return path


def row(number: object, *people: np.ndarray | None) -> str:
    cells = [[""] * 51 if joints is None else [f"{value:g}" for value in joints.reshape(-1)] for joints in people]
    return ",".join([str(number), *(cell for person_cells in cells for cell in person_cells)])


def test_a_table_of_one_animal_is_read(tmp_path):
    joints = person(17, x=104)
    joints[4, 2] = 0.1
    path = csv_file(tmp_path / "a.csv", labels([None]), [row(0, person(17)), row(1, None), row(2, joints)])
    poses = read_keypoints(path)
    assert poses.skeleton == COCO_17
    assert poses.validity.tolist() == [True, False, True]
    assert_allclose(poses.points[2], joints[:, :2], atol=1e-3)
    assert_allclose(poses.confidence[2], joints[:, 2])


def test_a_table_of_several_animals_is_read(tmp_path):
    rows = [row(n, person(17, x=100 + n), None if n == 1 else person(17, x=400 + n)) for n in range(4)]
    first, second = read_people(csv_file(tmp_path / "a.csv", labels(["ann", "bob"]), rows))
    assert_allclose(first.points[:, 0, 0], person(17)[0, 0] + np.arange(4), rtol=1e-6)
    assert second.validity.tolist() == [True, False, True, True]


def test_labels_of_images_have_no_likelihood(tmp_path):
    names = labels([None], ("x", "y"))
    levels = [
        ",".join([level, "", "", *(name[n] for name in names)])
        for n, level in enumerate(("scorer", "bodyparts", "coords"))
    ]
    cells = ",".join(f"{value:g}" for value in person(17)[:, :2].reshape(-1))
    text = "\n".join([*levels, *(f"labeled-data,walk,img{n:03d}.png,{cells}" for n in (7, 9))])
    (tmp_path / "a.csv").write_text(text)
    poses = read_keypoints(tmp_path / "a.csv")
    assert poses.validity.tolist() == [True, False, True]
    assert (poses.confidence[0] == 1).all()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["scorer,a,a", "coords,x,y", "0,1,2"], "but some are missing"),
        (["scorer,a,a", "bodyparts,snout,snout", "coords,x,y", "0,1,2"], "DeepLabCut's bodyparts: the joints snout do"),
        (["scorer,a,a", "bodyparts,nose,nose", "coords,x,z", "0,1,2"], "the table is three-dimensional"),
        (["scorer,a", "bodyparts,nose,nose", "coords,x,y", "0,1,2"], "header lines have different numbers of cells"),
    ],
)
def test_other_tables_are_refused(tmp_path, lines, message):
    (tmp_path / "a.csv").write_text("\n".join(lines))
    with pytest.raises(FormatError, match=message):
        read_keypoints(tmp_path / "a.csv")


def hdf5(path: Path, names: object, values: np.ndarray, *, fixed: bool = False) -> Path:
    """Write a table as pandas does, with `format` "table" or "fixed"."""
    with h5py.File(path, "w") as file:
        group = file.create_group("df_with_missing")
        group.attrs["pandas_type"] = "frame" if fixed else "frame_table"
        if fixed:
            group["block0_values"] = values
            group["axis1"] = np.arange(len(values))
            for level, column in enumerate(zip(*names, strict=True)):
                words = sorted(set(column))
                group[f"block0_items_level{level}"] = np.array([word.encode() for word in words])
                group[f"block0_items_label{level}"] = [words.index(word) for word in column]
        else:
            kinds = [("index", "<i8"), ("values_block_0", "<f8", (values.shape[1],))]
            table = np.array([(n, tuple(row)) for n, row in enumerate(values)], kinds)
            dataset = group.create_dataset("table", data=table)
            dataset.attrs["values_block_0_kind"] = np.bytes_(pickle.dumps(names, 0))
    return path


@pytest.mark.parametrize("fixed", [True, False])
def test_hdf5_tables_are_those_of_csv(tmp_path, fixed):
    people = [[person(17, x=100 + n), person(17, x=400 + n)] for n in range(3)]
    names = labels(["ann", "bob"])
    text = csv_file(tmp_path / "a.csv", names, [row(n, *crowd) for n, crowd in enumerate(people)])
    values = np.reshape(people, (3, -1))
    for poses, expected in zip(
        read_people(hdf5(tmp_path / "a.h5", names, values, fixed=fixed)), read_people(text), strict=True
    ):
        assert_allclose(poses.points, expected.points, rtol=1e-6)
        assert_allclose(poses.confidence, expected.confidence)


def test_code_in_the_names_is_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FormatError, match="which is refused"):
        read_keypoints(hdf5(tmp_path / "a.h5", [Bomb("trapped")], np.ones((2, 51))))
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize("order", ["matlab", "numpy"])
def test_sleap_arrays_are_read_in_either_order(tmp_path, order):
    people = np.stack([[person(17, x=x + n) for n in range(4)] for x in (100, 400)])  # p f j 3
    people[1, 2] = np.nan
    tracks, scores = people[..., :2], people[..., 2]
    shuffled = np.random.default_rng(0).permutation(17)
    names = [COCO_17.joints[joint].title().encode() for joint in shuffled]
    tracks, scores = tracks[:, :, shuffled], scores[:, :, shuffled]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        matlab = order == "matlab"
        file["tracks"] = tracks.transpose(0, 3, 2, 1) if matlab else tracks.swapaxes(0, 1)  # p 2 j f, or f p j 2
        file["point_scores"] = scores.swapaxes(1, 2) if matlab else scores.swapaxes(0, 1)
        file["node_names"] = names
    first, second = read_people(tmp_path / "a.h5")
    assert_allclose(first.points, people[0, ..., :2], rtol=1e-6)
    assert_allclose(first.confidence, 0.9)
    assert second.validity.tolist() == [True, True, False, True]


def test_other_hdf5_files_are_refused(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = [1]
    with pytest.raises(FormatError, match=r"this HDF5 file is neither of DeepLabCut .* nor of SLEAP"):
        read_keypoints(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["tracks"], file["node_names"] = np.zeros((2, 3)), [b"nose"]
    with pytest.raises(FormatError, match=r"tracks must have shape \(tracks, 2, 1 joints, frames\), got \(2, 3\)"):
        read_keypoints(tmp_path / "b.h5")
    (tmp_path / "c.h5").write_bytes(b"\x89HDF\r\n\x1a\n cut off")
    with pytest.raises(FormatError, match="not a complete HDF5 file"):
        read_keypoints(tmp_path / "c.h5")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(FormatError, match=r"needs the package h5py; run pip install 'poseglass\[datasets\]'"):
        read_keypoints(tmp_path / "a.h5")


def test_arrays_that_claim_more_than_the_file_holds_are_refused(tmp_path):
    """HDF5 does not store what was never written, so a small file can claim terabytes."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("tracks", (1, 2, 17, 10**9), "f8", chunks=(1, 2, 17, 1000))
        file["node_names"] = [joint.encode() for joint in COCO_17.joints]
    with pytest.raises(FormatError, match="/tracks claims 272000 MB, which the file cannot hold"):
        read_keypoints(tmp_path / "a.h5")


def test_texts_that_claim_more_than_the_file_holds_are_refused(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["tracks"] = np.stack([person(17)[:, :2]] * 3).transpose(2, 1, 0)[None]  # p 2 j f
        file["node_names"] = list(COCO_17.joints)  # texts of variable length
        offset = file["node_names"].id.get_offset()
    assert len(read_keypoints(path)) == 3
    content = bytearray(path.read_bytes())
    content[offset : offset + 4] = (3 * 10**9).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(FormatError, match="/node_names claims texts of 3000 MB, which the file cannot hold"):
        read_keypoints(path)
