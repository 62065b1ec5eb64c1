"""Pickled arrays of published files, read without running anything.

A pickle is a small program that may call any function. Of the names it may ask for, the unpickler here knows those of
numpy's arrays, dtypes and scalars, and answers with stand-ins that only note what they are given; whatever else it asks
for is refused by name. So plain containers, numbers, strings and arrays come through, and no foreign code does.
"""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from poseglass.errors import FormatError

__all__ = ["read_objects"]


def read_objects(path: Path, member: str) -> Any:
    """The object that ``np.savez`` pickled into a member of an npz file.

    Raises:
        FormatError: The member is missing or broken, or its pickle asks for something else than arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{member}.npy") as file:
            version = np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            _, _, dtype = header(file)
            if dtype.kind != "O":
                raise FormatError(f"{member} must be a pickled dictionary, but is an array of {dtype}")
            content = _plain(_Unpickler(io.BytesIO(file.read()), encoding="latin1").load())
    except FormatError as problem:
        raise FormatError(f"{member}: {problem}") from None
    except Exception as problem:  # a broken pickle can raise anything
        raise FormatError(f"{member} cannot be read: {problem}") from None
    return content.item() if isinstance(content, ndarray) and content.ndim == 0 else content


class _Dtype:
    """Stands for ``numpy.dtype``: a plain kind of number, text or object, and its byte order."""

    def __init__(self, name: str, *_: Any) -> None:
        self.dtype = np.dtype(name)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order, fields = state[1], state[4]
        if fields is not None:
            raise FormatError("arrays of records are not read")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """Stands for ``numpy.ndarray``: made empty, then told its shape, dtype and content."""

    value: ndarray

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, data = state
        if isinstance(data, list):
            self.value = np.empty(len(data), object)
            self.value[:] = data
        else:
            data = data.encode("latin1") if isinstance(data, str) else data  # as Python 2 wrote it
            self.value = np.frombuffer(data, dtype.dtype)
        self.value = self.value.reshape(shape, order="F" if fortran else "C")


def _array(*_: Any) -> _Array:
    return _Array()


def _scalar(dtype: _Dtype, data: bytes | str) -> Any:
    return np.frombuffer(data.encode("latin1") if isinstance(data, str) else data, dtype.dtype)[0]


def _encode(text: str, encoding: str) -> bytes:
    """How pickle protocol 2 spells bytes."""
    if encoding != "latin1":
        raise FormatError(f"the pickle asks for the encoding {encoding!r}, which is refused")
    return text.encode("latin1")


_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _Dtype,
    ("numpy", "ndarray"): _Array,
    ("numpy.core.multiarray", "_reconstruct"): _array,
    ("numpy._core.multiarray", "_reconstruct"): _array,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise FormatError(
                f"the pickle asks for {module}.{name}, which is refused: only arrays and plain containers are read"
            ) from None


def _plain(value: Any) -> Any:
    """Containers with the arrays that the stand-ins stood for."""
    if isinstance(value, _Array):
        array = value.value
        if array.dtype.kind != "O":
            return array
        full = np.empty(array.shape, object)
        for place in np.ndindex(array.shape):
            full[place] = _plain(array[place])
        return full
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    return value
