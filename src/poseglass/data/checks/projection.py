"""Check whether 2D poses agree with the projected 3D poses."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.data.checks.findings import Findings
from poseglass.errors import DataError

__all__ = ["ProjectionCheck", "best_projection"]


@dataclass
class ProjectionCheck:
    """Compares the 2D poses of many recordings with their projected 3D poses.

    Args:
        findings: Receives a warning for each recording that is unusually far off.

    Attributes:
        distances: For each source of 2D poses, the median distance in pixels of every recording compared.
    """

    findings: Findings
    distances: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def compare(
        self,
        source: str,
        pixels: Float[ndarray, "f j 2"],
        projected: Float[ndarray, "f j 2"],
        *,
        place: str,
        usual: float,
        limit: float,
    ) -> None:
        """Compare the 2D poses of one recording.

        Args:
            source: The name of the 2D poses, such as ``cpn``.
            pixels: The 2D poses in pixels (f j 2).
            projected: The projected 3D poses in pixels (f j 2).
            place: The recording, for messages.
            usual: Median distance in pixels above which there is a warning.
            limit: Median distance in pixels above which there is an error. If the whole person is merely displaced,
                there is only a warning: the motion capture of some takes has slipped, as in Human3.6M's S9.

        Raises:
            DataError: The median distance is above `limit`, and with each frame's mean offset removed it is still above
                half of `limit`.
        """
        distance = _median_distance(pixels, projected)
        self.distances[source].append(distance)
        offset = (pixels - projected).mean(1, keepdims=True)
        if not (distance <= limit or _median_distance(pixels - offset, projected) <= limit / 2):
            raise DataError(
                f"{place}: the 2D poses {source!r} are {distance:.0f} pixels (median) from the projected 3D poses; "
                "check that the cameras, takes and joints are in the order of the published files"
            )
        if distance > usual:
            self.findings.warning(place, f"{source} is {distance:.0f} pixels (median) from the projected 3D poses")


def best_projection(points: Float[ndarray, "f j 3"], pixels: Float[ndarray, "f j 2"]) -> Float[ndarray, "f j 2"]:
    """Project points with the pinhole camera that fits the pixels best, for files that do not describe their camera.

    Focal lengths and principal point are the least-squares solution over all frames and joints.

    Args:
        points: Camera-space points (f j 3), in any unit.
        pixels: The same points in the camera's image (f j 2).

    Returns:
        The projected points in pixels (f j 2).

    Example:
        >>> points = np.random.default_rng(0).normal([0, 0, 4], 0.5, (5, 17, 3))
        >>> pixels = 1500 * points[..., :2] / points[..., 2:] + 1000
        >>> bool(np.allclose(best_projection(points, pixels), pixels))
        True
    """
    rays = points[..., :2] / np.maximum(points[..., 2:], 1e-6)
    projected = np.empty_like(rays)
    for axis in (0, 1):
        ones = np.stack([rays[..., axis].ravel(), np.ones(rays[..., axis].size)], -1)
        (focal, centre), *_ = np.linalg.lstsq(ones, pixels[..., axis].ravel(), rcond=None)
        projected[..., axis] = focal * rays[..., axis] + centre
    return np.asarray(projected)


def _median_distance(pixels: Float[ndarray, "f j 2"], projected: Float[ndarray, "f j 2"]) -> float:
    return float(np.nanmedian(np.linalg.norm(pixels - projected, axis=-1)))
