"""Human3.6M's 3D poses, from the field's ``data_3d_h36m.npz`` or the original archives."""

import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.data.checks.dataset import numbers, read_dictionary
from poseglass.data.h36m.facts import KEPT, SUBJECTS, take_name
from poseglass.errors import DataError
from poseglass.files.extras import require

__all__ = ["WorldTake", "field_name", "find_motion", "read_subjects"]

MOTION = "data_3d_h36m.npz"
TAKES = 30  # takes of a subject in an archive, for the progress bar


@dataclass(frozen=True)
class WorldTake:
    """The motion of one take in the world.

    Args:
        subject: S1 to S11.
        name: The take in the field's spelling, such as ``Walking 1``.
        points: Human3.6M's 17 joints (f 17 3), metres, z up.
    """

    subject: str
    name: str
    points: Float[ndarray, "f 17 3"]


def find_motion(folder: Path, scratch: Path) -> tuple[Iterator[WorldTake], list[Path], int]:
    """Find the 3D poses in a folder.

    Args:
        folder: A folder with ``data_3d_h36m.npz``, the archives ``Poses_D3_Positions_S*.tgz``, or their content.
        scratch: A folder for temporary files.

    Returns:
        The takes, read one at a time; the files that they come from; and the expected number of takes.

    Raises:
        DataError: The folder has no 3D poses, or they cannot be read.
    """
    if (path := folder / MOTION).is_file():
        subjects = read_subjects(path, "positions_3d")
        return _npz_takes(path, subjects), [path], sum(map(len, subjects.values()))
    if archives := sorted(folder.glob("Poses_D3_Positions_S*.tgz"), key=lambda path: (len(path.name), path.name)):
        return _cdf_takes(_archived(archives, scratch)), archives, TAKES * len(archives)
    if files := sorted(folder.glob("S*/MyPoseFeatures/D3_Positions/*.cdf")):
        return _cdf_takes((path.parts[-4], path.stem, path) for path in files), files, len(files)
    raise DataError(
        f"{folder} has no Human3.6M: expected {MOTION}, Poses_D3_Positions_S*.tgz, or the folders in those "
        "(S1/MyPoseFeatures/D3_Positions)"
    )


def read_subjects(path: Path, member: str) -> dict[str, dict[str, Any]]:
    """Read a dictionary of subjects, each a dictionary of takes, from one of the field's npz files.

    Raises:
        DataError: The array cannot be read, or is not such a dictionary.
    """
    content = read_dictionary(path, member, "subjects")
    if not all(isinstance(takes, dict) for takes in content.values()):
        raise DataError(f"{path}: {member} must be a dictionary of subjects, each a dictionary of takes")
    return content


def field_name(take: str, place: str | Path) -> str:
    """Return a take's name in the field's spelling. The error about an unknown name gives its place."""
    try:
        return take_name(take)
    except DataError as problem:
        raise DataError(f"{place}: {problem}") from None


def _check_subject(subject: str, place: str | Path) -> None:
    if subject not in SUBJECTS:
        raise DataError(
            f"{place}: Human3.6M has no subject {subject!r} with 3D poses; expected one of {', '.join(SUBJECTS)}"
        )


def _npz_takes(path: Path, subjects: Mapping[str, Mapping[str, Any]]) -> Iterator[WorldTake]:
    for subject, takes in subjects.items():
        _check_subject(subject, path)
        for take, stored in takes.items():
            points = numbers(stored, f"{path}: {subject} {take}")
            if points.ndim != 3 or points.shape[1:] != (32, 3) or not len(points):
                raise DataError(f"{path}: {subject} {take} must be (frames, 32, 3), got {points.shape}")
            yield WorldTake(subject, field_name(take, f"{path}, {subject}"), points[:, KEPT].astype(np.float64))


def _archived(archives: list[Path], scratch: Path) -> Iterator[tuple[str, str, Path]]:
    """Yield subject, take and a temporary copy of each CDF file, archive by archive."""
    copy = scratch / "pose.cdf"
    for path in archives:
        empty = True
        for subject, take, content in _members(path):
            copy.write_bytes(content)
            yield subject, take, copy
            empty = False
        if empty:
            raise DataError(f"{path} contains no S*/MyPoseFeatures/D3_Positions/*.cdf; remove this archive")


def _members(path: Path) -> Iterator[tuple[str, str, bytes]]:
    """Yield subject, take and content of an archive's CDF files, and read it to its end, where the checksum is."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                match = re.search(r"(?:^|/)(\w+)/MyPoseFeatures/D3_Positions/([^/]+)\.cdf$", member.name)
                if match and (file := archive.extractfile(member)):
                    yield match[1], match[2], file.read()
            while archive.fileobj is not None and archive.fileobj.read(1 << 20):
                pass
    except (tarfile.TarError, EOFError, zlib.error, OSError) as problem:
        raise DataError(f"{path} cannot be read ({problem}); was it downloaded whole? Download it again") from None


def _cdf_takes(files: Iterator[tuple[str, str, Path]]) -> Iterator[WorldTake]:
    cdflib = require("cdflib")
    for subject, take, path in files:
        place = f"{subject} {take}.cdf"
        if take.startswith("_ALL"):  # some archives have an extra file with all takes
            continue
        _check_subject(subject, place)
        name = field_name(take, place)
        try:
            pose = np.asarray(cdflib.CDF(path).varget("Pose"))
        except Exception as problem:  # a damaged file can raise any exception
            raise DataError(f"{place} cannot be read ({problem}); download its archive again") from None
        if pose.ndim != 3 or pose.shape[0] != 1 or pose.shape[2] != 96:
            raise DataError(f"{place}: the variable Pose must be (1, frames, 96), got {pose.shape}")
        points = pose.reshape(-1, 32, 3)[:, KEPT].astype(np.float64) / 1000  # f 17 3
        yield WorldTake(subject, name, points)
