"""Prepare motion files as motion clips for virtual cameras, or as recordings of the user's own cameras."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np
from rich.progress import Progress

from poseglass.body.skeleton import H36M_17
from poseglass.data.checks.findings import Finding, Findings, count
from poseglass.data.checks.report import PreparationReport
from poseglass.data.clips import CMU_CREDIT, MotionClip, MotionClips
from poseglass.data.recordings.store import Recordings
from poseglass.data.recordings.writer import check_new_folder, write_recordings
from poseglass.errors import DataError
from poseglass.own.conventions import Conventions, find_conventions
from poseglass.own.cutting import FPS, cut_clips, why_none
from poseglass.own.description import FILE
from poseglass.own.examination import examine_files, examine_splits, examine_subjects
from poseglass.own.sources import MotionSource, open_source
from poseglass.own.views import CameraView, camera_views

__all__ = ["PreparedClips", "prepare_clips", "prepare_recordings"]


@dataclass(frozen=True)
class PreparedClips:
    """The result of preparing motion clips.

    Args:
        clips: The clips written.
        skipped: The reason for each file that was left out.
        warnings: Unusual facts about the files used.
        conventions: The unit and upward axis found from the bodies, because nothing stated them.
        empty_splits: Splits that the description lists and whose takes were all left out.
    """

    clips: MotionClips
    skipped: Mapping[Path, str]
    warnings: Findings
    conventions: Conventions
    empty_splits: Findings = field(default_factory=Findings)

    @property
    def is_complete(self) -> bool:
        """Whether every take was used."""
        return not self.skipped and not self.empty_splits


def prepare_clips(
    source: str | PathLike[str],
    destination: str | PathLike[str],
    *,
    about: str | PathLike[str] | None = None,
    fps: float = FPS,
    progress: bool = False,
) -> PreparedClips:
    """Convert motion files to one file of motion clips, the input of `poseglass train` and `poseglass evaluate`.

    Each take is converted to Human3.6M's 17 joints in metres, y up, at `fps`, and cut where joints are unknown or jump.
    Takes with errors are left out and reported; an error in the description stops the work.

    CMU's recordings are recognised by their joints. The take ``07_01`` belongs to the subject ``cmu_07``, which decides
    its split. If a take exists as AMC and as BVH, the AMC file is used, because the BVH conversion lost bones.

    Args:
        source: A folder with or without a ``motion.toml``, or a motion file (:mod:`poseglass.own.sources`).
        destination: The ``.npz`` file to write.
        about: Path of another description, used instead of the folder's.
        fps: Frames per second of the clips.
        progress: Show a progress bar.

    Raises:
        DataError: There are errors, no file can be used, or the destination cannot be written. Nothing is written.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> from poseglass.body.geometry import to_y_up
        >>> from poseglass.data.synthetic.people import STYLES, move
        >>> points = to_y_up(move(np.random.default_rng(0), STYLES["Walking"], 90), "z")  # world space is y up
        >>> _ = pg.PoseSequence(points, pg.H36M_17, "world", fps=50).save("walk.csv")
        >>> prepared = prepare_clips("walk.csv", "clips.npz")
        >>> [(clip.name, clip.points.shape) for clip in prepared.clips]
        [('walk_walk', (107, 17, 3))]
        >>> print(prepared.conventions)
        found from the bodies, because not stated: units = "m", up = "y"
    """
    opened = open_source(source, about)
    conventions, licence = find_conventions(opened), opened.description.licence
    clips: dict[str, MotionClip] = {}
    skipped: dict[Path, Findings] = {}
    warnings, has_cmu, subjects = Findings(), False, set[str]()
    with Progress(disable=not progress) as bar:
        task = bar.add_task("Reading motion capture", total=len(opened.files))
        for file, body, findings in examine_files(opened, conventions):
            bar.advance(task)
            subjects.add(file.subject)
            warnings += findings.warnings
            errors, place = findings.errors, str(file.path)
            pieces = cut_clips(body, fps, licence) if body is not None and not errors else []
            if body is not None and not errors and not pieces:
                errors.error(place, why_none(body, fps))
            if repeated := [clip.name for clip in pieces if clip.name in clips]:
                errors.error(place, f"there is already a clip named {repeated[0]}; rename the take")
            if errors:
                skipped.setdefault(file.path, Findings()).extend(errors)
                continue
            has_cmu = has_cmu or file.is_cmu
            clips |= {clip.name: clip for clip in pieces}
    errors = Findings(finding for findings in skipped.values() for finding in findings)
    splits = examine_splits(opened, [clip.split for clip in clips.values()])
    warnings += splits.warnings
    if mistakes := opened.findings + examine_subjects(opened, subjects):
        (mistakes + errors + splits.errors).raise_errors(str(opened.path))
    if not clips:
        reasons = "; ".join(finding.sentence for finding in errors[:3])
        raise DataError(f"{opened.path} has no usable take in {count(len(opened.files), 'motion file')}: {reasons}")
    credit = " ".join(filter(None, [opened.description.credit, CMU_CREDIT if has_cmu else ""]))
    written = MotionClips(tuple(clips[name] for name in sorted(clips)), fps, credit)
    written.save(destination)
    reasons_by_path = {path: "; ".join(error.sentence for error in errors) for path, errors in skipped.items()}
    return PreparedClips(written, reasons_by_path, warnings, conventions, splits.errors)


def prepare_recordings(
    source: str | PathLike[str],
    destination: str | PathLike[str],
    *,
    about: str | PathLike[str] | None = None,
    progress: bool = False,
) -> PreparationReport:
    """Convert motion files and their cameras to a folder of :class:`poseglass.data.recordings.store.Recordings`.

    The 2D source ``gt`` is the projection of the 3D poses. The source ``detected`` is the takes' own keypoints, if
    there are any. Each recording contains its split.

    Args:
        source: A folder with a ``motion.toml`` that describes cameras.
        destination: The folder to write, which must be new or empty.
        about: Path of another description, used instead of the folder's.
        progress: Show a progress bar.

    Raises:
        DataError: There are no cameras, the description has errors, or no take can be used; the message lists all
            errors, and nothing is written. Other takes with errors are left out, and the report says so.

    Example:
        >>> prepare_recordings("studio", "prepared").recordings.sources  # doctest: +SKIP
        ('gt', 'detected')
    """
    check_new_folder(destination)
    opened = open_source(source, about)
    description = opened.description
    if not description.cameras:
        opened.findings.raise_errors(str(opened.path))
        raise DataError(
            f"recordings need cameras, but none is described: add [cameras.NAME] to {opened.path / FILE}, or choose a "
            "destination that ends in .npz for motion clips, which need no cameras"
        )
    conventions, findings = find_conventions(opened), Findings()
    distances = defaultdict[str, list[float]](list)
    splits, subjects = list[str](), set[str]()
    has_keypoints = any(file.entry.keypoints for file in opened.files)
    with (
        Progress(disable=not progress, transient=True) as bar,
        write_recordings(
            destination,
            skeleton=H36M_17,
            dataset=description.dataset,
            sources=["gt", "detected"] if has_keypoints else ["gt"],
            scored=["detected"] if has_keypoints else [],
            licence=" ".join(filter(None, (description.licence, description.credit))),
            made_from=_input_files(opened, Path(about or opened.folder / FILE)),
        ) as writer,
    ):
        task = bar.add_task("Preparing recordings", total=len(opened.files))
        for file, body, problems in examine_files(opened, conventions):
            bar.advance(task)
            findings += problems
            subjects.add(file.subject)
            for view, view_findings in camera_views(body, opened, conventions) if body is not None else ():
                findings += view_findings
                if view is None or body is None or body.fps is None or problems.errors or view_findings.errors:
                    continue
                points2d, scores = _keypoints(view)
                distances["gt"].append(0.0)
                if view.detected is not None:
                    distances["detected"].append(view.distance)
                writer.add(
                    subject=file.subject,
                    action=file.action,
                    take=file.take,
                    camera=view.camera,
                    fps=body.fps,
                    size=view.size,
                    points3d=np.where(view.valid[:, None, None], view.points3d, 0),
                    points2d=points2d,
                    scores=scores,
                    valid=view.valid,
                    split=file.split,
                )
                splits.append(file.split)
        mistakes = opened.findings + examine_subjects(opened, subjects)
        findings += examine_splits(opened, splits)
        if mistakes or not splits:
            (mistakes + findings).raise_errors(str(opened.path))
    if str(conventions):
        findings.warning(str(opened.path), str(conventions))
    left_out = Findings(Finding("missing", error.place, f"left out: {error.text}") for error in findings.errors)
    return PreparationReport(Recordings.open(destination), left_out + findings.warnings, distances)


def _input_files(source: MotionSource, description: Path) -> list[Path]:
    """The input files of the recordings."""
    files = [description, *(file.path for file in source.files)]
    files += [source.folder / name for file in source.files for name in file.entry.keypoints.values()]
    return [file for file in files if file.is_file()]


def _keypoints(view: CameraView) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The 2D poses of a view and their scores, by source."""
    if view.detected is None or view.scores is None:
        return {"gt": view.projected}, {}
    return {"gt": view.projected, "detected": view.detected}, {"detected": view.scores}
