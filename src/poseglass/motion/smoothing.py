"""Smooth a motion in time with a filter chosen by name, and measure how much it jitters.

Butterworth and Savitzky-Golay come from scipy. The One-Euro filter is ours: the package of its author filters one
number at a time in Python, and here a joint's three coordinates must share one cut-off, so that the result does not
depend on the direction of the axes.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.errors import PoseError

__all__ = ["FILTERS", "OneEuro", "TimeFilter", "jitter", "parse_filter", "smooth", "smooth_points"]

PAUSE = 0.5
"""Seconds without a frame after which a new stretch starts, which is smoothed on its own."""
EVEN = 1e-3
"""Steps that differ by less than this share of their median count as even."""
DERIVATIVE_CUTOFF = 1.0  # Hz, Casiez et al. 2012, section "Tuning the filter"
# Cut-off per speed, Hz per m/s: with 1 Hz at rest it halves the jitter of lifted validation takes; its lag costs 1 mm.
SPEED_COEFFICIENT = 5.0
SAVGOL_ORDER = 3
# Two passes of a second-order Butterworth filter lower its cut-off by this factor (Winter 2009, Biomechanics and Motor
# Control of Human Movement, section 2.2.4.4).
TWO_PASSES = (2**0.5 - 1) ** 0.25

Smoother = Callable[[Float[ndarray, "f n _"], float, float], Float[ndarray, "f n _"]]


class TimeFilter(NamedTuple):
    """A filter of evenly spaced points.

    Args:
        apply: Smooths points (f n 2) or (f n 3), two frames or more, given their rate and the filter's parameter.
        parameter: The parameter in words, with its unit.
        default: The parameter's default.
        below_half_rate: Whether the parameter is a frequency that must lie below half the frame rate.
    """

    apply: Smoother
    parameter: str
    default: float
    below_half_rate: bool = False


class OneEuro:
    """The One-Euro filter (Casiez, Roussel, Vogel 2012): a low pass whose cut-off rises with the point's speed.

    Causal, so it suits live use, and lags: it sees no later frame.

    Args:
        cutoff: Cut-off at rest in Hz.

    Example:
        >>> euro = OneEuro(1.0)
        >>> [round(euro.push(np.array([[x]]), 30.0).item(), 2) for x in (0.0, 0.1, 0.1)]
        [0.0, 0.04, 0.07]
    """

    def __init__(self, cutoff: float) -> None:
        self._cutoff = cutoff
        self._last: Float[ndarray, "n _"] | None = None
        self._velocity: Float[ndarray, "n _"] | float = 0.0

    def push(self, points: Float[ndarray, "n _"], rate: float) -> Float[ndarray, "n _"]:
        """The smoothed points of the next frame.

        Args:
            points: Positions (n 2) or (n 3).
            rate: The inverse of the time since the frame before, in Hz; not used for the first frame.
        """

        def share(frequency: float | Float[ndarray, "*b"]) -> float | Float[ndarray, "*b"]:
            return 1 / (1 + rate / (2 * np.pi * frequency))

        if self._last is None:
            self._last = points
            return points
        step = (points - self._last) * rate
        self._velocity = self._velocity + share(DERIVATIVE_CUTOFF) * (step - self._velocity)
        speed = np.linalg.norm(self._velocity, axis=-1, keepdims=True)
        weight = share(self._cutoff + SPEED_COEFFICIENT * speed)
        self._last = self._last + weight * (points - self._last)
        return self._last


def one_euro(points: Float[ndarray, "f n _"], rate: float, cutoff: float) -> Float[ndarray, "f n _"]:
    """The One-Euro filter of evenly spaced frames."""
    euro = OneEuro(cutoff)
    return np.stack([euro.push(frame, rate) for frame in points])


def butterworth(points: Float[ndarray, "f n _"], rate: float, cutoff: float) -> Float[ndarray, "f n _"]:
    """A second-order Butterworth low pass, run forwards and backwards: no lag, half power at the cut-off."""
    from scipy.signal import butter, sosfiltfilt

    corrected = np.arctan(np.tan(np.pi * cutoff / rate) / TWO_PASSES) * rate / np.pi
    sections = butter(2, corrected, fs=rate, output="sos")
    padding = min(len(points) - 1, round(3 * rate / cutoff))
    return np.asarray(sosfiltfilt(sections, points, axis=0, padlen=padding))


def savgol(points: Float[ndarray, "f n _"], rate: float, seconds: float) -> Float[ndarray, "f n _"]:
    """Savitzky-Golay: at each frame, the value of a cubic fitted to the frames around it. No lag."""
    from scipy.signal import savgol_filter

    window = 2 * int(seconds * rate / 2 + EVEN) + 1
    window = min(window, len(points) - 1 + len(points) % 2)  # an odd number of frames
    return np.asarray(savgol_filter(points, window, min(SAVGOL_ORDER, window - 1), axis=0))


FILTERS: dict[str, TimeFilter] = {
    "one-euro": TimeFilter(one_euro, "cut-off at rest in Hz", 1.0),
    "butterworth": TimeFilter(butterworth, "cut-off in Hz", 6.0, below_half_rate=True),
    "savgol": TimeFilter(savgol, "window in seconds", 0.3),
}
"""The filters by name. The default cut-off of 6 Hz is usual for walking (Winter 2009)."""


def parse_filter(text: str, rate: float = np.inf) -> tuple[TimeFilter, float]:
    """A filter and its parameter, from a name such as ``"savgol"`` or ``"butterworth:6"``.

    Args:
        text: The name, or the name, a colon and the parameter.
        rate: Frames per second of the motion, if known.

    Raises:
        PoseError: There is no such filter, the parameter is not a number above 0, or it does not suit the rate.

    Example:
        >>> parse_filter("butterworth:6")[1]
        6.0
    """
    name, _, number = text.partition(":")
    if name not in FILTERS:
        forms = ", ".join(f"{known}:{row.default:g} ({row.parameter})" for known, row in FILTERS.items())
        raise PoseError(f"no filter is called {text!r}; expected one of {forms}, or its name alone")
    row = FILTERS[name]
    try:
        parameter = float(number) if number else row.default
    except ValueError:
        parameter = np.nan
    if not 0 < parameter < np.inf or text.endswith(":"):
        raise PoseError(f"expected the {row.parameter} after the colon, such as {name}:{row.default:g}, got {text!r}")
    if row.below_half_rate and parameter >= rate / 2:
        raise PoseError(f"the cut-off of {name} must lie below half the frame rate, {rate / 2:g} Hz, got {parameter:g}")
    return row, parameter


def smooth(motion: PoseSequence, by: str) -> PoseSequence:
    """Smooth the joints over time, and the path of the pelvis if it is known.

    Frames that are not evenly spaced are filtered on an even grid at their median rate and brought back to their own
    times. A pause of more than half a second separates stretches that are smoothed on their own; a stretch of a single
    frame stays as it is. Gaps of unknown joints are bridged linearly for the filter, and stay unknown. `pose2d`, scores
    and `uncertainty` are kept: they describe the measurement.

    Args:
        motion: Poses in any space. In poses that were not lifted, joints of score 0 and invalid frames are unknown.
        by: ``"one-euro"`` (causal, for live use), ``"butterworth"`` or ``"savgol"`` (no lag), each with an optional
            parameter: ``"one-euro:1"`` (cut-off at rest in Hz), ``"butterworth:6"`` (cut-off in Hz), ``"savgol:0.3"``
            (window in seconds).

    Raises:
        PoseError: There is no such filter, its parameter is out of range, or no joint is known.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> noise = np.random.default_rng(0).normal(0, 0.01, (90, 17, 3))
        >>> walk = pg.PoseSequence(noise, pg.H36M_17, "camera", fps=30)
        >>> bool(smooth(walk, "butterworth:6").points.std() < 0.7 * walk.points.std())
        True
    """
    motion.require_known("smooth")
    known = np.isfinite(motion.points).all(-1)
    if motion.pose2d is None:  # the joints of a lifted motion are all known, even where the detector missed them
        known &= (motion.confidence > 0) & motion.validity[:, None]
    points = smooth_points(motion.points, motion.times, by, known=known)
    path = motion.trajectory
    if path is not None:
        path = replace(path, root=smooth_points(path.root[:, None], motion.times, by)[:, 0])
    return replace(motion, points=points, trajectory=path)


def smooth_points(
    points: Float[ndarray, "f n _"],
    times: Float[ndarray, " f"],
    by: str,
    *,
    known: Bool[ndarray, "f n"] | None = None,
) -> Float[ndarray, "f n _"]:
    """Smooth points at any times as :func:`smooth` does.

    Args:
        points: Positions, (f n 2) or (f n 3).
        times: Seconds of each frame, increasing, (f).
        by: The filter, as for :func:`smooth`.
        known: Which points are known; the others stay as they are. Default: those that are finite.
    """
    parse_filter(by)
    known = np.isfinite(points).all(-1) if known is None else known
    smoothed = points.astype(float)
    for stretch in _stretches(times):
        smoothed[stretch] = _filtered(smoothed[stretch], known[stretch], times[stretch], by)
    return smoothed


def jitter(motion: PoseSequence) -> float:
    """Mean size of the joints' third derivative in units of 10 m/s^3; NaN for fewer than four frames.

    Joints are taken in space if the path of the pelvis is known, else relative to the pelvis. Unknown joints do not
    count.

    Raises:
        PoseError: The motion is not in metres.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> cubic = np.zeros((30, 17, 3)) + (np.arange(30.0) / 30)[:, None, None] ** 3 * [1, 0, 0]
        >>> round(jitter(pg.PoseSequence(cubic, pg.H36M_17, "world", fps=30)), 2)  # a third derivative of 6 m/s^3
        0.6
    """
    if motion.units != "metres":
        raise PoseError(f"jitter is measured in metres, but these poses are in {motion.units}")
    change = motion.points.astype(float)
    if motion.root is not None:
        change = change + motion.root[:, None]
    times = motion.times
    for order in (1, 2, 3) if len(motion) > 3 else ():  # divided differences, which need no even clock
        change = order * np.diff(change, axis=0) / (times[order:] - times[:-order])[:, None, None]
    sizes = np.linalg.norm(change, axis=-1)
    known = np.isfinite(sizes)
    return float(sizes[known].mean() / 10) if len(motion) > 3 and known.any() else float("nan")


def _stretches(times: Float[ndarray, " f"]) -> list[slice]:
    """Runs of frames without a long pause."""
    starts = [0, *(np.flatnonzero(np.diff(times) > PAUSE) + 1).tolist(), len(times)]
    return [slice(first, last) for first, last in pairwise(starts)]


def _filtered(
    points: Float[ndarray, "f n _"],
    known: Bool[ndarray, "f n"],
    times: Float[ndarray, " f"],
    by: str,
) -> Float[ndarray, "f n _"]:
    """One stretch, smoothed. Unknown points, and points that are known in a single frame, stay as they are."""
    frames, count, axes = points.shape
    used = known.sum(0) > 1
    if frames < 2 or not used.any():
        return points
    steps = np.diff(times)
    step = float(np.median(steps))
    even = bool(np.abs(steps - step).max() < EVEN * step)
    grid = times if even else np.arange(times[0], times[-1] + step / 2, step)
    columns = np.empty((len(grid), count, axes))
    for number in np.flatnonzero(used):
        sure = known[:, number]
        if even and sure.all():
            columns[:, number] = points[:, number]
            continue
        for axis in range(axes):
            columns[:, number, axis] = np.interp(grid, times[sure], points[sure, number, axis])
    rate = (len(grid) - 1) / float(grid[-1] - grid[0])
    row, parameter = parse_filter(by, rate)
    columns[:, used] = row.apply(columns[:, used], rate, parameter)
    result = points.copy()
    for number in np.flatnonzero(used):
        sure = known[:, number]
        for axis in range(axes):
            column = columns[:, number, axis]
            result[sure, number, axis] = column[sure] if even else np.interp(times[sure], grid, column)
    return result
