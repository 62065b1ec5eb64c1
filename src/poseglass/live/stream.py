"""`Stream`: 3D poses of a live source, frame by frame."""

import time as clock
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from poseglass.body.limits import bounded_points, check_size, check_times
from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import COCO_17, Skeleton
from poseglass.detect._base import Detector
from poseglass.engines.engine import open_engine
from poseglass.errors import PoseError
from poseglass.lifting.detected import detected_in
from poseglass.lifting.predictor import Predictor
from poseglass.lifting.stream import Film
from poseglass.live.newest import NewestPoses, check_lookahead
from poseglass.live.placer import Placer
from poseglass.motion.smoothing import FILTERS, parse_filter
from poseglass.people.detection import DetectedPerson
from poseglass.people.follower import Follower
from poseglass.people.glitches import CONTEXT, Glitches
from poseglass.people.tracker import MEMORY
from poseglass.waist.hourglass import PoseModel
from poseglass.weights import files as weights

__all__ = ["Stream"]


class Stream:
    """Lifts one person live: give it frames or 2D keypoints one by one, and get a 3D pose for each.

    The person is the most prominent one at first; when they have been out of sight for three seconds, the most
    prominent one in sight is followed. Frames may come at any rate and at odd times. Memory stays bounded. The same
    frames and times give the same poses.

    Args:
        model: A name such as ``"fast"``, a folder of weights, a published checkpoint's file, or a model.
        lookahead: Frames to wait before a pose is final: 0 has no delay, and each more frame makes it more accurate and
            calmer (docs/live.md). A model that predicts one frame of its window needs the number of frames after that.
        detector: Finds the 2D keypoints in images: a detector, or a name in :data:`poseglass.detect.DETECTORS`, which
            is loaded on first use.
        skeleton: The joints that :meth:`push_keypoints` gets.
        size: Width and height of the image. Without it, keypoints have no path, and the person is taken to be in the
            middle of the image. Default for images: that of the first.
        focal: Focal length in pixels. Default: that of an ordinary lens.
        smooth: ``"one-euro"``, or ``"one-euro:1"`` with its cut-off at rest in Hz: less jitter, more lag.
        engine: What runs the model: ``"torch"``, ``"openvino"``, ``"onnxruntime"`` or ``"auto"``; see
            :func:`poseglass.engines.engine.open_engine`.

    Raises:
        WeightsError: The model cannot be loaded.
        ModelError: The model expects other input, the look-ahead does not fit it, or the engine cannot run it.
        PoseError: The size or the filter is not valid.

    Example:
        >>> import poseglass as pg
        >>> stream = pg.Stream("fast", lookahead=2, size=(1280, 720))
        >>> points = np.random.default_rng(0).uniform(0, 100, (17, 2))
        >>> for number in range(4):
        ...     pose = stream.push_keypoints(points + number, np.ones(17), number / 30)
        >>> pose, pose.times.round(3).tolist(), len(stream.finish())
        (PoseSequence(1 frames of h36m17, camera (metres), 30 fps, 1 valid), [0.033], 2)
    """

    def __init__(
        self,
        model: str | PathLike[str] | PoseModel = "fast",
        *,
        lookahead: int = 2,
        detector: Detector | str = "mediapipe",
        skeleton: Skeleton = COCO_17,
        size: tuple[int, int] | None = None,
        focal: float | None = None,
        smooth: str | None = None,
        engine: str = "torch",
    ) -> None:
        own = weights.load(model) if isinstance(model, str | PathLike) else model
        self._predictor, self._lookahead = Predictor(own, focal=focal, engine=open_engine(engine, own)), lookahead
        self._detector, self._skeleton = detector, skeleton
        self._size = None if size is None else check_size(size)
        check_lookahead(self._predictor, lookahead)
        self._placer = Placer(focal=focal, cutoff=None if smooth is None else _cutoff(smooth))
        self._poses: NewestPoses | None = None  # from the first frame on, as the next three
        self._images = False  # whether frames are images
        self._follower = Follower()
        self._film = Film(skeleton, (1, 1), 30.0)
        self._time: float | None = None
        self._started: float | None = None  # by the computer's clock
        self._person, self._followed = 0, -1  # the number of the person, and the tracker's
        self._recent: list[tuple[float, DetectedPerson | None]] = []  # as they came
        self._finished = False

    @property
    def lookahead(self) -> int:
        """Frames from one to the pose of it."""
        return self._lookahead

    @property
    def detector(self) -> Detector:
        """The 2D detector."""
        if isinstance(self._detector, str):
            from poseglass.detect import make_detector

            self._detector = make_detector(self._detector)
        return self._detector

    def push(self, image: UInt8[ndarray, "_ _ 3"], time: float | None = None) -> PoseSequence | None:
        """Detect and lift the person in the next image.

        Args:
            image: RGB, (height, width, 3); all images have one size.
            time: When it was taken, in seconds, later than the last. Default: now, from the first image on.

        Returns:
            The newest final pose, `lookahead` frames back: one frame of Human3.6M's joints in camera space with its
            time, its path (`trajectory`) and its 2D pose. It is not valid if the person was out of sight. None until
            somebody has been in sight and `lookahead` more frames have come.

        Raises:
            PoseError: The image or the time is not valid.
            DetectorError: The detector is missing or fails.
        """
        image = np.asarray(image)
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise PoseError(f"expected an RGB image (height, width, 3) of uint8, got {image.shape} of {image.dtype}")
        if time is None:
            now = clock.monotonic()
            self._started = now if self._started is None else self._started
            time = now - self._started
        self._check(time, images=True)
        size = (image.shape[1], image.shape[0])
        if (expected := self._size or size) != size:
            raise PoseError(f"all images must have one size, {expected}, got one of {size} (width, height)")
        self._size = size
        return self._push(time, detected_in(self.detector, image, time), self.detector.skeleton, images=True)

    def push_keypoints(
        self, points: Float[ndarray, "*b j 2"], scores: Float[ndarray, "*b j"] | None, time: float
    ) -> PoseSequence | None:
        """Lift the person in the next frame of 2D keypoints.

        Args:
            points: One person's joints in pixels (j 2), or those of several people (p j 2); none if nobody is in sight.
                An unknown joint is NaN or has score 0.
            scores: Their confidence from 0 to 1, (j) or (p j). Default: 1.
            time: When the frame was taken, in seconds, later than the last.

        Returns:
            As :meth:`push`.

        Raises:
            PoseError: A shape is wrong, a score or the time is not a number, or the time does not increase.
        """
        joints = len(self._skeleton)
        places = np.asarray(points, np.float64)
        confidence = np.ones(places.shape[:-1]) if scores is None else np.asarray(scores, np.float64)
        if places.ndim not in (2, 3) or places.shape[-2:] != (joints, 2) or confidence.shape != places.shape[:-1]:
            raise PoseError(
                f"expected points ({joints}, 2) and scores ({joints},) of {self._skeleton.name}, or those of several "
                f"people, got {places.shape} and {confidence.shape}"
            )
        if not (np.isfinite(confidence) & (confidence >= 0)).all():
            raise PoseError("scores must be numbers from 0 to 1; give 0 for unknown joints")
        self._check(time, images=False)
        places, confidence = places.reshape(-1, joints, 2), confidence.reshape(-1, joints)
        places = bounded_points(places, confidence > 0).astype(np.float64)
        confidence = np.where(np.isfinite(places).all(-1), confidence, 0)
        people = [DetectedPerson(place, score) for place, score in zip(places, confidence, strict=True)]
        return self._push(time, people, self._skeleton, images=False)

    def finish(self) -> list[PoseSequence]:
        """Return the poses of the last frames, one by one: `lookahead` of them, or fewer. The stream is then over."""
        self._finished = True
        return [] if self._poses is None else [self._placer.place(frame) for frame in self._poses.finish()]

    def _check(self, time: float, *, images: bool) -> None:
        """Raise an error for a time that does not follow, and for frames of another kind."""
        if self._finished:
            raise PoseError("this stream is finished; create another one")
        if self._time is not None and self._images != images:
            raise PoseError("a stream takes images or keypoints, not both; create a stream for each")
        check_times(time)
        if self._time is not None and not time > self._time:
            raise PoseError(f"times must increase from frame to frame, got {time:g} s after {self._time:g} s")

    def _push(
        self, time: float, people: Sequence[DetectedPerson], skeleton: Skeleton, *, images: bool
    ) -> PoseSequence | None:
        if self._time is None:
            self._images, self._follower = images, Follower(self._size)
            self._film = Film(skeleton, self._size or (1, 1), 30.0)
            self._poses = NewestPoses(self._predictor, lookahead=self._lookahead, size=self._size)
        assert self._poses is not None
        pause = self._time is not None and time - self._time > MEMORY
        self._time = time
        index = self._follower.choose(time, people)
        followed = self._follower.followed
        if followed is not None and followed != self._followed:
            self._person, self._followed, pause = self._person + 1, followed, True
        if pause:  # what was before tells nothing of what is now
            self._poses.restart()
            self._recent.clear()
        if not self._person:
            return None
        self._recent = [*self._recent[-2 * CONTEXT :], (time, None if index is None else people[index])]
        poses, corrected = self._repaired()
        frame = self._poses.push(poses[-1:], self._person, corrected)
        return None if frame is None else self._placer.place(frame)

    def _repaired(self) -> tuple[PoseSequence, PoseSequence | None]:
        """The 2D poses of the newest frames, and those of the frames before the last if glitches were filled."""
        assert self._poses is not None
        rows = self._recent
        film = self._film._replace(fps=self._poses.rate)
        poses = film.poses([time for time, _ in rows], [person for _, person in rows])
        if self._size is None:
            poses = replace(poses, size=None)
        glitches = Glitches()
        filled = glitches.fill(poses)
        # A frame needs as many frames before it to be judged; those further back have been judged before.
        last = filled[-1 - CONTEXT : -1] if len(rows) > CONTEXT + 1 and glitches.count else None
        return filled, last


def _cutoff(smooth: str) -> float:
    """The cut-off of the filter.

    Raises:
        PoseError: It is not a causal filter.
    """
    row, parameter = parse_filter(smooth)
    if row is not FILTERS["one-euro"]:
        raise PoseError(f"live, smooth must be one-euro or one-euro:1 (its cut-off in Hz), got {smooth!r}")
    return parameter
