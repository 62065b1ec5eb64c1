"""Write :class:`poseglass.data.recordings.store.Recordings`, recording by recording, atomically, in bounded memory.

A folder is written under a temporary name and renamed when it is complete and on the disk.
"""

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import file_digest
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from poseglass.body.skeleton import Skeleton, get_skeleton
from poseglass.data.recordings.columns import ColumnWriter
from poseglass.data.recordings.index import FORMAT, INDEX, checksum, fingerprint
from poseglass.data.recordings.splits import SPLITS
from poseglass.errors import DataError
from poseglass.files.leftovers import temporary_folder
from poseglass.files.writing import check_writable

__all__ = ["RecordingsWriter", "check_new_folder", "file_checksum", "write_recordings"]

# The keys of a recording in the index, in this order; a `split` may follow.
ENTRY = ("subject", "action", "take", "camera", "fps", "size", "frames", "offset", "sources")


def check_new_folder(folder: str | PathLike[str]) -> None:
    """Check, before long work, that a folder can be created. An empty folder may already exist.

    Raises:
        DataError: The path is a file, a folder that is not empty, or cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} exists and is not empty; choose another folder, or remove it")
    check_writable(folder / INDEX, DataError)


def file_checksum(path: str | PathLike[str]) -> str:
    """Return the SHA-256 of a file."""
    with Path(path).open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


@final
class RecordingsWriter:
    """Appends recordings to a folder. Get one from :func:`write_recordings`.

    Args:
        folder: The folder, for messages.
        skeleton: The joints of all poses.
        sources: The names of the 2D poses.
        columns: The writers of the arrays, by name.
    """

    def __init__(
        self, folder: Path, *, skeleton: Skeleton, sources: Sequence[str], columns: Mapping[str, ColumnWriter]
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
        """Append a recording and write it at once.

        The arguments are those of :class:`~poseglass.data.recordings.store.Recording`. Values that are not finite are
        written as 0 in invalid frames, and so are scores that this recording does not have.

        Args:
            subject: Who moves.
            action: What they do.
            take: The take; unique with subject and camera.
            camera: The camera.
            fps: Frames per second.
            size: Width and height of the images in pixels.
            points3d: Camera-space joints, metres (f j 3).
            points2d: For each source, joints in pixels (f j 2).
            scores: For sources with scores, the confidence from 0 to 1 (f j).
            valid: Whether each frame counts (f); all by default.
            activity: The data set's number of the activity (f); 0 where unknown.
            split: ``train``, ``val`` or ``test``, to override the subject's published split.

        Raises:
            DataError: Shapes do not match, a valid frame is not finite, or the recording was added before.
        """
        name = f"{subject} {take}, camera {camera}"
        frames, joints = len(points3d), len(self.skeleton)
        given: dict[str, ndarray] = {"points3d": points3d, "valid": np.ones(frames, bool) if valid is None else valid}
        given |= {f"points2d-{source}": points for source, points in points2d.items()}
        given |= {f"scores-{source}": score for source, score in (scores or {}).items()}
        given |= {} if activity is None else {"activity": activity}
        if (subject, take, camera) in self._names:
            raise DataError(f"{name} was added before; subject, take and camera must be unique together")
        if not frames:
            raise DataError(f"{name} has no frames")
        if split not in ("", *SPLITS):
            raise DataError(f"{name}: there is no split {split!r}; choose one of {', '.join(SPLITS)}")
        if unknown := sorted(given.keys() - self._columns.keys()):
            raise DataError(
                f"{name} has {', '.join(unknown)}, but this folder was opened for {', '.join(self._columns)}"
            )
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
                    f"{name}: {column} is not finite in {int(bad.sum())} valid frames, the first is {int(bad.argmax())}"
                )
            if not finite.all():
                given[column] = np.nan_to_num(rows, nan=0.0, posinf=0.0, neginf=0.0)
        offset = self._columns["valid"].rows
        with _disk(self.folder):
            for column, writer in self._columns.items():
                writer.add(given.get(column, np.zeros((frames, *writer.shape), writer.dtype)))
        self._names.add((subject, take, camera))
        sources = [source for source in self.sources if source in points2d]
        values = (subject, action, take, camera, float(fps), [*map(int, size)], frames, offset, sources)
        self.recordings.append(dict(zip(ENTRY, values, strict=True)) | ({"split": split} if split else {}))


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
    """Open a writer for a new folder. The folder appears when the block succeeds; if it fails, nothing is left.

    Args:
        folder: The folder, which must be new or empty.
        skeleton: The joints of all poses.
        dataset: The data set.
        sources: The names of the 2D poses that recordings may have.
        scored: The sources that have scores.
        activities: Whether the data set numbers the activities.
        licence: The terms of use.
        made_from: The input files. Their checksums go into the index.

    Raises:
        DataError: The folder is not empty or cannot be written, the disk is full, or no recording was added.
    """
    folder, skeleton = Path(folder), get_skeleton(skeleton)
    if wrong := [source for source in sources if not re.fullmatch(r"[a-z0-9_]+", source)]:
        raise DataError(f"names of 2D poses may contain only a-z, 0-9 and _, got {', '.join(wrong)}")
    check_new_folder(folder)
    shapes: dict[str, tuple[tuple[int, ...], str]] = {"points3d": ((len(skeleton), 3), "<f4"), "valid": ((), "|b1")}
    shapes |= {f"points2d-{source}": ((len(skeleton), 2), "<f4") for source in sources}
    shapes |= {f"scores-{source}": ((len(skeleton),), "<f4") for source in sources if source in scored}
    if activities:
        shapes["activity"] = ((), "<i2")
    with ExitStack() as stack:
        with _disk(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            temporary = stack.enter_context(temporary_folder(folder.parent))
            columns = {
                name: ColumnWriter(temporary / f"{name}.npy", shape=shape, dtype=dtype)
                for name, (shape, dtype) in shapes.items()
            }
            for column in columns.values():
                stack.callback(column.close)
        writer = RecordingsWriter(folder, skeleton=skeleton, sources=sources, columns=columns)
        yield writer
        if not writer.recordings:
            raise DataError(f"{folder}: no recording was added, so nothing was written")
        files = [{"file": p.name, "bytes": p.stat().st_size, "sha256": file_checksum(p)} for p in made_from]
        index: dict[str, Any] = {"format": FORMAT, "dataset": dataset, "licence": licence, "skeleton": skeleton.name}
        with _disk(folder):
            index |= {"sources": [*sources], "arrays": {name: column.finish() for name, column in columns.items()}}
            index |= {"recordings": writer.recordings}
            index |= {"fingerprint": fingerprint(index)}
            index |= {"provenance": {"with": f"poseglass {version('poseglass')}", "from": files}}
            index |= {"checksum": checksum(index)}
            with (temporary / INDEX).open("w", encoding="utf-8") as file:
                json.dump(index, file, indent=1, allow_nan=False)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(folder)


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """Turn disk errors into a :class:`DataError` of one sentence."""
    try:
        yield
    except OSError as problem:
        raise DataError(
            f"cannot write {folder}: {problem.strerror or problem}; nothing was left behind. "
            "Free some space or choose another folder"
        ) from problem
