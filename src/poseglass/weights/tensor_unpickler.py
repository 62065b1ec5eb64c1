"""An unpickler that reads descriptions of tensors and plain containers, and runs nothing.

A pickle is a small program that may call any function. Here it may only describe tensors. Whatever else it names
becomes an :class:`~poseglass.files.unpickler.Inert` object, which does nothing and keeps nothing.
"""

import pickle
from collections import OrderedDict
from io import BytesIO
from typing import Any, NamedTuple

import torch

from poseglass.files.unpickler import MOST_INSTRUCTIONS, BoundedUnpickler, Inert

__all__ = ["KNOWN", "Storage", "StoredTensor", "TensorUnpickler", "UnreadTensor"]

MOST_ARGUMENTS = 16
"""Arguments of a known function: torch gives them up to seven."""
MOST_ELEMENTS = (1 << 63) - 1
"""As in torch."""
MOST_SKIPPED, LONGEST_NAME = 16, 100
"""The names that are kept of unknown classes and functions, and the characters of their modules and names."""
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


class UnreadTensor(NamedTuple):
    """A tensor of a kind that is not read.

    Attributes:
        kind: The kind, as in "a sparse tensor".
    """

    kind: str


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


class _RebuildUnread(NamedTuple):
    """Stands for the functions that rebuild tensors of a kind that is not read."""

    kind: str


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
        return _called(function, arguments)


class _NewDict(_Function):
    """An OrderedDict. Its items follow; Python 2 gave them as a list of pairs."""

    __slots__ = ()

    def __call__(self, *description: Any) -> Any:
        pairs = description[0] if description and isinstance(description[0], list) else []
        items = OrderedDict((BoundedUnpickler.simple(pair[0]), pair[1]) for pair in pairs)
        pairs.clear()  # a pickle that calls this again with the same list gets nothing
        return items


class _StorageType(NamedTuple):
    dtype: torch.dtype


UNREAD = {
    "_rebuild_sparse_tensor": "a sparse tensor",
    "_rebuild_sparse_csr_tensor": "a sparse tensor",
    "_rebuild_nested_tensor": "a nested tensor",
    "_rebuild_qtensor": "a quantised tensor",
    "_rebuild_meta_tensor_no_storage": "a tensor without data (on the meta device)",
    "_rebuild_device_tensor_from_numpy": "a tensor of another device",
    "_rebuild_device_tensor_from_cpu_tensor": "a tensor of another device",
    "_rebuild_wrapper_subclass": "a tensor of another class",
    "_rebuild_tensor_v3": "a tensor of a rare type of number",
}
"""The functions of ``torch._utils`` that rebuild other kinds of tensors."""

KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _NewDict(),
    ("torch._utils", "_rebuild_tensor"): _RebuildTensor(),
    ("torch._utils", "_rebuild_tensor_v2"): _RebuildTensor(),
    ("torch._utils", "_rebuild_parameter"): _RebuildParameter(),
    ("torch._utils", "_rebuild_parameter_with_state"): _RebuildParameter(),
    ("torch._tensor", "_rebuild_from_type_v2"): _RebuildFromType(),
    **{("torch._utils", name): _RebuildUnread(kind) for name, kind in UNREAD.items()},
    **{
        (module, name): _StorageType(dtype)
        for module in ("torch", "torch.cuda", "torch.storage")
        for name, dtype in STORAGES.items()
    },
}


def _called(function: Any, arguments: Any) -> Any:
    """The result of a known function; an inert object if anything else is called."""
    if isinstance(function, _RebuildUnread):
        return UnreadTensor(function.kind)
    if not isinstance(function, _Function):
        return Inert()
    if not (isinstance(arguments, tuple) and len(arguments) <= MOST_ARGUMENTS):
        raise pickle.UnpicklingError("it describes a tensor in an unknown way")
    return function(*arguments)


class TensorUnpickler(BoundedUnpickler):
    """Reads the pickle of a checkpoint.

    Args:
        file: The pickle.
        most: The largest number of instructions.

    Attributes:
        skipped: The names of the first unknown classes and functions, in order.
        storages: The data that the pickle refers to, by their keys.

    Example:
        >>> unpickler = TensorUnpickler(BytesIO(pickle.dumps({"epoch": 3, "frames": range(3)})))
        >>> unpickler.load()["epoch"], [*unpickler.skipped]
        (3, ['builtins.range'])
    """

    def __init__(self, file: BytesIO, *, most: int = MOST_INSTRUCTIONS) -> None:
        super().__init__(file, most=most)
        self.skipped: dict[str, None] = {}
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """The known function or class of that name, or else an inert one."""
        if (module, name) not in KNOWN and len(self.skipped) < MOST_SKIPPED:
            self.skipped[f"{module[:LONGEST_NAME]}.{name[:LONGEST_NAME]}"] = None
        return KNOWN.get((module, name), Inert)

    def call(self, function: Any, arguments: Any) -> Any:
        """A description of a tensor, a dictionary, or an inert object."""
        return _called(function, arguments)

    def persistent_load(self, pid: Any) -> Any:
        """The data that an entry ``("storage", type, key, device, elements)`` refers to."""
        if not (isinstance(pid, tuple) and len(pid) in (5, 6) and pid[0] == "storage"):
            raise pickle.UnpicklingError("it refers to its data in an unknown way")
        _, kind, key, _, elements, *view = pid
        if not (isinstance(kind, _StorageType) and isinstance(key, str | int) and isinstance(elements, int)):
            return Inert()
        if not 0 <= elements <= MOST_ELEMENTS:
            raise pickle.UnpicklingError("it refers to data of an impossible size")
        if any(view):  # of another storage; torch stopped writing these before version 1.0
            return Inert()
        return self.storages.setdefault(str(key), Storage(kind.dtype, str(key), elements))
