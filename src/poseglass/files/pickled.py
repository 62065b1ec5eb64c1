"""Read pickled arrays from published files without running their code.

A pickle is a small program that may call any function. The unpickler here knows only the functions that build numpy's
arrays, dtypes and scalars, and replaces them with harmless stand-ins. It refuses all other functions. It can read plain
containers, numbers, strings and arrays, and runs no code from the file.
"""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from poseglass.errors import FormatError

__all__ = ["read_objects"]


def read_objects(path: Path, member: str) -> Any:
    """Read the object that ``np.savez`` pickled into a member of an npz file.

    Args:
        path: The npz file.
        member: The name of the array in it.

    Raises:
        FormatError: The member is missing or damaged, or its pickle asks for anything but arrays and plain containers.

    Example:
        >>> np.savez("poses.npz", positions=np.array({"S1": [1.0, 2.0]}, dtype=object))
        >>> read_objects(Path("poses.npz"), "positions")
        {'S1': [1.0, 2.0]}
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{member}.npy") as file:
            version = np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            _, _, dtype = header(file)
            if dtype.kind != "O":
                raise FormatError(f"expected a pickled object, got an array of {dtype}")
            content = _plain(_Unpickler(file, encoding="latin1").load())
            while file.read(1 << 20):  # zipfile checks the checksum at the end of the member
                pass
    except FormatError as problem:
        raise FormatError(f"{member}: {problem}") from None
    except Exception as problem:  # a damaged pickle can raise anything
        raise FormatError(f"{member} cannot be read: {problem}") from None
    return content.item() if isinstance(content, ndarray) and content.ndim == 0 else content


class _Dtype:
    """Stand-in for ``numpy.dtype``: a plain type of number, text or object, and its byte order."""

    def __init__(self, name: str, *_: Any) -> None:
        self.dtype = np.dtype(name)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order, fields = state[1], state[4]
        if fields is not None:
            raise FormatError("expected arrays of numbers, text or objects, got an array of records")
        self.dtype = self.dtype.newbyteorder(order)


class _Unpickled:
    """Stand-in for ``numpy.ndarray``: created empty, then filled with shape, dtype and content."""

    value: ndarray

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, data = state
        if isinstance(data, list):
            self.value = np.empty(len(data), object)
            self.value[:] = data
        else:
            data = data.encode("latin1") if isinstance(data, str) else data  # written by Python 2
            self.value = np.frombuffer(data, dtype.dtype)
        self.value = self.value.reshape(shape, order="F" if fortran else "C")


class _StandIn:
    """Base of stand-ins for functions. They are classes because a pickle could change the attributes of a function."""

    def __setstate__(self, state: Any) -> None:
        raise FormatError("the pickle changes the state of a function, which is refused")


class _Reconstruct(_StandIn):
    """Stand-in for the function that creates an empty array."""

    def __new__(cls, *_: Any) -> Any:
        return _Unpickled()


class _FromBuffer(_StandIn):
    """Stand-in for the function that builds an array in pickle protocol 5."""

    def __new__(cls, data: Any, dtype: _Dtype, shape: tuple[int, ...], order: str) -> Any:
        array = _Unpickled()
        array.value = np.frombuffer(data, dtype.dtype).reshape(shape, order="F" if order == "F" else "C")
        return array


class _Scalar(_StandIn):
    """Stand-in for the function that builds a numpy scalar."""

    def __new__(cls, dtype: _Dtype, data: bytes | str) -> Any:
        return np.frombuffer(data.encode("latin1") if isinstance(data, str) else data, dtype.dtype)[0]


class _Encode(_StandIn):
    """Stand-in for the function that builds bytes in pickle protocol 2."""

    def __new__(cls, text: str, encoding: str) -> Any:
        if encoding != "latin1":
            raise FormatError(f"the pickle asks for the encoding {encoding!r}, which is refused")
        return text.encode("latin1")


# numpy 2 renamed `numpy.core` to `numpy._core`. Files of both versions are in use.
_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _Dtype,
    ("numpy", "ndarray"): _Unpickled,
    ("numpy.core.multiarray", "_reconstruct"): _Reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _Reconstruct,
    ("numpy.core.multiarray", "scalar"): _Scalar,
    ("numpy._core.multiarray", "scalar"): _Scalar,
    ("numpy.core.numeric", "_frombuffer"): _FromBuffer,
    ("numpy._core.numeric", "_frombuffer"): _FromBuffer,
    ("_codecs", "encode"): _Encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise FormatError(
                f"the pickle asks for {module}.{name}, which is refused: only arrays and plain containers are allowed"
            ) from None


def _plain(value: Any) -> Any:
    """The same containers, with real arrays in place of the stand-ins."""
    if isinstance(value, _Unpickled):
        array = value.value
        if array.dtype.kind != "O":
            return array
        full = np.empty(array.shape, object)
        for index in np.ndindex(array.shape):
            full[index] = _plain(array[index])
        return full
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    return value
