"""Silence warnings that do not matter, and leave the process's warning filters as they were."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

__all__ = ["without_warnings"]

# The filters belong to the whole process. Threads take turns, because otherwise the last one to finish could restore
# the filters that another one had set.
FILTERS = Lock()


@contextmanager
def without_warnings() -> Iterator[None]:
    """Show no warnings during the block; only one thread at a time is in such a block.

    Example:
        >>> with without_warnings():
        ...     warnings.warn("of no interest", stacklevel=1)
    """
    with FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
