"""The shape checks of the test run: each kind of call is checked, and only once."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal

import numpy as np
import pytest
import torch
from beartype import beartype
from jaxtyping import Float, TypeCheckError
from torch import Tensor

from poseglass.waist.select import take
from samples.shape_checks import LONGEST, checked_once

checked: Any = partial(checked_once, typechecker=beartype)
Clips = Float[Tensor, "b f"]


class CountedType(type):
    """Count the checks against a type."""

    checks = 0

    def __instancecheck__(cls, value: object) -> bool:
        CountedType.checks += 1
        return True


class Counted(metaclass=CountedType):
    """A hint that everything meets."""


def checks_of(call: Any, *args: object) -> int:
    before = CountedType.checks
    call(*args)
    return CountedType.checks - before


def test_functions_of_the_package_are_checked_also_after_calls_that_passed() -> None:
    tokens, kept = torch.zeros(2, 5, 3), torch.zeros(2, 4, dtype=torch.long)
    for _ in range(2):
        assert take(tokens, kept).shape == (2, 4, 3)
        for wrong in (kept.float(), kept[0], [[0, 1], [0, 1]]):
            with pytest.raises(TypeCheckError):
                take(tokens, wrong)  # type: ignore[arg-type]


def test_a_call_of_a_known_kind_is_not_checked_again() -> None:
    @checked
    def shape(points: Counted, name: str = "", *, size: int = 0) -> str:
        return f"{points}{name}{size}"

    assert checks_of(shape, torch.zeros(2, 3)) > 0
    assert checks_of(shape, torch.ones(2, 3)) == 0
    others = torch.zeros(3, 3), torch.zeros(2, 3, dtype=torch.int32), np.zeros((2, 3)), np.zeros(3)
    for new in (*others, [1], [1.0], [[1]], {"a": 1}, {"a": "b"}, {1: "b"}, {1}, int, str, None):
        assert checks_of(shape, new) > 0
        assert checks_of(shape, new) == 0
    with pytest.raises(TypeCheckError):
        shape(torch.zeros(2, 3), 5)
    with pytest.raises(TypeCheckError):
        shape(torch.zeros(2, 3), size="5")
    assert shape(torch.zeros(1), size=5) == shape(torch.zeros(1), "", size=5) == "tensor([0.])5"


def test_long_and_deep_lists_are_checked_at_each_call() -> None:
    @checked
    def first(values: list[object], _: Counted) -> None:
        pass

    bomb: list[Any] = []
    for _ in range(40):
        bomb = [bomb, bomb]  # 2^40 lists
    for _ in range(3):
        assert checks_of(first, [1] * (LONGEST + 1), 0) > 0
        assert checks_of(first, bomb, 0) > 0
    assert checks_of(first, [1] * LONGEST, 0) > 0
    assert checks_of(first, [1] * LONGEST, 0) == 0


def test_a_wrong_result_for_known_arguments_is_refused() -> None:
    results = [torch.zeros(2, 5), torch.zeros(2, 5), torch.zeros(2, 5), torch.zeros(3, 5), torch.zeros(2, 5)]

    @checked
    def halves(clips: Clips) -> Clips:
        return results.pop(0)

    for _ in range(3):
        halves(torch.zeros(2, 5))
    with pytest.raises(TypeCheckError, match="return value"):
        halves(torch.zeros(2, 5))
    assert halves(torch.zeros(2, 5)).shape == (2, 5)
    assert not results, "each call ran once"


def test_lists_to_which_a_call_appends_are_checked() -> None:
    @checked
    def report(clips: Clips, received: list[Clips], wrong: bool) -> None:
        received.append(clips[:1] if wrong else clips)

    for _ in range(3):
        report(torch.zeros(2, 5), [], False)
        with pytest.raises(TypeCheckError):
            report(torch.zeros(2, 5), [], True)
        with pytest.raises(TypeCheckError):
            report(torch.zeros(2, 5), received=[], wrong=True)


def test_words_of_a_literal_are_checked() -> None:
    @checked
    def turn(side: Literal["left", "right"]) -> Literal[-1, 1, 2]:
        return {"left": -1, "right": 1}[side]  # type: ignore[return-value]

    for _ in range(2):
        assert (turn("left"), turn("right"), turn(side="left")) == (-1, 1, -1)
        with pytest.raises(TypeCheckError):
            turn("up")  # type: ignore[arg-type]


def test_errors_recursion_and_threads_leave_nothing_behind() -> None:
    @checked
    def countdown(clips: Clips, depth: int) -> Clips:
        if depth < 0:
            raise ValueError("below zero")
        return clips + 1 if depth == 0 else countdown(clips, depth - 1) + 1

    for depth in (3, 2, -1, 4):
        if depth < 0:
            with pytest.raises(ValueError, match="below zero"):
                countdown(torch.zeros(2, 3), depth)
        else:
            assert countdown(torch.zeros(2, 3), depth)[0, 0] == depth + 1
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda depth: countdown(torch.zeros(depth, 3), depth)[0, 0].item(), range(1, 20))
    assert [*results] == [*range(2, 21)]


def test_a_function_defined_in_another_is_known_the_next_time() -> None:
    def outer() -> Any:
        @checked
        def inner(value: Counted) -> None:
            pass

        return inner

    outer()(1), outer()(1)
    assert checks_of(outer(), 1) == 0
    assert checks_of(outer(), "1") > 0
    assert checked(Counted) is Counted
