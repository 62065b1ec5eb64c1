"""``poseglass live`` with a file as camera."""

import json
import time

import pytest

from poseglass import PoseSequence
from poseglass.detect import DETECTORS
from poseglass.detect.fake import FakeDetector
from poseglass.live.stream import Stream
from poseglass.video.capture import CapturedFrame
from poseglass.video.reading import VideoReader
from samples.commandline import film, refused, someone, succeeded


class EveryFrame:
    """A capture that drops no frame, however slow the machine is."""

    dropped = 0

    def __init__(self, source: str) -> None:
        self.video = VideoReader(source)

    def __iter__(self):
        for frame in self.video:
            yield CapturedFrame(frame.image, frame.seconds, time.monotonic())

    def close(self) -> None:
        self.video.close()


@pytest.fixture(autouse=True)
def walker(monkeypatch):
    monkeypatch.setattr("poseglass.video.capture.Capture", EveryFrame)
    monkeypatch.setitem(DETECTORS, "mediapipe", lambda weights: FakeDetector(someone()))


def test_live_writes_lines_and_recordings(poseglass, workdir):
    film(workdir / "clip.mp4")
    done = poseglass(
        "live", "clip.mp4", "--no-browser", "--json-lines", "-", "--record", "out.npz", "--osc", "127.0.0.1:9"
    )
    succeeded(done)
    header, *lines = map(json.loads, done.out.splitlines())
    assert header["skeleton"] == "h36m17"
    motion = PoseSequence.load(workdir / "out.npz")
    assert len(motion) == len(lines) == 12
    assert motion.is_placed
    assert [line["time"] for line in lines] == pytest.approx(motion.times.tolist(), abs=1e-5)
    assert "the page is at http://127.0.0.1:" in done.err
    assert f"{len(lines)} poses" in done.err


def test_ctrl_c_ends_it_and_keeps_the_recording(poseglass, workdir, monkeypatch):
    film(workdir / "clip.mp4")
    push, pushed = Stream.push, []

    def interrupted(self, image, time=None):
        pushed.append(time)
        if len(pushed) > 4:
            raise KeyboardInterrupt
        return push(self, image, time)

    monkeypatch.setattr(Stream, "push", interrupted)
    done = poseglass("live", "clip.mp4", "--no-page", "--record", "out.json")
    succeeded(done)
    assert len(PoseSequence.load(workdir / "out.json")) == 4


def test_mistakes_are_refused(poseglass, workdir):
    refused(poseglass("live", "missing.mp4"), "there is no file missing.mp4, and it is no camera")
    film(workdir / "clip.mp4")
    refused(poseglass("live", "clip.mp4", "--detector", "none"), "there is no detector 'none'", code=2)
    refused(poseglass("live", "clip.mp4", "--lookahead", 27), "lookahead must be from 0 to 26")
    refused(poseglass("live", "clip.mp4", "--record", "out.fbx"), "must end in one of", code=2)
