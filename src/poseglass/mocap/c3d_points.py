"""Parse the points of a C3D file: header, parameters and 3D data of any of the format's three processors.

Source: the C3D File Format User Guide (c3d.org). Files in circulation contradict themselves in many ways, so only what
leads to the points is read: the numbers of points, of analog samples and of frames, the scale, the rate, the labels and
the unit. Nothing is allocated before the file is known to contain it.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError

__all__ = ["C3dPoints", "parse_c3d"]

BLOCK = 512  # bytes
KEY = 0x50  # the second byte of every C3D file
INTEL, DEC, MIPS = 84, 85, 86  # processors: little endian; its floats differ from IEEE's; big endian
HEADER_FRAMES = 65535  # the most that the header's 16 bits can count
MOST_DIMENSIONS = 7  # of a parameter
TYPES = {-1: "S1", 1: "u1", 2: "i2", 4: "f4"}  # of parameters, by the format's number


class C3dPoints(NamedTuple):
    """The points of a C3D file, and what its parameters say about them.

    Args:
        samples: x, y, z and the residual of each point (f j 4). A negative residual marks an unknown point.
        labels: The labels of the points, possibly fewer than points, or more.
        fps: Frames per second; 0 if not stated.
        unit: The unit of length as text; empty if not stated.
        notes: What the file announces differently from what it contains.
    """

    samples: Float[ndarray, "f j 4"]
    labels: tuple[str, ...]
    fps: float
    unit: str
    notes: tuple[str, ...]


@dataclass
class _Parameters:
    """The parameters of a file by name, such as ``POINT:LABELS``; the first of several with the same name counts."""

    order: str
    is_dec: bool
    values: dict[str, ndarray] = field(default_factory=dict)

    def number(self, name: str) -> float | None:
        value = self.values.get(name)
        if value is None or value.dtype.kind == "S" or not value.size:
            return None
        return float(value.flat[0])

    def frame(self, name: str) -> int | None:
        """A number of frames, written as one number or as two words of 16 bits, the low one first."""
        value = self.values.get(name)
        if value is None or value.dtype.kind not in "iu" or not value.size:
            return None if (number := self.number(name)) is None else _whole(number)
        words = value.astype("u2").astype(int).ravel()
        return int(words[0]) + (int(words[1]) << 16 if len(words) > 1 else 0)

    def texts(self, name: str) -> list[str]:
        """Texts, whose characters are stored along the first axis."""
        value = self.values.get(name)
        if value is None or value.dtype.kind != "S":
            return []
        rows = value.reshape(-1, value.shape[-1]) if value.ndim else value.reshape(1, 1)
        return [row.tobytes().decode("latin-1").strip("\0 ") for row in rows]


def parse_c3d(content: bytes) -> C3dPoints:
    """Parse the content of a C3D file.

    The number of frames is the first of these that the file has room for: that of TRIAL:ACTUAL_START_FIELD and
    ACTUAL_END_FIELD, of POINT:LONG_FRAMES, of the header, and of POINT:FRAMES.

    Raises:
        FormatError: The content is not C3D, or was cut off.

    Example:
        >>> parse_c3d(b"not C3D" * 100)
        Traceback (most recent call last):
        poseglass.errors.FormatError: this is not a C3D file: expected 80 as the second byte, got 111
    """
    if len(content) < BLOCK:
        raise FormatError(f"this is not a C3D file: expected at least {BLOCK} bytes, got {len(content)}")
    if content[1] != KEY:
        raise FormatError(f"this is not a C3D file: expected {KEY} as the second byte, got {content[1]}")
    start = BLOCK * (content[0] - 1)
    if content[0] < 2 or start + 4 > len(content):
        raise FormatError("the parameters are missing; was the file copied completely?")
    processor = content[start + 3]
    if processor not in (INTEL, DEC, MIPS):
        processor = INTEL  # some programs leave the byte empty
    order, is_dec = (">" if processor == MIPS else "<"), processor == DEC
    parameters = _parameters(content, start, order, is_dec=is_dec)
    count, per_frame, first, last = struct.unpack_from(f"{order}4H", content, 2)
    (data_block,) = struct.unpack_from(f"{order}H", content, 16)
    scale, fps = (float(_floats(content[offset : offset + 4], order, is_dec=is_dec)[0]) for offset in (12, 20))
    used, rate = parameters.number("POINT:USED"), parameters.number("POINT:RATE")
    stated = parameters.number("POINT:SCALE")
    if used is not None and _whole(used % 65536) != count:
        raise FormatError(f"expected {count} points, as the header says, got {used:g} from POINT:USED")
    if not count:
        raise FormatError("it has no points, only analog samples or rotations")
    # The parameter is right where both differ (sample06 of c3d.org); both are negative if the data are floats.
    scale = stated if stated is not None and np.isfinite(stated) and stated and (stated < 0) == (scale < 0) else scale
    data_start = BLOCK * (data_block - 1) if data_block > 1 else len(content)
    is_float = scale < 0
    size = 4 if is_float else 2
    header_frames = last - first + 1 if last >= first else None
    space = max(0, len(content) - data_start)
    widths = [size * (4 * count + analog) for analog in (per_frame, _analog(content, parameters))]  # bytes of a frame
    left = [space - (header_frames or 0) * width for width in widths]
    # Some programs write the number of channels, not of samples, into the header (sample24 of c3d.org).
    width = widths[1] if left[0] >= 2 * BLOCK and 0 <= left[1] < 2 * BLOCK else widths[0]
    frames, notes = _frames(parameters, header_frames, last, space // width)
    words = np.ndarray((frames, 4 * count), f"{order}{'f4' if is_float else 'i2'}", content, data_start, (width, size))
    if is_float:
        samples = _floats(np.ascontiguousarray(words).tobytes(), order, is_dec=is_dec).astype(np.float64)
        samples = samples.reshape(frames, count, 4)  # f j 4
    else:
        samples = words.astype(np.float64).reshape(frames, count, 4)  # f j 4
        samples[..., :3] *= scale
    labels = [label for page in _pages(parameters, "POINT:LABELS") for label in page]
    unit = next(iter(parameters.texts("POINT:UNITS")), "")
    fps = rate if rate is not None and np.isfinite(rate) and rate > 0 else fps
    fps = fps if np.isfinite(fps) and fps > 0 else 0.0
    return C3dPoints(samples, tuple(labels), fps, unit, notes)


def _analog(content: bytes, parameters: _Parameters) -> int:
    """Analog samples per frame, as channels times samples of each; 0 if the number of channels is not stated."""
    (repeats,) = struct.unpack_from(f"{parameters.order}H", content, 18)
    channels = parameters.number("ANALOG:USED")
    return (_whole(channels) or 0) % 65536 * repeats if channels is not None else 0


def _frames(parameters: _Parameters, header: int | None, last: int, room: int) -> tuple[int, tuple[str, ...]]:
    """The number of frames, and a note if one frame is missing."""
    start, end = (parameters.frame(f"TRIAL:ACTUAL_{edge}_FIELD") for edge in ("START", "END"))
    trial = end - start + 1 if start is not None and end is not None and end >= start else None
    stated = [trial, parameters.frame("POINT:LONG_FRAMES"), header, parameters.frame("POINT:FRAMES")]
    if last == HEADER_FRAMES and (trial is None or trial <= 1):
        stated.insert(2, room)  # the header cannot count further, and nothing else does
    options = [number for number in stated if number is not None and number > 0]
    if not options:
        raise FormatError("it announces no frames")
    frames = next((number for number in options if number <= room), None)
    if frames is not None:
        return frames, ()
    if min(options) == room + 1 and room:
        return room, (f"it announces {room + 1} frames, and holds {room}",)
    raise FormatError(f"expected {min(options)} frames, as it announces, got {room}; was the file cut off?")


def _parameters(content: bytes, start: int, order: str, *, is_dec: bool) -> _Parameters:
    """Read all parameters; what is broken ends the reading, because the records are a chain."""
    parameters = _Parameters(order, is_dec)
    groups: dict[int, str] = {}
    pending: list[tuple[int, str, ndarray]] = []
    for group, name, record in _records(content, start + 4, order):
        if group < 0:
            groups.setdefault(-group, name)
            continue
        kind, dimensions = struct.unpack_from("bB", record) if len(record) > 1 else (0, 0)
        shape = tuple(record[2 : 2 + dimensions])
        if kind not in TYPES or len(shape) != dimensions or dimensions > MOST_DIMENSIONS:
            continue
        dtype = np.dtype(TYPES[kind] if kind in (-1, 1) else order + TYPES[kind])
        length = dtype.itemsize * int(np.prod(shape, dtype=int))
        data = record[2 + dimensions : 2 + dimensions + length]
        if length > len(data):
            continue
        value = _floats(data, order, is_dec=is_dec) if kind == 4 else np.frombuffer(data, dtype)
        pending.append((group, name, value.reshape(shape[::-1])))  # the first axis of the file changes fastest
    for group, name, value in pending:
        parameters.values.setdefault(f"{groups.get(group, group)}:{name}", value)
    return parameters


def _records(content: bytes, position: int, order: str) -> Iterator[tuple[int, str, bytes]]:
    """The group number, the name and the content of each record."""
    while position + 4 <= len(content):
        length, group = struct.unpack_from("bb", content, position)
        place = position + 2 + abs(length)  # of the offset to the next record; locked names have negative lengths
        if not length or not group or place + 2 > len(content):
            return
        (offset,) = struct.unpack_from(f"{order}H", content, place)
        name = content[position + 2 : place].decode("latin-1").strip("\0 ").upper()
        end = place + offset if offset else len(content)
        yield group, name, content[place + 2 : end]
        if offset < 2:  # the last record
            return
        position = end


def _pages(parameters: _Parameters, name: str) -> Iterator[list[str]]:
    """The texts of a parameter and its continuations; one parameter holds at most 255: LABELS, LABELS2, LABELS3, ..."""
    number = 1
    while (key := name if number == 1 else f"{name}{number}") in parameters.values:
        yield parameters.texts(key)
        number += 1


def _floats(data: bytes, order: str, *, is_dec: bool) -> Float[ndarray, " _"]:
    """Floats of 32 bits. Those of DEC's VAX swap their halves, and their exponent is larger by 2."""
    data = data[: len(data) // 4 * 4]
    if not is_dec:
        return np.frombuffer(data, f"{order}f4")
    halves = np.frombuffer(data, "<u2").reshape(-1, 2)
    values = (halves[:, 0].astype("<u4") << 16 | halves[:, 1]).view("<f4")
    return np.where(halves[:, 0] & 0x7F80, values / 4, 0).astype("<f4")


def _whole(number: float) -> int | None:
    return int(number) if np.isfinite(number) and 0 <= number < 2**53 else None
