"""Read the tensors of a file that ``torch.save`` wrote, without running any code from it.

Such a file is a pickle with the tensors' data beside it (:mod:`poseglass.weights.tensor_unpickler`). Data are read only
for the tensors that are asked for, and memory is bounded by the size of the file.
"""

import math
import struct
import zipfile
from collections.abc import Mapping, Set
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from poseglass.errors import WeightsError
from poseglass.weights.tensor_unpickler import Storage, StoredTensor, TensorUnpickler

__all__ = ["TorchFile"]

LARGEST_PICKLE = 1 << 25
"""Bytes. The text in a pickle may need eight times its size in memory. Published checkpoints have below 1e6."""
MOST_IN_HEADER, MOST_KEYS = 1000, 500_000
"""Instructions of the small pickles before the content in files of the older format, and of the list of keys after it.
"""
ZIP, PICKLE = b"PK\x03\x04", b"\x80"
"""How the files start."""
MOST_AXES, LARGEST = 64, (1 << 63) - 1
"""As in torch: the axes of a tensor, and the largest of its sizes and strides."""
MAGIC = 0x1950A86A20F9469CFC6C
"""The first pickle of a file of the format that torch wrote before version 1.6."""


class TorchFile:
    """A file that ``torch.save`` wrote, in today's format (a zip archive) or the one before torch 1.6.

    Args:
        path: The file.

    Attributes:
        content: The saved object: plain containers and values, a stored tensor for each tensor, and an inert object for
            each object of another class (:mod:`poseglass.weights.tensor_unpickler`).
        skipped: The first names of those other classes, and of functions that the pickle would have called.

    Raises:
        WeightsError: The file has another format, is damaged, or its pickle is larger than 32 MiB.

    Example:
        >>> _ = torch.save({"epoch": 3, "weight": torch.ones(2)}, "epoch.pth")
        >>> file = TorchFile(Path("epoch.pth"))
        >>> file.content["epoch"], file.tensors({"weight": file.content["weight"]})
        (3, {'weight': tensor([1., 1.])})
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            start = file.read(40)
        if not start.startswith((ZIP, PICKLE)):
            shown = f"it starts with {start!r}" if start else "it is empty"
            raise WeightsError(
                f"{path} is not a PyTorch checkpoint: {shown}; expected a file written by torch.save, or .safetensors"
            )
        try:
            self._data: _Archive | _Sequence = _Archive(path) if start.startswith(ZIP) else _Sequence(path)
        except Exception as problem:  # a damaged pickle can raise anything
            raise _unreadable(path, problem) from None
        self.content: Any = self._data.content
        self.skipped: tuple[str, ...] = tuple(self._data.skipped)

    def tensors(self, stored: Mapping[str, StoredTensor]) -> dict[str, Tensor]:
        """Read the data of tensors of the content. Tensors that share data in the file share memory.

        Args:
            stored: The tensors, by any names.

        Returns:
            The tensors by the same names, on the CPU.

        Raises:
            WeightsError: Data are missing or damaged, or a tensor claims more elements than its data have.
        """
        try:
            for name, tensor in stored.items():
                _check(name, tensor)
            size = sum(math.prod(tensor.shape) * tensor.storage.dtype.itemsize for tensor in stored.values())
            if size > self._path.stat().st_size:
                raise ValueError("its tensors claim more data than the file has")
            flat = self._data.read({tensor.storage for tensor in stored.values()})
            return {
                name: flat[tensor.storage].as_strided(tensor.shape, tensor.strides, tensor.offset)
                for name, tensor in stored.items()
            }
        except Exception as problem:
            raise _unreadable(self._path, problem) from None


class _Archive:
    """Today's format: a zip archive with a pickle, and a member for each storage."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with zipfile.ZipFile(path) as archive:
            members = {member.filename: member for member in archive.infolist()}
            if any(member.compress_type != zipfile.ZIP_STORED for member in members.values()):
                raise ValueError("it is a compressed archive, which torch.save never writes")
            if sum(member.file_size for member in archive.infolist()) > path.stat().st_size:
                raise ValueError("parts of the archive overlap")
            pickles = [name for name in members if name.count("/") == 1 and name.endswith("/data.pkl")]
            if len(pickles) != 1:
                raise ValueError("it is an archive that torch.save did not write")
            self._folder = pickles[0].removesuffix("data.pkl")
            order = f"{self._folder}byteorder"
            if order in members and archive.read(order) != b"little":
                raise ValueError("it was written on a big-endian machine")
            if members[pickles[0]].file_size > LARGEST_PICKLE:
                raise ValueError(f"its pickle is larger than {LARGEST_PICKLE >> 20} MiB")
            unpickler = TensorUnpickler(BytesIO(archive.read(pickles[0])))
        self.content = unpickler.load()
        self.skipped = unpickler.skipped

    def read(self, storages: Set[Storage]) -> dict[Storage, Tensor]:
        """The data of storages, each a tensor of one axis."""
        with zipfile.ZipFile(self._path) as archive:
            return {
                storage: _flat(bytearray(archive.read(f"{self._folder}data/{storage.key}")), storage)
                for storage in storages
            }


class _Sequence:
    """The format before torch 1.6: pickles of a mark, version, machine, content and keys of storages; then the data."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[str, tuple[int, int]] = {}  # of each storage: where its data start, and its elements
        with path.open("rb") as file:
            stream = BytesIO(file.read(LARGEST_PICKLE))
            try:
                marked = TensorUnpickler(stream, most=MOST_IN_HEADER).load() == MAGIC
            except Exception:  # no pickle, or one that was not written by torch
                marked = False
            if not marked:
                raise ValueError("it was written by pickle, not by torch.save")
            _, machine = (TensorUnpickler(stream, most=MOST_IN_HEADER).load() for _ in range(2))
            if isinstance(machine, dict) and not machine.get("little_endian", True):
                raise ValueError("it was written on a big-endian machine")
            unpickler = TensorUnpickler(stream)
            self.content, keys = unpickler.load(), TensorUnpickler(stream, most=MOST_KEYS).load()
            self.skipped = unpickler.skipped
            place = stream.tell()
            for key in keys:
                if not isinstance(key, str | int) or (storage := unpickler.storages.get(str(key))) is None:
                    break  # numbers of an unknown type, so it is unknown where the next data start
                file.seek(place)
                (elements,) = struct.unpack("<q", file.read(8))
                self._places[storage.key] = place + 8, elements
                place += 8 + elements * storage.dtype.itemsize

    def read(self, storages: Set[Storage]) -> dict[Storage, Tensor]:
        """The data of storages, each a tensor of one axis."""
        result = {}
        with self._path.open("rb") as file:
            for storage in storages:
                if storage.key not in self._places:
                    raise ValueError(f"its data {storage.key} are missing, or follow numbers of an unknown type")
                place, elements = self._places[storage.key]
                if elements != storage.elements:
                    raise ValueError(f"its data {storage.key} have {elements} elements instead of {storage.elements}")
                size = elements * storage.dtype.itemsize
                if elements < 0 or place + size > self._path.stat().st_size:
                    raise ValueError("it is truncated")
                file.seek(place)
                result[storage] = _flat(bytearray(file.read(size)), storage)
        return result


def _flat(data: bytearray, storage: Storage) -> Tensor:
    """The data as a tensor of one axis."""
    if len(data) != storage.elements * storage.dtype.itemsize:
        raise ValueError(
            f"its data {storage.key} have {len(data)} bytes instead of {storage.elements} x {storage.dtype.itemsize}"
        )
    return torch.frombuffer(data, dtype=storage.dtype) if data else torch.empty(0, dtype=storage.dtype)


def _check(name: str, tensor: StoredTensor) -> None:
    """Raise ValueError unless the tensor lies in its data, and has no more elements than they have."""
    storage, offset, shape, strides = tensor
    if len(shape) > MOST_AXES or len(shape) != len(strides):
        raise ValueError(f"{name} has an impossible shape")
    if not all(isinstance(number, int) and 0 <= number <= LARGEST for number in (offset, *shape, *strides)):
        raise ValueError(f"{name} has an impossible shape")
    elements = math.prod(shape)
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if elements > storage.elements or (elements and last >= storage.elements):
        raise ValueError(f"{name} claims more elements than its data have")


def _unreadable(path: Path, problem: Exception) -> WeightsError:
    reason = str(problem).partition("\n")[0] or type(problem).__name__
    if isinstance(problem, zipfile.BadZipFile | EOFError):
        reason = f"it is truncated or damaged ({reason})"
    return WeightsError(f"{path} cannot be read as a checkpoint: {reason} (pickled code is never run)")
