"""DeepLabCut's tables, ``.csv`` or ``.h5``: several header lines name the scorer, the individual, the joint and x, y or
likelihood.

The rows are frames. A project of several animals has the line ``individuals``. Joints need the names of a known layout
(:func:`poseglass.keypoints.names.plain_name`).
"""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.cells import number, read_lines
from poseglass.keypoints.file import KeypointFile
from poseglass.keypoints.frames import KeypointFrames, detected
from poseglass.keypoints.hdf5 import pandas_table
from poseglass.keypoints.layouts import layout_by_names
from poseglass.keypoints.names import plain_name
from poseglass.keypoints.parsing import frame_number
from poseglass.people.detection import DetectedPerson

__all__ = ["matches", "read"]

LEVELS = ("scorer", "individuals", "bodyparts", "coords")
"""The header lines, which the first cell names; ``individuals`` is optional."""

Label = tuple[str, str, str]
"""What a column holds: the individual, the joint, and x, y or likelihood."""

Row = tuple[str | int | None, Float[ndarray, " _"]]
"""The number or the name of a frame, and the numbers in its columns."""


def matches(file: KeypointFile) -> bool:
    """Whether the file is a table that starts with ``scorer``, or an HDF5 file that pandas wrote."""
    if file.suffix in (".csv", ".tsv"):
        return next(read_lines(file.path), (0, [""]))[1][0].strip().lower() == LEVELS[0]
    return file.hdf5 is not None and bool(file.hdf5.pandas)


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every frame.

    Raises:
        FormatError: The table is broken or three-dimensional, or its joints cover no known layout.
    """
    if file.hdf5 is not None:
        names, index, table = pandas_table(file.hdf5)
        labels = [_label(name) for name in names]
        rows: Iterator[Row] = zip(index, table, strict=True)
    else:
        labels, rows = _table(file)
    if any(quantity == "z" for _, _, quantity in labels):
        raise FormatError("the table is three-dimensional; DeepLabCut's 2D keypoints in pixels are expected")
    individuals = list(dict.fromkeys(label[0] for label in labels))
    joints = {joint for _, joint, _ in labels}
    skeleton = layout_by_names(joints, layout, "DeepLabCut's bodyparts")
    place = {label: column for column, label in enumerate(labels)}
    missing = -1
    columns = np.array(
        [
            [
                [place.get((who, joint, quantity), missing) for quantity in ("x", "y", "likelihood")]
                for joint in skeleton.joints
            ]
            for who in individuals
        ]
    )  # p j 3
    frames: dict[int, list[DetectedPerson]] = {}
    for name, values in rows:
        frame = len(frames) if name is None else frame_number(name, "the row")
        if frame in frames:
            raise FormatError(f"frame {frame} appears twice")
        crowd = np.append(values, np.nan)[columns]  # p j 3; a missing column is NaN
        scores = np.where(columns[..., 2] < 0, 1.0, crowd[..., 2])  # p j: labels of people have no likelihood
        known = np.isfinite(crowd[..., :2]).all(-1).any(-1)  # p
        frames[frame] = [
            detected(crowd[who, :, :2], scores[who], skeleton, who if len(individuals) > 1 else None)
            for who in np.flatnonzero(known).tolist()
        ]
    if not frames:
        raise FormatError("the table has no rows")
    return KeypointFrames(skeleton, frames)


def _label(name: Sequence[str]) -> Label:
    """The label of a column from its names, scorer first and coordinate last."""
    if not 3 <= len(name) <= 4:
        raise FormatError(f"the columns must have 3 or 4 levels ({', '.join(LEVELS)}), got {len(name)}")
    return ("" if len(name) == 3 else name[1].strip()), plain_name(name[-2]), name[-1].strip().lower()


def _table(file: KeypointFile) -> tuple[list[Label], Iterator[Row]]:
    """The label of every column, and the rows: the frame's number or name, and the numbers."""
    lines = read_lines(file.path)
    levels: dict[str, list[str]] = {}
    body = next(lines, None)
    while body is not None and (name := body[1][0].strip().lower()) in LEVELS:
        levels[name] = body[1]
        body = next(lines, None)
    if not {"bodyparts", "coords"} <= levels.keys():
        raise FormatError(f"a DeepLabCut table starts with the lines {', '.join(LEVELS)}, but some are missing")
    width = len(levels["coords"])
    # The first cells name the row: the frame's number, or the image's folder, video and name.
    first = next((column for column in range(1, width) if levels["coords"][column].strip()), 1)
    if any(len(cells) != width for cells in levels.values()):
        raise FormatError("the header lines have different numbers of cells")
    header = [cells for name in LEVELS if (cells := levels.get(name)) is not None]
    labels = [
        _label(["", *(cells[column] for cells in header if cells is not levels.get("scorer"))])
        for column in range(first, width)
    ]

    def rows() -> Iterator[Row]:
        for line, cells in chain([] if body is None else [body], lines):
            if len(cells) != width:
                raise FormatError(f"line {line} has {len(cells)} cells, but the first line has {width}")
            yield (
                cells[first - 1].strip() or None,
                np.array([number(cells, column, line) for column in range(first, width)]),
            )

    return labels, rows()
