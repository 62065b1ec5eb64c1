"""VideoPose3D's custom 2D sets: an ``.npz`` of ``positions_2d`` and ``metadata``, both pickled.

``positions_2d`` is ``{video: {"custom": [array (frames, joints, 2 or 3)]}}``. ``metadata`` names the layout (``coco``
or ``h36m``) and the sizes of the videos. :mod:`poseglass.files.pickled` reads the pickles without running code.
"""

from typing import Any

import numpy as np

from poseglass.body.skeleton import COCO_17, H36M_17, Skeleton
from poseglass.errors import FormatError
from poseglass.files.pickled import read_objects
from poseglass.keypoints.array import split_scores
from poseglass.keypoints.file import KeypointFile, is_sequence
from poseglass.keypoints.frames import KeypointFrames, one_person
from poseglass.keypoints.layouts import layout_by_count
from poseglass.keypoints.parsing import shortened

__all__ = ["matches", "read"]

NAMED_LAYOUTS = {"coco": COCO_17, "h36m": H36M_17}


def matches(file: KeypointFile) -> bool:
    """Whether the file is an ``.npz`` that holds ``positions_2d``."""
    return "positions_2d" in file.members


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the one video of a custom set.

    Raises:
        FormatError: The file is broken, its pickle needs more than arrays, or it holds several videos or cameras.
    """
    videos = read_objects(file.path, "positions_2d")
    metadata = read_objects(file.path, "metadata") if "metadata" in file.members else {}
    metadata = metadata if isinstance(metadata, dict) else {}
    if not isinstance(videos, dict) or len(videos) != 1:
        raise FormatError(f"positions_2d must hold one video, got {_listing(videos)}; write one file per video")
    ((name, actions),) = videos.items()
    if not isinstance(actions, dict) or len(actions) != 1:
        raise FormatError(f"the video {name!r} must hold one action, got {_listing(actions)}")
    ((action, cameras),) = actions.items()
    if len(cameras := list(cameras) if is_sequence(cameras) else []) != 1:
        raise FormatError(f"{name!r}, {action!r} must be a list of one camera, got {len(cameras)}")
    try:
        table = np.asarray(cameras[0])
    except (TypeError, ValueError):  # lists of different lengths
        table = np.zeros(0)
    if table.ndim != 3 or table.shape[2] not in (2, 3) or table.dtype.kind not in "fiu":
        raise FormatError(f"{name!r}, {action!r} must be numbers of shape (frames, joints, 2 or 3), got {table.shape}")
    named = NAMED_LAYOUTS.get(str(metadata.get("layout_name")))
    if layout is None and named is not None and table.shape[1] == len(named):
        layout = named
    skeleton = layout_by_count(table.shape[1], layout, "positions_2d")
    person = one_person(*split_scores(table, skeleton, "positions_2d"), skeleton)
    return KeypointFrames(skeleton, person.frames, size=_size(metadata, name))


def _size(metadata: dict[str, Any], video: Any) -> tuple[int, int] | None:
    entries = metadata.get("video_metadata")
    entry = entries.get(video) if isinstance(entries, dict) else None
    try:
        return (int(entry["w"]), int(entry["h"])) if isinstance(entry, dict) else None
    except (KeyError, TypeError, ValueError, OverflowError):
        raise FormatError(
            f"metadata: the video {video!r} must have a width w and a height h, got {shortened(entry)}"
        ) from None


def _listing(value: Any) -> str:
    return f"{len(value)} ({', '.join(map(str, list(value)[:5]))})" if isinstance(value, dict) else type(value).__name__
