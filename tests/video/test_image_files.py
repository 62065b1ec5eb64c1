"""Folders and patterns of images as a video."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from poseglass.errors import VideoError
from poseglass.video.image_files import image_paths, is_pattern
from poseglass.video.reading import VideoReader
from samples.videos import corners, flag, grey, make, number

NAMES = [f"shot{n}.png" for n in (1, 2, 9, 10, 11, 100)]


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """A folder of six images, and other files."""
    folder = tmp_path / "shots [1]"
    folder.mkdir()
    for index, name in enumerate(NAMES):
        Image.fromarray(grey(index)).save(folder / name)
    Image.fromarray(grey(20)).save(folder / ".hidden.png")
    (folder / "readme.txt").write_text("six images")
    return folder


@pytest.mark.parametrize("pattern", ["", "*.png", "shot*.png", "shot%d.png", "shot?*.png"])
def test_images_come_in_the_order_of_their_numbers(shots: Path, pattern: str) -> None:
    video = VideoReader(shots / pattern, fps=10)
    frames = list(video)
    assert [number(frame.image) for frame in frames] == list(range(6))
    np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(6) / 10)
    assert [number(frame.image) for frame in video] == list(range(6))
    assert (video.info.fps, video.info.frames, video.info.size) == (10, 6, (96, 64))
    assert (video.info.duration, video.info.guesses, video.problem) == (0.6, (), None)


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("shot%02d.png", [10, 11, 100]),
        ("shot%3d.png", [100]),
        ("shot1*.png", [1, 10, 11, 100]),
        ("shot?.png", [1, 2, 9]),
    ],
)
def test_a_pattern_chooses_among_the_files(shots: Path, pattern: str, numbers: list[int]) -> None:
    assert [path.name for path in image_paths(shots / pattern)] == [f"shot{n}.png" for n in numbers]


def test_without_a_rate_30_frames_per_second_are_a_guess(shots: Path) -> None:
    info = VideoReader(shots).info
    assert info.fps == 30
    assert info.guesses == (f"{shots} does not state a frame rate: 30 per second are assumed (give fps, --fps)",)


def test_images_are_scaled_down_and_turned_upright(tmp_path: Path) -> None:
    for index in range(2):
        image = Image.fromarray(flag())
        exif = image.getexif()
        exif[0x0112] = 5
        image.save(tmp_path / f"{index}.jpg", exif=exif)
    images = [frame.image for frame in VideoReader(tmp_path, within=(32, 48), fps=1)]
    assert [(image.shape, corners(image)) for image in images] == [((48, 32, 3), "rbgw")] * 2


def test_images_of_another_size_are_refused_by_name(shots: Path) -> None:
    Image.fromarray(grey(1)[:, :50]).save(shots / "shot10.png")
    with pytest.raises(VideoError, match=r"shot10.png has 50 x 64 pixels and .*shot1.png has 96 x 64"):
        list(VideoReader(shots, fps=10))


def test_a_damaged_image_leaves_a_gap_and_is_reported(shots: Path) -> None:
    (shots / "shot9.png").write_bytes(b"no image")
    video = VideoReader(shots, fps=10)
    frames = list(video)
    assert [number(frame.image) for frame in frames] == [0, 1, 3, 4, 5]
    np.testing.assert_allclose([frame.seconds for frame in frames], [0, 0.1, 0.3, 0.4, 0.5])
    assert video.problem is not None
    assert "5 of 6 frames were read" in video.problem
    assert "shot9.png holds no readable frame" in video.problem


def test_folders_and_patterns_without_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="is a folder without images"):
        VideoReader(tmp_path)
    with pytest.raises(VideoError, match=r"there is no file .*\*\.png, and no image matches it"):
        VideoReader(tmp_path / "*.png")
    make(tmp_path / "a.mp4", [grey(0)] * 2)
    make(tmp_path / "b.mp4", [grey(0)] * 2)
    with pytest.raises(VideoError, match=r"a\.mp4 is not a single image"):
        VideoReader(tmp_path / "*.mp4")


def test_an_existing_file_is_no_pattern(tmp_path: Path) -> None:
    (tmp_path / "one 100%d.png").touch()
    assert not is_pattern(tmp_path / "one 100%d.png")
    assert is_pattern(tmp_path / "two 100%d.png")
    assert not is_pattern(tmp_path / "walk 100%.mp4")


@pytest.mark.parametrize("digits", ["3", "03", "99", "9999999999"])
def test_any_number_of_digits_is_a_sentence(shots: Path, digits: str) -> None:
    with pytest.raises(VideoError, match="there is no file"):
        VideoReader(shots / f"%{digits}d.png")
