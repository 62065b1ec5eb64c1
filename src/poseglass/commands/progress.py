"""What ``poseglass lift`` prints while it works and when it is done."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from poseglass.commands.terminal import console, tell

if TYPE_CHECKING:
    from poseglass.body.pose import PoseSequence
    from poseglass.lifting.report import LiftReport
    from poseglass.lifting.stopwatch import Stopwatch

__all__ = ["progress", "tell_lifted", "tell_times"]

LOG_SECONDS = 15.0
"""Seconds between two lines of progress where there is no terminal to show a bar."""


@contextmanager
def progress(verb: str, past: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how many frames are done: a bar, or, without a terminal, a line every `LOG_SECONDS`.

    Args:
        verb: What is being done, such as "lifting".
        past: The same when it is done, such as "lifted".
        total: The number of frames, if known.
    """
    start = last = monotonic()
    done = 0
    if console.is_terminal:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn(verb), BarColumn(), MofNCompleteColumn(), TextColumn("left"), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(verb, total=total)
            yield lambda frames: bar.advance(task, frames)
        return

    def advance(frames: int) -> None:
        nonlocal done, last
        done += frames
        if monotonic() - last >= LOG_SECONDS:
            last = monotonic()
            tell(f"{past} {done} of {total or 'unknown'} frames, {done / (last - start):.0f} frames/s")

    yield advance


def tell_lifted(report: "LiftReport", motions: "Sequence[PoseSequence]") -> None:
    """Print how many frames were lifted, who was in them, and how many were kept in the middle layers."""
    if report.problem:
        tell(report.problem, head="warning: ", style="yellow")
    first = motions[0]
    frames = "1 frame" if report.frames == 1 else f"{report.frames} frames, {first.duration:.1f} s"
    if len(motions) == 1:
        tell(f"{frames} at {first.rate:.3g} fps; a person in {_in_sight(first)}")
    else:
        tell(f"{frames} at {first.rate:.3g} fps; {report.people} people in sight, {len(motions)} lifted")
        for motion in motions:
            tell(f"person {motion.person} in {_in_sight(motion)}")
    if report.filled:
        glitches = "1 glitch" if report.filled == 1 else f"{report.filled} glitches"
        tell(f"filled in {glitches} of the 2D detector (each a joint in one frame)")
    tell(f"{report.kept} of {report.frames} frames kept in the model's middle layers")


def tell_times(report: "LiftReport", stopwatch: "Stopwatch") -> None:
    """Print the time in all, how busy the cores were, and the time of each stage."""
    elapsed = stopwatch.elapsed
    stages = ", ".join(f"{stage} {_seconds(seconds)}" for stage, seconds in stopwatch.seconds.items())
    pace = report.frames / elapsed
    use = f"{stopwatch.cores:.1f} of {os.cpu_count()} cores"
    tell(f"{_seconds(elapsed)} in all, {pace:.0f} frames/s on {use} (busy: {stages}; stages overlap)")


def _in_sight(motion: "PoseSequence") -> str:
    valid = int(motion.validity.sum())
    return "every frame" if valid == len(motion) else f"{valid} of them, the others are filled in"


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 0.95 else f"{1000 * value:.0f} ms"
