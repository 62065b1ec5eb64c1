"""`Recordings`: motion with its 2D poses, as plain memory-mapped arrays in a folder, and an index that says what it is.

::

    index.json         the recordings, one after the other: who, what, which camera, which rows of the arrays
    points3d.npy       float32 (rows, joints, 3): metres in camera space, x right, y down, z forward; the root included
    valid.npy          bool (rows,): whether the frame counts
    points2d-NAME.npy  float32 (rows, joints, 2): pixels, of a source such as gt, cpn, detected
    scores-NAME.npy    float32 (rows, joints): from 0 to 1, where the source has any
    activity.npy       int16 (rows,): the number of what is done in the frame, where the data set tells; 0 is unknown

A row is a frame as one camera sees it. Nothing in it is a pickle. The index holds a checksum of each array, the files
that it all was made from with theirs, and a fingerprint of the whole. A folder is written under another name and
renamed when it is whole, so there are no halves.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from poseglass.body.skeleton import Skeleton, get_skeleton
from poseglass.data.recordings.splits import splits_of
from poseglass.errors import DataError, PoseError

__all__ = ["FORMAT", "INDEX", "Recording", "Recordings", "data_fingerprint"]

FORMAT = "poseglass recordings 1"
INDEX = "index.json"
BLOCK = 1 << 22  # bytes that are hashed at once


class _Column:
    """An array of the folder, mapped when it is first looked at; pickled as its place, not as its content."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.path, self.shape, self.dtype = path, shape, dtype

    @cached_property
    def rows(self) -> ndarray:
        return np.asarray(np.load(self.path, mmap_mode="r", allow_pickle=False))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "rows"}

    def problem(self) -> str | None:
        """Why the file is not what the index says, from its header and size alone."""
        try:
            with self.path.open("rb") as file:
                np.lib.format.read_magic(file)
                shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
                bytes_ = self.path.stat().st_size - file.tell()
        except FileNotFoundError:
            return f"{self.path.name} is missing"
        except (OSError, ValueError) as problem:
            return f"{self.path.name} cannot be read ({problem})"
        if (shape, dtype) != (self.shape, self.dtype) or fortran:
            return f"{self.path.name} holds {dtype} {shape}, and {self.dtype} {self.shape} was written"
        if bytes_ != (whole := int(np.prod(shape)) * dtype.itemsize):
            return f"{self.path.name} is cut off or was changed: {bytes_} bytes of data where there were {whole}"
        return None

    def checksum(self) -> str:
        """The SHA-256 of the data, without the header."""
        digest, data = hashlib.sha256(), self.rows.reshape(-1).view(np.uint8)
        for start in range(0, len(data), BLOCK):
            digest.update(data[start : start + BLOCK].data)
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Recording:
    """What one camera saw of one take.

    Args:
        subject: Who moves, as the dataset calls them.
        action: What they do; takes of the same action share it.
        take: The take, as the dataset calls it.
        camera: The camera, as the dataset calls it.
        fps: Frames a second.
        size: Width and height of its images in pixels.
        frames: How many there are.
        offset: The row of the arrays at which it begins.
        sources: The 2D poses there are of it.
        splits: Which of ``train``, ``val`` and ``test`` it is for: as the recording says, else as was published of its
            subject (:func:`poseglass.data.recordings.splits.splits_of`); empty where nobody says.
    """

    subject: str
    action: str
    take: str
    camera: str
    fps: float
    size: tuple[int, int]
    frames: int
    offset: int
    sources: tuple[str, ...]
    _columns: Mapping[str, _Column] = field(repr=False)
    splits: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.frames

    @property
    def name(self) -> str:
        """Who, what and where in words: unique in its folder."""
        return f"{self.subject} {self.take}, camera {self.camera}"

    @property
    def points3d(self) -> Float[ndarray, "f j 3"]:
        """Joints in camera space, metres (f j 3), the root not subtracted. Read-only and not in memory."""
        return self._rows("points3d")

    @property
    def valid(self) -> Bool[ndarray, " f"]:
        """Whether each frame counts, (f)."""
        return self._rows("valid")

    @property
    def activity(self) -> Int[ndarray, " f"] | None:
        """The data set's number of what is done in each frame, (f), 0 where unknown; None if it does not say."""
        return self._rows("activity") if "activity" in self._columns else None

    def points2d(self, source: str = "gt") -> Float[ndarray, "f j 2"]:
        """Joints in pixels (f j 2). Read-only and not in memory.

        Raises:
            DataError: The recording has no such 2D poses; the message lists those there are.
        """
        if source not in self.sources:
            raise DataError(f"{self.name} has no 2D poses {source!r}; there are {', '.join(self.sources) or 'none'}")
        return self._rows(f"points2d-{source}")

    def scores(self, source: str) -> Float[ndarray, "f j"] | None:
        """How sure the source is of each joint, from 0 to 1 (f j); None if it does not say."""
        self.points2d(source)
        return self._rows(f"scores-{source}") if f"scores-{source}" in self._columns else None

    def _rows(self, column: str) -> ndarray:
        return self._columns[column].rows[self.offset : self.offset + self.frames]


@dataclass(frozen=True, eq=False)
class Recordings:
    """The recordings of a folder, or some of them.

    Args:
        folder: Where they are.
        recordings: One after the other.
        skeleton: Which joint is which, in 3D and in 2D.
        dataset: Of which data set they are.
        licence: Under which terms they may be used.
        sources: The 2D poses that any of them has.
        fingerprint: A short hash of all that the folder holds: the same data, the same fingerprint.
        made: With what and from which files, with their SHA-256.

    Example:
        >>> import numpy as np
        >>> from poseglass.data.recordings.writer import write_recordings
        >>> with write_recordings("walks", skeleton="h36m17", dataset="mine", sources=("gt",)) as writer:
        ...     who = dict(subject="anna", action="Walking", take="Walking 1", camera="left", fps=50, size=(1000, 1002))
        ...     writer.add(points3d=np.zeros((90, 17, 3)), points2d={"gt": np.zeros((90, 17, 2))}, **who)
        >>> for recording in Recordings.open("walks").split(subjects=["anna"]):
        ...     print(recording.name, recording.points3d.shape, recording.points2d("gt").shape)
        anna Walking 1, camera left (90, 17, 3) (90, 17, 2)
    """

    folder: Path
    recordings: tuple[Recording, ...]
    skeleton: Skeleton
    dataset: str
    licence: str
    sources: tuple[str, ...]
    fingerprint: str
    made: Mapping[str, Any]
    _checksums: Mapping[str, str] = field(repr=False)

    def __len__(self) -> int:
        return len(self.recordings)

    def __iter__(self) -> Iterator[Recording]:
        return iter(self.recordings)

    def __getitem__(self, number: int) -> Recording:
        return self.recordings[number]

    @property
    def frames(self) -> int:
        """How many frames all of them have."""
        return sum(recording.frames for recording in self.recordings)

    def split(
        self,
        *,
        subjects: Collection[str] | None = None,
        actions: Collection[str] | None = None,
        cameras: Collection[str] | None = None,
        splits: Collection[str] | None = None,
    ) -> "Recordings":
        """The recordings of some subjects, actions, cameras or splits; names must match whole.

        Args:
            subjects: Who.
            actions: What they do.
            cameras: Which saw it.
            splits: What they are for: ``train``, ``val``, ``test``. Human3.6M and MPI-INF-3DHP are split by their
                subjects, as published, and validated on those of the test.

        Raises:
            DataError: A name is not there, or nothing is left.
        """
        chosen = self.recordings
        for kind, wanted in {"subject": subjects, "action": actions, "camera": cameras, "split": splits}.items():
            if wanted is None:
                continue
            if isinstance(wanted, str):
                raise DataError(f"{kind}s must be several names, such as [{wanted!r}], not the text {wanted!r}")

            names = {each: each.splits if kind == "split" else (str(getattr(each, kind)),) for each in self.recordings}
            there = sorted({name for some in names.values() for name in some})
            if unknown := sorted(set(wanted) - set(there)):
                which = self._for_what() if kind == "split" else ", ".join(there)
                raise DataError(f"{self.folder} has no {kind} {', '.join(unknown)}; there are {which}")
            chosen = tuple(each for each in chosen if not set(wanted).isdisjoint(names[each]))
        if not chosen:
            raise DataError(
                f"no recording in {self.folder} is of all of {subjects=}, {actions=}, {cameras=}, {splits=}"
            )
        return replace(self, recordings=chosen)

    def _for_what(self) -> str:
        """The splits there are and whose recordings they hold, in words."""
        who: dict[str, dict[str, None]] = {}
        for recording in self.recordings:
            for split in recording.splits:
                who.setdefault(split, {})[recording.subject] = None
        if not who:
            return f"none, for nobody says which recordings of {self.dataset!r} are for training and which for the test"
        return ", ".join(f"{split} ({', '.join(subjects)})" for split, subjects in who.items())

    def verify(self) -> None:
        """Read everything and compare it with the checksums.

        Raises:
            DataError: Arrays were changed; the message names them.
        """
        columns = self.recordings[0]._columns
        sums = self._checksums.items()
        if changed := [columns[name].path.name for name, checksum in sums if columns[name].checksum() != checksum]:
            raise DataError(f"{self.folder}: {', '.join(changed)} changed since it was written; prepare the data anew")

    @classmethod
    def open(cls, folder: str | PathLike[str], *, verify: bool = False) -> "Recordings":
        """Open a folder: that every array is there and has its size is checked, its content if asked for.

        Raises:
            DataError: The folder is missing, half there, changed, or something else; the message says all there is.
        """
        folder = Path(folder)
        index = _read_index(folder)
        try:
            columns = {
                name: _Column(folder / f"{name}.npy", tuple(entry["shape"]), np.dtype(entry["dtype"]))
                for name, entry in index["arrays"].items()
            }
            recordings = tuple(_recording(entry, index["dataset"], columns) for entry in index["recordings"])
            made = cls(
                folder,
                recordings,
                get_skeleton(index["skeleton"]),
                index["dataset"],
                index["licence"],
                tuple(index["sources"]),
                index["fingerprint"],
                index["made"],
                {name: entry["sha256"] for name, entry in index["arrays"].items()},
            )
            whole = made.fingerprint == data_fingerprint(index) and made.frames == columns["valid"].shape[0] > 0
        except (AttributeError, KeyError, TypeError, ValueError, PoseError) as problem:
            raise DataError(f"{folder / INDEX} cannot be read: {problem!r}; prepare the data anew") from None
        if not whole:
            raise DataError(f"{folder / INDEX} was changed since it was written; prepare the data anew")
        if problems := [*filter(None, (column.problem() for column in columns.values()))]:
            raise DataError(f"{folder} is not whole: {'; '.join(problems)}. Prepare the data anew")
        if verify:
            made.verify()
        return made


def _recording(entry: Mapping[str, Any], dataset: str, columns: Mapping[str, _Column]) -> Recording:
    """A recording out of its entry in the index."""
    plain: dict[str, Any] = {**entry, "size": tuple(entry["size"]), "sources": tuple(entry["sources"])}
    splits = splits_of(dataset, plain["subject"], plain.pop("split", ""))
    return Recording(**plain, _columns=columns, splits=splits)


def _read_index(folder: Path) -> dict[str, Any]:
    make = "make one with `poseglass data h36m`, `data 3dhp` or `data mocap`"
    if not folder.is_dir():
        raise DataError(f"there is no folder of recordings {folder}; {make}")
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{folder} holds no recordings, for it has no {INDEX}; {make}") from None
    except (OSError, ValueError) as problem:
        raise DataError(f"{folder / INDEX} cannot be read: {problem}; prepare the data anew") from None
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        what = index.get("format") if isinstance(index, dict) else type(index).__name__
        raise DataError(f"{folder / INDEX} must be of the format {FORMAT!r}, got {what!r}; {make}")
    return index


def data_fingerprint(index: Mapping[str, Any]) -> str:
    """Of what the data is, not of how it was made."""
    text = json.dumps([index[key] for key in ("skeleton", "arrays", "recordings")], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
