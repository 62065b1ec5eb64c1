"""`Conventions`: the unit of length and the upward axis, found from the bodies if nothing states them."""

from dataclasses import dataclass

import numpy as np

from poseglass.body.skeleton import H36M_17
from poseglass.data.checks.plausible import LEG, LEGS, SCALES, bone_lengths, fitting_unit
from poseglass.errors import DataError, FormatError, PoseError
from poseglass.mocap.tracks import UNITS
from poseglass.own.bodies import read_bodies
from poseglass.own.description import FILE, MotionDescription
from poseglass.own.sources import MotionSource

__all__ = ["Conventions", "find_conventions"]

FILES_SAMPLED = 50  # enough for a stable median, evenly spaced over the source
STEEP = 0.7  # minimum cosine between the mean trunk and the upward axis; beyond 45 degrees another axis is nearer


@dataclass(frozen=True)
class Conventions:
    """The unit and the upward axis found from the bodies of a source; None for each that was stated.

    Args:
        unit: The unit of length: m, cm or mm.
        up: The upward axis: x, y, z, -x, -y or -z.

    Example:
        >>> print(Conventions("cm", "z"))
        found from the bodies, because not stated: units = "cm", up = "z"
    """

    unit: str | None = None
    up: str | None = None

    def __str__(self) -> str:
        parts = [f'{key} = "{value}"' for key, value in (("units", self.unit), ("up", self.up)) if value]
        return f"found from the bodies, because not stated: {', '.join(parts)}" if parts else ""

    def unit_of(self, description: MotionDescription) -> float:
        """Metres per unit of length, as stated, else as found, else 1."""
        return description.unit or SCALES[self.unit or "m"]

    def up_of(self, description: MotionDescription) -> str:
        """The upward axis, as stated, else as found, else y."""
        return description.up or self.up or "y"


def find_conventions(source: MotionSource) -> Conventions:
    """Find the unit of length and the upward axis, unless the description or the files state them.

    BVH and glTF files are y up. The unit is the one in which the median leg has a human length, and the axis is the one
    nearest to the mean trunk. Up to 50 takes are used together, so that a single take of a person lying down does not
    mislead.

    Raises:
        DataError: The bodies do not determine them; the message says what to set.
    """
    description = source.description
    legs, trunks = [], []
    if description.unit and (description.up or description.space == "camera"):
        return Conventions()
    for file in source.files[:: len(source.files) // FILES_SAMPLED + 1]:
        try:
            bodies = [*read_bodies(file, description)]
        except (DataError, FormatError, PoseError):
            continue  # reported when the file itself is read
        for body in bodies:
            if isinstance(body, DataError):
                continue
            points = body.points[np.isfinite(body.points).all((1, 2))]
            lengths = bone_lengths(points)
            leg = sum(lengths[f"{side}_{part}"] for side in ("left", "right") for part in ("knee", "ankle")) / 2
            trunk = points[:, H36M_17.index("thorax")] - points[:, H36M_17.index("pelvis")]
            size = np.linalg.norm(trunk, axis=-1)
            if body.unit is None and leg > 0:
                legs.append(leg)
            if body.up is None and size.any():
                trunks.append((trunk[size > 0] / size[size > 0, None]).mean(0))
    return Conventions(_unit(source, legs) if legs else None, _up(source, trunks) if trunks else None)


def _unit(source: MotionSource, legs: list[float]) -> str:
    leg = float(np.median(legs))
    unit = fitting_unit(leg)
    if unit is None:
        inches = '; units = "in" would fit, too' if LEGS[0] <= leg * UNITS["in"] <= LEGS[1] else ""
        raise DataError(
            f"{source.path}: the unit of length is not stated, and a leg of {leg:.4g} is not human in any of "
            f"{', '.join(SCALES)}. Set units in {FILE}; for an adult, units = {LEG / leg:.3g} (metres) is about right"
            f"{inches}"
        )
    return unit


def _up(source: MotionSource, trunks: list[np.ndarray]) -> str:
    mean = np.mean(trunks, 0)
    axis = int(np.abs(mean).argmax())
    if abs(mean[axis]) < STEEP:
        raise DataError(
            f"{source.path}: the axis that points up is not stated, and the bodies do not stand along any axis (mean "
            f'direction from pelvis to thorax {np.round(mean, 2).tolist()}). Set up in {FILE}, such as up = "z"'
        )
    return ("" if mean[axis] > 0 else "-") + "xyz"[axis]
