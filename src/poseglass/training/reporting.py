"""Progress of a run: log lines, and on a terminal also a progress bar."""

import logging
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

__all__ = ["Reporter", "StepReport", "silent"]

INTERVAL = 60.0  # maximum seconds between log lines
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StepReport:
    """The outcome of a step.

    Args:
        step: The number of steps taken so far.
        loss: The step's loss; None before the first step.
        error: The validation error, such as ``"P-MPJPE 80.0 mm"``, if the weights were validated after this step.
        waited: The share of the time since the last validation that was spent waiting for data.
    """

    step: int
    loss: float | None = None
    error: str = ""
    waited: float = 0.0


def silent(report: StepReport) -> None:
    """Show nothing, for workers other than the first."""


@final
class Reporter:
    """Shows step reports: a log line for each validation and at least every minute, and a bar on a terminal.

    Log lines go to the logger ``poseglass.training.reporting`` at level INFO. The commands show them, on a terminal
    above the bar.

    Args:
        steps: Steps of the run.
        bar: Whether to show a bar, if standard error is a terminal.
        device: The device in words, for the first line.

    Example:
        >>> with Reporter(100, bar=False) as report:
        ...     report(StepReport(10, loss=0.5, error="P-MPJPE 80.0 mm"))
    """

    def __init__(self, steps: int, *, bar: bool, device: str = "cpu") -> None:
        console = Console(stderr=True)
        columns = (
            TextColumn("[bold]training"), BarColumn(6), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
        )  # fmt: skip
        self.steps, self.device = steps, device
        self._live = bar and console.is_terminal
        # Transient, so that the bar vanishes when it stops and a log line can take its place.
        self._bar = Progress(*columns, console=console, disable=not self._live, transient=True)
        self._task = self._bar.add_task("training", total=steps, note="")
        self._start: tuple[int, float] | None = None  # the first report's step and time
        self._logged = monotonic()

    def __enter__(self) -> "Reporter":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, report: StepReport) -> None:
        """Show the outcome of a step."""
        now = monotonic()
        if self._start is None:
            self._start = report.step, now
            finished = report.step >= self.steps
            coming = f"training from step {report.step} to {self.steps} on {self.device}"
            self._log(f"all {self.steps} steps are done" if finished else coming)
        if report.error:
            self._bar.update(self._task, note=f"{report.error}, waited {report.waited:.0%}")  # fits 80 columns
        self._bar.update(self._task, completed=report.step)
        if report.error or now - self._logged >= INTERVAL:
            parts = [] if report.loss is None else [f"loss {report.loss:.4f}"]
            if report.error:
                parts += [report.error, f"waited {report.waited:.0%} of the time for data"]
            if report.step > self._start[0]:
                parts.append(self._pace(report.step, now))
            self._log(f"step {report.step} of {self.steps}: {', '.join(parts)}")

    def _pace(self, step: int, now: float) -> str:
        """Steps per second since the first report, and the time left at that pace."""
        assert self._start is not None
        rate = (step - self._start[0]) / max(now - self._start[1], 1e-9)
        minutes = (self.steps - step) / rate / 60
        return f"{rate:.3g} steps/s, {minutes:.0f} min left"

    def _log(self, text: str) -> None:
        self._logged = monotonic()
        if self._live:
            self._bar.stop()
        logger.info(text)
        if self._live:
            self._bar.start()
