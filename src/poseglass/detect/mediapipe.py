"""MediaPipe's BlazePose as a 2D detector."""

import math
import os
import re
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from poseglass.body.skeleton import BLAZEPOSE_33
from poseglass.detect._base import Detector, SecondTry
from poseglass.detect.fetch import TASKS, detector_model
from poseglass.detect.unused_outputs import task_without_mask
from poseglass.errors import DetectorError

__all__ = ["MediaPipeDetector"]


OUTSIDE = 0.1
"""The highest score of a joint outside the image, where the network only guesses."""
UNSURE = 0.2
"""Confidence for a video in which nobody is detected with more."""


class MediaPipeDetector(Detector):
    """MediaPipe's BlazePose: 33 joints, on any processor, no graphics card needed.

    A joint's score is the lower of MediaPipe's presence (the joint is in the image) and visibility (it is not hidden),
    and at most :data:`OUTSIDE` for a joint outside the image.

    Args:
        model: A ``.task`` file such as ``pose_landmarker_heavy.task``. Default: that of `size`, fetched on first use.
        size: One of :data:`poseglass.detect.fetch.TASKS`: ``"lite"``, ``"full"`` (the default) or ``"heavy"``, which is
            the most accurate and the slowest.
        people: The maximum number of people. A single person is tracked smoothly from frame to frame; detecting several
            takes longer.
        confidence: The minimum confidence in a person, from 0 to 1.
        tracking: Whether to expect people near their place in the frame before. Without, every frame is searched, which
            takes longer and jitters.

    Raises:
        DetectorError: MediaPipe is not installed, the model is missing or cannot be fetched, or both `model` and `size`
            are given.

    Example:
        >>> with MediaPipeDetector(people=2) as detector:  # doctest: +SKIP
        ...     for frame in VideoReader("walk.mp4"):
        ...         people = detector.detect(frame.image, frame.seconds)
    """

    skeleton = BLAZEPOSE_33

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        size: str | None = None,
        people: int = 1,
        confidence: float = 0.5,
        tracking: bool = True,
    ) -> None:
        if people < 1:
            raise DetectorError(f"people must be 1 or more, got {people}")
        if not 0 <= confidence <= 1:
            raise DetectorError(f"confidence must be from 0 to 1, got {confidence}")
        if model is not None and size is not None:
            raise DetectorError(f"expected the path of a model or a size, got both {model} and {size}; leave out one")
        size = size or "full"
        if size not in TASKS:
            raise DetectorError(f"size must be one of {', '.join(TASKS)}, got {size!r}")
        if model is not None and not Path(model).is_file():
            raise DetectorError(f"there is no detector model {model}; give the path of a .task file")
        self._mediapipe = _mediapipe()  # before the model is fetched, because it may be missing
        self._people = people
        self._confidence = confidence
        self._tracking = tracking
        self._model = detector_model(TASKS[size]) if model is None else Path(model)
        self._seconds = -math.inf
        self._stamp = -1
        self._quiet = True
        self._landmarker = self._start()

    def _start(self) -> Any:
        """Start a landmarker that closes with the detector, or at the latest when Python exits."""
        tasks = self._mediapipe.tasks
        cut = task_without_mask(self._model)
        source = {"model_asset_path": str(self._model.absolute())} if cut is None else {"model_asset_buffer": cut}
        options = tasks.vision.PoseLandmarkerOptions(
            base_options=tasks.BaseOptions(**source),
            running_mode=tasks.vision.RunningMode.VIDEO if self._tracking else tasks.vision.RunningMode.IMAGE,
            num_poses=self._people,
            min_pose_detection_confidence=self._confidence,
            min_pose_presence_confidence=self._confidence,
            min_tracking_confidence=self._confidence,
        )
        try:
            with _quiet():
                landmarker = tasks.vision.PoseLandmarker.create_from_options(options)
        except OSError as problem:
            raise DetectorError(
                f"MediaPipe cannot start: {problem}; on Linux it needs the system's libEGL and libGLESv2 "
                "(on Debian and Ubuntu: apt install libegl1 libgles2)"
            ) from problem
        except (RuntimeError, ValueError) as problem:
            raise DetectorError(
                f"{self._model} is not a detector model that MediaPipe can use ({problem}); "
                "give a pose_landmarker .task file"
            ) from problem
        self._end = weakref.finalize(self, _close, landmarker)
        return landmarker

    def for_people(self, count: int) -> "MediaPipeDetector":
        """A detector with the same weights for up to this number of people; this one if it detects as many."""
        if count <= self._people:
            return self
        return self._with(people=count)

    def with_confidence(self, confidence: float) -> "MediaPipeDetector":
        """A detector with the same weights that finds people with at least this confidence."""
        return self._with(confidence=confidence)

    def second_try(self) -> SecondTry:
        """A detector with less confidence that searches every frame for itself."""
        confidence = min(self._confidence, UNSURE)
        detector = self._with(confidence=confidence, tracking=False)
        return SecondTry(detector, f"confidence {confidence:g} and without tracking")

    def _with(
        self, *, people: int | None = None, confidence: float | None = None, tracking: bool | None = None
    ) -> "MediaPipeDetector":
        """A detector with the same weights and other settings."""
        return MediaPipeDetector(
            self._model,
            people=self._people if people is None else people,
            confidence=self._confidence if confidence is None else confidence,
            tracking=self._tracking if tracking is None else tracking,
        )

    def __enter__(self) -> "MediaPipeDetector":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the model and its threads."""
        self._end()

    def detect(self, image: UInt8[ndarray, "_ _ 3"], seconds: float) -> Float[ndarray, "p 33 3"]:
        """Detect the people in one frame; see :meth:`Detector.detect`.

        Any thread may call this method, but only one at a time; other Python threads run meanwhile. It takes about as
        long for any image size, so smaller images gain little and cost precision.

        Raises:
            DetectorError: The image or the time is invalid, or the detector is closed.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise DetectorError(f"expected an RGB image (h, w, 3) of uint8, got {image.shape} of {image.dtype}")
        if not np.isfinite(seconds):
            raise DetectorError(f"expected a finite time in seconds, got {seconds}")
        if not self._end.alive:
            raise DetectorError("this detector is closed; make a new one")
        if seconds <= self._seconds:  # another video: forget the people of the last one
            self._end()
            self._landmarker, self._stamp = self._start(), -1
        self._seconds = seconds
        self._stamp = max(self._stamp + 1, round(1000 * seconds))  # MediaPipe needs whole milliseconds that increase
        # MediaPipe ignores gaps between an image's rows, so it would see a garbled image and detect nobody.
        picture = self._mediapipe.Image(self._mediapipe.ImageFormat.SRGB, np.ascontiguousarray(image))
        try:
            with _quiet() if self._quiet else nullcontext():
                if self._tracking:
                    landmarks = self._landmarker.detect_for_video(picture, self._stamp).pose_landmarks
                else:
                    landmarks = self._landmarker.detect(picture).pose_landmarks
        except (RuntimeError, ValueError) as problem:
            raise DetectorError(f"MediaPipe cannot process the image at {seconds:g} s: {problem}") from problem
        self._quiet = self._quiet and not landmarks  # MediaPipe's last warning comes with the first person
        height, width = image.shape[:2]
        people = np.zeros((len(landmarks), len(self.skeleton), 3), np.float32)
        for person, joints in zip(people, landmarks, strict=True):
            for row, joint in zip(person, joints, strict=True):
                score = min(joint.visibility or 0, joint.presence or 0)
                inside = 0 <= joint.x <= 1 and 0 <= joint.y <= 1
                row[:] = joint.x * width, joint.y * height, min(score, 1 if inside else OUTSIDE)
        return people


def _mediapipe() -> Any:
    try:
        import mediapipe
    except ImportError as problem:
        raise DetectorError(
            f'this 2D detector needs MediaPipe ({problem}); run pip install "poseglass[video]"'
        ) from problem
    return mediapipe


def _close(landmarker: Any) -> None:
    try:
        landmarker.close()
    except RuntimeError:  # at exit, Python has stopped the threads; MediaPipe must not try again
        landmarker.close = bool


# Log lines of MediaPipe's C++ libraries, which no setting turns off.
NOISE = re.compile(rb"(WARNING: Logging before InitGoogle|INFO: Created TensorFlow Lite|[IW]\d{4} \d\d:\d\d:\d\d).*")


HOLDING = Lock()  # standard error belongs to the whole process


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what the block writes to standard error; afterwards write all of it but MediaPipe's noise."""
    with HOLDING, tempfile.TemporaryFile() as held:
        try:
            stderr = os.dup(2)
        except OSError:  # no standard error, for example under pythonw
            yield
            return
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            held.seek(0)
            for line in held:
                if not NOISE.match(line):
                    os.write(stderr, line)
            os.close(stderr)
