"""Change the frame rate of a motion."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.errors import PoseError

__all__ = ["resample"]


def resample(poses: PoseSequence, fps: float) -> PoseSequence:
    """Interpolate poses linearly at evenly spaced times, starting at the first frame.

    A new frame lies between two original frames. It is valid if both are, and each joint gets the lower of its two
    scores and the larger of its two uncertainties. The trajectory is interpolated like the points. A new frame that
    falls on an original one equals it, so halving the rate picks every second frame without smoothing. `pose2d` is
    resampled too. `kept` is dropped, because it describes the original frames.

    Raises:
        PoseError: `fps` is not a positive number.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> walk = pg.PoseSequence(np.zeros((121, 17, 3)), pg.H36M_17, "world", fps=120)
        >>> len(resample(walk, 60))
        61
    """
    if not (np.isfinite(fps) and fps > 0):
        raise PoseError(f"fps must be a positive number, got {fps}")
    pose2d = None if poses.pose2d is None else resample(replace(poses.pose2d, timestamps=poses.times), fps)
    if len(poses) == 0:
        return replace(poses, fps=fps, timestamps=None, kept=None, pose2d=pose2d)
    times = poses.times - poses.times[0]
    grid = np.arange(int(times[-1] * fps + 1e-6) + 1) / fps
    after = np.searchsorted(times, grid - 1e-9).clip(0, len(times) - 1)
    before = np.where(times[after] <= grid + 1e-9, after, after - 1)
    span = np.where(after > before, times[after] - times[before], 1)
    weight = ((grid - times[before]) / span * (after > before)).astype(np.float32)

    def blended(rows: Float[ndarray, "_ *b"]) -> Float[ndarray, "_ *b"]:
        share = weight.reshape(-1, *[1] * (rows.ndim - 1))
        between: ndarray = rows[before] * (1 - share) + rows[after] * share
        return between

    path, radius = poses.trajectory, poses.uncertainty
    return replace(
        poses,
        points=blended(poses.points),
        fps=fps,
        scores=np.minimum(poses.confidence[before], poses.confidence[after]),
        valid=poses.validity[before] & poses.validity[after],
        timestamps=None,
        kept=None,
        trajectory=None if path is None else replace(path, root=blended(path.root), contact=blended(path.contact)),
        uncertainty=None if radius is None else np.maximum(radius[before], radius[after]),
        pose2d=pose2d,
        start=float(poses.times[0]),
    )
