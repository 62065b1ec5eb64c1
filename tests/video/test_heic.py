"""HEIC photographs in tiles."""

import sys
from pathlib import Path

import numpy as np
import pytest

from poseglass.errors import VideoError
from poseglass.video.heic import is_cut_off
from poseglass.video.reading import VideoReader
from samples.videos import corners

GRID = Path(__file__).parents[1] / "samples" / "grid.heic"


@pytest.mark.parametrize(("within", "size"), [(None, (768, 768)), ((100, 80), (80, 80))])
def test_all_tiles_are_read(within: tuple[int, int] | None, size: tuple[int, int]) -> None:
    pytest.importorskip("pi_heif")
    video = VideoReader(GRID, within=within)
    (frame,) = video
    assert frame.image.shape[1::-1] == size
    assert corners(frame.image) == "rgbw"
    np.testing.assert_allclose(frame.image[1, 1], [220, 30, 30], atol=12)
    assert (video.info.size, video.info.frames, video.problem) == ((768, 768), 1, None)


def test_tiles_are_refused_by_name_without_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(VideoError, match=r'is a HEIC image in tiles.* run pip install "poseglass\[heic\]", or save'):
        VideoReader(GRID)


def test_a_photograph_that_is_cut_off_is_reported(tmp_path: Path) -> None:
    pytest.importorskip("pi_heif")
    content = GRID.read_bytes()
    path = tmp_path / "cut.heic"
    for cut in (len(content) // 2, len(content) - 1):
        path.write_bytes(content[:cut])
        video = VideoReader(path)
        assert len(list(video)) == 1
        assert video.problem is not None
        assert video.problem.endswith("some tiles are missing")
    path.write_bytes(content[:200])
    with pytest.raises(VideoError, match=r"cut\.heic cannot be read"):
        VideoReader(path)


def test_a_damaged_photograph_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("pi_heif")
    content, generator, refused = GRID.read_bytes(), np.random.default_rng(5), 0
    path = tmp_path / "bad.heic"
    for _ in range(60):
        damaged = bytearray(content)
        for place in generator.integers(0, 400, 5):
            damaged[place] = generator.integers(256)
        path.write_bytes(damaged)
        try:
            assert len(list(VideoReader(path))) <= 1
        except VideoError:
            refused += 1
    assert refused > 20


@pytest.mark.parametrize(
    ("boxes", "cut_off"),
    [
        ("00000010 66747970 0000000000000000", False),
        ("00000011 66747970 0000000000000000", True),
        ("00000001 66747970 0000000000000010", False),
        ("00000001 66747970 0000000000000011", True),
        ("00000008 66726565 00000000 6d646174", False),
        ("00000004 66747970 0000000800000000", True),
    ],
    ids=["whole", "cut off", "long", "long and cut off", "until the end", "too short for its name"],
)
def test_a_box_must_end_in_the_file(tmp_path: Path, boxes: str, cut_off: bool) -> None:
    (tmp_path / "a.heic").write_bytes(bytes.fromhex(boxes))
    assert is_cut_off(tmp_path / "a.heic") == cut_off
