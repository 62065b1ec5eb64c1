"""`PointTracks`: named points over time, what readers of points return and writers take."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError, PoseError

__all__ = ["UNITS", "PointTracks", "frame_rate", "unit_of"]

# Metres per unit of length. Inch and foot are exact (international yard and pound agreement, 1959).
UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254, "ft": 0.3048}
WORDS = {
    **dict.fromkeys(("inch", "inches"), 0.0254),
    **dict.fromkeys(("foot", "feet"), 0.3048),
    **{
        f"{prefix}{metre}{plural}": size
        for prefix, size in {"": 1.0, "centi": 0.01, "milli": 0.001}.items()
        for metre in ("meter", "metre")
        for plural in ("", "s")
    },
}
SHORTEST_WORD = 3  # letters of a word that was cut off and is still clear
WHOLE_RATE = 5e-4  # rounds a rate to a whole number; half the distance from 30000/1001 (NTSC video) to 30


@dataclass(frozen=True, eq=False)
class PointTracks:
    """Named points over time, in the unit and axes of their file.

    Args:
        names: Unique point names.
        points: Positions (f j 3) of the j points; NaN where a point is unknown.
        fps: Frames per second; None if the file does not state it.
        unit: Metres per unit of length; None if the file does not state it.
        times: Time of each frame in seconds (f); None if the file does not state it.
        space: ``camera`` or ``world``; None if the file does not state it.
        up: The axis that points up, such as ``y`` or ``-z``; None if the file does not state it.
        notes: What the reader assumed or left out, one sentence each.

    Raises:
        FormatError: A name occurs twice, or there are no points or no frames.

    Example:
        >>> import numpy as np
        >>> tracks = PointTracks(("left_hip", "right_hip"), np.zeros((90, 2, 3)), fps=30, unit=0.001)
        >>> len(tracks)
        90
    """

    names: tuple[str, ...]
    points: Float[ndarray, "f j 3"]
    fps: float | None = None
    unit: float | None = None
    times: Float[ndarray, " f"] | None = None
    space: str | None = None
    up: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if repeated := sorted(name for name, number in Counter(self.names).items() if number > 1):
            raise FormatError(f"expected unique point names, got these more than once: {', '.join(repeated)}")
        if not len(self.points) or not self.names:
            raise FormatError(f"expected at least one {'point' if len(self.points) else 'frame'}, got none")

    def __len__(self) -> int:
        return len(self.points)

    def stated(self) -> tuple[float, float]:
        """The frames per second and the metres per unit, for files that must state both.

        Raises:
            PoseError: One of them is unknown.
        """
        if self.fps is None or self.unit is None:
            raise PoseError("to be written, points must state their frames per second and their unit of length")
        return self.fps, self.unit


def unit_of(text: str) -> float | None:
    """Metres per unit of length, from its symbol or its name in English, which may be cut off after three letters.

    Returns:
        The size; None if the unit is unknown.

    Example:
        >>> unit_of("mm"), unit_of("Centimetres"), unit_of("mete"), unit_of("yards")
        (0.001, 0.01, 1.0, None)
    """
    text = text.strip("\0 .").lower()
    if text in UNITS:
        return UNITS[text]
    sizes = {size for word, size in WORDS.items() if len(text) >= SHORTEST_WORD and word.startswith(text)}
    return sizes.pop() if len(sizes) == 1 else None


def frame_rate(times: Float[ndarray, " f"]) -> float | None:
    """Mean frames per second of time stamps in seconds, rounded to a whole number if that is within 0.05 %.

    Returns:
        The rate; None for fewer than two frames, or times that are not finite or do not increase.

    Example:
        >>> import numpy as np
        >>> frame_rate(np.array([0, 0.033333, 0.066667]))
        30.0
    """
    if len(times) < 2 or not np.isfinite(times).all() or not times[-1] > times[0]:
        return None
    fps = (len(times) - 1) / float(times[-1] - times[0])
    return float(round(fps)) if abs(fps - round(fps)) < WHOLE_RATE * fps else fps
