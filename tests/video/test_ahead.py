"""Producing items ahead of time changes only when they are produced."""

import threading
import time
from collections.abc import Iterator

import pytest

from poseglass.video.ahead import ahead


@pytest.mark.parametrize("by", [1, 3, 50])
def test_the_same_items_come_in_the_same_order(by: int) -> None:
    assert list(ahead(iter(range(20)), by=by)) == list(range(20))


def test_items_are_produced_one_at_a_time() -> None:
    def slow() -> Iterator[int]:
        for item in range(5):
            time.sleep(0.01)
            yield item

    assert list(ahead(slow())) == list(range(5))


def test_empty_iterables_and_items_of_none_are_passed_on() -> None:
    assert list(ahead([])) == []
    assert list(ahead([None, None])) == [None, None]


def test_production_stays_within_the_limit() -> None:
    produced = []

    def items() -> Iterator[int]:
        for i in range(100):
            produced.append(i)
            yield i

    stream = ahead(items(), by=3)
    assert next(stream) == 0
    time.sleep(0.05)
    assert 1 <= len(produced) <= 4
    stream.close()


def test_items_are_produced_while_others_are_used() -> None:
    using = threading.Event()

    def items() -> Iterator[bool]:
        yield True
        yield using.wait(5)  # set only while the first item is in use: without a thread, this would time out

    stream = ahead(items())
    assert next(stream)
    using.set()
    assert next(stream)


def test_an_exception_is_raised_in_its_turn() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise LookupError("here")

    items_before = []
    with pytest.raises(LookupError, match="here"):
        items_before.extend(iter(ahead(items())))
    stream = ahead(items())
    assert [next(stream), next(stream)] == [1, 2]
    with pytest.raises(LookupError, match="here"):
        next(stream)


def test_leaving_early_closes_the_source_and_ends_the_thread() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.set()

    before = threading.active_count()
    stream = ahead(items())
    assert next(stream) == 0
    stream.close()
    assert closed.is_set()
    assert threading.active_count() == before
