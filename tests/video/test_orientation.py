"""Turned and mirrored images and videos, judged by Pillow and by the definition of the display matrix."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from poseglass.video.orientation import OF_EXIF, Orientation, exif_orientation
from poseglass.video.reading import VideoReader
from samples.videos import corners, flag, make

UPRIGHT = {1: "rgbw", 2: "grwb", 3: "wbgr", 4: "bwrg", 5: "rbgw", 6: "brwg", 7: "wgbr", 8: "gwrb"}


@pytest.mark.parametrize("value", UPRIGHT)
@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".png", ".tif"])
def test_a_photograph_is_read_as_pillow_reads_it(tmp_path: Path, value: int, suffix: str) -> None:
    from PIL import ImageOps

    path = tmp_path / f"photo{suffix}"
    image = Image.fromarray(flag())
    exif = image.getexif()
    exif[0x0112] = value
    image.save(path, exif=exif)
    video = VideoReader(path)
    (frame,) = video
    assert corners(frame.image) == UPRIGHT[value]
    with Image.open(path) as stored:
        expected = np.asarray(ImageOps.exif_transpose(stored).convert("RGB")).astype(int)
    assert video.info.size == expected.shape[1::-1]
    assert np.abs(frame.image - expected).mean() < 3


@pytest.mark.parametrize("size", [(48, 32), (32, 48)])
def test_a_mirrored_photograph_is_scaled_down_upright(tmp_path: Path, size: tuple[int, int]) -> None:
    image = Image.fromarray(flag())
    exif = image.getexif()
    exif[0x0112] = 2 if size[0] > size[1] else 5
    image.save(tmp_path / "photo.jpg", exif=exif)
    (frame,) = VideoReader(tmp_path / "photo.jpg", within=size)
    assert frame.image.shape == (size[1], size[0], 3)
    assert corners(frame.image) == ("grwb" if size[0] > size[1] else "rbgw")


def by_matrix(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Move each pixel (x, y) to (x, y) times the matrix, one by one."""
    height, width = image.shape[:2]
    places = {(x, y): np.array([x, y]) @ matrix for x in range(width) for y in range(height)}
    low = np.min([*places.values()], 0)
    shape = (np.max([*places.values()], 0) - low + 1).astype(int)
    moved = np.zeros((shape[1], shape[0], 3), np.uint8)
    for (x, y), place in places.items():
        column, row = (place - low).astype(int)
        moved[row, column] = image[y, x]
    return moved


@pytest.mark.parametrize("a", [1, -1])
@pytest.mark.parametrize("d", [1, -1])
@pytest.mark.parametrize("swaps", [False, True])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_display_matrix_moves_pixels_as_it_is_defined(
    tmp_path: Path, a: int, d: int, swaps: bool, suffix: str
) -> None:
    matrix = np.array([[0, a], [d, 0]] if swaps else [[a, 0], [0, d]])
    (m11, m12), (m21, m22) = (matrix * 65536).tolist()
    numbers = [m11, m12, 0, m21, m22, 0, 0, 0, 1 << 30]
    path = make(tmp_path / f"turned{suffix}", [flag()] * 2, prepare=lambda stream: stream.set_display_matrix(numbers))
    video = VideoReader(path)
    images = [frame.image for frame in video]
    expected = by_matrix(flag(), matrix)
    assert [corners(image) for image in images] == [corners(expected)] * 2
    assert video.info.size == expected.shape[1::-1]
    assert not video.info.guesses


@pytest.mark.parametrize(("degrees", "aslant", "upright"), [(1, None, "rgbw"), (30, 30, "rgbw"), (100, 10, "gwrb")])
def test_a_video_that_is_aslant_is_read_to_the_nearest_quarter_turn_and_says_so(
    tmp_path: Path, degrees: int, aslant: int | None, upright: str
) -> None:
    path = make(tmp_path / "aslant.mp4", [flag()], prepare=lambda stream: stream.set_display_rotation(degrees))
    video = VideoReader(path)
    (frame,) = video
    assert corners(frame.image) == upright
    expected = f"aslant.mp4 is {aslant} degrees aslant: it is read to the nearest quarter turn"
    assert video.info.guesses == ((expected,) if aslant else ())


def test_a_matrix_without_area_turns_nothing(tmp_path: Path) -> None:
    path = make(tmp_path / "flat.mp4", [flag()], prepare=lambda stream: stream.set_display_matrix([0] * 9))
    (frame,) = VideoReader(path)
    assert corners(frame.image) == "rgbw"


def test_eight_orientations_are_all_there_are() -> None:
    assert len(set(OF_EXIF.values())) == 8
    for orientation in OF_EXIF.values():
        assert orientation.size(orientation.size((3, 2))) == (3, 2)
        assert orientation.upright(flag()).flags.c_contiguous


def test_a_file_without_exif_data_is_upright_and_other_files_are_unknown(tmp_path: Path) -> None:
    Image.fromarray(flag()).save(tmp_path / "plain.jpg")
    (tmp_path / "words.jpg").write_text("no image")
    assert exif_orientation(tmp_path / "plain.jpg") == Orientation()
    assert exif_orientation(tmp_path / "words.jpg") is None
