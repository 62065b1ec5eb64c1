"""Produce the next items in a thread while the last one is in use."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["ahead"]

Item = TypeVar("Item")


def ahead(items: Iterable[Item], *, by: int = 4) -> Generator[Item, None, None]:
    """Yield the same items in the same order, but produce up to `by` of them in advance.

    Decoding and detection both release Python's global lock, so they overlap when frames are decoded ahead. An
    exception in `items` is raised when its turn comes. If the caller leaves the loop early, `items` is closed if it is
    a generator.

    Example:
        >>> list(ahead(range(3)))
        [0, 1, 2]
    """
    iterator = iter(items)
    end = object()  # marks the end, because a StopIteration cannot leave a generator
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="poseglass-ahead") as worker:
            waiting = deque(worker.submit(next, iterator, end) for _ in range(by))
            try:
                while (item := waiting.popleft().result()) is not end:
                    waiting.append(worker.submit(next, iterator, end))
                    yield item  # type: ignore[misc]  # not the end mark
            finally:
                worker.shutdown(cancel_futures=True)
    finally:
        if isinstance(iterator, Generator):
            iterator.close()
