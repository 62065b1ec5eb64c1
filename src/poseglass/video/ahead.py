"""Work ahead in a thread: the next items are made while the last is used."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["ahead"]

Item = TypeVar("Item")


def ahead(items: Iterable[Item], *, by: int = 4) -> Generator[Item, None, None]:
    """The same items in the same order, up to `by` of them made before they are asked for.

    Decoding and detection both let other Python threads run meanwhile, so that a video read ahead makes the two
    overlap. An exception of `items` comes out here in its turn. When the loop is left early, `items` is closed if it
    is a generator.

    Example:
        >>> list(ahead(range(3)))
        [0, 1, 2]
    """
    iterator = iter(items)
    end = object()  # a mark, because a StopIteration cannot come out of a generator
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="poseglass-ahead") as worker:
            waiting = deque(worker.submit(next, iterator, end) for _ in range(by))
            try:
                while (item := waiting.popleft().result()) is not end:
                    waiting.append(worker.submit(next, iterator, end))
                    yield item  # type: ignore[misc]  # not the mark
            finally:
                worker.shutdown(cancel_futures=True)
    finally:
        if isinstance(iterator, Generator):
            iterator.close()
