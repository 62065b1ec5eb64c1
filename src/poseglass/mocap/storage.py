"""Reader and writer of OpenSim's storage files, ``.mot`` and ``.sto``: named columns over time."""

from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError, PoseError
from poseglass.files.printable import printable
from poseglass.files.writing import writing
from poseglass.mocap.text import NumberTable

__all__ = ["Columns", "read_mot", "write_mot"]


class Columns(NamedTuple):
    """Named values over time.

    Args:
        names: Unique names, such as those of joint angles.
        values: One row per frame, one column per name; NaN where unknown. Angles are in degrees.
        times: Time of each frame in seconds (f).
        degrees: Whether angles are in degrees, not in radians.
    """

    names: tuple[str, ...]
    values: Float[ndarray, "f _"]
    times: Float[ndarray, " f"]
    degrees: bool = True


def write_mot(columns: Columns, path: str | PathLike[str]) -> None:
    """Write columns as a ``.mot`` file, which OpenSim loads as the motion of a model's coordinates.

    Source: OpenSim User's Guide, "Motion (.mot) Files" and "Storage (.sto) Files".

    Args:
        columns: The columns.
        path: The file. It is written completely or not at all.

    Raises:
        PoseError: The file cannot be written, or a name contains white space.

    Example:
        >>> write_mot(Columns(("knee_angle_l",), np.array([[10.0], [20.0]]), np.array([0.0, 0.5])), "knee.mot")
        >>> read_mot("knee.mot").values.tolist()
        [[10.0], [20.0]]
    """
    path = Path(path)
    for name in columns.names:
        if not name or name.split() != [name]:
            raise PoseError(f"a .mot file cannot store the column name {name!r}: expected a word without spaces")
    rows = np.concatenate([columns.times[:, None], columns.values], 1)
    lines = [
        printable(path.stem),
        "version=1",
        f"nRows={rows.shape[0]}",
        f"nColumns={rows.shape[1]}",
        f"inDegrees={'yes' if columns.degrees else 'no'}",
        "",
        "endheader",
        "\t".join(["time", *columns.names]),
    ]
    with writing(path, PoseError) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)
        np.savetxt(file, rows, fmt="%.7f", delimiter="\t")


def read_mot(path: str | PathLike[str]) -> Columns:
    """Read a ``.mot`` or ``.sto`` file.

    Raises:
        FormatError: The file is missing or broken; the message names the lines.

    Example:
        >>> text = "angles\\nversion=1\\nnRows=1\\nnColumns=2\\ninDegrees=yes\\nendheader\\ntime\\thip\\n0.0\\t30\\n"
        >>> _ = Path("hip.mot").write_text(text)
        >>> read_mot("hip.mot").names
        ('hip',)
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as problem:
        raise FormatError(f"cannot read {path}: {problem.strerror or problem}") from None
    end = next((number for number, line in enumerate(lines) if line.strip().lower() == "endheader"), None)
    if end is None or end + 1 >= len(lines):
        raise FormatError(f"{path} is not an OpenSim file: expected a header, 'endheader' and a line of column names")
    header = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines[:end])}
    names = lines[end + 1].split()
    if names[:1] != ["time"] or len({*names}) != len(names):
        raise FormatError(f"{path}, line {end + 2}: expected unique column names that start with 'time'")
    table = NumberTable(path, len(names))
    for number, line in enumerate(lines[end + 2 :], end + 3):
        if line.strip():
            table.add(number, line.split())
    values = table.array()
    for key, count in (("nRows", values.shape[0]), ("nColumns", values.shape[1])):
        if header.get(key, str(count)) != str(count):
            raise FormatError(f"{path}: expected {header[key]} for {key}, as the header announces, got {count}")
    return Columns(tuple(names[1:]), values[:, 1:], values[:, 0], header.get("inDegrees", "no").lower() == "yes")
