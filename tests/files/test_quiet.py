"""Warnings are silenced for a block only, whatever other threads do meanwhile."""

import warnings
from threading import Event, Thread

from poseglass.files.quiet import without_warnings


def test_filters_are_restored_though_two_threads_overlap():
    filters, entered = list(warnings.filters), Event()

    def other() -> None:
        with without_warnings():
            entered.set()

    thread = Thread(target=other)
    with without_warnings():
        thread.start()
        assert not entered.wait(0.2), "the other thread waits for its turn"
        warnings.warn("of no interest", stacklevel=1)
    thread.join()
    assert warnings.filters == filters
