"""The figures of a run as it goes: ``metrics.csv``, and TensorBoard where it is installed."""

import csv
from pathlib import Path
from time import perf_counter
from typing import Protocol, final

from poseglass.errors import TrainingError
from poseglass.files.writing import writing

__all__ = ["Log"]


class _Board(Protocol):
    def add_scalar(self, tag: str, value: float, step: int) -> None: ...
    def close(self) -> None: ...


@final
class Log:
    """Rows of figures; those past the checkpoint are dropped on resuming.

    Args:
        folder: The run's.
        step: The checkpoint's.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / "metrics.csv"
        self.rows: list[dict[str, str]] = []
        if self.path.exists():
            with self.path.open(newline="", encoding="utf-8") as file:
                self.rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]
        self.began = perf_counter() - (float(self.rows[-1].get("seconds") or 0) if self.rows else 0)
        self.board: _Board | None = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        self.board = SummaryWriter(folder, purge_step=step)

    def add(self, step: int, values: dict[str, float]) -> None:
        """One row; `seconds` counts the training so far, over all of a run's resumptions.

        Raises:
            TrainingError: The folder cannot be written.
        """
        values = {"seconds": perf_counter() - self.began, **values}
        self.rows.append({"step": str(step), **{name: f"{value:.4f}" for name, value in values.items()}})
        with writing(self.path, TrainingError) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(self.rows[-1]))
            writer.writeheader()
            writer.writerows(self.rows)
        if self.board is not None:
            for name, value in values.items():
                self.board.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush the events."""
        if self.board is not None:
            self.board.close()
