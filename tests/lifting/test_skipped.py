"""Detecting people in every Nth frame only."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle import bodies
from poseglass import H36M_17, PoseSequence
from poseglass.detect.fake import FakeDetector
from poseglass.errors import DetectorError
from poseglass.lifting.lifter import Lifter
from poseglass.lifting.skipped import filled
from poseglass.models import MixSTE
from poseglass.people.detection import DetectedPerson
from poseglass.video.reading import Frame, VideoReader
from poseglass.video.writing import VideoWriter

FRAMES, SIZE = 40, (64, 48)
MODEL = MixSTE(frames=9, dim=16, depth=2, heads=2, inputs=3)


class Counting(FakeDetector):
    """Knows the pose of each time, and counts the frames it sees."""

    def __init__(self, poses: PoseSequence) -> None:
        super().__init__(poses)
        self.times: list[float] = []

    def detect(self, image: np.ndarray, seconds: float) -> np.ndarray:
        self.times.append(seconds)
        t = round(25 * seconds)
        if not self._poses.validity[t]:
            return np.zeros((0, 17, 3), np.float32)
        return np.concatenate([self._poses.points[t], self._poses.confidence[t][:, None]], -1)[None]


def keypoints(valid: np.ndarray | None = None) -> PoseSequence:
    points = 20 * bodies.motion(FRAMES, H36M_17.joints)[..., :2] * [1, -1] + [32, 40]
    return PoseSequence(points, H36M_17, "pixels", fps=25, size=SIZE, valid=valid)


def grey_frames(count: int = FRAMES) -> list[Frame]:
    return [Frame(np.zeros((48, 64, 3), np.uint8), t / 25) for t in range(count)]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    with VideoWriter(tmp_path / "walk.mp4", fps=25, size=SIZE) as writer:
        for frame in grey_frames():
            writer.write(frame.image)
    return tmp_path / "walk.mp4"


def person(x: float, score: float = 1.0) -> DetectedPerson:
    return DetectedPerson(np.array([[x, 2 * x]]), np.array([score]))


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0.01, 2)), min_size=1, max_size=20))
def test_skipped_frames_lie_on_the_line_between_their_neighbours(frames: list[tuple[bool, bool, float]]) -> None:
    times = np.cumsum([step for _, _, step in frames]).tolist()
    skipped = [False, *(skip for skip, _, _ in frames[1:])]
    rows = [person(t * t, t / 99) if present else None for t, (_, present, _) in zip(times, frames, strict=True)]
    result = filled(times, rows, skipped)
    for t in range(len(frames)):
        if not skipped[t]:
            assert result[t] is rows[t]
            continue
        before = max(s for s in range(t) if not skipped[s])
        after = next((s for s in range(t, len(frames)) if not skipped[s]), None)
        if after is None or rows[before] is None or rows[after] is None:
            assert result[t] is None
        else:
            ends = [times[before], times[after]]
            assert result[t].points[0, 1] == pytest.approx(2 * np.interp(times[t], ends, np.square(ends)))
            assert result[t].scores[0] == pytest.approx(np.interp(times[t], ends, ends) / 99)


@pytest.mark.parametrize("every", [1, 2, 3, 7, 60])
def test_the_detector_sees_every_nth_frame_and_the_others_are_interpolated(video: Path, every: int) -> None:
    detector = Counting(keypoints())
    motion = Lifter(MODEL, detector=detector, detect_every=every).lift(video)
    searched = range(0, FRAMES, every)
    np.testing.assert_allclose(detector.times, [t / 25 for t in searched], atol=1e-6)
    assert len(motion) == FRAMES
    last = searched[-1]
    assert motion.validity.tolist() == [t <= last for t in range(FRAMES)], "nothing is known after the last detection"
    expected = [
        [np.interp(range(last + 1), searched, keypoints().points[list(searched), joint, axis]) for axis in (0, 1)]
        for joint in range(17)
    ]  # 17 2 f
    np.testing.assert_allclose(motion.pose2d.points[: last + 1], np.moveaxis(expected, -1, 0), atol=1e-3)


def test_a_person_out_of_sight_is_not_interpolated(video: Path) -> None:
    valid = np.ones(FRAMES, bool)
    valid[10:21] = False
    motion = Lifter(MODEL, detector=Counting(keypoints(valid)), detect_every=4).lift(video)
    expected = [t <= 8 or 24 <= t <= 36 for t in range(FRAMES)]
    assert motion.validity.tolist() == expected


def test_a_stream_and_several_people_are_interpolated_too(video: Path) -> None:
    detector = Counting(keypoints())
    lifter = Lifter(MODEL, detector=detector, detect_every=3)
    motion = lifter.lift(video)
    (alone,) = lifter.lift(video, people="all")
    chunks = list(lifter.stream(iter(grey_frames()), size=SIZE, fps=25))
    streamed = np.concatenate([chunk.pose2d.points for chunk in chunks])
    for points in (alone.pose2d.points, streamed):
        np.testing.assert_allclose(points, motion.pose2d.points, atol=1e-3)
    assert len(detector.times) == 3 * len(range(0, FRAMES, 3))


def test_every_frame_is_read_even_if_it_is_skipped(video: Path) -> None:
    levels: list[float] = []
    with VideoReader(video) as reader:
        lifter = Lifter(MODEL, detector=Counting(keypoints()), detect_every=5)
        lifter.lift(reader, on_frame=lambda frame: levels.append(frame.seconds))
    assert len(levels) == FRAMES


def test_less_than_every_frame_is_refused() -> None:
    with pytest.raises(DetectorError, match=r"detect_every must be 1 \(every frame\) or more, got 0"):
        Lifter(MODEL, detect_every=0)
