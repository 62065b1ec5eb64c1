"""The same motion at another frame rate."""

from dataclasses import replace

import numpy as np

from poseglass.body.pose import PoseSequence
from poseglass.errors import PoseError

__all__ = ["resample"]


def resample(poses: PoseSequence, fps: float) -> PoseSequence:
    """Poses at evenly spaced times from the first frame on, points interpolated linearly in time.

    A frame lies between two of the original; it is seen if both are, and a joint's score is the lower of the two. One
    that falls on an original frame is that frame. So halving the rate picks every second frame and smooths nothing.
    `pose2d` goes along; `kept`, which is about the original frames, does not.

    Raises:
        PoseError: `fps` is not positive.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> walk = pg.PoseSequence(np.zeros((121, 17, 3)), pg.H36M_17, "world", fps=120)
        >>> len(resample(walk, 60))
        61
    """
    if not (np.isfinite(fps) and fps > 0):
        raise PoseError(f"fps must be a positive number, got {fps}")
    if len(poses) == 0:
        return replace(poses, fps=fps, kept=None)
    times = poses.times - poses.times[0]
    wanted = np.arange(int(times[-1] * fps + 1e-6) + 1) / fps
    after = np.searchsorted(times, wanted - 1e-9).clip(0, len(times) - 1)
    before = np.where(times[after] <= wanted + 1e-9, after, after - 1)
    span = np.where(after > before, times[after] - times[before], 1)
    share = ((wanted - times[before]) / span * (after > before)).astype(np.float32)[:, None, None]
    points = poses.points[before] * (1 - share) + poses.points[after] * share
    return replace(
        poses,
        points=points,
        fps=fps,
        scores=np.minimum(poses.confidence[before], poses.confidence[after]),
        valid=poses.validity[before] & poses.validity[after],
        timestamps=None,
        kept=None,
        pose2d=None if poses.pose2d is None else resample(replace(poses.pose2d, timestamps=poses.times), fps),
    )
