"""What readers of points share: the points, the names of units, and numbers in text with every bad line named."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError

__all__ = ["UNITS", "Rows", "Tracks", "clock"]

# Metres in a unit of length, by the names that files and people give it.
UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254, "ft": 0.3048}
UNITS |= {"meters": 1.0, "metres": 1.0, "meter": 1.0, "metre": 1.0, "inches": 0.0254, "inch": 0.0254}
SHOWN = 5  # bad lines that are shown


@dataclass(frozen=True, eq=False)
class Tracks:
    """Named points over time.

    Args:
        names: Of the points, each once.
        points: In the file's own unit and axes (f n 3), NaN where they are not known.
        fps: Frames a second, where the file says so.
        unit: Metres in one unit of length, where the file says so.
        times: Seconds of each frame (f), where the file says so.
        space: ``camera`` or ``world``, where the file says so.

    Raises:
        FormatError: A name is there twice, or there is no frame.
    """

    names: tuple[str, ...]
    points: Float[ndarray, "f n 3"]
    fps: float | None = None
    unit: float | None = None
    times: Float[ndarray, " f"] | None = None
    space: str | None = None

    def __post_init__(self) -> None:
        if twice := sorted({name for name in self.names if self.names.count(name) > 1}):
            raise FormatError(f"the names {', '.join(twice)} are there twice")
        if not len(self.points) or not self.names:
            raise FormatError("there is no point" if len(self.points) else "there is no frame")

    def __len__(self) -> int:
        return len(self.points)


@dataclass
class Rows:
    """Lines of numbers, as many in each; an empty cell is NaN. Bad lines are noted and named together in the end.

    Args:
        path: The file.
        width: Numbers in a line.
    """

    path: Path
    width: int
    rows: list[Float[ndarray, " n"]] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)

    def add(self, line: int, cells: Sequence[str]) -> None:
        """Read a line."""
        if len(cells) != self.width:
            self.bad.append(f"line {line} has {len(cells)} cells, not {self.width}")
            return
        try:
            self.rows.append(np.array([float(cell) if cell.strip() else np.nan for cell in cells]))
        except ValueError as problem:
            self.bad.append(f"line {line}: {problem}")

    def array(self) -> Float[ndarray, "f n"]:
        """All lines.

        Raises:
            FormatError: Lines are bad, or there is none.
        """
        if self.bad:
            more = f"; and {len(self.bad) - SHOWN} more lines" if len(self.bad) > SHOWN else ""
            raise FormatError(f"{self.path}: {'; '.join(self.bad[:SHOWN])}{more}")
        if not self.rows:
            raise FormatError(f"{self.path} has no line of numbers; was it cut off?")
        return np.stack(self.rows)


def clock(times: Float[ndarray, " f"]) -> float | None:
    """Frames a second of time stamps, None where they do not go on; within 0.1 % of a whole number, that number."""
    if len(times) < 2 or not np.isfinite(times).all() or not times[-1] > times[0]:
        return None
    fps = (len(times) - 1) / float(times[-1] - times[0])
    return float(round(fps)) if abs(fps - round(fps)) < 1e-3 * fps else fps
