"""`MotionClips`: motion capture as named takes of 17 joints, with licence and credit."""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import H36M_17
from poseglass.errors import DataError
from poseglass.files.arrays import read_arrays
from poseglass.files.plain_text import parse_json
from poseglass.files.writing import writing

__all__ = ["MotionClip", "MotionClips"]

FORMAT = "poseglass motion clips 1"
READY_CLIPS_FPS = 60.0  # frames per second of an npz of bare arrays with an index.csv beside it


@dataclass(frozen=True, eq=False)
class MotionClip:
    """One take of motion capture.

    Args:
        name: Unique among the takes.
        points: Human3.6M's 17 joints in the world (f 17 3), metres, y up.
        subject: Who moves. A subject should be in one split only.
        split: ``train``, ``val`` or ``test``.
        licence: The terms of use.
    """

    name: str
    points: Float[ndarray, "f 17 3"]
    subject: str
    split: str = "train"
    licence: str = ""


@dataclass(frozen=True, eq=False)
class MotionClips:
    """Takes of motion capture with the same frame rate.

    Args:
        clips: The takes.
        fps: Frames per second.
        credit: The acknowledgement that must accompany the data and weights trained on them.

    Raises:
        DataError: Two takes have the same name.

    Example:
        >>> import numpy as np
        >>> takes = MotionClips((MotionClip("walk", np.zeros((90, 17, 3), np.float32), "anna"),), fps=60.0)
        >>> takes.minutes
        0.025
    """

    clips: tuple[MotionClip, ...]
    fps: float
    credit: str = ""

    def __post_init__(self) -> None:
        if twice := [name for name, count in Counter(clip.name for clip in self.clips).items() if count > 1]:
            raise DataError(f"takes must have unique names, but several are named {', '.join(twice)}")

    def __len__(self) -> int:
        return len(self.clips)

    def __iter__(self) -> Iterator[MotionClip]:
        return iter(self.clips)

    @property
    def minutes(self) -> float:
        """The total length in minutes."""
        return sum(len(clip.points) for clip in self.clips) / self.fps / 60

    @property
    def fingerprint(self) -> str:
        """A short hash of the takes, their names, subjects and splits: of everything that training uses.

        It does not depend on the file, the licences or the credit.
        """
        digest = hashlib.sha256(json.dumps(self.fps).encode())
        for clip in self.clips:
            digest.update(json.dumps([clip.name, clip.subject, clip.split, clip.points.shape]).encode())
            digest.update(np.ascontiguousarray(clip.points, np.float32).data)  # as they are saved
        return digest.hexdigest()[:12]

    def split(self, name: str) -> "MotionClips":
        """Return the takes of one split.

        Raises:
            DataError: The split is empty.
        """
        chosen = tuple(clip for clip in self.clips if clip.split == name)
        if not chosen:
            known = sorted({clip.split for clip in self.clips})
            raise DataError(f"the split {name!r} has no clips; the splits with clips are {', '.join(known)}")
        return MotionClips(chosen, self.fps, self.credit)

    def save(self, path: str | PathLike[str]) -> None:
        """Write an npz with an array per take and a JSON text that describes them."""
        about = {
            "format": FORMAT,
            "fps": self.fps,
            "credit": self.credit,
            "joints": H36M_17.joints,
            "clips": {c.name: {"subject": c.subject, "split": c.split, "licence": c.licence} for c in self.clips},
        }
        arrays: dict[str, Any] = {clip.name: clip.points.astype(np.float32) for clip in self.clips}
        with writing(path, DataError) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, about=np.array(json.dumps(about)), **arrays)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "MotionClips":
        """Read a file written by :meth:`save`, or an npz of bare arrays at 60 fps with an ``index.csv`` beside it.

        Raises:
            DataError: The file is missing, damaged or not such a file. Pickles are refused.
        """
        path = Path(path)
        if path.is_dir():
            raise DataError(
                f"expected a file of motion clips (.npz), but {path} is a folder; give the file itself, or make one "
                "with `poseglass data mocap DIR`"
            )
        if not path.is_file():
            raise DataError(f"there is no motion file {path}; make one with `poseglass data mocap DIR`")
        if not is_zipfile(path):
            raise DataError(f"{path} is not an npz of motion clips; make one with `poseglass data mocap DIR`")
        try:
            arrays = read_arrays(path)
            if "about" in arrays:
                about = parse_json(str(arrays["about"]))
                entries, fps, credit = about["clips"], float(about["fps"]), str(about["credit"])
            else:
                entries, fps, credit = _read_index(path.with_name("index.csv")), READY_CLIPS_FPS, CMU_CREDIT
            clips = tuple(
                MotionClip(name, arrays[name], entry["subject"], entry["split"], entry["licence"])
                for name, entry in entries.items()
            )
        except DataError:
            raise
        except Exception as problem:
            raise DataError(f"{path} cannot be read as motion clips: {problem}") from problem
        for clip in clips:
            if clip.points.ndim != 3 or clip.points.shape[1:] != (17, 3) or not np.isfinite(clip.points).all():
                raise DataError(f"{path}: clip {clip.name} must be finite and (frames, 17, 3), got {clip.points.shape}")
        return cls(clips, fps, credit)


CMU_CREDIT = (
    "The data used in this project was obtained from mocap.cs.cmu.edu. "
    "The database was created with funding from NSF EIA-0196217."
)


def _read_index(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        raise DataError(
            f"the npz does not describe its clips, and there is no {path} beside it; "
            "make one with `poseglass data mocap DIR`"
        )
    with path.open(newline="", encoding="utf-8") as file:
        return {row["clip"]: row for row in csv.DictReader(file)}
