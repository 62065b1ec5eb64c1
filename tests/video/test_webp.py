"""Animations with their own delays: WebP by Pillow, GIF and PNG by FFmpeg."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from poseglass.errors import VideoError
from poseglass.video.reading import VideoReader
from poseglass.video.webp import is_animated_webp
from samples.videos import corners, flag, grey, number

DELAYS = [100, 200, 50, 100, 150]
STAMPS = np.cumsum([0, *DELAYS[:-1]]) / 1000


def animation(path: Path, delays: list[int], images: list[np.ndarray] | None = None) -> Path:
    first, *others = [Image.fromarray(image) for image in images or [grey(2 * n) for n in range(len(delays))]]
    options = {"lossless": True} if path.suffix == ".webp" else {}
    first.save(path, save_all=True, append_images=others, duration=delays, loop=0, **options)
    return path


@pytest.mark.parametrize("suffix", [".webp", ".gif", ".png"])
def test_each_image_is_shown_for_its_own_delay(tmp_path: Path, suffix: str) -> None:
    video = VideoReader(animation(tmp_path / f"walk{suffix}", DELAYS))
    for _ in range(2):
        frames = list(video)
        assert [number(frame.image) for frame in frames] == [0, 2, 4, 6, 8]
        np.testing.assert_allclose([frame.seconds for frame in frames], STAMPS, atol=1e-6)
        assert video.problem is None
    assert video.info.size == (96, 64)
    assert video.info.fps == pytest.approx(8.8, rel=0.1)


def test_an_animated_webp_is_told_from_a_single_image(tmp_path: Path) -> None:
    Image.fromarray(flag()).save(tmp_path / "one.webp")
    assert not is_animated_webp(tmp_path / "one.webp")
    assert is_animated_webp(animation(tmp_path / "many.webp", [100, 100]))


def test_images_without_a_delay_are_shown_for_a_tenth_of_a_second(tmp_path: Path) -> None:
    video = VideoReader(animation(tmp_path / "walk.webp", [0, 0, 0]))
    np.testing.assert_allclose([frame.seconds for frame in video], [0, 0.1, 0.2])
    assert (video.info.fps, video.info.frames) == (pytest.approx(10), 3)
    assert video.info.duration == pytest.approx(0.3)


def test_an_animation_is_scaled_down(tmp_path: Path) -> None:
    path = animation(tmp_path / "walk.webp", [50, 50], [flag(), 255 - flag()])
    first, second = (frame.image for frame in VideoReader(path, within=(48, 48)))
    assert first.shape == second.shape == (32, 48, 3)
    assert corners(first) == "rgbw"


def test_a_truncated_animation_is_refused_or_reported(tmp_path: Path) -> None:
    content = animation(tmp_path / "walk.webp", DELAYS).read_bytes()
    for length in (21, 40, len(content) // 2, len(content) - 3):
        (tmp_path / "cut.webp").write_bytes(content[:length])
        try:
            video = VideoReader(tmp_path / "cut.webp")
            frames = list(video)
        except VideoError:
            continue
        assert len(frames) < 5
        assert video.problem


def test_a_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="leave it out"):
        VideoReader(animation(tmp_path / "walk.webp", DELAYS), fps=10)
