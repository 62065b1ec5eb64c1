"""The real detector on a public-domain portrait, whose face was measured by eye."""

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest

from poseglass import BLAZEPOSE_33, COCO_17, H36M_17, PoseSequence
from poseglass.commands.lift import lift
from poseglass.detect import DETECTORS, make_detector
from poseglass.detect._base import Detector
from poseglass.detect.fake import FakeDetector
from poseglass.detect.fetch import TASKS, TaskSource
from poseglass.detect.mediapipe import MediaPipeDetector
from poseglass.errors import DetectorError
from poseglass.files.cache import cache_folder

# Pixels in the portrait of Grace Hopper, 512 x 600, that comes with matplotlib (which MediaPipe requires).
FACE = {
    "nose": (266, 224),
    "left_eye": (305, 188),
    "right_eye": (229, 192),
    "left_mouth": (301, 270),
    "right_mouth": (243, 272),
}
BELOW = ("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_wrist", "right_wrist")


def spot(person: np.ndarray, joint: str) -> np.ndarray:
    return person[BLAZEPOSE_33.index(joint), :2]


@pytest.fixture
def detector(model: Path) -> Iterator[MediaPipeDetector]:
    with MediaPipeDetector(model) as detector:
        yield detector


class TestMediaPipe:
    def test_the_face_is_detected_where_it_is(self, detector: MediaPipeDetector, portrait: np.ndarray) -> None:
        people = detector.detect(portrait, 0.0)
        assert people.shape == (1, 33, 3)
        assert people.dtype == np.float32
        for joint, place in FACE.items():
            assert np.linalg.norm(spot(people[0], joint) - place) < 12, joint
            assert people[0, BLAZEPOSE_33.index(joint), 2] > 0.9

    def test_joints_outside_the_image_score_low(self, detector: MediaPipeDetector, portrait: np.ndarray) -> None:
        (person,) = detector.detect(portrait, 0.0)
        assert person[:, 2].min() >= 0
        assert person[:, 2].max() <= 1
        assert max(person[BLAZEPOSE_33.index(joint), 2] for joint in BELOW) <= 0.1

    def test_gaps_between_the_rows_of_an_image_do_not_matter(
        self, detector: MediaPipeDetector, portrait: np.ndarray
    ) -> None:
        wide = np.concatenate([portrait, portrait], 1)[:, : portrait.shape[1]]
        assert not wide.flags.c_contiguous
        np.testing.assert_array_equal(detector.detect(wide, 0.0), detector.detect(portrait, 0.0))

    def test_an_empty_image_gives_no_person(self, detector: MediaPipeDetector) -> None:
        assert detector.detect(np.full((120, 160, 3), 127, np.uint8), 0.0).shape == (0, 33, 3)

    def test_two_people_are_detected(self, model: Path, portrait: np.ndarray) -> None:
        wall = np.full((600, 1000, 3), 127, np.uint8)
        with MediaPipeDetector(model, people=2) as detector:
            people = detector.detect(np.concatenate([portrait, wall, portrait], 1), 0.0)
        assert people.shape == (2, 33, 3)
        noses = sorted((spot(person, "nose") for person in people), key=lambda place: place[0])
        np.testing.assert_allclose(noses, [FACE["nose"], (FACE["nose"][0] + 1512, FACE["nose"][1])], atol=20)

    def test_a_person_is_followed_from_frame_to_frame(self, detector: MediaPipeDetector, portrait: np.ndarray) -> None:
        for step in range(6):
            moved = np.roll(portrait, 5 * step, 1)
            (person,) = detector.detect(moved, step / 30)
        assert np.linalg.norm(spot(person, "nose") - FACE["nose"] - (25, 0)) < 15

    def test_frames_may_be_less_than_a_millisecond_apart(
        self, detector: MediaPipeDetector, portrait: np.ndarray
    ) -> None:
        for seconds in (0.0, 0.0001, 0.0002, 0.0003, 0.0011, 0.5):
            assert len(detector.detect(portrait, seconds)) == 1

    def test_another_video_starts_without_memory_of_the_first(
        self, detector: MediaPipeDetector, portrait: np.ndarray
    ) -> None:
        def watch() -> list[np.ndarray]:
            return [detector.detect(np.roll(portrait, 9 * step, 1), step / 30) for step in range(3)]

        first = watch()
        for one, two in zip(first, watch(), strict=True):
            np.testing.assert_array_equal(one, two)

    def test_a_detector_works_in_another_thread(self, detector: MediaPipeDetector, portrait: np.ndarray) -> None:
        with ThreadPoolExecutor(1) as pool:
            elsewhere = pool.submit(detector.detect, portrait, 0.0).result()
        np.testing.assert_array_equal(elsewhere, detector.detect(portrait, 0.0))

    def test_nothing_is_printed_by_mediapipe(self, model: Path, portrait: np.ndarray, tmp_path: Path) -> None:
        """MediaPipe writes nothing to standard error, during detection or at exit."""
        np.save(tmp_path / "portrait.npy", portrait)
        script = (
            "import os, sys, numpy as np\n"
            "from poseglass.detect.mediapipe import MediaPipeDetector, _quiet\n"
            "detector = MediaPipeDetector(sys.argv[1])\n"
            "print(detector.detect(np.load(sys.argv[2]), 0.0).shape)\n"
            "with _quiet(): os.write(2, b'something important\\n')\n"
        )
        command = [sys.executable, "-W", "error", "-c", script, str(model), str(tmp_path / "portrait.npy")]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (run.returncode, run.stdout, run.stderr) == (0, "(1, 33, 3)\n", "something important\n")

    def test_without_tracking_every_frame_is_searched(self, model: Path, portrait: np.ndarray) -> None:
        with MediaPipeDetector(model, confidence=0.6) as tracking:
            expected = tracking.detect(portrait, 0.0)
            again, difference = tracking.second_try()
        assert difference == "confidence 0.2 and without tracking"
        with again:
            first = again.detect(portrait, 0.0)
            again.detect(np.zeros_like(portrait), 0.1)
            assert np.array_equal(again.detect(portrait, 0.2), first)
        assert np.abs(first[0, 0, :2] - expected[0, 0, :2]).max() < 10

    def test_a_detector_of_any_name_takes_a_confidence(self, model: Path) -> None:
        with make_detector("mediapipe", model, confidence=0.9) as detector, detector.second_try().detector as second:
            assert (detector._confidence, second._confidence) == (0.9, 0.2)
        for confidence in (-0.1, 1.1):
            with pytest.raises(DetectorError, match="confidence must be from 0 to 1"):
                make_detector("mediapipe", model, confidence=confidence)

    def test_a_closed_detector_refuses_images(self, model: Path, portrait: np.ndarray) -> None:
        detector = MediaPipeDetector(model)
        detector.close()
        detector.close()
        with pytest.raises(DetectorError, match="closed"):
            detector.detect(portrait, 0.0)

    def test_missing_and_wrong_model_files_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DetectorError, match="there is no detector model"):
            MediaPipeDetector(tmp_path / "none.task")
        (tmp_path / "bad.task").write_bytes(b"not a model" * 100)
        with pytest.raises(DetectorError, match="is not a detector model that MediaPipe can use"):
            MediaPipeDetector(tmp_path / "bad.task")

    @pytest.mark.parametrize(("size", "pixels"), [("lite", 30), ("heavy", 15)])
    def test_other_sizes_find_the_face_too(self, size: str, pixels: float, portrait: np.ndarray) -> None:
        if not (cache_folder() / TASKS[size].name).is_file():
            pytest.skip(f"needs the weights of size {size} in the cache")
        with make_detector(f"mediapipe-{size}") as detector:
            (person,) = detector.detect(portrait, 0.0)
            (again,) = detector.detect(portrait, 0.0)
        np.testing.assert_array_equal(person, again)
        for joint, place in FACE.items():
            assert np.linalg.norm(spot(person, joint) - place) < pixels, joint

    def test_sizes_have_models_of_their_own(self, monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
        """The names in DETECTORS ask for the model of their size."""
        sizes = list[str]()

        def fetched(source: TaskSource) -> Path:
            sizes.append(source.name)
            return model

        monkeypatch.setattr("poseglass.detect.mediapipe.detector_model", fetched)
        for name in DETECTORS:
            make_detector(name).close()
        assert sizes == ["pose_landmarker_full.task", "pose_landmarker_lite.task", "pose_landmarker_heavy.task"]

    def test_a_size_must_exist_and_a_model_file_has_none(self, model: Path) -> None:
        with pytest.raises(DetectorError, match="size must be one of lite, full, heavy, got 'huge'"):
            MediaPipeDetector(size="huge")
        with pytest.raises(DetectorError, match=r"got both .* and heavy; leave out one"):
            make_detector("mediapipe-heavy", model)

    def test_impossible_settings_and_times_are_refused(self, detector: MediaPipeDetector, portrait: np.ndarray) -> None:
        with pytest.raises(DetectorError, match="people"):
            MediaPipeDetector(people=0)
        with pytest.raises(DetectorError, match="confidence"):
            MediaPipeDetector(confidence=1.5)
        with pytest.raises(DetectorError, match="finite time in seconds"):
            detector.detect(portrait, float("nan"))

    def test_without_mediapipe_the_install_command_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "mediapipe", None)
        with pytest.raises(DetectorError, match=r'pip install "poseglass\[video\]"'):
            MediaPipeDetector()


def test_the_help_of_lift_names_every_detector() -> None:
    help_of_detector = get_type_hints(lift, include_extras=True)["detector"].__metadata__[0].help
    assert set(DETECTORS) <= set(re.findall(r"[\w-]+", help_of_detector))


class TestFake:
    IMAGE = np.zeros((8, 8, 3), np.uint8)

    def poses(self) -> PoseSequence:
        points = np.random.default_rng(0).uniform(0, 100, (5, 17, 2))
        points[2] = np.nan
        points[3, 4] = np.nan
        valid = np.array([True, False, True, True, True])
        return PoseSequence(points, COCO_17, "pixels", scores=np.full((5, 17), 0.7), valid=valid)

    def test_the_fake_detector_returns_its_poses_one_by_one(self) -> None:
        poses = self.poses()
        detector: Detector = FakeDetector(poses)
        assert detector.skeleton is COCO_17
        people = [detector.detect(self.IMAGE, frame / 10) for frame in range(7)]
        assert [len(crowd) for crowd in people] == [1, 0, 0, 1, 1, 0, 0], (
            "invalid, unknown, and past the end: no person"
        )
        assert all(crowd.shape[1:] == (17, 3) for crowd in people)
        np.testing.assert_array_equal(people[0][0, :, :2], poses.points[0])
        np.testing.assert_allclose(people[0][0, :, 2], 0.7)
        assert people[3][0, 4, 2] == 0, "an unknown joint has no score"

    def test_the_fake_detector_starts_again_with_another_video(self) -> None:
        detector = FakeDetector(self.poses())
        first = detector.detect(self.IMAGE, 0.0)
        detector.detect(self.IMAGE, 0.1)
        np.testing.assert_array_equal(detector.detect(self.IMAGE, 0.0), first)

    def test_the_fake_detector_has_no_confidence_and_no_second_try(self, monkeypatch: pytest.MonkeyPatch) -> None:
        fake = FakeDetector(PoseSequence(np.ones((1, 17, 2)), COCO_17, "pixels"))
        monkeypatch.setitem(DETECTORS, "fake", lambda weights: fake)
        assert make_detector("fake").second_try() is None
        with pytest.raises(DetectorError, match="FakeDetector has no minimum confidence"):
            make_detector("fake", confidence=0.2)

    def test_the_fake_detector_needs_poses_in_pixels(self) -> None:
        with pytest.raises(DetectorError, match="pixels"):
            FakeDetector(PoseSequence(np.zeros((2, 17, 3)), H36M_17, "camera"))


def test_a_custom_detector_needs_only_a_skeleton_and_detect() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Detector()

    class Nobody(Detector):
        skeleton = COCO_17

        def detect(self, image: np.ndarray, seconds: float) -> np.ndarray:
            return np.zeros((0, 17, 3), np.float32)

    assert Nobody().detect(np.zeros((4, 4, 3), np.uint8), 0.0).shape == (0, 17, 3)
