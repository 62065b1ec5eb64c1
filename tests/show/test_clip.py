"""The small copy of a video that a page holds."""

import base64
from pathlib import Path

import numpy as np
import pytest

from poseglass.errors import VideoError
from poseglass.show.viewer.clip import WITHIN, small_copy
from poseglass.video.reading import VideoReader
from poseglass.video.writing import VideoWriter
from samples.pictures import write_grey_video

pytest.importorskip("av")


def copied(video: Path, times: np.ndarray) -> list:
    """The frames of the copy."""
    path = video.with_name("copy.mp4")
    path.write_bytes(base64.b64decode(small_copy(video, times)))
    with VideoReader(path) as reader:
        return list(reader)


def test_frame_t_of_the_copy_is_frame_t_of_the_video_at_its_time(tmp_path: Path) -> None:
    source = write_grey_video(tmp_path / "grey.mp4", 40)
    times = np.cumsum(np.where(np.arange(30) < 15, 0.02, 0.05)) - 0.02
    frames = copied(source, times)
    assert len(frames) == 30  # the motion ends before the video
    np.testing.assert_allclose([frame.seconds for frame in frames], times, atol=1e-4)
    brightness = [frame.image.mean() for frame in frames]
    np.testing.assert_allclose(brightness, 20 + 4 * np.arange(30), atol=4)
    assert frames[0].image.shape == (180, 320, 3)  # never enlarged


@pytest.mark.parametrize("size", [(1280, 720), (721, 1281)])
def test_a_large_video_shrinks(tmp_path: Path, size: tuple[int, int]) -> None:
    with VideoWriter(tmp_path / "noise.mp4", fps=30, size=size) as video:
        for t in range(12):
            video.write(np.random.default_rng(t).integers(0, 256, (size[1], size[0], 3), np.uint8))
    height, width, _ = copied(tmp_path / "noise.mp4", np.arange(12) / 30)[0].image.shape
    assert width <= WITHIN[0] + 1
    assert height <= WITHIN[1] + 1
    assert width / height == pytest.approx(size[0] / size[1], rel=0.02)
    assert max(width / WITHIN[0], height / WITHIN[1]) > 0.99


def test_a_single_image_is_a_video_of_one_frame(tmp_path: Path) -> None:
    assert len(copied(write_grey_video(tmp_path / "grey.mp4", 1), np.zeros(1))) == 1


def test_a_video_that_ends_early_is_refused(tmp_path: Path) -> None:
    source = write_grey_video(tmp_path / "grey.mp4", 5)
    with pytest.raises(VideoError, match="ends after 5 frames"):
        small_copy(source, np.arange(9) / 30)
    with pytest.raises(VideoError, match="there is no file"):
        small_copy(tmp_path / "none.mp4", np.arange(9) / 30)


def test_without_h264_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poseglass.show.viewer.clip.av.codecs_available", {"mpeg4"})
    with pytest.raises(VideoError, match="write the page without it"):
        small_copy(tmp_path / "grey.mp4", np.zeros(1))
