"""Shape checks that are not repeated, because they cost more than half of the time of many tests.

jaxtyping decorates every function of the package (``--jaxtyping-packages``) and checks each call. Whether a call passes
depends only on the types of its arguments and result, on the shapes and dtypes of arrays, and on the value where the
hint is a Literal. So a call needs no checks if an earlier call of the same function passed with all of these the same.

Importing this module, before the package, puts :func:`checked_once` in the place of ``jaxtyping.jaxtyped``.
"""

import inspect
import threading
from collections.abc import Callable, Hashable, Iterable
from functools import partial, wraps
from types import FunctionType
from typing import Any

import jaxtyping
import numpy as np
import torch

jaxtyped = jaxtyping.jaxtyped
LONGEST, DEEPEST = 16, 2
"""Calls with longer lists and mappings, or with lists nested deeper, are checked every time."""


class TooLongError(Exception):
    """A value has too many items for a summary."""


def summary(values: Iterable[Any]) -> tuple[Hashable, ...]:
    """What the checks of values depend on: types, shapes and dtypes of arrays, items of lists."""
    return tuple([SUMMARIES[type(value)](value) for value in values])


class _Summaries(dict[type, Callable[[Any], Hashable]]):
    """The row of KINDS for each type."""

    def __missing__(self, kind: type) -> Callable[[Any], Hashable]:
        self[kind] = next((how for base, how in KINDS if issubclass(kind, base)), type)
        return self[kind]


SUMMARIES = _Summaries()


def _array(value: torch.Tensor | np.ndarray) -> Hashable:
    return type(value), value.dtype, value.shape


def _items(values: list | tuple | set | dict, depth: int = 1) -> Hashable:
    if len(values) > LONGEST or depth > DEEPEST:
        raise TooLongError
    items = [*values, *values.values()] if isinstance(values, dict) else values
    nested = [
        _items(v, depth + 1) if isinstance(v, list | tuple | set | dict) else SUMMARIES[type(v)](v) for v in items
    ]
    return type(values), *nested


KINDS: list[tuple[type, Callable[[Any], Hashable]]] = [
    (torch.Tensor, _array),
    (np.ndarray, _array),
    *((kind, _items) for kind in (list, tuple, set, dict)),
    (type, lambda value: value),
]


def checked_once(function: Any = None, *, typechecker: Any = None) -> Any:
    """Decorate a function as ``jaxtyping.jaxtyped`` does, but check each kind of call only once."""
    if function is None:
        return partial(checked_once, typechecker=typechecker)
    if not inspect.isfunction(function):
        return jaxtyped(function, typechecker=typechecker)
    checks = _Checks(function, typechecker)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        # While a graph is traced, sizes may be symbols, which cannot be compared with those of earlier calls.
        if jaxtyping.config.jaxtyping_disable or torch.compiler.is_compiling():
            return function(*args, **kwargs)
        return checks.run(args, kwargs)

    return call


PASSED: dict[Hashable, dict[Hashable, set[Hashable]]] = {}
"""By function, then by arguments: the results that have passed. A function defined in another is one each time."""


class _Checks:
    """The checks of a function."""

    def __init__(self, function: FunctionType, typechecker: Any) -> None:
        self._function, self._typechecker = function, typechecker
        self._literal = any("Literal[" in str(hint) for hint in function.__annotations__.values())
        code = function.__code__
        self._passed = PASSED.setdefault((code.co_filename, code), {})
        self._results = threading.local()
        self._checked: Callable[..., Any] | None = None

    def run(self, args: tuple, kwargs: dict) -> Any:
        __tracebackhide__ = True
        try:
            arguments = self._arguments(args, kwargs)
        except TooLongError:
            return self._check(args, kwargs)
        passed = self._passed.get(arguments)
        if passed is None:
            result = self._check(args, kwargs)
            self._passed[arguments] = set()
        else:
            result = self._function(*args, **kwargs)
        try:
            outcome = self._outcome(args, kwargs, result)
        except TooLongError:
            return result if passed is None else self._check(args, kwargs, result)
        if passed is not None and outcome not in passed:
            self._check(args, kwargs, result)
        self._passed[arguments].add(outcome)
        return result

    def _arguments(self, args: tuple, kwargs: dict) -> Hashable:
        if kwargs or self._literal:
            return summary(args), *kwargs, summary(kwargs.values()), self._words(*args, *kwargs.values())
        return summary(args)

    def _outcome(self, args: tuple, kwargs: dict, result: Any) -> Hashable:
        """The result, and the lists to which the call may have appended."""
        lists = [value for value in (*args, *kwargs.values()) if type(value) is list]
        return summary((result, *lists)), self._words(result)

    def _words(self, *values: Any) -> Hashable:
        """The values that a Literal may name."""
        return self._literal and tuple([value for value in values if isinstance(value, str | int)])

    def _check(self, args: tuple, kwargs: dict, *result: Any) -> Any:
        """Call the function with all checks, or check a result that is given."""
        __tracebackhide__ = True
        self._checked = self._checked or self._decorated()
        self._results.given = result
        try:
            return self._checked(*args, **kwargs)
        finally:
            self._results.given = ()

    def _decorated(self) -> Callable[..., Any]:
        function, results = self._function, self._results

        def given_or_called(*args: Any, **kwargs: Any) -> Any:
            (result,), results.given = results.given or (function,), ()
            return function(*args, **kwargs) if result is function else result

        # With the globals of the function, because its hints are looked up there.
        twin = FunctionType(given_or_called.__code__, function.__globals__, closure=given_or_called.__closure__)
        return jaxtyped(wraps(function)(twin), typechecker=self._typechecker)


jaxtyping.jaxtyped = checked_once
