"""The base of the readers of pickles: nothing in a pickle runs, and a small file cannot ask for much time or memory.

A pickle is a small program that may call any function. Here each instruction takes time and memory in proportion to its
own bytes, and their number is limited. The readers decide what stands for the functions of a pickle, and what their
calls return: :mod:`poseglass.files.pickled` and :mod:`poseglass.weights.tensor_unpickler`.
"""

import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

__all__ = ["MOST_INSTRUCTIONS", "BoundedUnpickler", "Inert"]

MOST_INSTRUCTIONS = 1_000_000
"""About a second of reading. A checkpoint with the state of its optimiser has about 50 for each tensor."""
NEVER_WRITTEN = (pickle.NEXT_BUFFER, pickle.EXT1, pickle.EXT2, pickle.EXT4)
"""Instructions that neither torch nor numpy writes into a file."""
MOST_BYTES = (1 << 63) - 1
"""The largest number of bytes that a file can be asked for."""
LARGEST_KEY = 1 << 60
"""Integers up to this size have hashes of their own."""


class Inert:
    """Stand-in for every class that the reader does not know, and for its objects. It holds nothing."""


def _refused(_: Any) -> None:
    raise pickle.UnpicklingError("it has a kind of data that torch and numpy never write")


def _call(unpickler: Any) -> None:
    arguments, function = unpickler.stack.pop(), unpickler.stack[-1]
    unpickler.stack[-1] = unpickler.call(function, arguments)


def _create(items: int) -> Callable[[Any], None]:
    """Put an inert object in place of a class and what it is created from."""

    def load(unpickler: Any) -> None:
        unpickler.stack[-items:] = [Inert()]

    return load


def _create_from_marked(unpickler: Any) -> None:
    unpickler.pop_mark()
    unpickler.append(Inert())


def _create_by_name(unpickler: Any) -> None:
    module, name = (unpickler.readline()[:-1].decode("ascii") for _ in range(2))
    unpickler.find_class(module, name)
    _create_from_marked(unpickler)


def _take_state(unpickler: Any) -> None:
    state = unpickler.stack.pop()
    unpickler.take_state(unpickler.stack[-1], state)


def _add_item(unpickler: Any) -> None:
    value, key = unpickler.stack.pop(), unpickler.stack.pop()
    _add(unpickler.stack[-1], [(key, value)])


def _add_items(unpickler: Any) -> None:
    marked = unpickler.pop_mark()
    _add(unpickler.stack[-1], zip(marked[::2], marked[1::2], strict=True))


def _add(table: Any, items: Iterable[tuple[Any, Any]]) -> None:
    if isinstance(table, dict):
        table.update((BoundedUnpickler.simple(key), value) for key, value in items)


def _append(unpickler: Any) -> None:
    value = unpickler.stack.pop()
    if isinstance(unpickler.stack[-1], list):
        unpickler.stack[-1].append(value)


def _extend(unpickler: Any) -> None:
    values = unpickler.pop_mark()
    if isinstance(unpickler.stack[-1], list):
        unpickler.stack[-1].extend(values)


def _add_members(unpickler: Any) -> None:
    members = unpickler.pop_mark()
    if isinstance(unpickler.stack[-1], set):
        unpickler.stack[-1].update(map(BoundedUnpickler.simple, members))


def _freeze(unpickler: Any) -> None:
    members = unpickler.pop_mark()
    unpickler.append(frozenset(map(BoundedUnpickler.simple, members)))


def _bytes(unpickler: Any) -> None:
    """Bytes instead of a bytearray, which would be allocated as long as it only claims to be."""
    size = int.from_bytes(unpickler.read(8), "little")
    unpickler.append(unpickler.read(min(size, MOST_BYTES)))


INSTRUCTIONS: dict[bytes, Callable[[Any], None]] = {
    pickle.REDUCE: _call,
    pickle.NEWOBJ: _create(2),
    pickle.NEWOBJ_EX: _create(3),
    pickle.OBJ: _create_from_marked,
    pickle.INST: _create_by_name,
    pickle.BUILD: _take_state,
    pickle.SETITEM: _add_item,
    pickle.SETITEMS: _add_items,
    pickle.APPEND: _append,
    pickle.APPENDS: _extend,
    pickle.ADDITEMS: _add_members,
    pickle.FROZENSET: _freeze,
    pickle.BYTEARRAY8: _bytes,
    **dict.fromkeys(NEVER_WRITTEN, _refused),
}
"""What the instructions of a pickle do here that could run code, or take more than their share of time or memory."""


class BoundedUnpickler(pickle._Unpickler, ABC):
    """Reads a pickle without running code, in memory bounded by its size and the number of its instructions.

    It is based on the standard library's unpickler in Python. The one in C allocates what a file only claims to hold.

    Args:
        file: The pickle, a binary file.
        most: The largest number of instructions.

    Raises:
        UnpicklingError: (from ``load``) The pickle has more instructions, or asks for what the reader refuses. A
            damaged one may raise any exception.
    """

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        **pickle._Unpickler.dispatch,
        **{code[0]: load for code, load in INSTRUCTIONS.items()},
    }

    def __init__(self, file: Any, *, most: int = MOST_INSTRUCTIONS) -> None:
        super().__init__(file, encoding="latin1")
        self._file, self._most = file, most

    def load(self) -> Any:
        """Read one object. As in the standard library, except that the instructions are counted."""
        unframer = pickle._Unframer(self._file.read, self._file.readline)  # type: ignore[attr-defined]
        self.read, self.readinto, self.readline = unframer.read, unframer.readinto, unframer.readline
        self._unframer, self.metastack, self.stack, self.proto = unframer, list[Any](), list[Any](), 0
        self.append = self.stack.append
        read, dispatch = self.read, self.dispatch
        try:
            for _ in range(self._most):
                if not (code := read(1)):
                    raise EOFError("the pickle has no end")
                dispatch[code[0]](self)
        except pickle._Stop as end:  # type: ignore[attr-defined]
            return end.value
        raise pickle.UnpicklingError(f"its pickle has more than {self._most} instructions")

    @abstractmethod
    def find_class(self, module: str, name: str) -> Any:
        """What stands for the class or function of that name."""

    @abstractmethod
    def call(self, function: Any, arguments: Any) -> Any:
        """What a call of this function, or of anything else in its place, returns."""

    def take_state(self, value: Any, state: Any) -> None:
        """Give an object its state: nothing here has any."""

    @staticmethod
    def simple(key: Any) -> Any:
        """The key of a dictionary or member of a set; an inert object for tuples and large integers.

        The hash of a tuple can take for ever. Different large integers can have the same hash.
        """
        plain = isinstance(key, str | bytes | float | None) or (isinstance(key, int) and abs(key) <= LARGEST_KEY)
        return key if plain else Inert()
