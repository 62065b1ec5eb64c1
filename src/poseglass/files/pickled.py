"""Pickled arrays of published files, read without running anything.

A pickle is a small program that may call any function. Of the names it may ask for, the unpickler here knows those of
numpy's arrays, dtypes and scalars, and answers with stand-ins that only note what they are given; whatever else it asks
for is refused by name. So plain containers, numbers, strings and arrays come through, and no foreign code does.
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
            content = _plain(_Unpickler(file, encoding="latin1").load())
            while file.read(1 << 20):  # to the end, where the checksum is
                pass
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


class _Made:
    """What a stand-in answers with is made by its class: a pickle can change a function's attributes, not these."""

    def __setstate__(self, state: Any) -> None:
        raise FormatError("the pickle sets a state where there is none, which is refused")


class _Reconstruct(_Made):
    """Stands for how numpy begins an array."""

    def __new__(cls, *_: Any) -> Any:
        return _Array()


class _FromBuffer(_Made):
    """Stands for how numpy spells an array in pickle protocol 5."""

    def __new__(cls, data: Any, dtype: _Dtype, shape: tuple[int, ...], order: str) -> Any:
        array = _Array()
        array.value = np.frombuffer(data, dtype.dtype).reshape(shape, order="F" if order == "F" else "C")
        return array


class _Scalar(_Made):
    """Stands for numpy's scalars."""

    def __new__(cls, dtype: _Dtype, data: bytes | str) -> Any:
        return np.frombuffer(data.encode("latin1") if isinstance(data, str) else data, dtype.dtype)[0]


class _Encode(_Made):
    """Stands for how pickle protocol 2 spells bytes."""

    def __new__(cls, text: str, encoding: str) -> Any:
        if encoding != "latin1":
            raise FormatError(f"the pickle asks for the encoding {encoding!r}, which is refused")
        return text.encode("latin1")


# Version 2 of numpy renamed `numpy.core` to `numpy._core`; files of both go round.
_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _Dtype,
    ("numpy", "ndarray"): _Array,
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
