"""Build MediaPipe's ``.task`` file from bare ``.tflite`` networks.

A task file is an uncompressed zip of networks. Each network carries *metadata* that say how pixels become its input:
``(pixel - mean) / std``. The networks in MediaPipe's older wheels carry none. A ``.tflite`` is a flatbuffer, whose
pointers only point forward. A new head in front of the old bytes is therefore enough: it holds the metadata and points
into the old bytes, which stay unchanged and aligned. The same networks always give the same file, byte for byte.
"""

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Union

__all__ = ["task_file", "with_normalisation"]


class _Old(int):
    """A pointer to an offset in the old file."""


# A piece of a flatbuffer is a list of four-byte words; a pointer to it points at its first word. In the list, a number
# stands for itself and a piece for a pointer to that piece, so pieces nest like the tables they describe.
_Piece = Sequence[Union[int, "_Piece"]]


def _table(fields: Mapping[int, int | _Piece]) -> _Piece:
    """A table from its fields, keyed by their numbers in the schema: the slots, then the vtable that locates them."""
    places = [0] * (max(fields) + 1)
    for slot, number in enumerate(sorted(fields)):
        places[number] = 4 + 4 * slot
    size = 4 + 4 * len(fields)
    vtable = struct.pack(f"<{2 + len(places)}H", 4 + 2 * len(places), size, *places)
    return [-size, *(fields[number] for number in sorted(fields)), *_words(vtable)]


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[place : place + 4], "little") for place in range(0, len(data), 4)]


def _lay(piece: _Piece) -> list[int]:
    """Lay out a piece and everything it points to as one list of words; pointers become distances in bytes."""
    row: list[int] = [0] * len(piece)
    for place, word in enumerate(piece):
        if isinstance(word, int):
            row[place] = word
        else:
            row[place] = 4 * (len(row) - place)
            row += _lay(word)
    return row


def _pack(words: Sequence[int]) -> bytes:
    return b"".join((word & 0xFFFFFFFF).to_bytes(4, "little") for word in words)


def _normalisation(mean: float, std: float) -> bytes:
    """The metadata, itself a flatbuffer: a model of one subgraph with one input and one processing step."""

    def one(word: int | _Piece) -> _Piece:
        return [1, word]

    options = _table({0: [1, *_words(struct.pack("<f", mean))], 1: [1, *_words(struct.pack("<f", std))]})
    step = _table({0: 1, 1: options})  # 1: normalisation, the first kind of step
    model = _table({3: one(_table({2: one(_table({4: one(step)}))}))})
    return _pack(_lay([model, *_words(b"M001")]))


def with_normalisation(network: bytes, mean: float, std: float) -> bytes:
    """Add metadata to a ``.tflite`` network that declare its input as ``(pixel - mean) / std``."""

    def number(place: int, *, signed: bool = False) -> int:
        return int.from_bytes(network[place : place + 4], "little", signed=signed)

    def items(field: int) -> list[_Old]:
        """The pointers in the vector of a field of the root table."""
        vector = fields.get(field)
        places = [] if vector is None else range(vector + 4, vector + 4 + 4 * number(vector), 4)
        return [_Old(place + number(place)) for place in places]

    root = number(0)
    vtable = root - number(root, signed=True)
    count = int.from_bytes(network[vtable : vtable + 2], "little") // 2 - 2
    slots = struct.unpack_from(f"<{count}H", network, vtable + 4)
    fields = {field: _Old(root + at + number(root + at)) for field, at in enumerate(slots) if at}
    version, buffers, metadata = 0, 4, 6

    content = _normalisation(mean, std)
    buffer = _table({0: [len(content), *_words(content)]})
    name = b"TFLITE_METADATA"
    entry = _table({0: [len(name), *_words(name + b"\0")], 1: len(items(buffers))})
    model = _table(
        {
            **fields,
            version: number(root + slots[version]),
            buffers: [len(items(buffers)) + 1, *items(buffers), buffer],
            metadata: [len(items(metadata)) + 1, *items(metadata), entry],
        }
    )
    row = _lay([model, *_words(b"TFL3")])
    row += [0] * (-len(row) % 16)  # a multiple of 64 bytes, so that the weights stay aligned
    start = 4 * len(row)
    row = [start + word - 4 * place if isinstance(word, _Old) else word for place, word in enumerate(row)]
    return _pack(row) + network


def task_file(networks: Mapping[str, bytes]) -> bytes:
    """Zip networks by name, uncompressed, aligned and without dates, so that equal networks give equal bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, network in networks.items():
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3  # Unix on every system, because the bytes must be the same
            padding = -(file.tell() + 30 + len(name) + 4) % 64  # 30: a zip entry's header before the name
            entry.extra = struct.pack("<HH", 0xD935, padding) + bytes(padding)  # as Android's zipalign pads
            archive.writestr(entry, network)
    return file.getvalue()
