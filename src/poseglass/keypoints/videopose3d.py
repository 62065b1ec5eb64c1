"""VideoPose3D's custom 2D sets: an ``.npz`` of ``positions_2d`` and ``metadata``, both pickled.

``positions_2d`` is ``{video: {"custom": [(frames, joints, 2 or 3)]}}``, ``metadata`` names the layout (``coco`` or
``h36m``) and the videos' sizes. The pickles are read by :mod:`poseglass.files.pickled`, which runs nothing of them.
"""

from typing import Any

import numpy as np
from numpy import ndarray

from poseglass.body.skeleton import COCO_17, H36M_17, Skeleton
from poseglass.errors import FormatError
from poseglass.files.pickled import read_objects
from poseglass.keypoints._layout import by_count
from poseglass.keypoints._people import Detections, one_person
from poseglass.keypoints._source import Source
from poseglass.keypoints.array import split_scores

__all__ = ["matches", "read"]

NAMED = {"coco": COCO_17, "h36m": H36M_17}


def matches(source: Source) -> bool:
    """An ``.npz`` that holds ``positions_2d``."""
    return "positions_2d" in source.members


def read(source: Source, layout: Skeleton | None) -> Detections:
    """The one video of a custom set.

    Raises:
        FormatError: The file is broken, its pickle asks for more than arrays, or it holds several videos or views.
    """
    videos = read_objects(source.path, "positions_2d")
    metadata = read_objects(source.path, "metadata") if "metadata" in source.members else {}
    metadata = metadata if isinstance(metadata, dict) else {}
    if not isinstance(videos, dict) or len(videos) != 1:
        raise FormatError(f"positions_2d must hold one video, got {_listing(videos)}; write a file for each")
    ((name, actions),) = videos.items()
    if not isinstance(actions, dict) or len(actions) != 1:
        raise FormatError(f"the video {name!r} must hold one action, got {_listing(actions)}")
    ((action, views),) = actions.items()
    if len(views := list(views) if isinstance(views, list | tuple | ndarray) else []) != 1:
        raise FormatError(f"{name!r}, {action!r} must be a list of one camera, got {len(views)}")
    table = np.asarray(views[0])
    if table.ndim != 3 or table.shape[2] not in (2, 3) or table.dtype.kind not in "fiu":
        raise FormatError(f"{name!r}, {action!r} must be (frames, joints, 2 or 3) numbers, got {table.shape}")
    named = NAMED.get(str(metadata.get("layout_name")))
    if layout is None and named is not None and table.shape[1] == len(named):
        layout = named
    skeleton = by_count(table.shape[1], layout, "positions_2d")
    found = one_person(*split_scores(table, skeleton, "positions_2d"), skeleton)
    return Detections(skeleton, found.frames, size=_size(metadata, name))


def _size(metadata: dict[str, Any], video: Any) -> tuple[int, int] | None:
    about = metadata.get("video_metadata")
    about = about.get(video) if isinstance(about, dict) else None
    try:
        return (int(about["w"]), int(about["h"])) if isinstance(about, dict) else None
    except (KeyError, TypeError, ValueError):
        raise FormatError(f"metadata: the video {video!r} must have a width w and a height h, got {about}") from None


def _listing(value: Any) -> str:
    return f"{len(value)} ({', '.join(map(str, list(value)[:5]))})" if isinstance(value, dict) else type(value).__name__
