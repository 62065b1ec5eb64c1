"""Live poses as JSON: for other programs line by line, and for the page."""

import base64
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import H36M_17
from poseglass.live.pace import Pace
from poseglass.show.scene import SURE, GroundLevel
from poseglass.video.pictures import packed, resized
from poseglass.video.reading import size_within

__all__ = ["HEADER", "PageRecords", "line_record"]

HEADER = {
    "skeleton": H36M_17.name,
    "joints": list(H36M_17.joints),
    "parents": list(H36M_17.parents),
    "units": "metres",
    "axes": "x right, y down, z away from the camera; joints relative to the pelvis, root from the camera",
}
"""The first line of JSON lines: what the others hold."""
WITHIN = (640, 480)
"""Pixels that the page's pictures fit in."""
QUALITY = 80
"""Their JPEG quality."""


def line_record(pose: PoseSequence) -> dict[str, Any]:
    """A pose of one frame as a JSON object.

    Example:
        >>> pose = PoseSequence(np.zeros((1, 17, 3)), H36M_17, "camera", start=1.5, person=1)
        >>> {name: value for name, value in line_record(pose).items() if name not in ("points", "scores")}
        {'time': 1.5, 'person': 1, 'valid': True, 'root': None, 'contact': None}
    """
    return {
        "time": round(pose.start, 6),
        "person": pose.person,
        "valid": bool(pose.validity[0]),
        "points": pose.points[0].astype(float).round(4).tolist(),
        "scores": pose.confidence[0].astype(float).round(3).tolist(),
        "root": None if pose.root is None else pose.root[0].astype(float).round(4).tolist(),
        "contact": None if pose.contact is None else pose.contact[0].astype(float).round(2).tolist(),
    }


class PageRecords:
    """Makes the messages of the page: the figure on the floor of the scene, and the picture with its 2D pose."""

    def __init__(self) -> None:
        self._ground: GroundLevel | None = None

    def message(self, pose: PoseSequence, image: UInt8[ndarray, "_ _ 3"], pace: Pace) -> dict[str, Any]:
        """The message of a pose.

        Args:
            pose: The pose of one frame.
            image: The image of that frame, RGB (h w 3).
            pace: The figures to show.
        """
        self._ground = self._ground or GroundLevel(pose.rate)
        points = pose.points[0].astype(np.float64)
        if pose.root is not None:
            points = points + pose.root[0]
        points[:, 1] -= self._ground(points)
        pose2d, height, width = pose.pose2d, *image.shape[:2]
        flat: list[list[float] | None] = []
        if pose2d is not None and pose.validity[0]:
            sure = pose2d.confidence[0] >= SURE
            flat = [xy if known else None for xy, known in zip(pose2d.points[0].tolist(), sure, strict=True)]
        small = packed(resized(image, size_within((width, height), WITHIN)), QUALITY)
        return {
            "points": points.round(4).tolist(),
            "contact": [0, 0] if pose.contact is None else pose.contact[0].astype(float).round(2).tolist(),
            "valid": bool(pose.validity[0]),
            "flat": flat,
            "size": [width, height],
            "image": base64.b64encode(small).decode("ascii"),
            "facts": pace.words(),
        }
