"""The newest frame of a live source."""

import time
from contextlib import closing

import pytest

from poseglass.errors import VideoError
from poseglass.video.capture import Capture
from poseglass.video.live import is_camera
from poseglass.video.reading import VideoReader
from samples.commandline import film


def test_a_file_plays_at_its_own_rate(tmp_path):
    start = time.monotonic()
    with closing(Capture(str(film(tmp_path / "clip.mp4")))) as capture:
        frames = list(capture)
        assert len(frames) + capture.dropped == 12
    times = [frame.seconds for frame in VideoReader(tmp_path / "clip.mp4")]
    assert {frame.seconds for frame in frames} <= set(times)
    assert frames[-1].seconds == times[-1]
    assert time.monotonic() - start > times[-1]
    arrivals = [frame.arrived for frame in frames]
    assert arrivals == sorted(arrivals)


def test_frames_that_come_too_fast_are_dropped(tmp_path):
    with closing(Capture(str(film(tmp_path / "clip.mp4")))) as capture:
        frames = iter(capture)
        first = next(frames)
        time.sleep(0.4)
        assert next(frames).seconds > first.seconds + 0.05
        assert capture.dropped >= 1


@pytest.mark.parametrize(
    ("source", "message"), [("77", "77 cannot be opened"), ("rtsp://127.0.0.1:9/a", "cannot be opened")]
)
def test_a_missing_camera_is_an_error(source, message):
    assert is_camera(source)
    with pytest.raises(VideoError, match=message):
        Capture(source)
