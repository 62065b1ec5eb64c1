"""HDF5 files of keypoints, read with h5py: pandas's tables, as DeepLabCut writes, and SLEAP's arrays."""

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import DataError, FormatError
from poseglass.files.extras import require
from poseglass.files.unpickler import BoundedUnpickler

__all__ = ["Hdf5File", "pandas_table", "read_dataset", "text_of"]


TEXT = 16
"""Bytes that HDF5 stores in an array for each text of variable length."""
UNSUSPICIOUS, MOST_GROWTH = 1 << 24, 1000
"""Bytes that an array in chunks may take in any case, and the most per byte of the file: missing numbers shrink to a
thousandth. An array that is not in chunks is stored uncompressed."""


@dataclass(frozen=True)
class Hdf5File:
    """An HDF5 file, of which arrays are read by name.

    Args:
        path: The file.
    """

    path: Path

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """The open file of h5py.

        Raises:
            FormatError: h5py is not installed, or the file is damaged.
        """
        try:
            h5py = require("h5py")
        except DataError as problem:
            raise FormatError(f"{self.path.suffix} files: {problem}") from None
        try:
            with h5py.File(self.path, "r") as file:
                yield file
        except FormatError:
            raise
        except Exception as problem:  # h5py raises many kinds of errors for damaged files
            raise FormatError(f"the file is not a complete HDF5 file: {problem}") from None

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The names at the top of the file."""
        with self.opened() as file:
            return tuple(file)

    @cached_property
    def pandas(self) -> str:
        """The name of the table that pandas wrote; empty if there is none."""
        with self.opened() as file:
            for name in file:
                if "pandas_type" in getattr(file[name], "attrs", {}):
                    return str(name)
        return ""


def read_dataset(dataset: Any) -> ndarray:
    """The whole array of a data set of HDF5.

    Raises:
        FormatError: It claims to be far larger than its file: HDF5 does not store what was never written.
    """
    size = os.path.getsize(dataset.file.filename)
    most = size if dataset.chunks is None else max(UNSUSPICIOUS, MOST_GROWTH * size)
    if dataset.nbytes > most:
        raise FormatError(f"{dataset.name} claims {dataset.nbytes / 1e6:.0f} MB, which the file cannot hold")
    if dataset.dtype.kind == "O":
        _check_texts(dataset, size)
    array: ndarray = dataset[()]
    return array


def _check_texts(dataset: Any, size: int) -> None:
    """Compare the stated lengths of texts of variable length with the file: HDF5 reserves memory for each.

    Such a text is stored as its length in 4 bytes, and its address in 12 (the format's specification, "Disk Format:
    Level 2B, Data Object Data Storage").
    """
    offset = dataset.id.get_offset()
    if offset is None or dataset.id.get_storage_size() != TEXT * dataset.size:
        raise FormatError(f"{dataset.name} holds texts in chunks; expected texts of fixed length")
    with open(dataset.file.filename, "rb") as file:
        file.seek(offset)
        lengths = np.frombuffer(file.read(TEXT * dataset.size), "<u4")[:: TEXT // 4]
    if lengths.sum(dtype=np.int64) > size:
        raise FormatError(f"{dataset.name} claims texts of {lengths.max() / 1e6:.0f} MB, which the file cannot hold")


def pandas_table(hdf5: Hdf5File) -> tuple[list[tuple[str, ...]], list[Any], Float[ndarray, "f _"]]:
    """The names of the columns on all levels, the names of the rows, and the numbers of pandas's table.

    Raises:
        FormatError: The table is damaged or of another kind.
    """
    with hdf5.opened() as file:
        group = file[hdf5.pandas]
        try:
            if "table" in group:
                return _table_format(group["table"])
            return _fixed_format(group)
        except (KeyError, AttributeError, TypeError, ValueError, IndexError) as problem:
            raise FormatError(f"pandas's table {hdf5.pandas!r} cannot be read: {problem}") from None


def _table_format(table: Any) -> tuple[list[tuple[str, ...]], list[Any], Float[ndarray, "f _"]]:
    """A table that can be appended to (``format="table"``): records of an index and a block of numbers."""
    records = read_dataset(table)
    names = _plain_pickle(table.attrs["values_block_0_kind"])
    values = np.asarray(records["values_block_0"], np.float64)
    if values.ndim == 1:
        values = values[:, None]
    if not isinstance(names, list) or len(names) != values.shape[1]:
        raise ValueError(f"{values.shape[1]} columns have other names")
    index = records["index"] if "index" in (records.dtype.names or ()) else np.arange(len(values))
    return [_name(name) for name in names], [_row(label) for label in index.tolist()], values


def _fixed_format(group: Any) -> tuple[list[tuple[str, ...]], list[Any], Float[ndarray, "f _"]]:
    """A table of fixed length (``format="fixed"``): axis 0 are the columns, axis 1 the rows."""
    if "block1_values" in group:
        raise ValueError("it has columns of different types")
    values = np.asarray(read_dataset(group["block0_values"]), np.float64)
    names = _levels(group, "block0_items")
    rows = _levels(group, "axis1")
    return names, [label[-1] for label in rows], values


def _levels(group: Any, name: str) -> list[tuple[str, ...]]:
    """The labels of an axis, on one level or several."""
    if name in group:
        return [(text_of(label),) for label in read_dataset(group[name]).tolist()]
    labels = []
    for level in range(8):
        codes = group.get(f"{name}_label{level}", group.get(f"{name}_code{level}"))
        if codes is None:
            break
        values = read_dataset(group[f"{name}_level{level}"]).tolist()
        labels.append([text_of(values[code]) for code in read_dataset(codes).tolist()])
    return list(zip(*labels, strict=True))


def _row(label: Any) -> Any:
    return label if isinstance(label, int) else text_of(label)


def text_of(label: Any) -> str:
    """A name in an HDF5 file as text."""
    return label.decode("utf-8", "replace") if isinstance(label, bytes) else str(label)


def _name(name: Any) -> tuple[str, ...]:
    return (
        tuple(map(text_of, name))
        if isinstance(name, Sequence) and not isinstance(name, str | bytes)
        else (text_of(name),)
    )


class _NameUnpickler(BoundedUnpickler):
    """Reads lists, tuples and texts."""

    def find_class(self, module: str, name: str) -> Any:
        """Refuse: names need no class."""
        raise FormatError(f"the names of the columns ask for {module[:100]}.{name[:100]}, which is refused")

    def call(self, function: Any, arguments: Any) -> Any:
        """Refuse: names need no call."""
        raise FormatError("the names of the columns call something, which is refused")


def _plain_pickle(value: Any) -> Any:
    data = str(value).encode("latin1") if isinstance(value, str) else np.asarray(value).tobytes()
    try:
        return _NameUnpickler(io.BytesIO(data)).load()
    except FormatError:
        raise
    except Exception as problem:  # a damaged pickle can raise anything
        raise ValueError(f"the names of the columns: {problem}") from None
