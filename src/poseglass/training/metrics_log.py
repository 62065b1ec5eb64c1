"""The figures of a run over time: ``metrics.csv``, and events for TensorBoard if that is installed."""

import csv
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Protocol, final

from poseglass.errors import TrainingError
from poseglass.files.writing import writing

__all__ = ["MetricsLog"]


class _Board(Protocol):
    def add_scalar(self, tag: str, value: float, step: int) -> None: ...
    def close(self) -> None: ...


@final
class MetricsLog:
    """Writes rows of figures. When a run resumes, rows after its checkpoint are dropped.

    Args:
        folder: The run's folder.
        step: The checkpoint's step; 0 for a new run.

    Example:
        >>> import tempfile
        >>> log = MetricsLog(Path(tempfile.mkdtemp()), 0)
        >>> log.add(10, {"loss": 0.5})
        >>> log.close(), log.path.read_text().splitlines()[0]
        (None, 'step,seconds,loss')
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / "metrics.csv"
        self._rows: list[dict[str, str]] = []
        if self.path.exists():
            with self.path.open(newline="", encoding="utf-8") as file:
                self._rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]
        self._start = perf_counter() - (float(self._rows[-1].get("seconds") or 0) if self._rows else 0)
        self._board: _Board | None = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        self._board = SummaryWriter(folder, purge_step=step)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Add a row. Its `seconds` are the training time so far, including that before the run was resumed.

        Raises:
            TrainingError: The folder cannot be written.
        """
        values = {"seconds": perf_counter() - self._start, **values}
        self._rows.append({"step": str(step), **{name: f"{value:.4f}" for name, value in values.items()}})
        with writing(self.path, TrainingError) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(self._rows[-1]))
            writer.writeheader()
            writer.writerows(self._rows)
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush the events."""
        if self._board is not None:
            self._board.close()
