"""How long each stage of a task was busy."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from time import perf_counter, process_time
from typing import TypeVar

__all__ = ["Stopwatch"]

Item = TypeVar("Item")


class Stopwatch:
    """Adds up the seconds that each stage was busy; stages may run in several threads and overlap.

    Example:
        >>> stopwatch = Stopwatch()
        >>> list(stopwatch.busy("count", range(3)))
        [0, 1, 2]
        >>> list(stopwatch.seconds)
        ['count']
    """

    def __init__(self) -> None:
        self._start, self._used, self._lock = perf_counter(), process_time(), Lock()
        self._seconds: dict[str, float] = {}

    @property
    def elapsed(self) -> float:
        """Seconds since the stopwatch was created."""
        return perf_counter() - self._start

    @property
    def cores(self) -> float:
        """The number of cores that this process has kept busy on average since the stopwatch was created."""
        return (process_time() - self._used) / max(self.elapsed, 1e-9)

    @property
    def seconds(self) -> Mapping[str, float]:
        """Busy seconds of each stage, in the order in which the stages started. Their sum may exceed `elapsed`."""
        with self._lock:
            return dict(self._seconds)

    @contextmanager
    def timing(self, stage: str, *, sign: int = 1) -> Iterator[None]:
        """Count the time of the block for a stage, or against it with sign -1."""
        start = perf_counter()
        try:
            yield
        finally:
            self.add(stage, sign * (perf_counter() - start))

    def add(self, stage: str, seconds: float) -> None:
        """Count seconds that were measured elsewhere."""
        with self._lock:
            self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds

    def busy(self, stage: str, items: Iterable[Item], *, sign: int = 1) -> Iterator[Item]:
        """Yield the same items; the time taken to produce them counts for the stage, or against it with sign -1."""
        iterator, end = iter(items), object()
        while True:
            with self.timing(stage, sign=sign):
                item = next(iterator, end)
            if item is end:
                return
            yield item  # type: ignore[misc]  # not the end mark

    def waiting(self, stage: str, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items that a busy stage takes from the stage before it, without counting the wait for them."""
        return self.busy(stage, items, sign=-1)
