"""Curves over time that the page plots: height, speed and joint angles."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import PoseError
from poseglass.motion.angles import joint_angles
from poseglass.show.scene import middle_joints
from poseglass.show.stage import Figure, Stage

__all__ = ["Curve", "Line", "curves"]

SPAN = 0.1  # seconds before and after a frame over which its speed is measured


@dataclass(frozen=True, eq=False)
class Line:
    """The values of a figure.

    Args:
        person: The index of the figure.
        side: 0 in the middle, 1 left, 2 right.
        values: One per tick, (f); NaN where unknown.
    """

    person: int
    side: int
    values: Float[ndarray, " f"]


@dataclass(frozen=True, eq=False)
class Curve:
    """A quantity over time, with one line per figure and side."""

    name: str
    unit: str
    lines: tuple[Line, ...]


def curves(stage: Stage) -> list[Curve]:
    """The curves of a stage.

    The height of the pelvis above the floor is always known, but estimated outside the world. Speed needs a path in the
    world.

    Example:
        >>> import poseglass as pg
        >>> from poseglass.show.stage import set_stage
        >>> stage = set_stage(pg.PoseSequence(np.zeros((30, 17, 3)), pg.H36M_17, "camera"))
        >>> [curve.name for curve in curves(stage)][:1]
        ['pelvis height']
    """
    figures = list(enumerate(stage.figures))
    parts = [Curve("pelvis height", "m", tuple(Line(n, 0, _height(figure)) for n, figure in figures))]
    if stage.place == "world":
        lines = tuple(Line(n, 0, _speed(figure, stage.times)) for n, figure in figures)
        parts.append(Curve("speed", "m/s", lines))
    return parts + _angle_curves(stage)


def _middle(figure: Figure) -> Float[ndarray, "f 3"]:
    middle: ndarray = figure.points[:, middle_joints(figure.motion.skeleton)].mean(1)
    return middle


def _height(figure: Figure) -> Float[ndarray, " f"]:
    return -_middle(figure)[:, 1]


def _speed(figure: Figure, times: Float[ndarray, " f"]) -> Float[ndarray, " f"]:
    """Metres per second of the pelvis, over a fifth of a second."""
    middle = _middle(figure)
    if len(times) < 2:
        return np.full(len(times), np.nan)
    early, late = np.searchsorted(times, times - SPAN), np.searchsorted(times, times + SPAN, side="right") - 1
    early, late = np.where(early == late, np.maximum(early - 1, 0), early), np.maximum(late, 1)
    speed: ndarray = np.linalg.norm(middle[late] - middle[early], axis=1) / (times[late] - times[early])
    return speed


def _angle_curves(stage: Stage) -> list[Curve]:
    """The joint angles, left and right in one curve, of the figures whose skeletons have them."""
    lines: dict[str, list[Line]] = {}
    for index, figure in enumerate(stage.figures):
        try:
            angles = joint_angles(figure.motion)
        except PoseError:  # the skeleton does not convert
            continue
        for name, degrees in zip(angles.names, angles.degrees.T, strict=True):
            side = 1 if name.startswith("left_") else 2 if name.startswith("right_") else 0
            title = name.removeprefix("left_").removeprefix("right_").replace("_", " ")
            values = np.where(figure.shown, degrees[figure.rows], np.nan)
            lines.setdefault(title, []).append(Line(index, side, values))
    return [Curve(title, "°", tuple(parts)) for title, parts in lines.items()]
