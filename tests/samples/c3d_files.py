"""Write C3D files from the format's description, without the library's own code, also in the ways of odd programs."""

import struct
from pathlib import Path

import numpy as np

from samples.motion_files import NAMES

PROCESSORS = {"Intel": (84, "<"), "DEC": (85, "<"), "MIPS": (86, ">")}


def write_c3d(
    path: Path,
    points: np.ndarray,
    fps: float = 50,
    names=NAMES,
    unit: str = "mm",
    step: float = 0,
    *,
    processor: str = "Intel",
    first: int = 1,
    header_frames: int | None = None,
    analog: tuple[int, int, int] = (0, 0, 0),
    extra: tuple[tuple[str, int, list[int], bytes], ...] = (),
) -> Path:
    """Floats, or multiples of a step: header, parameters and data, in blocks of 512 bytes.

    Args:
        path: The file.
        points: Points in metres (f j 3); NaN where unknown.
        fps: Frames per second.
        names: Labels.
        unit: Unit of the written coordinates.
        step: Size of a step; 0 for floats.
        processor: Intel, DEC or MIPS.
        first: Number of the first frame.
        header_frames: The number of frames that header and POINT:FRAMES announce; by default the true one.
        analog: Channels, samples of each per frame, and the number of samples per frame that the header announces.
        extra: Parameters: GROUP:NAME, number of the type, sizes, data.
    """
    scale = {"mm": 1000, "m": 1}[unit]
    frames, count = points.shape[:2]
    code, order = PROCESSORS[processor]
    channels, repeats, announced = analog
    last = first + (frames if header_frames is None else header_frames) - 1

    def real(value: float | np.ndarray) -> bytes:
        if processor != "DEC":
            return np.asarray(value, f"{order}f4").tobytes()
        bits = (np.asarray(value, "<f4") * np.float32(4)).view("<u4").ravel()  # a VAX's exponent is larger by 2
        return np.stack([bits >> 16, bits & 0xFFFF], -1).astype("<u2").tobytes()

    def parameter(name: str, kind: int, sizes: list[int], data: bytes, group: int = 1) -> bytes:
        body = struct.pack("<bB", kind, len(sizes)) + bytes(sizes) + data + b"\0"
        return struct.pack("<bb", len(name), group) + name.encode() + struct.pack(f"{order}H", len(body) + 2) + body

    def group(name: str, number: int) -> bytes:
        return struct.pack("<bb", len(name), -number) + name.encode() + struct.pack(f"{order}HB", 3, 0)

    width = max(map(len, names))
    pages = [names[start : start + 255] for start in range(0, len(names), 255)]  # a parameter holds at most 255 labels
    extra_groups = {name: 2 + n for n, name in enumerate(dict.fromkeys(key.split(":")[0] for key, *_ in extra))}
    extra_groups["POINT"] = 1
    parts = [
        group("POINT", 1),
        *(group(name, number) for name, number in extra_groups.items() if number > 1),
        parameter("USED", 2, [], struct.pack(f"{order}h", count)),
        parameter("SCALE", 4, [], real(step or -1)),
        parameter("RATE", 4, [], real(fps)),
        parameter("FRAMES", 2, [], struct.pack(f"{order}H", min(last - first + 1, 65535))),
        parameter("UNITS", -1, [len(unit)], unit.encode()),
        *(
            parameter(
                f"LABELS{n}" if n > 1 else "LABELS",
                -1,
                [width, len(page)],
                "".join(s.ljust(width) for s in page).encode(),
            )
            for n, page in enumerate(pages, 1)
        ),
        *(
            parameter(key.split(":")[1], kind, sizes, data, extra_groups[key.split(":")[0]])
            for key, kind, sizes, data in extra
        ),
    ]
    size = 4 + sum(map(len, parts)) + len(parameter("DATA_START", 2, [], b"\0\0"))
    blocks = -(-(size + 1) // 512)
    parts.append(parameter("DATA_START", 2, [], struct.pack(f"{order}h", 2 + blocks)))
    header = struct.pack("<BB", 2, 0x50) + struct.pack(f"{order}5H", count, announced, first, min(last, 65535), 0)
    header += real(step or -1) + struct.pack(f"{order}HH", 2 + blocks, repeats) + real(fps)
    section = (struct.pack("<BBBB", 1, 0x50, blocks, code) + b"".join(parts)).ljust(512 * blocks, b"\0")
    known = np.isfinite(points).all(-1, keepdims=True)
    values = np.concatenate([np.where(known, points * scale / (step or 1), 0), np.where(known, 0.0, -1.0)], -1)
    rows = np.concatenate([values.reshape(frames, -1), np.full((frames, channels * repeats), 7.0)], 1)
    data = np.round(rows).astype(f"{order}i2").tobytes() if step else real(rows)
    path.write_bytes(header.ljust(512, b"\0") + section + data.ljust(-(-len(data) // 512) * 512, b"\0"))
    return path
