"""`Recordings`: motion with its 2D poses, as plain memory-mapped arrays in a folder with an index.

::

    index.json         the folder's content, recording by recording (:mod:`poseglass.data.recordings.index`)
    points3d.npy       float32 (rows, joints, 3): metres in camera space, x right, y down, z forward; the root included
    valid.npy          bool (rows,): whether the frame counts
    points2d-NAME.npy  float32 (rows, joints, 2): pixels, from a source such as gt, cpn, detected
    scores-NAME.npy    float32 (rows, joints): from 0 to 1, if the source has scores
    activity.npy       int16 (rows,): the data set's number of the activity, if it numbers them; 0 is unknown

A row is one frame of one camera. Nothing is pickled. A folder is written under a temporary name and renamed when it is
complete.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from poseglass.body.skeleton import Skeleton, get_skeleton
from poseglass.data.recordings.columns import Column
from poseglass.data.recordings.index import INDEX, read_index
from poseglass.data.recordings.splits import splits_of
from poseglass.errors import DataError, PoseError

__all__ = ["Recording", "Recordings"]


@final
@dataclass(frozen=True, eq=False)
class Recording:
    """One take as one camera saw it.

    Args:
        subject: The data set's name of the person.
        action: The action; takes of the same action share it.
        take: The data set's name of the take.
        camera: The data set's name of the camera.
        fps: Frames per second.
        size: Width and height of the images in pixels.
        frames: The number of frames.
        offset: The recording's first row in the arrays.
        sources: The names of its 2D poses.
        splits: The splits (``train``, ``val``, ``test``) that it belongs to: its own, else the published ones of its
            subject (:func:`poseglass.data.recordings.splits.splits_of`); empty if they are unknown.
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
    _columns: Mapping[str, Column] = field(repr=False)
    splits: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.frames

    @property
    def name(self) -> str:
        """Subject, take and camera in words. The name is unique in the folder."""
        return f"{self.subject} {self.take}, camera {self.camera}"

    @property
    def points3d(self) -> Float[ndarray, "f j 3"]:
        """Joints in camera space, metres (f j 3), root not subtracted. Read-only, mapped from the disk."""
        return self._rows("points3d")

    @property
    def valid(self) -> Bool[ndarray, " f"]:
        """Whether each frame counts (f)."""
        return self._rows("valid")

    @property
    def activity(self) -> Int[ndarray, " f"] | None:
        """The data set's number of the activity in each frame (f), 0 where unknown; None if it does not number them."""
        return self._rows("activity") if "activity" in self._columns else None

    def points2d(self, source: str = "gt") -> Float[ndarray, "f j 2"]:
        """Return joints in pixels (f j 2). Read-only, mapped from the disk.

        Raises:
            DataError: The recording has no such 2D poses; the message lists those it has.
        """
        if source not in self.sources:
            raise DataError(f"{self.name} has no 2D poses {source!r}; there are {', '.join(self.sources) or 'none'}")
        return self._rows(f"points2d-{source}")

    def scores(self, source: str) -> Float[ndarray, "f j"] | None:
        """Return a source's confidence in each joint, from 0 to 1 (f j); None if it has no scores."""
        self.points2d(source)
        return self._rows(f"scores-{source}") if f"scores-{source}" in self._columns else None

    def _rows(self, column: str) -> ndarray:
        return self._columns[column].rows[self.offset : self.offset + self.frames]


@final
@dataclass(frozen=True, eq=False)
class Recordings:
    """The recordings of a folder, or some of them.

    Args:
        folder: The folder.
        recordings: The recordings, in order.
        skeleton: Which joint is which, in 3D and in 2D.
        dataset: The data set.
        licence: The terms of use.
        sources: The names of all 2D poses.
        fingerprint: A short hash that identifies everything in the folder: the same data have the same fingerprint.
        provenance: A mapping: ``with`` is the version that wrote the folder, ``from`` its input files.

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
    provenance: Mapping[str, Any]
    _checksums: Mapping[str, str] = field(repr=False)

    def __len__(self) -> int:
        return len(self.recordings)

    def __iter__(self) -> Iterator[Recording]:
        return iter(self.recordings)

    def __getitem__(self, number: int) -> Recording:
        return self.recordings[number]

    @property
    def frames(self) -> int:
        """The number of frames of all recordings together."""
        return sum(recording.frames for recording in self.recordings)

    def split(
        self,
        *,
        subjects: Collection[str] | None = None,
        actions: Collection[str] | None = None,
        cameras: Collection[str] | None = None,
        splits: Collection[str] | None = None,
    ) -> "Recordings":
        """Return the recordings of some subjects, actions, cameras or splits. Names must match completely.

        Args:
            subjects: Who moves.
            actions: What they do.
            cameras: The cameras.
            splits: Any of ``train``, ``val``, ``test``. Human3.6M and MPI-INF-3DHP are split by subject, as published;
                their validation subjects are the test subjects.

        Raises:
            DataError: A name does not exist, or nothing is left.
        """
        chosen = self.recordings
        for kind, wanted in {"subject": subjects, "action": actions, "camera": cameras, "split": splits}.items():
            if wanted is None:
                continue
            if isinstance(wanted, str):
                raise DataError(f"{kind}s must be a collection of names, such as [{wanted!r}], not the text {wanted!r}")
            names = {each: each.splits if kind == "split" else (str(getattr(each, kind)),) for each in self.recordings}
            known = sorted({name for some in names.values() for name in some})
            if unknown := sorted(set(wanted) - set(known)):
                choices = self._describe_splits() if kind == "split" else ", ".join(known)
                raise DataError(f"{self.folder} has no {kind} {', '.join(unknown)}; there are {choices}")
            chosen = tuple(each for each in chosen if not set(wanted).isdisjoint(names[each]))
        if not chosen:
            raise DataError(
                f"no recording in {self.folder} is in all of {subjects=}, {actions=}, {cameras=}, {splits=}"
            )
        return replace(self, recordings=chosen)

    def _describe_splits(self) -> str:
        """The splits and their subjects, in words."""
        subjects: dict[str, dict[str, None]] = {}
        for recording in self.recordings:
            for split in recording.splits:
                subjects.setdefault(split, {})[recording.subject] = None
        if not subjects:
            return f"none, because the splits of {self.dataset!r} are unknown and its recordings have none of their own"
        return ", ".join(f"{split} ({', '.join(names)})" for split, names in subjects.items())

    def verify(self) -> None:
        """Read all arrays and compare them with their checksums.

        Raises:
            DataError: Some arrays have changed; the message names them.
        """
        columns = self.recordings[0]._columns
        sums = self._checksums.items()
        if changed := [columns[name].path.name for name, checksum in sums if columns[name].checksum() != checksum]:
            raise DataError(f"{self.folder}: {', '.join(changed)} changed after writing; prepare the data again")

    @classmethod
    def open(cls, folder: str | PathLike[str], *, verify: bool = False) -> "Recordings":
        """Open a folder, and check its index and the size of every array.

        Args:
            folder: The folder.
            verify: Also read all arrays and compare their checksums.

        Raises:
            DataError: The folder is missing, incomplete, changed, or holds other data; the message names every problem.
        """
        folder = Path(folder)
        index = read_index(folder)
        try:
            columns = {
                name: Column(folder / f"{name}.npy", shape=tuple(entry["shape"]), dtype=np.dtype(entry["dtype"]))
                for name, entry in index["arrays"].items()
            }
            opened = cls(
                folder=folder,
                recordings=tuple(_recording(entry, index["dataset"], columns) for entry in index["recordings"]),
                skeleton=get_skeleton(index["skeleton"]),
                dataset=index["dataset"],
                licence=index["licence"],
                sources=tuple(index["sources"]),
                fingerprint=index["fingerprint"],
                provenance=index["provenance"],
                _checksums={name: entry["sha256"] for name, entry in index["arrays"].items()},
            )
            complete = opened.frames == columns["valid"].shape[0] > 0
        except (AttributeError, KeyError, TypeError, ValueError, PoseError) as problem:
            raise DataError(f"{folder / INDEX} cannot be read: {problem!r}; prepare the data again") from None
        if not complete:
            raise DataError(f"{folder / INDEX} does not describe every row of the arrays; prepare the data again")
        if problems := [*filter(None, (column.problem() for column in columns.values()))]:
            raise DataError(f"{folder} is damaged: {'; '.join(problems)}. Prepare the data again")
        if verify:
            opened.verify()
        return opened


def _recording(entry: Mapping[str, Any], dataset: str, columns: Mapping[str, Column]) -> Recording:
    """Make a recording from its entry in the index."""
    values: dict[str, Any] = {**entry, "size": tuple(entry["size"]), "sources": tuple(entry["sources"])}
    splits = splits_of(dataset, values["subject"], values.pop("split", ""))
    return Recording(**values, _columns=columns, splits=splits)
