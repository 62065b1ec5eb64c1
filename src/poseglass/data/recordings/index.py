"""The index of a folder of recordings: one JSON file, which is rejected if anything in it was edited.

========== =======================================================================================================
key
========== =======================================================================================================
format      :data:`FORMAT`
dataset     the data set
licence     the terms of use
skeleton    the name of the skeleton
sources     the names of the 2D poses
arrays      the shape, type and SHA-256 of each array
recordings  for each: subject, action, take, camera, fps, size, frames, offset, sources and, if it has one, split
fingerprint :func:`fingerprint` of everything above: the same data have the same fingerprint
provenance  the version that wrote the folder, and its input files with their SHA-256
checksum    :func:`checksum` of everything above
========== =======================================================================================================
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poseglass.errors import DataError
from poseglass.files.plain_text import parse_json

__all__ = ["FORMAT", "INDEX", "checksum", "fingerprint", "read_index"]

FORMAT = "poseglass recordings 2"
# Format 1 did not protect the data set (which decides the splits), the licence and the sources against edits.
OLD_FORMATS = ("poseglass recordings 1",)
INDEX = "index.json"


def fingerprint(index: Mapping[str, Any]) -> str:
    """Return twelve hexadecimal digits that identify the data, whatever the time and the files of the preparation."""
    data = {key: value for key, value in index.items() if key not in ("fingerprint", "provenance", "checksum")}
    return _hash(data)[:12]


def checksum(index: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the whole index apart from the checksum itself."""
    return _hash({key: value for key, value in index.items() if key != "checksum"})


def read_index(folder: Path) -> dict[str, Any]:
    """Read the index of a folder and check that nothing in it was edited.

    Raises:
        DataError: The folder or its index is missing, unreadable, edited, or of another or an older format.
    """
    make = "make one with `poseglass data h36m`, `data 3dhp` or `data mocap`"
    path = folder / INDEX
    if folder.is_file():
        raise DataError(f"expected a folder of recordings, but {folder} is a file; {make}")
    if not folder.is_dir():
        raise DataError(f"there is no folder of recordings {folder}; {make}")
    try:
        index = parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        names = sorted(entry.name for entry in folder.iterdir())
        content = f"only {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}" if names else "nothing"
        raise DataError(
            f"expected a folder of recordings or a file of motion clips (.npz), but {folder} is a folder without "
            f"{INDEX} that holds {content}; give the .npz file itself for motion clips, or for recordings {make}"
        ) from None
    except (OSError, ValueError) as problem:
        raise DataError(f"{path} cannot be read: {problem}; prepare the data again") from None
    form = index.get("format") if isinstance(index, dict) else type(index).__name__
    if form in OLD_FORMATS:
        raise DataError(f"{path} has the old format {form!r}, in which edits go unnoticed; prepare the data again")
    if form != FORMAT:
        raise DataError(f"{path} must have the format {FORMAT!r}, got {form!r}; {make}")
    if index.get("checksum") != checksum(index) or index.get("fingerprint") != fingerprint(index):
        raise DataError(f"{path} was changed after it was written; prepare the data again")
    return dict(index)


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
