"""Pictures of a video that are kept while it is lifted."""

import random
from pathlib import Path

import numpy as np
import pytest

from poseglass.errors import VideoError
from poseglass.video.pictures import packed, resized, unpacked
from poseglass.video.reading import Frame, VideoReader, size_within
from poseglass.video.spool import Spool, SpoolReader, reader_of
from samples.pictures import write_grey_video

pytest.importorskip("av")
pytest.importorskip("cv2")


@pytest.fixture
def video(tmp_path: Path) -> VideoReader:
    """A video of 12 frames of 320 x 180, whose frame t is a uniform grey of 20 + 4 t."""
    return VideoReader(write_grey_video(tmp_path / "grey.mp4", 12))


def shows_every_frame(frames) -> bool:
    return np.allclose([frame.image.mean() for frame in frames], 20 + 4 * np.arange(12), atol=3)


def test_the_pictures_come_back_in_order_at_the_size_wanted(video: VideoReader) -> None:
    frames = [frame for frame in video for _ in range(2)]
    random.Random(0).shuffle(frames)
    with Spool(video, within=(160, 160)) as spool:
        for frame in frames:  # in any order, and repeatedly
            spool.add(frame)
        with reader_of(spool, within=(1000, 1000)) as kept, reader_of(spool, within=(80, 80)) as small:
            assert isinstance(kept, SpoolReader)
            assert (kept.size, small.size) == ((160, 90), (80, 45))
            assert (kept.info, kept.path) == (video.info, video.path)
            for reader in (kept, small):
                pictures = list(reader)
                assert shows_every_frame(pictures)
                assert {picture.image.shape for picture in pictures} == {(*reader.size[::-1], 3)}
            np.testing.assert_allclose([picture.seconds for picture in pictures], np.arange(12) / 30, atol=1e-6)
        assert spool.bytes > 12 * 300


def test_a_kept_picture_looks_like_the_frame(tmp_path: Path) -> None:
    video = VideoReader(write_grey_video(tmp_path / "grey.mp4", 1))
    down, across = np.mgrid[:180, :320]
    image = np.stack([across % 256, down, (across + down) // 2], -1).astype(np.uint8)
    with Spool(video, within=(640, 640)) as spool:
        spool.add(Frame(image, 0.0))
        (frame,) = spool.reader()
    assert frame.image.shape == image.shape
    assert np.abs(frame.image[:, :255].astype(int) - image[:, :255]).mean() < 2


def test_a_spool_that_grows_too_large_leaves_drawing_to_the_video(video: VideoReader) -> None:
    with Spool(video, largest=2000) as spool:
        for frame in video:
            spool.add(frame)
        assert spool.bytes == 0
        with spool.reader(within=(160, 160)) as reader:
            assert isinstance(reader, VideoReader)
            assert reader.size == (160, 90)
            assert shows_every_frame(reader)


def test_a_spool_without_a_folder_to_write_in_leaves_drawing_to_the_video(video: VideoReader, tmp_path: Path) -> None:
    with Spool(video, folder=tmp_path / "none") as spool:
        spool.add(Frame(np.zeros((180, 320, 3), np.uint8), 0.0))
        assert isinstance(spool.reader(), VideoReader)


def test_a_full_disk_leaves_drawing_to_the_video(video: VideoReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with Spool(video) as spool:
        spool.add(next(iter(video)))
        assert isinstance(spool.reader(), VideoReader)


def test_the_file_of_a_spool_has_no_name_and_vanishes(video: VideoReader, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    spool = Spool(video, folder=folder)
    spool.add(next(iter(video)))
    assert not list(folder.iterdir()), "nothing is left even if the process is killed"
    reader = spool.reader()
    spool.close()
    with pytest.raises(VideoError, match="draw before it is closed"):
        list(reader)


@pytest.mark.parametrize(
    ("size", "within", "expected"),
    [((1920, 1080), (1080, 540), (960, 540)), ((4000, 100), (1080, 540), (1080, 27)), ((9000, 1), (90, 90), (90, 1))],
)
def test_a_size_fits_and_keeps_its_shape(size, within, expected) -> None:
    assert size_within(size, within) == expected


def test_shrinking_by_two_averages() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[::2] = 200
    assert (resized(image, (4, 4)) == 100).all()
    assert resized(image, (8, 8)) is image


def test_packing_keeps_colours() -> None:
    red = np.full((16, 16, 3), (200, 30, 60), np.uint8)
    assert np.abs(unpacked(packed(red, 92)).astype(int) - red).max() <= 3
