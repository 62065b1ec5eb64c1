"""Columns: the arrays of a folder of recordings, mapped into memory when read and appended to when written."""

import hashlib
import os
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy import ndarray

__all__ = ["Column", "ColumnWriter"]

BLOCK = 1 << 22  # bytes hashed at a time


@final
class Column:
    """An npy file, mapped into memory on first use. It is pickled as a path, not as its content.

    Args:
        path: The file.
        shape: The expected shape.
        dtype: The expected type.
    """

    def __init__(self, path: Path, *, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.path, self.shape, self.dtype = path, shape, dtype

    @cached_property
    def rows(self) -> ndarray:
        """The array, read-only."""
        return np.asarray(np.load(self.path, mmap_mode="r", allow_pickle=False))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "rows"}

    def problem(self) -> str | None:
        """Return what is wrong with the file, judged by its header and size alone; None if nothing is."""
        try:
            with self.path.open("rb") as file:
                np.lib.format.read_magic(file)
                shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
                size = self.path.stat().st_size - file.tell()
        except FileNotFoundError:
            return f"{self.path.name} is missing"
        except (OSError, ValueError) as problem:
            return f"{self.path.name} cannot be read ({problem})"
        if (shape, dtype) != (self.shape, self.dtype) or fortran:
            return f"{self.path.name} holds {dtype} {shape} instead of {self.dtype} {self.shape}"
        if size != (expected := int(np.prod(shape)) * dtype.itemsize):
            return f"{self.path.name} holds {size} bytes of data instead of {expected}"
        return None

    def checksum(self) -> str:
        """Return the SHA-256 of the data, without the header."""
        digest, data = hashlib.sha256(), self.rows.reshape(-1).view(np.uint8)
        for start in range(0, len(data), BLOCK):
            digest.update(data[start : start + BLOCK].data)
        return digest.hexdigest()


@final
class ColumnWriter:
    """Appends rows to an npy file. The header is rewritten at the end, with the number of rows.

    Nothing is buffered, so a full disk is noticed at once.

    Args:
        path: The file.
        shape: The shape of a row.
        dtype: The type of the numbers.
    """

    def __init__(self, path: Path, *, shape: tuple[int, ...], dtype: str) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.rows = 0
        self._digest = hashlib.sha256()
        self._file = path.open("wb", buffering=0)
        self._write_header()
        self._start = self._file.tell()

    def add(self, rows: ndarray) -> None:
        """Append rows."""
        data = np.ascontiguousarray(rows, self.dtype).reshape(-1).view(np.uint8).data
        self._digest.update(data)
        self.rows += len(rows)
        while len(data):
            data = data[self._file.write(data) or 0 :]

    def finish(self) -> dict[str, Any]:
        """Write everything to the disk and return the entry of the index."""
        self._write_header()
        assert self._file.tell() == self._start, "the new header is longer than the old one"
        os.fsync(self._file.fileno())
        return {"shape": [self.rows, *self.shape], "dtype": self.dtype.str, "sha256": self._digest.hexdigest()}

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write_header(self) -> None:
        self._file.seek(0)
        header = {"descr": self.dtype.str, "fortran_order": False, "shape": (self.rows, *self.shape)}
        np.lib.format.write_array_header_1_0(self._file, header)
