"""Lifting a video file, with a detector that returns known keypoints."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from oracle import bodies
from poseglass import H36M_17, PoseSequence
from poseglass.detect.fake import FakeDetector
from poseglass.errors import DetectorError
from poseglass.lifting.lifter import Lifter, lift
from poseglass.models import MixSTE
from poseglass.video.reading import VideoReader
from poseglass.video.writing import VideoWriter

FRAMES, SIZE = 20, (64, 48)
MODEL = MixSTE(frames=9, dim=16, depth=2, heads=2, inputs=3)


def keypoints(**fields) -> PoseSequence:
    points = 20 * bodies.motion(FRAMES, H36M_17.joints)[..., :2] * [1, -1] + [32, 40]
    return PoseSequence(points, H36M_17, "pixels", fps=25, size=SIZE, **fields)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A video whose frame t is a uniform grey of 10 t."""
    with VideoWriter(tmp_path / "walk.mp4", fps=25, size=SIZE) as writer:
        for t in range(FRAMES):
            writer.write(np.full((48, 64, 3), 10 * t, np.uint8))
    return tmp_path / "walk.mp4"


def test_a_video_gives_the_motion_of_its_keypoints(video: Path) -> None:
    levels: list[int] = []
    lifter = Lifter(MODEL, detector=FakeDetector(keypoints()))
    motion = lifter.lift(video, on_frame=lambda frame: levels.append(round(frame.image.mean() / 10)))
    assert levels == list(range(FRAMES))
    assert_array_equal(motion.points, lifter.lift(keypoints()).points)
    assert (motion.rate, motion.size) == (25, SIZE)


def test_the_report_counts_frames_and_people(video: Path) -> None:
    lifter = Lifter(MODEL, detector=FakeDetector(keypoints(valid=np.arange(FRAMES) % 5 > 0)))
    lifter.lift(video)
    report = lifter.report
    assert (report.frames, report.valid, report.kept, report.people, report.problem) == (20, 16, 20, 1, None)


def test_what_was_lost_of_a_damaged_video_is_reported(video: Path) -> None:
    lifter = Lifter(MODEL, detector=FakeDetector(keypoints()))
    reader = VideoReader(video)
    reader.info = reader.info.__class__(SIZE, 25, 100, 4.0)  # the header of a longer video
    lifter.lift(reader)
    assert "it ends after frame 20 of 100" in lifter.report.problem


def test_a_video_without_people_is_refused(video: Path) -> None:
    detector = FakeDetector(keypoints(valid=np.zeros(FRAMES, bool)))
    with pytest.raises(DetectorError, match=r"nobody was detected in any of the 20 frames of .*walk\.mp4$"):
        Lifter(MODEL, detector=detector).lift(video)


def test_the_function_uses_the_detector_that_it_gets(video: Path) -> None:
    detector = FakeDetector(keypoints())
    motion = lift(video, model=MODEL, detector=detector)
    assert_array_equal(motion.points, Lifter(MODEL, detector=detector).lift(video).points)
