"""Cut the part of MediaPipe's pose network that computes a segmentation mask, which we do not use.

The mask takes a third of the network's time, and MediaPipe computes it even if it is not requested. The other outputs
stay the same, bit for bit: only operators that nothing but the mask needs are removed from the list of operators.
"""

import io
import math
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

from poseglass.detect.taskfile import task_file

__all__ = ["task_without_mask", "without_mask"]

POSE_NETWORK = "pose_landmarks_detector.tflite"
"""The network's name in a ``.task`` file."""

# Numbers of fields in TensorFlow Lite's schema: of the model, its graph, an operator, and a tensor.
SUBGRAPHS = 2
TENSORS, INPUTS, OUTPUTS, OPERATORS = range(4)
OPERATOR_INPUTS, OPERATOR_OUTPUTS = 1, 2
SHAPE = 0


class _Flatbuffer:
    """Reads and changes the tables and vectors of a flatbuffer in place."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)

    def number(self, place: int) -> int:
        """The number at a place."""
        value: int = struct.unpack_from("<i", self.data, place)[0]
        return value

    def vector(self, table: int, field: int) -> tuple[int, int]:
        """The place of the first item of a table's vector, and the number of items."""
        vtable = table - self.number(table)
        (size,) = struct.unpack_from("<H", self.data, vtable)
        place = 4 + 2 * field
        (slot,) = struct.unpack_from("<H", self.data, vtable + place) if place < size else (0,)
        if not slot:
            return 0, 0
        start = table + slot + self.number(table + slot)
        return start + 4, self.number(start)

    def numbers(self, table: int, field: int) -> list[int]:
        """The items of a vector of numbers."""
        start, count = self.vector(table, field)
        return list(struct.unpack_from(f"<{count}i", self.data, start))

    def tables(self, table: int, field: int) -> list[int]:
        """The places of the tables in a vector of tables."""
        start, count = self.vector(table, field)
        return [place + self.number(place) for place in range(start, start + 4 * count, 4)]

    def set_numbers(self, table: int, field: int, numbers: Sequence[int]) -> None:
        """Replace the items of a vector of numbers by as many others."""
        start, _ = self.vector(table, field)
        struct.pack_into(f"<{len(numbers)}i", self.data, start, *numbers)

    def set_tables(self, table: int, field: int, places: Sequence[int]) -> None:
        """Replace the items of a vector of tables by as many others, or fewer."""
        start, _ = self.vector(table, field)
        struct.pack_into("<i", self.data, start - 4, len(places))
        for item, place in zip(range(start, start + 4 * len(places), 4), places, strict=True):
            struct.pack_into("<i", self.data, item, place - item)


def without_mask(network: bytes) -> bytes:
    """The network without the operators that only its segmentation mask needs.

    The mask is the output of one channel that is as large as the input image. In its place, the network returns its
    smallest output once more. A network without such an output is returned unchanged.

    Args:
        network: A ``.tflite`` file.

    Raises:
        struct.error: The file is damaged.
    """
    buffer = _Flatbuffer(network)
    graph = buffer.tables(buffer.number(0), SUBGRAPHS)[0]
    shapes = [buffer.numbers(tensor, SHAPE) for tensor in buffer.tables(graph, TENSORS)]
    (image,), outputs = buffer.numbers(graph, INPUTS), buffer.numbers(graph, OUTPUTS)
    mask = [*shapes[image][:3], 1]
    kept = [tensor for tensor in outputs if shapes[tensor] != mask]
    if len(shapes[image]) != 4 or len(kept) != len(outputs) - 1 or not kept:
        return network
    smallest = min(kept, key=lambda tensor: math.prod(shapes[tensor]))
    operators, needed, used = buffer.tables(graph, OPERATORS), set(kept), []
    for operator in reversed(operators):  # they are in the order of their execution
        if needed.intersection(buffer.numbers(operator, OPERATOR_OUTPUTS)):
            needed.update(buffer.numbers(operator, OPERATOR_INPUTS))
            used.append(operator)
    buffer.set_tables(graph, OPERATORS, used[::-1])
    buffer.set_numbers(graph, OUTPUTS, [tensor if tensor in kept else smallest for tensor in outputs])
    return bytes(buffer.data)


def task_without_mask(path: Path) -> bytes | None:
    """The content of a ``.task`` file, its pose network without the mask; None if there is no mask to take out.

    Example:
        >>> task_without_mask(Path("pose_landmarker_full.task"))  # doctest: +SKIP
    """
    try:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                return None  # MediaPipe wants them uncompressed
            networks = {name: archive.read(name) for name in archive.namelist()}
        pose = networks[POSE_NETWORK]
        networks[POSE_NETWORK] = without_mask(pose)
    except (OSError, KeyError, ValueError, IndexError, struct.error, zipfile.BadZipFile):
        return None  # MediaPipe will say what is wrong with the file
    return None if networks[POSE_NETWORK] == pose else task_file(networks)
