"""The times of frames and the rate that they come at: late starts, browsers, raw streams, joined files."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from poseglass.errors import VideoError
from poseglass.video.clock import mean_rate
from poseglass.video.reading import VideoReader
from samples.videos import grey, make, number

BROWSER = np.cumsum([0, 33, 34, 28, 39, 33, 36, 30, 33, 34, 33]) / 1000


@pytest.mark.parametrize(
    ("stamps", "rate"),
    [
        ([0, 0.1, 0.2], 10),
        ([5.2, 5, 5.1], 10),
        ([0, 0.1, 0.5], 4),
        ([0, 0.1, 0.2, 0, 0.1, 0.2], 10),
        ([], None),
        ([3], None),
        ([3, 3], None),
        ([0, 1e9], None),
        ([0, 1e-9], None),
    ],
)
def test_the_mean_rate_counts_steps_between_different_stamps(stamps: list[float], rate: float | None) -> None:
    assert mean_rate(stamps) == (None if rate is None else pytest.approx(rate))


def browser(path: Path, times: np.ndarray = BROWSER, *, sound: bool = False) -> Path:
    """A recording as browsers make them: a nominal 1000 frames per second, and no length."""
    with av.open(str(path), "w", options={"live": "1"}) as container:
        stream = container.add_stream("libvpx", rate=1000)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        audio = container.add_stream("libopus", rate=48000) if sound else None
        for index, seconds in enumerate(times):
            frame = av.VideoFrame.from_ndarray(grey(index), format="rgb24")
            frame.pts, frame.time_base = round(1000 * seconds), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None:
            quiet = av.AudioFrame.from_ndarray(np.zeros((1, 48000 * 2), np.float32), format="flt", layout="mono")
            quiet.sample_rate = 48000
            container.mux([*audio.encode(quiet), *audio.encode(None)])
    return path


@pytest.mark.parametrize("sound", [False, True])
def test_the_rate_of_a_browser_recording_is_that_of_its_stamps(tmp_path: Path, sound: bool) -> None:
    video = VideoReader(browser(tmp_path / "clip.webm", sound=sound))
    assert video.info.fps == pytest.approx(10 / BROWSER[-1])
    frames = list(video)
    assert [number(frame.image) for frame in frames] == list(range(11))
    np.testing.assert_allclose([frame.seconds for frame in frames], BROWSER, atol=1e-3)
    assert (video.problem, video.info.guesses) == (None, ())


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4", ".mov", ".avi"])
@pytest.mark.parametrize("sound", [False, True])
def test_a_clip_that_starts_late_starts_at_zero_and_is_whole(tmp_path: Path, suffix: str, sound: bool) -> None:
    times = 5 + np.arange(12) / 10
    codec = "libx264" if suffix == ".ts" else "mpeg4"
    path = make(tmp_path / f"late{suffix}", [grey(i) for i in range(12)], times=times, codec=codec, sound=sound)
    video = VideoReader(path)
    frames = list(video)
    if suffix != ".avi":  # without B-frames, AVI repeats the first frame to fill the gap
        np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(12) / 10, atol=2e-3)
        assert video.info.fps == pytest.approx(10, rel=0.1)
    assert video.problem is None


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".webm", ".avi"])
def test_sound_that_outlasts_the_images_is_not_a_fault(tmp_path: Path, suffix: str) -> None:
    if suffix == ".webm":
        path = browser(tmp_path / "clip.webm", sound=True)
    else:
        codec = "libx264" if suffix == ".ts" else "mpeg4"
        path = make(tmp_path / f"clip{suffix}", [grey(i) for i in range(12)], codec=codec, sound=True)
    video = VideoReader(path)
    assert len(list(video)) >= 11
    assert video.problem is None


@pytest.mark.parametrize(("codec", "suffix"), [("libx264", ".h264"), ("libx265", ".hevc")])
@pytest.mark.parametrize("fps", [30, 50])
def test_a_raw_stream_that_states_its_rate_is_read_at_it(tmp_path: Path, codec: str, suffix: str, fps: int) -> None:
    def quiet(stream: av.VideoStream) -> None:
        stream.options = {"x265-params": "log-level=none"} if codec == "libx265" else {}

    path = make(tmp_path / f"bare{suffix}", [grey(i) for i in range(8)], fps=fps, codec=codec, prepare=quiet)
    video = VideoReader(path)
    frames = list(video)
    assert [number(frame.image) for frame in frames] == list(range(8))
    assert (video.info.fps, video.info.guesses) == (fps, ())
    np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(8) / fps, atol=1e-6)
    faster = VideoReader(path, fps=100)
    assert faster.info.fps == 100
    np.testing.assert_allclose([frame.seconds for frame in faster], np.arange(8) / 100, atol=1e-6)


def test_the_rate_of_a_raw_stream_that_states_none_is_a_guess(tmp_path: Path) -> None:
    def full_range(stream: av.VideoStream) -> None:
        stream.pix_fmt = "yuvj420p"

    path = make(tmp_path / "bare.mjpeg", [grey(i) for i in range(4)], fps=30, codec="mjpeg", prepare=full_range)
    video = VideoReader(path)
    assert video.info.fps == 25
    assert video.info.guesses == (f"{path} does not state a frame rate: 25 per second are assumed (give fps, --fps)",)
    assert not VideoReader(path, fps=25).info.guesses


def test_a_rate_is_refused_for_a_video_with_a_clock(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", [grey(1)])
    with pytest.raises(VideoError, match=r"clip.mp4 states the times of its frames; leave it out"):
        VideoReader(path, fps=30)
    for fps in (0.0, float("nan"), 1e9):
        with pytest.raises(VideoError, match=r"fps must be a number from 0.01 to 1000"):
            VideoReader(path, fps=fps)
