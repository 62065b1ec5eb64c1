"""An unpickler that reads descriptions of tensors and plain containers, and runs nothing.

A pickle is a small program that may call any function. Here it may only describe tensors. Whatever else it names
becomes an :class:`Inert` object, which does nothing and keeps nothing. Each instruction takes time and memory in
proportion to its own bytes, so a small file cannot ask for much of either.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, ClassVar, NamedTuple

import torch

__all__ = ["KNOWN", "Inert", "Storage", "StoredTensor", "TensorUnpickler"]

NEVER_WRITTEN = (pickle.BYTEARRAY8, pickle.NEXT_BUFFER, pickle.EXT1, pickle.EXT2, pickle.EXT4)
"""Instructions that torch.save never writes."""
MOST_ARGUMENTS = 16
"""Arguments of a known function: torch gives them up to seven."""
MOST_SKIPPED, LONGEST_NAME = 16, 100
"""The names that are kept of unknown classes and functions, and the characters of their modules and names."""
LARGEST_KEY = 1 << 60
"""Integers up to this size have hashes of their own."""
STORAGES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class Inert:
    """Stand-in for every class that the reader does not know, and for its objects. It holds nothing."""


class Storage(NamedTuple):
    """The data of one or more tensors in the file."""

    dtype: torch.dtype
    key: str
    elements: int


class StoredTensor(NamedTuple):
    """A tensor in the file. Nothing about it is checked yet."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


# Known functions are objects without attributes, because a pickle could change the attributes of functions and classes.
class _Function:
    __slots__ = ()

    def __call__(self, *_: Any) -> Any:
        raise NotImplementedError


class _RebuildTensor(_Function):
    __slots__ = ()

    def __call__(self, *description: Any) -> Any:
        storage, offset, shape, strides, *_ = description
        return StoredTensor(storage, offset, shape, strides) if isinstance(storage, Storage) else Inert()


class _RebuildParameter(_Function):
    """A parameter is rebuilt from a tensor, and stands for it here."""

    __slots__ = ()

    def __call__(self, *description: Any) -> Any:
        return description[0]


class _RebuildFromType(_Function):
    """Rebuild a subclass of Tensor: the function for the plain tensor, the class, its arguments and its state."""

    __slots__ = ()

    def __call__(self, *description: Any) -> Any:
        function, _, arguments, *_ = description
        return function(*arguments) if isinstance(function, _Function) else Inert()


class _NewDict(_Function):
    """An OrderedDict. Its items follow; Python 2 gave them as a list of pairs."""

    __slots__ = ()

    def __call__(self, *description: Any) -> Any:
        pairs = description[0] if description and isinstance(description[0], list) else []
        items = OrderedDict((_simple(pair[0]), pair[1]) for pair in pairs)
        pairs.clear()  # a pickle that calls this again with the same list gets nothing
        return items


class _StorageType(NamedTuple):
    dtype: torch.dtype


KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _NewDict(),
    ("torch._utils", "_rebuild_tensor"): _RebuildTensor(),
    ("torch._utils", "_rebuild_tensor_v2"): _RebuildTensor(),
    ("torch._utils", "_rebuild_parameter"): _RebuildParameter(),
    ("torch._utils", "_rebuild_parameter_with_state"): _RebuildParameter(),
    ("torch._tensor", "_rebuild_from_type_v2"): _RebuildFromType(),
    **{
        (module, name): _StorageType(dtype)
        for module in ("torch", "torch.cuda", "torch.storage")
        for name, dtype in STORAGES.items()
    },
}


def _refused(_: pickle.Unpickler) -> None:
    raise pickle.UnpicklingError("it has a kind of data that torch.save never writes")


def _call(unpickler: Any) -> None:
    """Call a known function. Of anything else that is called, an inert object is the result."""
    arguments, function = unpickler.stack.pop(), unpickler.stack[-1]
    known = isinstance(function, _Function)
    if known and not (isinstance(arguments, tuple) and len(arguments) <= MOST_ARGUMENTS):
        raise pickle.UnpicklingError("it describes a tensor in an unknown way")
    unpickler.stack[-1] = function(*arguments) if known else Inert()


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


def _drop_state(unpickler: Any) -> None:
    """Keep an object as it is: what is known has no state."""
    unpickler.stack.pop()


def _add_item(unpickler: Any) -> None:
    value, key = unpickler.stack.pop(), unpickler.stack.pop()
    _add(unpickler.stack[-1], [(key, value)])


def _add_items(unpickler: Any) -> None:
    marked = unpickler.pop_mark()
    _add(unpickler.stack[-1], zip(marked[::2], marked[1::2], strict=True))


def _add(table: Any, items: Iterable[tuple[Any, Any]]) -> None:
    if isinstance(table, dict):
        table.update((_simple(key), value) for key, value in items)


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
        unpickler.stack[-1].update(map(_simple, members))


def _freeze(unpickler: Any) -> None:
    members = unpickler.pop_mark()
    unpickler.append(frozenset(map(_simple, members)))


def _simple(key: Any) -> Any:
    """The key of a dictionary or member of a set; a stand-in for tuples and large integers.

    The hash of a tuple can take for ever. Different large integers can have the same hash.
    """
    simple = isinstance(key, str | bytes | float | None) or (isinstance(key, int) and abs(key) <= LARGEST_KEY)
    return key if simple else Inert()


INSTRUCTIONS: dict[bytes, Callable[[Any], None]] = {
    pickle.REDUCE: _call,
    pickle.NEWOBJ: _create(2),
    pickle.NEWOBJ_EX: _create(3),
    pickle.OBJ: _create_from_marked,
    pickle.INST: _create_by_name,
    pickle.BUILD: _drop_state,
    pickle.SETITEM: _add_item,
    pickle.SETITEMS: _add_items,
    pickle.APPEND: _append,
    pickle.APPENDS: _extend,
    pickle.ADDITEMS: _add_members,
    pickle.FROZENSET: _freeze,
    **dict.fromkeys(NEVER_WRITTEN, _refused),
}
"""What the instructions of a pickle do here that could run code, or take more than their share of time or memory."""


class TensorUnpickler(pickle._Unpickler):
    """Reads a pickle without running code, in memory bounded by the pickle's size.

    It is based on the standard library's unpickler in Python. The one in C allocates what a file only claims to hold.

    Args:
        file: The pickle.

    Attributes:
        skipped: The names of the first unknown classes and functions, in order.
        storages: The data that the pickle refers to, by their keys.

    Example:
        >>> unpickler = TensorUnpickler(BytesIO(pickle.dumps({"epoch": 3, "frames": range(3)})))
        >>> unpickler.load()["epoch"], [*unpickler.skipped]
        (3, ['builtins.range'])
    """

    dispatch: ClassVar[dict[int, Callable[[pickle.Unpickler], None]]] = {
        **pickle._Unpickler.dispatch,
        **{code[0]: load for code, load in INSTRUCTIONS.items()},
    }

    def __init__(self, file: BytesIO) -> None:
        super().__init__(file, encoding="latin1")
        self.skipped: dict[str, None] = {}
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """The known function or class of that name, or else :class:`Inert`."""
        if (module, name) not in KNOWN and len(self.skipped) < MOST_SKIPPED:
            self.skipped[f"{module[:LONGEST_NAME]}.{name[:LONGEST_NAME]}"] = None
        return KNOWN.get((module, name), Inert)

    def persistent_load(self, pid: Any) -> Any:
        """The data that an entry ``("storage", type, key, device, elements)`` refers to."""
        if not (isinstance(pid, tuple) and len(pid) in (5, 6) and pid[0] == "storage"):
            raise pickle.UnpicklingError("it refers to its data in an unknown way")
        _, kind, key, _, elements, *view = pid
        if not (isinstance(kind, _StorageType) and isinstance(key, str | int) and isinstance(elements, int)):
            return Inert()
        if any(view):  # of another storage; torch stopped writing these before version 1.0
            return Inert()
        return self.storages.setdefault(str(key), Storage(kind.dtype, str(key), elements))
