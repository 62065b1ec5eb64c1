"""The one table of output formats, from which the command's help and all errors are written."""

import re
import sys
from pathlib import Path

import pytest

from conftest import make_walk
from poseglass.errors import DataError, PoseError
from poseglass.files.outputs import WRITERS, suffix_of, writer_of, writers_in_words


def test_every_writer_can_be_loaded() -> None:
    for writer in WRITERS.values():
        assert callable(writer.load())


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_motion_is_saved_in_every_format(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"walk{suffix}"
    assert make_walk(3).save(path) == path
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.stat().st_size > 100


def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(PoseError, match=", ".join(WRITERS).replace(".", r"\.")):
        make_walk(3).save(tmp_path / "walk.xyz")


def test_the_help_lists_every_suffix_with_its_content() -> None:
    assert writers_in_words() == (
        ".npz .json .csv (the motion), .bvh .glb (an animated skeleton), .amass.npz (rotations for SMPL), "
        ".trc .c3d (points), .mot (joint angles), .mp4 .png (pictures), .html (a 3D player)"
    )


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("walk.npz", ".npz"),
        ("walk.amass.npz", ".amass.npz"),
        ("Walk.AMASS.NPZ", ".AMASS.NPZ"),
        ("amass.npz", ".npz"),
        ("walk.v2.bvh", ".bvh"),
        ("walk", ""),
        ("walk.fbx", ""),
        ("out.npz/walk.xyz", ""),
    ],
)
def test_the_longest_known_suffix_counts(name: str, suffix: str) -> None:
    assert suffix_of(name) == suffix
    assert writer_of(name) is WRITERS.get(suffix.lower())


def test_a_missing_package_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "c3d", None)
    with pytest.raises(DataError, match=r"needs the package c3d; run pip install 'poseglass\[datasets\]'"):
        WRITERS[".c3d"].load()


def test_the_docs_list_every_suffix() -> None:
    page = (Path(__file__).parents[2] / "docs" / "files.md").read_text()
    assert re.findall(r"^\| `(\.[\w.]+)` \| [^|]+ \| [^|]+ \|$", page.split("##")[0], re.MULTILINE) == [*WRITERS]
