"""When the feet of a walking person strike and leave the ground.

Coordinate method of Zeni, Richards and Higginson (2008, Gait & Posture 27): a heel strikes when its foot is farthest in
front of the pelvis, and a toe leaves the ground when its foot is farthest behind. They use markers on heel and toe and
the direction of walking. Here the ankle stands for both, and the direction is that in which the pelvis faces, so the
method needs neither a path nor a world, and works on a treadmill and along a curve.
"""

from dataclasses import dataclass
from itertools import pairwise, product
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.errors import PoseError
from poseglass.motion.smoothing import smooth_points

__all__ = ["GaitEvent", "gait_events"]

FEET_HERTZ = 6.0
"""Cut-off of the feet's low pass, as usual for gait (Winter 2009): noise would move the extremes."""
FACING_HERTZ = 0.5
"""Cut-off for the direction in which the pelvis faces: slower than the pelvis's turns from step to step."""
# Our own choices. A foot swings by this share of the leg's length or more (walking: 0.6 to 0.8), and extremes of one
# foot are this far apart or farther (a fast run has strides of 0.6 s).
SWING, STRIDE_SECONDS = 0.25, 0.35
SHORTEST_LEG = 0.1  # metres, so that no noise is divided by 0

Side = Literal["left", "right"]
Kind = Literal["heel_strike", "toe_off"]


@dataclass(frozen=True, order=True)
class GaitEvent:
    """A foot strikes or leaves the ground.

    Attributes:
        seconds: When, on the motion's clock; often between two frames.
        frame: The nearest frame.
        side: Which foot.
        kind: ``"heel_strike"`` or ``"toe_off"``.
    """

    seconds: float
    frame: int
    side: Side
    kind: Kind


def gait_events(motion: PoseSequence) -> list[GaitEvent]:
    """Find heel strikes and toe offs, in order of time.

    The motion should show walking or running. An event counts if one foot is in front of the pelvis and the other
    behind it, and the foot swings by a quarter of the leg's length or more; so standing has no events, but kicks and
    lunges may.

    Args:
        motion: 3D poses on a skeleton that converts to Human3.6M's.

    Raises:
        PoseError: The poses are not in 3D, no joint is known, or the skeleton does not convert.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> still = pg.PoseSequence(np.zeros((90, 17, 3)), pg.H36M_17, "camera", fps=30)
        >>> gait_events(still)
        []
    """
    if motion.units != "metres":
        raise PoseError(f"gait events need 3D poses in metres, but these are in {motion.units}: lift them first")
    motion.require_known("find the gait events of")
    if motion.is_placed:
        motion = motion.world()
    from scipy.signal import find_peaks

    ahead = _feet_ahead(motion)
    events: list[GaitEvent] = []
    for side, kind in product(get_args(Side), get_args(Kind)):
        sign = 1 if kind == "heel_strike" else -1
        own, opposite = sign * ahead[side], sign * ahead["left" if side == "right" else "right"]
        peaks, _ = find_peaks(own, prominence=SWING, distance=max(STRIDE_SECONDS * motion.rate, 1))
        for peak in peaks[(opposite[peaks] < 0) & (own[peaks] > 0)]:
            seconds, frame = _refined(own, int(peak), motion.times)
            events.append(GaitEvent(seconds, frame, side, kind))
    return sorted(events)


def _feet_ahead(motion: PoseSequence) -> dict[str, Float[ndarray, " f"]]:
    """How far each ankle is in front of the pelvis, in lengths of the leg; 0 where that is unknown."""
    body = motion.to_skeleton()
    points = {name: body.joint(name).astype(float) for name in body.skeleton.joints}
    up = points["thorax"] - points["pelvis"] if motion.space == "camera" else np.array([0.0, 1.0, 0.0])
    forward = _unit(np.cross(up, points["right_hip"] - points["left_hip"]))
    forward = _unit(_low_pass(forward, motion, FACING_HERTZ))
    chains = [[points[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle")] for side in ("left", "right")]
    bones = [np.linalg.norm(one - other, axis=-1) for chain in chains for one, other in pairwise(chain)]
    leg = sum(float(np.nanmedian(bone)) if np.isfinite(bone).any() else 0.0 for bone in bones) / 2
    ahead = {}
    for side in ("left", "right"):
        ankle = _low_pass(points[f"{side}_ankle"] - points["pelvis"], motion, FEET_HERTZ)
        ahead[side] = np.nan_to_num((ankle * forward).sum(-1) / max(leg, SHORTEST_LEG))
    return ahead


def _low_pass(points: Float[ndarray, "f 3"], motion: PoseSequence, cutoff: float) -> Float[ndarray, "f 3"]:
    """Smoothed points, or the points themselves if frames are too few per second for the cut-off."""
    if cutoff >= motion.rate / 2:
        return points
    return smooth_points(points[:, None], motion.times, f"butterworth:{cutoff}")[:, 0]


def _unit(vectors: Float[ndarray, "f 3"]) -> Float[ndarray, "f 3"]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: ndarray = vectors / np.where(length > 0, length, 1)
    return unit


def _refined(height: Float[ndarray, " f"], peak: int, times: Float[ndarray, " f"]) -> tuple[float, int]:
    """The seconds and the nearest frame of a peak, refined by a parabola through the three frames around it."""
    before, top, after = height[peak - 1 : peak + 2]
    bend = before - 2 * top + after
    frame = peak + ((before - after) / (2 * bend) if bend < 0 else 0.0)
    return float(np.interp(frame, np.arange(len(times)), times)), round(frame)
