"""A second try when nobody is detected, and what the message says."""

import logging
from pathlib import Path

import numpy as np
import pytest

from oracle import bodies
from poseglass import H36M_17, PoseSequence
from poseglass.detect import SecondTry
from poseglass.detect.fake import FakeDetector
from poseglass.errors import DetectorError
from poseglass.lifting.lifter import Lifter
from poseglass.lifting.nobody import NobodyError
from poseglass.models import MixSTE
from poseglass.video.writing import VideoWriter

FRAMES, SIZE = 12, (64, 48)
MODEL = MixSTE(frames=9, dim=16, depth=2, heads=2, inputs=3)


def keypoints(**fields) -> PoseSequence:
    points = 20 * bodies.motion(FRAMES, H36M_17.joints)[..., :2] * [1, -1] + [32, 40]
    return PoseSequence(points, H36M_17, "pixels", fps=25, size=SIZE, **fields)


class Reluctant(FakeDetector):
    """Detects nobody; at the second try, what it is given."""

    def __init__(self, second: PoseSequence) -> None:
        super().__init__(keypoints(valid=np.zeros(FRAMES, bool)))
        self._second = second

    def second_try(self) -> SecondTry:
        return SecondTry(FakeDetector(self._second), "confidence 0.2")


@pytest.fixture
def video(tmp_path: Path) -> Path:
    with VideoWriter(tmp_path / "walk.mp4", fps=25, size=SIZE) as writer:
        for _ in range(FRAMES):
            writer.write(np.zeros((48, 64, 3), np.uint8))
    return tmp_path / "walk.mp4"


@pytest.mark.parametrize("people", ["largest", "all"])
def test_people_of_the_second_try_are_lifted_with_a_warning(
    video: Path, caplog: pytest.LogCaptureFixture, people: str
) -> None:
    frames: list[float] = []
    lifter = Lifter(MODEL, detector=Reluctant(keypoints()))
    with caplog.at_level(logging.INFO, "poseglass"):
        lifted = lifter.lift(video, people=people, on_frame=lambda frame: frames.append(frame.seconds))
    motion = lifted if people == "largest" else lifted[0]
    np.testing.assert_array_equal(motion.points, Lifter(MODEL).lift(keypoints()).points)
    assert motion.validity.all()
    assert frames == 2 * frames[:FRAMES]
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "people were only detected with confidence 0.2: check the result"
    ]
    assert "trying again with confidence 0.2" in caplog.text


def test_after_the_second_try_the_message_says_what_was_tried(video: Path) -> None:
    detector = Reluctant(keypoints(valid=np.zeros(FRAMES, bool)))
    with pytest.raises(
        NobodyError,
        match=r"nobody was detected in any of the 12 frames of .*walk.mp4, nor with confidence 0.2; try another "
        r"detector \(--detector mediapipe-heavy\) or a lower --confidence",
    ):
        Lifter(MODEL, detector=detector).lift(video)


def test_other_errors_of_a_detector_are_not_tried_again(video: Path) -> None:
    class Broken(Reluctant):
        def detect(self, image: np.ndarray, seconds: float) -> np.ndarray:
            raise DetectorError("the detector is broken")

    with pytest.raises(DetectorError, match="the detector is broken"):
        Lifter(MODEL, detector=Broken(keypoints())).lift(video)
