"""Prepare Human3.6M, from the field's npz files or the original archives, as `Recordings`.

The 3D poses of each take are transformed into the space of the four cameras. The 2D poses are those of the files
``data_2d_h36m_*.npz`` beside them. If none of these has true 2D poses (``gt``), they are the projected 3D poses, with
lens distortion.
"""

import tempfile
from collections import Counter
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from rich.progress import Progress

from poseglass.body.skeleton import H36M_17
from poseglass.data.checks.dataset import check_bones, check_finite
from poseglass.data.checks.findings import Findings, count
from poseglass.data.checks.projection import ProjectionCheck
from poseglass.data.checks.report import PreparationReport
from poseglass.data.h36m.facts import ACTIONS, BAD_TAKES, FPS, LICENCE, SUBJECTS, action_of, cameras
from poseglass.data.h36m.motion import WorldTake, find_motion
from poseglass.data.h36m.poses2d import CameraPoses, find_poses2d
from poseglass.data.recordings.store import Recordings
from poseglass.data.recordings.writer import RecordingsWriter, check_new_folder, write_recordings
from poseglass.errors import DataError

__all__ = ["prepare_h36m"]

# Median distance in pixels from the projected 3D poses: limit for true 2D poses; usual distance and limit for others.
TRUE, USUAL, LIMIT = 5.0, 20.0, 60.0
TAKES = 2  # takes of each subject and action


def prepare_h36m(
    source: str | PathLike[str], destination: str | PathLike[str], *, progress: bool = False
) -> PreparationReport:
    """Check a copy of Human3.6M and turn it into a folder of :class:`~poseglass.data.recordings.store.Recordings`.

    Args:
        source: A folder with ``data_3d_h36m.npz``, or with the original ``Poses_D3_Positions_S*.tgz`` (or their
            content), and with any number of ``data_2d_h36m_*.npz`` files.
        destination: The folder to write, which must not exist yet.
        progress: Show a progress bar.

    Returns:
        The report: recordings written, fit of the 2D poses, missing and unusual data.

    Raises:
        DataError: Data are missing, damaged or not Human3.6M. The message says which, and nothing is written.

    Example:
        >>> from poseglass.data.synthetic.generate import generate
        >>> _ = generate("h36m", "download", frames=10, subjects=["S1"])
        >>> report = prepare_h36m("download", "h36m")
        >>> report.recordings[0].name, report.recordings.sources
        ('S1 Directions, camera 54138969', ('cpn', 'gt'))
    """
    source, findings = Path(source), Findings()
    projection = ProjectionCheck(findings)
    check_new_folder(destination)
    if not source.is_dir():
        raise DataError(f"there is no folder {source}")
    sources = find_poses2d(source)
    done: list[tuple[str, str]] = []
    with Progress(disable=not progress, transient=True) as bar, tempfile.TemporaryDirectory() as scratch:
        takes, files, total = find_motion(source, Path(scratch))
        task = bar.add_task("Preparing Human3.6M", total=total)
        with write_recordings(
            destination,
            skeleton=H36M_17,
            dataset="Human3.6M",
            sources=[*sources] if "gt" in sources else [*sources, "gt"],
            scored=[name for name, poses in sources.items() if poses.scored],
            licence=LICENCE,
            made_from=[*files, *(poses.path for poses in sources.values())],
        ) as writer:
            for take in takes:
                bar.advance(task)
                if (take.subject, take.name) in BAD_TAKES:
                    findings.warning(f"{take.subject} {take.name}", "left out, because its motion capture is broken")
                    continue
                _add(writer, take, {name: poses.for_take(take) for name, poses in sources.items()}, projection)
                done.append((take.subject, take.name))
    _report_missing(findings, Counter((subject, action_of(take)) for subject, take in done))
    for poses in sources.values():
        if surplus := sorted(poses.takes.keys() - {*done} - BAD_TAKES):
            names = ", ".join(map(" ".join, surplus[:5]))
            findings.warning(poses.path.name, f"{count(len(surplus), 'take')} without 3D poses: {names}")
    return PreparationReport(Recordings.open(destination), findings, projection.distances)


def _add(
    writer: RecordingsWriter, take: WorldTake, poses2d: Mapping[str, list[CameraPoses]], projection: ProjectionCheck
) -> None:
    """Check a take and write one recording per camera."""
    name = f"{take.subject} {take.name}"
    check_finite(take.points, f"3D poses of {name}")
    check_bones(take.points, H36M_17, f"3D poses of {name}")
    for number, camera in enumerate(cameras(take.subject)):
        points = camera.camera.to_camera(take.points)
        projected = camera.camera.project(points)
        views = {source: views[number] for source, views in poses2d.items()}
        for source, (pixels, _) in views.items():
            usual, limit = (TRUE, TRUE) if source == "gt" else (USUAL, LIMIT)
            place = f"{name}, camera {camera.name}"
            projection.compare(source, pixels, projected, place=place, usual=usual, limit=limit)
        writer.add(
            subject=take.subject,
            action=action_of(take.name),
            take=take.name,
            camera=camera.name,
            fps=FPS,
            size=camera.size,
            points3d=points,
            points2d={"gt": projected} | {source: pixels for source, (pixels, _) in views.items()},
            scores={source: scores for source, (_, scores) in views.items() if scores is not None},
        )


def _report_missing(findings: Findings, counts: Counter[tuple[str, str]]) -> None:
    """Report missing and surplus takes; every subject performs every action twice."""
    for subject in SUBJECTS:
        if not any(who == subject for who, _ in counts):
            findings.lacks(subject, "all takes")
            continue
        for action in ACTIONS:
            expected = TAKES - ((subject, action) in BAD_TAKES)
            number = counts[subject, action]
            if number < expected:
                findings.lacks(f"{subject} {action}", f"{expected - number} of {expected} takes")
            elif number > expected:
                findings.warning(f"{subject} {action}", f"{number} takes instead of {expected}")
