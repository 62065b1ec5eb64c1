"""Files with a cover, with several streams, and broken ones."""

from pathlib import Path

import av
import numpy as np
import pytest

from poseglass.errors import VideoError
from poseglass.video.reading import VideoReader
from samples.videos import flag, grey, make, number


def with_cover(path: Path, *, attached: bool) -> Path:
    """A video whose first stream is a single picture: flagged as a cover or not."""
    with av.open(str(path), "w") as container:
        cover = container.add_stream("mjpeg", rate=10)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        if attached:
            cover.disposition = av.stream.Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame.from_ndarray(flag()[:, :64].copy(), format="rgb24")))
        container.mux(cover.encode(None))
        for index in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey(index), format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("suffix", "attached"), [(".mkv", False), (".mkv", True), (".mp4", True)])
def test_a_cover_is_skipped(tmp_path: Path, suffix: str, attached: bool) -> None:
    video = VideoReader(with_cover(tmp_path / f"clip{suffix}", attached=attached))
    assert [number(frame.image) for frame in video] == list(range(10))
    assert (video.info.size, video.info.fps, video.problem, video.info.guesses) == ((96, 64), 10, None, ())


def test_of_several_videos_one_is_read_and_the_others_are_mentioned(tmp_path: Path) -> None:
    path = tmp_path / "rig.mp4"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("mpeg4", rate=10) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for index in range(4):
            for stream in streams:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(grey(index), format="rgb24")))
        for stream in streams:
            container.mux(stream.encode(None))
    video = VideoReader(path)
    assert [number(frame.image) for frame in video] == list(range(4))
    assert video.info.guesses == ("rig.mp4 holds 2 videos: only that of 96 x 64 is read",)


@pytest.mark.parametrize("kind", [b"zzzz", b"\x87\xff\x00\x01"])
def test_an_unknown_codec_is_one_sentence(tmp_path: Path, kind: bytes) -> None:
    content = make(tmp_path / "whole.mp4", [grey(1)], codec="libx264").read_bytes()
    (tmp_path / "odd.mp4").write_bytes(content.replace(b"avc1", kind))
    with pytest.raises(VideoError, match=r"odd.mp4 holds images in a format that cannot be decoded .*export it again"):
        VideoReader(tmp_path / "odd.mp4")


def test_a_drawing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "figure.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>')
    with pytest.raises(VideoError, match=r"figure.svg (holds images in a format that cannot|cannot be read)"):
        VideoReader(tmp_path / "figure.svg")


def test_text_that_is_not_utf_8_does_not_matter(tmp_path: Path) -> None:
    content = make(tmp_path / "whole.mp4", [grey(1)] * 3).read_bytes()
    (tmp_path / "odd.mp4").write_bytes(content.replace(b"VideoHandler", b"\x87\xfe\xffeoHandler"))
    assert len(list(VideoReader(tmp_path / "odd.mp4"))) == 3


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_damaged_bytes_are_a_sentence_or_fewer_frames(tmp_path: Path, suffix: str) -> None:
    generator = np.random.default_rng(7)
    content = make(tmp_path / f"whole{suffix}", [grey(i) for i in range(6)]).read_bytes()
    path = tmp_path / f"bad{suffix}"
    for _ in range(12):
        damaged = bytearray(content)
        for place in generator.integers(0, len(damaged), 6):
            damaged[place] = generator.integers(256)
        path.write_bytes(damaged)
        try:
            video = VideoReader(path)
            times = [frame.seconds for frame in video]
        except VideoError:
            continue
        assert np.isfinite(times).all()
        assert (np.diff(times) > 0).all()
        assert 0 < video.info.fps < np.inf
