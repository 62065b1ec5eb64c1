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
from poseglass.detect._base import Detector
from poseglass.detect.fetch import detector_model
from poseglass.errors import DetectorError

__all__ = ["MediaPipeDetector"]


OUTSIDE = 0.1  # the highest score of a joint that lies outside of the image


class MediaPipeDetector(Detector):
    """MediaPipe's BlazePose (full): 33 joints, on any processor, no graphics card needed.

    A joint's score is the chance that it is in the image and not hidden (MediaPipe's presence and visibility, whichever
    is lower), and at most 0.1 for one that lies outside of the image, where the network only guesses.

    Args:
        model: A ``.task`` file such as ``pose_landmarker_heavy.task``; the default one is fetched on first use.
        people: How many to look for at most. One is followed smoothly from frame to frame; more take longer.
        confidence: How sure it must be that there is a person, from 0 to 1.

    Raises:
        DetectorError: MediaPipe is not installed, or the model is missing or cannot be fetched.

    Example:
        >>> with MediaPipeDetector(people=2) as detector:  # doctest: +SKIP
        ...     for frame in VideoReader("walk.mp4"):
        ...         people = detector.detect(frame.image, frame.seconds)
    """

    skeleton = BLAZEPOSE_33

    def __init__(
        self, model: str | os.PathLike[str] | None = None, *, people: int = 1, confidence: float = 0.5
    ) -> None:
        if people < 1:
            raise DetectorError(f"people must be 1 or more, got {people}")
        if not 0 <= confidence <= 1:
            raise DetectorError(f"confidence must be from 0 to 1, got {confidence}")
        if model is not None and not Path(model).is_file():
            raise DetectorError(f"there is no detector model {model}; give the path of a .task file")
        self._mediapipe = _mediapipe()  # whether it is there is better known before 35 MB are fetched
        self._people = people
        self._confidence = confidence
        self._model = detector_model() if model is None else Path(model)
        self._seconds = -math.inf
        self._stamp = -1
        self._quiet = True
        self._landmarker = self._start()

    def _start(self) -> Any:
        """A new landmarker, which is closed with the detector, when that is forgotten, or when Python ends."""
        tasks = self._mediapipe.tasks
        options = tasks.vision.PoseLandmarkerOptions(
            base_options=tasks.BaseOptions(model_asset_path=str(self._model.absolute())),
            running_mode=tasks.vision.RunningMode.VIDEO,
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

    def __enter__(self) -> "MediaPipeDetector":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the model and its threads."""
        self._end()

    def detect(self, image: UInt8[ndarray, "h w 3"], seconds: float) -> Float[ndarray, "p 33 3"]:
        """The people in one frame; see :meth:`Detector.detect`.

        Calls may come from any thread, one after the other; other Python threads run meanwhile. It takes about the
        same time whatever the size of the image, so a smaller one gains little and costs precision.

        Raises:
            DetectorError: The image or the time is not what it should be, or the detector is closed.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise DetectorError(f"expected an RGB image (h, w, 3) of uint8, got {image.shape} of {image.dtype}")
        if not np.isfinite(seconds):
            raise DetectorError(f"the time of a frame must be a number of seconds, got {seconds}")
        if not self._end.alive:
            raise DetectorError("this detector is closed; make a new one")
        if seconds <= self._seconds:  # another video, into which nobody of the last one must be followed
            self._end()
            self._landmarker, self._stamp = self._start(), -1
        self._seconds = seconds
        self._stamp = max(self._stamp + 1, round(1000 * seconds))  # whole milliseconds that must increase
        # MediaPipe reads an image that is not contiguous as if it were, and then sees nobody.
        picture = self._mediapipe.Image(self._mediapipe.ImageFormat.SRGB, np.ascontiguousarray(image))
        try:
            with _quiet() if self._quiet else nullcontext():
                found = self._landmarker.detect_for_video(picture, self._stamp).pose_landmarks
        except (RuntimeError, ValueError) as problem:
            raise DetectorError(f"MediaPipe cannot work on the image at {seconds:g} s: {problem}") from problem
        self._quiet = self._quiet and not found  # MediaPipe's last warning comes with the first person
        height, width = image.shape[:2]
        people = np.zeros((len(found), len(self.skeleton), 3), np.float32)
        for person, joints in zip(people, found, strict=True):
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
            f'the default 2D detector needs MediaPipe ({problem}); pip install "poseglass[video]"'
        ) from problem
    return mediapipe


def _close(landmarker: Any) -> None:
    try:
        landmarker.close()
    except RuntimeError:  # Python is ending and has stopped its threads; MediaPipe would try, and complain, again
        landmarker.close = bool


# What MediaPipe's C++ libraries log, which no setting of theirs keeps quiet.
NOISE = re.compile(rb"(WARNING: Logging before InitGoogle|INFO: Created TensorFlow Lite|[IW]\d{4} \d\d:\d\d:\d\d).*")


HOLDING = Lock()  # standard error belongs to the whole process


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what is written to standard error meanwhile; all but the noise of MediaPipe is written afterwards."""
    with HOLDING, tempfile.TemporaryFile() as held:
        try:
            stderr = os.dup(2)
        except OSError:  # there is none, as under pythonw
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
