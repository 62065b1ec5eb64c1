"""Keypoints from the objects of other libraries. None of these is imported: only the objects' attributes count.

Each function returns everybody, the most prominent first, as :func:`poseglass.keypoints.read_people` does. Give the
list, or one person of it, to :func:`poseglass.lift`.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import COCO_17, Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.axes import frames_first, notes_on_order
from poseglass.keypoints.frames import KeypointFrames, detected
from poseglass.keypoints.layouts import COCO_18, find_layout, layout_by_count
from poseglass.keypoints.parsing import parse_numbers
from poseglass.keypoints.reading import people_of
from poseglass.people.detection import DetectedPerson

__all__ = ["from_rtmlib", "from_supervision", "from_ultralytics"]

FrameArrays = tuple[Any, Any, Any]
"""The points (p j 2 or 3), scores (p j) and numbers (p) of the people of a frame; None if unknown."""
FIXED = {17: COCO_17, 18: COCO_18}
"""The layouts of these libraries' models, by number of joints."""


def from_ultralytics(
    results: Any, *, layout: str | Skeleton | None = None, fps: float | None = None
) -> list[PoseSequence]:
    """The people in Ultralytics' results of a video.

    Args:
        results: What ``model(video)`` or ``model.track(video, stream=True)`` returns: a ``Results`` for each frame,
            with ``keypoints`` and ``orig_shape``. A generator is read once, and only its keypoints are kept.
        layout: The joints' layout, if the model's are not COCO's 17.
        fps: Frames per second. Default: 30, with a warning.

    Returns:
        Poses in pixels, the most prominent person first. A joint at (0, 0) was not found.

    Raises:
        FormatError: The results have no keypoints, or nobody is in sight.

    Example:
        >>> results = YOLO("yolo11n-pose.pt").track("walk.mp4", stream=True)  # doctest: +SKIP
        >>> motion = pg.lift(pg.from_ultralytics(results, fps=30))  # doctest: +SKIP
    """
    size: tuple[int, int] | None = None

    def frame(result: Any) -> FrameArrays:
        nonlocal size
        keypoints = _attribute(result, "keypoints", "Results", "use a model whose name ends in -pose")
        if keypoints is None:
            raise FormatError("the results have no keypoints: use a model whose name ends in -pose")
        if size is None and getattr(result, "orig_shape", None) is not None:
            size = int(result.orig_shape[1]), int(result.orig_shape[0])
        numbers = getattr(getattr(result, "boxes", None), "id", None)
        return keypoints.xy, getattr(keypoints, "conf", None), numbers

    one = hasattr(results, "keypoints")
    content = _content([results] if one else results, frame, layout, zeros=True)
    return people_of(content, size=size, fps=fps, source="the results of Ultralytics")


def from_supervision(
    keypoints: Any,
    *,
    size: tuple[int, int] | None = None,
    layout: str | Skeleton | None = None,
    fps: float | None = None,
) -> list[PoseSequence]:
    """The people in ``supervision.KeyPoints`` of a video.

    Args:
        keypoints: A ``KeyPoints`` for each frame, with ``xy`` (people, joints, 2) and ``confidence``.
        size: Width and height of the image in pixels.
        layout: The joints' layout, if they are not COCO's 17.
        fps: Frames per second. Default: 30, with a warning.

    Returns:
        Poses in pixels, the most prominent person first.

    Raises:
        FormatError: The objects are no keypoints, or nobody is in sight.

    Example:
        >>> frames = [sv.KeyPoints.from_ultralytics(result) for result in results]  # doctest: +SKIP
        >>> people = pg.from_supervision(frames, size=(1920, 1080), fps=25)  # doctest: +SKIP
    """

    def frame(points: Any) -> FrameArrays:
        xy = _attribute(points, "xy", "KeyPoints", "give one KeyPoints per frame")
        # Since supervision 0.29, `confidence` is deprecated and its use a warning.
        scores = getattr(
            points, "keypoint_confidence" if hasattr(points, "keypoint_confidence") else "confidence", None
        )
        numbers = (getattr(points, "data", None) or {}).get("tracker_id")
        return xy, scores, getattr(points, "tracker_id", numbers)

    content = _content([keypoints] if hasattr(keypoints, "xy") else keypoints, frame, layout, zeros=True)
    return people_of(content, size=size, fps=fps, source="supervision's keypoints")


def from_rtmlib(
    keypoints: Any,
    scores: Any = None,
    *,
    size: tuple[int, int] | None = None,
    layout: str | Skeleton | None = None,
    fps: float | None = None,
) -> list[PoseSequence]:
    """The people in rtmlib's keypoints and scores of a video.

    Args:
        keypoints: For each frame, the keypoints that ``Body()``, ``BodyWithFeet()`` or ``Wholebody()`` return (people,
            joints, 2); or one array (frames, people, joints, 2).
        scores: The scores that they return (people, joints), for each frame. Default: 1.
        size: Width and height of the image in pixels.
        layout: The joints' layout, if it is not that of rtmlib's models: 17 COCO, 26 Halpe, 133 COCO-WholeBody, and
            18 or 134 in OpenPose's order.
        fps: Frames per second. Default: 30, with a warning.

    Returns:
        Poses in pixels, the most prominent person first.

    Raises:
        FormatError: The arrays do not fit each other, or nobody is in sight.

    Example:
        >>> import numpy as np
        >>> keypoints = [np.random.default_rng(0).uniform(100, 300, (1, 17, 2))] * 30
        >>> [person] = from_rtmlib(keypoints, np.ones((30, 1, 17)), size=(640, 480), fps=30)
        >>> person
        PoseSequence(30 frames of coco17, pixels (pixels), 30 fps, 30 valid)
    """
    notes: tuple[str, ...] = ()
    if isinstance(keypoints, ndarray):
        notes = notes_on_order(keypoints.shape, "the array of keypoints")
        if scores is not None and np.shape(scores) != keypoints.shape[:-1]:
            raise FormatError(f"scores must have shape {keypoints.shape[:-1]}, got {np.shape(scores)}")
        scores = None if scores is None else frames_first(np.asarray(scores)[..., None], "scores")[..., 0]
        keypoints = frames_first(keypoints, "keypoints")
    points = list(_frames(keypoints))
    given = [None] * len(points) if scores is None else list(_frames(scores))
    if len(given) != len(points):
        raise FormatError(f"there must be scores for each of the {len(points)} frames, got {len(given)}")
    content = _content(zip(points, given, strict=True), lambda pair: (*pair, None), layout, zeros=False)
    return people_of(replace(content, notes=notes), size=size, fps=fps, source="rtmlib's keypoints")


def _content(
    items: Any, frame: Callable[[Any], FrameArrays], layout: str | Skeleton | None, *, zeros: bool
) -> KeypointFrames:
    """The people of all frames, given how to take them from the object of a frame."""
    skeleton, chosen = find_layout(layout), None
    frames: dict[int, list[DetectedPerson]] = {}
    for number, item in enumerate(_frames(items)):
        points, scores, numbers = (_array(value, f"frame {number}") for value in frame(item))
        frames[number] = []
        if points is None or not points.size:
            continue
        if points.ndim != 3 or points.shape[2] not in (2, 3):
            raise FormatError(f"frame {number}: keypoints must have shape (people, joints, 2), got {points.shape}")
        people, joints = points.shape[:2]
        if scores is None:
            scores = points[..., 2] if points.shape[2] == 3 else np.ones((people, joints))
        if scores.shape != (people, joints):
            raise FormatError(f"frame {number}: scores must have shape {(people, joints)}, got {scores.shape}")
        chosen = layout_by_count(joints, chosen or skeleton or FIXED.get(joints), f"frame {number}")
        tracks = [None] * people if numbers is None or numbers.shape != (people,) else numbers.tolist()
        frames[number] = [
            detected(points[person, :, :2], scores[person], chosen, tracks[person]) for person in range(people)
        ]
    if chosen is None:
        raise FormatError("no frame shows a person")
    return KeypointFrames(chosen, frames, zeros=zeros)


def _frames(items: Any) -> Iterator[Any]:
    """The objects of the frames."""
    try:
        return iter(items)
    except TypeError:
        raise FormatError(f"expected an object for each frame of the video, got a {type(items).__name__}") from None


def _array(value: Any, place: str) -> ndarray | None:
    """A number array from a tensor on any device, an array or lists."""
    if value is None:
        return None
    for method in ("detach", "cpu", "numpy"):
        if hasattr(value, method):
            value = getattr(value, method)()
    return parse_numbers(value, place)


def _attribute(value: Any, name: str, kind: str, hint: str) -> Any:
    if not hasattr(value, name):
        raise FormatError(f"expected a {kind} per frame, got a {type(value).__name__} without {name}; {hint}")
    return getattr(value, name)
