"""An unpickler that reads descriptions of tensors and plain containers, and runs nothing.

A pickle is a small program that may call any function. Here it may only describe tensors. Whatever else it names
becomes an :class:`Inert` object, which does nothing and keeps nothing.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable
from io import BytesIO
from typing import Any, ClassVar, NamedTuple

import torch

__all__ = ["KNOWN", "Inert", "Storage", "StoredTensor", "TensorUnpickler"]

NEVER_WRITTEN = (pickle.BYTEARRAY8, pickle.NEXT_BUFFER, pickle.EXT1, pickle.EXT2, pickle.EXT4)
"""Instructions that torch.save never writes."""
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
    """Stand-in for every object whose class the reader does not know. It takes anything and keeps nothing."""

    def __new__(cls, *_: object, **__: object) -> "Inert":
        """Create one, also if an object stands in for the class."""
        return object.__new__(Inert)

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __call__(self, *_: object, **__: object) -> "Inert":
        """Return itself, if it stands in for a function."""
        return self

    def _ignore(self, *_: object) -> None:
        pass

    # What a pickle may do to an object; `__setstate__` also keeps it from changing this class.
    append = extend = add = __setitem__ = __setstate__ = _ignore


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
        return OrderedDict((_simple(pair[0]), pair[1]) for pair in pairs)


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


def _load_item(unpickler: Any) -> None:
    unpickler.stack[-2] = _simple(unpickler.stack[-2])
    pickle._Unpickler.dispatch[pickle.SETITEM[0]](unpickler)


def _load_items(unpickler: Any) -> None:
    unpickler.stack[::2] = map(_simple, unpickler.stack[::2])
    pickle._Unpickler.dispatch[pickle.SETITEMS[0]](unpickler)


def _load_members(code: bytes) -> Callable[[Any], None]:
    def load(unpickler: Any) -> None:
        unpickler.stack[:] = map(_simple, unpickler.stack)
        pickle._Unpickler.dispatch[code[0]](unpickler)

    return load


def _simple(key: Any) -> Any:
    """The key of a dictionary or member of a set; a stand-in for tuples, whose hash can take for ever."""
    return key if isinstance(key, str | bytes | int | float | None) else Inert()


class TensorUnpickler(pickle._Unpickler):
    """Reads a pickle without running code, in memory bounded by the pickle's size.

    It is based on the standard library's unpickler in Python. The one in C allocates what a file only claims to hold.

    Args:
        file: The pickle.

    Attributes:
        skipped: The names of unknown classes and functions, in order.
        storages: The data that the pickle refers to, by their keys.

    Example:
        >>> unpickler = TensorUnpickler(BytesIO(pickle.dumps({"epoch": 3, "frames": range(3)})))
        >>> unpickler.load()["epoch"], [*unpickler.skipped]
        (3, ['builtins.range'])
    """

    dispatch: ClassVar[dict[int, Callable[[pickle.Unpickler], None]]] = {
        **pickle._Unpickler.dispatch,
        **{
            code[0]: _refused for code in (pickle.BYTEARRAY8, pickle.NEXT_BUFFER, pickle.EXT1, pickle.EXT2, pickle.EXT4)
        },
        pickle.SETITEM[0]: _load_item,
        pickle.SETITEMS[0]: _load_items,
        **{code[0]: _load_members(code) for code in (pickle.ADDITEMS, pickle.FROZENSET)},
    }
    stack: list[Any]  # the items since the last mark

    def __init__(self, file: BytesIO) -> None:
        super().__init__(file, encoding="latin1")
        self.skipped: dict[str, None] = {}
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """The known function or class of that name, or else :class:`Inert`."""
        if (module, name) not in KNOWN:
            self.skipped[f"{module}.{name}"] = None
        return KNOWN.get((module, name), Inert)

    def persistent_load(self, pid: Any) -> Any:
        """The data that an entry ``("storage", type, key, device, elements)`` refers to."""
        if not (isinstance(pid, tuple) and len(pid) >= 5 and pid[0] == "storage"):
            raise pickle.UnpicklingError("it refers to its data in an unknown way")
        _, kind, key, _, elements, *view = pid
        if not (isinstance(kind, _StorageType) and isinstance(key, str | int) and isinstance(elements, int)):
            return Inert()
        if any(view):  # of another storage; torch stopped writing these before version 1.0
            return Inert()
        return self.storages.setdefault(str(key), Storage(kind.dtype, str(key), elements))
