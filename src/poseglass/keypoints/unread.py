"""Files that are recognised but not read, each refused by its own name and with what to do instead."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from poseglass.keypoints import deeplabcut, labels, sleap, table
from poseglass.keypoints.file import KeypointFile, keys_of

__all__ = ["UNREAD", "UNREAD_SUFFIXES", "Unread"]

PICKLES = (".pkl", ".pickle")
UNREAD_SUFFIXES = (*PICKLES, ".slp")
"""Suffixes whose files are never read."""


@dataclass(frozen=True)
class Unread:
    """A kind of file that is not read.

    Args:
        matches: Says whether a file is of this kind.
        reason: What it is, and what to do instead.
    """

    matches: Callable[[KeypointFile], bool]
    reason: str


def _first(file: KeypointFile) -> Any:
    """The first value of a JSON file."""
    return file.first if file.listed else next(iter(file.object.values()), None)


def _first_of_first(file: KeypointFile) -> Any:
    first = _first(file)
    return first[0] if isinstance(first, list) and first else first


UNREAD: dict[str, Unread] = {
    "AlphaPose cmu": Unread(
        lambda file: "bodies" in keys_of(_first(file)),
        "this is AlphaPose's cmu format: write the results with --format coco or --format open",
    ),
    "MMPose 0.x": Unread(
        lambda file: {"preds", "boxes"} <= keys_of(_first(file)) | keys_of(file.object),
        "these are test results of MMPose 0.x: write predictions with MMPose 1.x, inferencer_demo.py --pred-out-dir",
    ),
    "boxes": Unread(
        lambda file: {"image_id", "bbox"} <= keys_of(_first(file)) and "keypoints" not in keys_of(_first(file)),
        "these are boxes or outlines without keypoints: use a model for poses",
    ),
    "Ultralytics boxes": Unread(
        lambda file: {"name", "box"} <= (keys := keys_of(_first_of_first(file))) and "keypoints" not in keys,
        "these are Ultralytics' boxes without keypoints: use a model whose name ends in -pose",
    ),
    "motion capture": Unread(
        lambda file: {"poses", "trans"} <= set(file.members),
        "this is a body motion of SMPL or AMASS, not 2D keypoints",
    ),
    "ground truth": Unread(
        lambda file: "positions_3d" in file.members,
        "these are 3D positions of VideoPose3D, not 2D keypoints: give positions_2d",
    ),
    "pickle": Unread(
        lambda file: file.suffix in PICKLES,
        "this is a Python pickle, which could run code: save JSON or a numpy array instead",
    ),
    "SLEAP project": Unread(
        lambda file: (
            file.suffix == ".slp"
            or {"skeletons", "labels"} <= file.object.keys()
            or (file.hdf5 is not None and {"frames", "instances"} <= set(file.hdf5.keys))
        ),
        "this is a project of SLEAP: export it (File, Export Analysis HDF5), or sleap-convert --format analysis",
    ),
    "HDF5": Unread(
        lambda file: file.hdf5 is not None and not (deeplabcut.matches(file) or sleap.matches(file)),
        "this HDF5 file is neither of DeepLabCut (a table of pandas) nor of SLEAP (tracks and node_names)",
    ),
    "text": Unread(
        lambda file: file.suffix == ".txt" and not (labels.matches(file) or table.matches(file)),
        "this text file holds neither numbers, as Ultralytics' label files do, nor a table with names of columns",
    ),
}
"""The kinds, by name. They are tried before the formats: the general ones would refuse them without a reason."""
