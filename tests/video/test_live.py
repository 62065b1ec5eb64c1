"""Cameras, addresses and pipes are refused with a way out; files of odd names are not."""

import os
from pathlib import Path

import pytest

from poseglass.errors import VideoError
from poseglass.lifting.source import open_source
from poseglass.video.live import refuse_live
from poseglass.video.reading import VideoReader


@pytest.mark.parametrize(
    "source", ["0", "1", "webcam", "/dev/video0", "rtsp://cam/1", "udp://@:1234", "-", "/dev/null"]
)
def test_live_sources_are_refused(source: str) -> None:
    for lift in (refuse_live, VideoReader, open_source):
        with pytest.raises(
            VideoError, match="is a live source, and this reads files only: use the command poseglass live"
        ):
            lift(Path(source))


@pytest.mark.parametrize("source", ["https://a.b/walk.mp4", "http://a.b/points.json"])
def test_addresses_of_files_are_to_be_downloaded(source: str) -> None:
    with pytest.raises(VideoError, match="is an address, and this reads files only: download it first"):
        open_source(source)


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "clip.mp4")
    with pytest.raises(VideoError, match="is a live source"):
        refuse_live(tmp_path / "clip.mp4")


@pytest.mark.parametrize("name", ["0", "webcam", "tcp:1.mp4"])
def test_files_of_such_names_are_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).touch()
    refuse_live(Path(name))
    refuse_live(Path("C:/walk.mp4"))
    refuse_live(Path("missing.mp4"))
