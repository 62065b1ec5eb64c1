"""Write :class:`poseglass.data.recordings.store.Recordings` row by row, atomically, in bounded memory.

A folder is written under another name and renamed when it is whole and on the disk, so there are no halves.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from poseglass.body.skeleton import Skeleton, get_skeleton
from poseglass.data.recordings.splits import SPLITS
from poseglass.data.recordings.store import FORMAT, INDEX, data_fingerprint
from poseglass.errors import DataError
from poseglass.files.writing import as_created, check_place

__all__ = ["RecordingsWriter", "check_new_folder", "file_checksum", "write_recordings"]

# What the index says of a recording, in this order.
ENTRY = ("subject", "action", "take", "camera", "fps", "size", "frames", "offset", "sources")


def check_new_folder(folder: str | PathLike[str]) -> None:
    """Say now, before the work that leads to it, that a folder is there already or cannot be made.

    Raises:
        DataError: It is a file, or holds something (an empty folder is as good as none), or cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} is there already and not empty; choose another folder, or remove it")
    check_place(folder / INDEX, DataError)


def file_checksum(path: str | PathLike[str]) -> str:
    """The SHA-256 of a file, read in blocks."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _ColumnWriter:
    """Appends rows to an npy file. Its header, which leaves room for the number of rows, is written again at the end.

    Nothing is buffered, so that a full disk is noticed where it happens.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: str) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.digest = hashlib.sha256()
        self.rows = 0
        self.file = path.open("wb", buffering=0)
        self._header()
        self._begin = self.file.tell()

    def _header(self) -> None:
        self.file.seek(0)
        about = {"descr": self.dtype.str, "fortran_order": False, "shape": (self.rows, *self.shape)}
        np.lib.format.write_array_header_1_0(self.file, about)

    def add(self, rows: ndarray) -> None:
        data = np.ascontiguousarray(rows, self.dtype).reshape(-1).view(np.uint8).data
        self.digest.update(data)
        self.rows += len(rows)
        while len(data):
            data = data[self.file.write(data) or 0 :]

    def finish(self) -> dict[str, Any]:
        """What the index says of it."""
        self._header()
        assert self.file.tell() == self._begin, "the header has outgrown its room"
        os.fsync(self.file.fileno())
        return {"shape": [self.rows, *self.shape], "dtype": self.dtype.str, "sha256": self.digest.hexdigest()}


class RecordingsWriter:
    """Appends recordings to a folder that is being written; comes from :func:`write_recordings`."""

    def __init__(
        self, folder: Path, skeleton: Skeleton, sources: Sequence[str], columns: Mapping[str, _ColumnWriter]
    ) -> None:
        self.folder, self.skeleton, self.sources = folder, skeleton, tuple(sources)
        self.recordings: list[dict[str, Any]] = []
        self._columns = columns
        self._names: set[tuple[str, ...]] = set()

    def add(
        self,
        *,
        subject: str,
        action: str,
        take: str,
        camera: str,
        fps: float,
        size: tuple[int, int],
        points3d: Float[ndarray, "f j 3"],
        points2d: Mapping[str, Float[ndarray, "f j 2"]],
        scores: Mapping[str, Float[ndarray, "f j"]] | None = None,
        valid: Bool[ndarray, " f"] | None = None,
        activity: Int[ndarray, " f"] | None = None,
        split: str = "",
    ) -> None:
        """Append a recording, which is written at once. The arguments are those of :class:`Recording`.

        `split` is what the recording is for, where its subject was not published to be: ``train``, ``val`` or ``test``.
        Whatever is not finite in frames that are not valid is written as 0, as are the scores of a source that this
        recording does not have.

        Raises:
            DataError: Shapes do not go together, valid frames are not finite, or the recording is there already.
        """
        name = f"{subject} {take}, camera {camera}"
        frames, joints = len(points3d), len(self.skeleton)
        given: dict[str, ndarray] = {"points3d": points3d, "valid": np.ones(frames, bool) if valid is None else valid}
        given |= {f"points2d-{source}": points for source, points in points2d.items()}
        given |= {f"scores-{source}": score for source, score in (scores or {}).items()}
        given |= {} if activity is None else {"activity": activity}
        if (subject, take, camera) in self._names:
            raise DataError(f"{name} is there twice")
        if not frames:
            raise DataError(f"{name} has no frame")
        if split not in ("", *SPLITS):
            raise DataError(f"{name}: there is no split {split!r}; there are {', '.join(SPLITS)}")
        if unknown := sorted(given.keys() - self._columns.keys()):
            raise DataError(f"{name} has {', '.join(unknown)}, which was not announced; there are {[*self._columns]}")
        for column, writer in self._columns.items():
            rows = given.get(column, np.zeros((frames, *writer.shape), writer.dtype))
            if rows.shape != (frames, *writer.shape):
                raise DataError(
                    f"{name}: {column} must be {(frames, *writer.shape)} for {frames} frames of the "
                    f"{joints} joints of {self.skeleton.name}, got {rows.shape}"
                )
            finite = np.isfinite(rows).reshape(frames, -1).all(-1)
            if (bad := ~finite & given["valid"]).any():
                raise DataError(
                    f"{name}: {column} is not a number in {int(bad.sum())} frames, the first is {int(bad.argmax())}"
                )
            if not finite.all():
                given[column] = np.nan_to_num(rows, nan=0.0, posinf=0.0, neginf=0.0)
        entry = (subject, action, take, camera, float(fps), [*map(int, size)], frames)
        offset = self._columns["valid"].rows
        with _disk(self.folder):
            for column, writer in self._columns.items():
                writer.add(given.get(column, np.zeros((frames, *writer.shape), writer.dtype)))
        self._names.add((subject, take, camera))
        there = [source for source in self.sources if source in points2d]
        # Only where there is one, so that data without keeps the fingerprint it had.
        self.recordings.append(
            dict(zip(ENTRY, (*entry, offset, there), strict=True)) | ({"split": split} if split else {})
        )


@contextmanager
def write_recordings(
    folder: str | PathLike[str],
    *,
    skeleton: Skeleton | str,
    dataset: str,
    sources: Sequence[str],
    scored: Collection[str] = (),
    activities: bool = False,
    licence: str = "",
    made_from: Sequence[Path] = (),
) -> Iterator[RecordingsWriter]:
    """A writer of a new folder, which is there, whole, when the block ends well, and not at all otherwise.

    Args:
        folder: The folder; it must not be there yet, or be empty.
        skeleton: Which joint is which.
        dataset: Of which data set the recordings are.
        sources: The 2D poses that there will be.
        scored: Those of them that have scores.
        activities: Whether the data set numbers what is done in the frames.
        licence: Under which terms they may be used.
        made_from: The files that it is made from, whose checksums go into the index.

    Raises:
        DataError: The folder is there, cannot be written, the disk is full, or no recording was added.
    """
    folder, skeleton = Path(folder), get_skeleton(skeleton)
    if wrong := [source for source in sources if not re.fullmatch(r"[a-z0-9_]+", source)]:
        raise DataError(f"a source of 2D poses is named in small letters, digits and _, not {', '.join(wrong)}")
    check_new_folder(folder)
    shapes: dict[str, tuple[tuple[int, ...], str]] = {"points3d": ((len(skeleton), 3), "<f4"), "valid": ((), "|b1")}
    shapes |= {f"points2d-{source}": ((len(skeleton), 2), "<f4") for source in sources}
    shapes |= {f"scores-{source}": ((len(skeleton),), "<f4") for source in sources if source in scored}
    if activities:
        shapes["activity"] = ((), "<i2")
    with ExitStack() as stack:
        with _disk(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-unfinished-", dir=folder.parent))
            stack.callback(shutil.rmtree, temporary, ignore_errors=True)
            columns = {name: _ColumnWriter(temporary / f"{name}.npy", *shape) for name, shape in shapes.items()}
            for column in columns.values():
                stack.callback(column.file.close)
        writer = RecordingsWriter(folder, skeleton, sources, columns)
        yield writer
        if not writer.recordings:
            raise DataError(f"there is no recording to write into {folder}")
        files = [{"file": p.name, "bytes": p.stat().st_size, "sha256": file_checksum(p)} for p in made_from]
        index: dict[str, Any] = {"format": FORMAT, "dataset": dataset, "licence": licence, "skeleton": skeleton.name}
        with _disk(folder):
            index |= {"sources": [*sources], "arrays": {name: column.finish() for name, column in columns.items()}}
            index |= {"recordings": writer.recordings}
            index |= {"fingerprint": data_fingerprint(index)}
            index |= {"made": {"with": f"poseglass {version('poseglass')}", "from": files}}
            with (temporary / INDEX).open("w", encoding="utf-8") as file:
                json.dump(index, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            as_created(temporary, 0o777)
            temporary.replace(folder)


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """What goes wrong with the disk is said in a sentence."""
    try:
        yield
    except OSError as problem:
        raise DataError(
            f"cannot write {folder}: {problem.strerror or problem}; nothing was left behind. "
            "Make room or choose another place"
        ) from problem
