"""Lifting a video file, with a detector that returns known keypoints."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

import poseglass as pg
from oracle import bodies
from poseglass import H36M_17, PoseSequence
from poseglass.detect.fake import FakeDetector
from poseglass.errors import DetectorError
from poseglass.lifting.lift import lift
from poseglass.lifting.lifter import Lifter
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


def test_a_glitch_of_the_detector_is_filled_marked_and_counted(video: Path) -> None:
    poses = keypoints()
    wrist = H36M_17.index("left_wrist")
    points = poses.points.copy()
    points[9, wrist] += 25, -10
    spoiled = replace(poses, points=points)
    lifter = Lifter(MODEL, detector=FakeDetector(spoiled))
    for source in (video, spoiled):
        motion = lifter.lift(source)
        assert (lifter.report.filled, lifter.report.valid) == (1, FRAMES)
        assert motion.scores[9, wrist] == motion.pose2d.scores[9, wrist] == 0
        assert (motion.scores > 0).sum() == motion.scores.size - 1
        assert np.linalg.norm(motion.pose2d.points[9, wrist] - poses.points[9, wrist]) < 1
    (several,) = lifter.lift(video, people="all")
    assert lifter.report.filled == 1
    assert_array_equal(several.points, motion.points)


@pytest.mark.parametrize("fps", [None, 12.5])
def test_images_are_lifted_at_the_rate_given_or_at_a_guess(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fps: float | None
) -> None:
    for t in range(FRAMES):
        Image.fromarray(np.full((48, 64, 3), 10 * t, np.uint8)).save(tmp_path / f"{t}.png")
    with caplog.at_level("WARNING", "poseglass"):
        motion = Lifter(MODEL, detector=FakeDetector(keypoints())).lift(tmp_path / "%d.png", fps=fps)
    assert (len(motion), motion.rate) == (FRAMES, fps or 30)
    assert ("30 per second are assumed" in caplog.text) == (fps is None)


def test_the_rate_of_a_motion_is_the_mean_of_its_times_if_the_header_is_wrong(video: Path) -> None:
    reader = VideoReader(video)
    reader.info = replace(reader.info, fps=1000.0)
    motion = Lifter(MODEL, detector=FakeDetector(keypoints())).lift(reader)
    assert (motion.rate, motion.pose2d.rate) == (pytest.approx(25), pytest.approx(25))
    pg.render(motion, video.with_name("drawn.mp4"), video=video, height=64)
    assert VideoReader(video.with_name("drawn.mp4")).info.duration == pytest.approx(FRAMES / 25, abs=0.01)


def test_a_drawn_video_lasts_as_long_as_an_uneven_one(tmp_path: Path) -> None:
    times = np.cumsum([0, *[0.03] * 9, 0.5, *[0.04] * 9])
    with VideoWriter(tmp_path / "phone.mp4", fps=19, size=SIZE, times=times) as writer:
        for _ in range(FRAMES):
            writer.write(np.zeros((48, 64, 3), np.uint8))
    motion = Lifter(MODEL, detector=FakeDetector(keypoints())).lift(tmp_path / "phone.mp4")
    pg.render(motion, tmp_path / "drawn.mp4", video=tmp_path / "phone.mp4", height=64)
    drawn = [frame.seconds for frame in VideoReader(tmp_path / "drawn.mp4")]
    np.testing.assert_allclose(drawn, times, atol=2e-3)


def test_a_video_without_people_is_refused(video: Path) -> None:
    detector = FakeDetector(keypoints(valid=np.zeros(FRAMES, bool)))
    with pytest.raises(DetectorError, match=r"nobody was detected in any of the 20 frames of .*walk\.mp4; try another"):
        Lifter(MODEL, detector=detector).lift(video)


def test_the_function_uses_the_detector_that_it_gets(video: Path) -> None:
    detector = FakeDetector(keypoints())
    motion = lift(video, model=MODEL, detector=detector)
    assert_array_equal(motion.points, Lifter(MODEL, detector=detector).lift(video).points)
