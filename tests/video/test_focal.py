"""Focal lengths in the metadata of images and videos."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from poseglass.video.focal import focal_of_image, focal_of_tags
from poseglass.video.reading import VideoReader

APPLE = "com.apple.quicktime.camera.focal_length.35mm_equivalent"
SIZE = (3600, 2400)  # a tenth of a millimetre per pixel on full frame: 35 mm are 3500 pixels


@pytest.mark.parametrize(
    ("tags", "focal"),
    [
        ({APPLE: "35"}, 3500),
        ({"FocalLengthIn35mmFilm": " 50"}, 5000),
        ({APPLE: "wide", "FocalLengthIn35mmFilm": "50"}, 5000),
        ({APPLE: "0"}, None),
        ({APPLE: "9000"}, None),
        ({}, None),
    ],
)
def test_tags_state_the_focal_length(tags: dict, focal: float | None):
    assert focal_of_tags(tags, SIZE) == (None if focal is None else pytest.approx(focal))
    assert focal_of_tags(tags, SIZE[::-1]) == focal_of_tags(tags, SIZE)


def photo(path: Path, tags: dict[int, float]) -> Path:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update(tags)
    Image.fromarray(np.zeros((240, 360, 3), np.uint8)).save(path, exif=exif)
    return path


@pytest.mark.parametrize(
    ("tags", "focal"),
    [
        ({0xA405: 35}, 350),
        ({0x920A: 7.0, 0xA20E: 1000.0, 0xA210: 3}, 700),  # 7 mm at 100 pixels per mm
        ({0x920A: 7.0, 0xA20E: 2540.0, 0xA210: 2, 0xA002: 720}, 350),  # the same in inches, at half the size
        ({0x920A: 7.0}, None),
        ({0xA405: 0}, None),
    ],
)
def test_exif_states_the_focal_length(tmp_path: Path, tags: dict[int, float], focal: float | None):
    expected = None if focal is None else pytest.approx(focal, rel=1e-3)
    path = photo(tmp_path / "photo.jpg", tags)
    assert focal_of_image(path, (360, 240)) == expected
    with VideoReader(path) as video:
        assert video.info.focal == expected


def test_other_files_state_nothing(tmp_path: Path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"not an image")
    assert focal_of_image(path, (360, 240)) is None


def test_a_quicktime_video_states_the_focal_length(tmp_path: Path):
    path = tmp_path / "walk.mov"
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as container:
        container.metadata[APPLE] = "26"
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for _ in range(3):
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.zeros((180, 320, 3), np.uint8), "rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    with VideoReader(path) as video:
        assert video.info.focal == pytest.approx(26 / 43.267 * 367.15, rel=1e-3)
