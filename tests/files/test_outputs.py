"""The one table of output formats, from which the command's help and all errors are written."""

from pathlib import Path

import pytest

from conftest import make_walk
from poseglass.errors import PoseError
from poseglass.files.outputs import WRITERS, imported, writers_in_words


def test_every_writer_can_be_loaded() -> None:
    for writer in WRITERS.values():
        assert callable(imported(writer.home))


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
    assert writers_in_words() == ".npz .json .csv (the motion), .mp4 .png (pictures), .html (a 3D player)"
