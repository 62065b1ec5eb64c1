"""Prepare MPI-INF-3DHP, from the field's npz files or the original annotations, as `Recordings`.

Training sequences have the eight cameras that the field uses; test sequences have one. The 3D poses are those of the
universal skeleton. The 2D poses are the annotated ones, which count as true (``gt``) by convention. In test sequences,
only the frames marked as valid count; the original annotations also number the activity in each frame.
"""

from itertools import chain
from os import PathLike
from pathlib import Path

import numpy as np
from rich.progress import Progress

from poseglass.body.skeleton import MPI_INF_3DHP_17
from poseglass.data.checks.dataset import check_bones, check_finite
from poseglass.data.checks.findings import Findings
from poseglass.data.checks.projection import ProjectionCheck, best_projection
from poseglass.data.checks.report import PreparationReport
from poseglass.data.recordings.store import Recordings
from poseglass.data.recordings.writer import RecordingsWriter, check_new_folder, write_recordings
from poseglass.data.threedhp.facts import LENGTHS, LICENCE, TEST, image_size
from poseglass.data.threedhp.reading import SequenceView, find_views
from poseglass.errors import DataError

__all__ = ["prepare_3dhp"]

# Median distance in pixels from the projected 3D poses: usual, and limit. The universal skeleton is scaled, so it need
# not fit exactly.
USUAL, LIMIT = 60.0, 250.0
COMPARED = 500  # frames of each recording that are compared, evenly spaced


def prepare_3dhp(
    source: str | PathLike[str], destination: str | PathLike[str], *, progress: bool = False
) -> PreparationReport:
    """Check a copy of MPI-INF-3DHP and turn it into a folder of :class:`~poseglass.data.recordings.store.Recordings`.

    Args:
        source: A folder with ``data_train_3dhp.npz`` and ``data_test_3dhp.npz``, or with the original
            ``S1/Seq1/annot.mat`` to S8 and ``TS1/annot_data.mat`` to TS6. The training or the test part may be absent.
        destination: The folder to write, which must not exist yet.
        progress: Show a progress bar.

    Returns:
        The report: recordings written, fit of the 2D poses, missing and unusual data.

    Raises:
        DataError: Data are missing, damaged or not MPI-INF-3DHP. The message says which, and nothing is written.

    Example:
        >>> from poseglass.data.synthetic.generate import generate
        >>> _ = generate("3dhp", "download", frames=20, subjects=["S1", "TS1"])
        >>> report = prepare_3dhp("download", "3dhp")
        >>> [recording.name for recording in report.recordings][-2:]
        ['S1 Seq2, camera 8', 'TS1 TS1, camera 0']
    """
    source, findings = Path(source), Findings()
    projection = ProjectionCheck(findings)
    check_new_folder(destination)
    if not source.is_dir():
        raise DataError(f"there is no folder {source}")
    views, files, total = find_views(source)
    lengths: dict[tuple[str, str], int] = {}
    with (
        Progress(disable=not progress, transient=True) as bar,
        write_recordings(
            destination,
            skeleton=MPI_INF_3DHP_17,
            dataset="MPI-INF-3DHP",
            sources=["gt"],
            activities=any(path.name == "annot_data.mat" for path in files),  # the npz files have none
            licence=LICENCE,
            made_from=files,
        ) as writer,
    ):
        task = bar.add_task("Preparing MPI-INF-3DHP", total=total)
        for view in views:
            lengths[view.subject, view.sequence] = len(view.points)
            _add(writer, view, projection)
            bar.advance(task)
    for key in chain(LENGTHS, zip(TEST, TEST, strict=True)):
        name = key[0] if key[0] in TEST else " ".join(key)
        if key not in lengths:
            findings.lacks(name, "the whole sequence")
        elif key in LENGTHS and lengths[key] != (published := LENGTHS[key].frames):
            findings.warning(name, f"{lengths[key]} frames instead of the published {published}")
    return PreparationReport(Recordings.open(destination), findings, projection.distances)


def _add(writer: RecordingsWriter, view: SequenceView, projection: ProjectionCheck) -> None:
    """Check a view and write it."""
    valid = np.ones(len(view.points), bool) if view.valid is None else view.valid
    if not valid.any():
        raise DataError(f"{view.place}: no frame is valid")
    points, pixels = view.points[valid], view.pixels[valid]
    check_finite(points, f"{view.place}, 3D")
    check_finite(pixels, f"{view.place}, 2D")
    check_bones(points / 1000, MPI_INF_3DHP_17, view.place)
    some = slice(None, None, max(1, len(points) // COMPARED))
    projected = best_projection(points[some], pixels[some])
    projection.compare("gt", pixels[some], projected, place=view.place, usual=USUAL, limit=LIMIT)
    published = LENGTHS.get((view.subject, view.sequence))
    if published and published.fps != view.fps:
        projection.findings.warning(
            view.place, f"{view.fps:g} frames per second instead of the published {published.fps:g}"
        )
    writer.add(
        subject=view.subject,
        action=view.sequence,
        take=view.sequence,
        camera=view.camera,
        fps=view.fps,
        size=image_size(view.subject),
        points3d=view.points / 1000,
        points2d={"gt": view.pixels},
        valid=valid,
        activity=view.activity,
    )
