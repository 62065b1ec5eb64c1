"""`check`: everything that is wrong or odd in a file or folder of motion, with its place, all at once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile, is_zipfile

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from rich.progress import track

from poseglass.body.skeleton import conversion
from poseglass.data.checks.findings import Finding, Findings
from poseglass.data.checks.plausible import SCALES, examine_motion, examine_times
from poseglass.data.checks.projection import best_projection
from poseglass.data.clips import MotionClips
from poseglass.data.recordings.index import INDEX
from poseglass.data.recordings.store import Recordings
from poseglass.errors import PoseError, PoseglassError
from poseglass.own.prepare import clips_of, examine_splits
from poseglass.own.takes import conventions, open_source, read_bodies
from poseglass.own.views import FAR, NEAR, views

__all__ = ["Report", "check"]

Steps = Callable[..., Iterable[Any]]  # rich's `track`, set up
LOOK = 500  # frames of a recording, evenly spaced, whose 2D is compared with its 3D


@dataclass
class Report:
    """What a check found; as text, errors first, then warnings, then what there is.

    Args:
        path: What was checked.
        kind: What it was taken for.
        problems: What is wrong or odd.
        summary: What there is, a line each.
    """

    path: Path
    kind: str
    problems: Findings = field(default_factory=Findings)
    summary: list[str] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """How many problems are errors."""
        return len(self.problems.errors)

    def __str__(self) -> str:
        verdict = f"{self.path}: {self.kind}; {self.problems.counts}"
        return "\n".join([*filter(None, [str(self.problems)]), *self.summary, verdict])


def check(path: str | PathLike[str], *, about: str | PathLike[str] | None = None, progress: bool = False) -> Report:
    """Look for everything that would spoil training or evaluation on a file or folder of motion.

    Args:
        path: Prepared recordings, motion clips, or what `poseglass data mocap` takes: a file, or a folder of files
            with a ``motion.toml`` or without.
        about: A description that stands elsewhere.
        progress: Show a progress bar.

    Returns:
        The report; nothing is raised for what is wrong with the data.

    Example:
        >>> print(check("nowhere"))
        error: nowhere: there is no folder nowhere, and no file
        nowhere: motion; 1 error, 0 warnings
    """
    path = Path(path)
    look: Callable[[Report, Steps], None]
    kind, look = "motion", partial(_own, about=about)
    if path.is_dir() and (path / INDEX).is_file():
        kind, look = "recordings", _recordings
    elif path.suffix.lower() == ".npz" and path.is_file() and _is_clips(path):
        kind, look = "motion clips", _clips
    report = Report(path, kind)
    try:
        look(report, partial(track, description="Checking", disable=not progress, transient=True))
    except PoseglassError as problem:
        report.problems.append(Finding.from_exception(str(path), problem))
    return report


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _is_clips(path: Path) -> bool:
    """Whether an npz is one of motion clips, or of nothing that can be read, rather than of points."""
    if not is_zipfile(path):
        return False
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
    except (BadZipFile, OSError):
        return False
    return "about.npy" in names or ("points.npy" not in names and path.with_name("index.csv").is_file())


def _own(report: Report, steps: Steps, about: str | PathLike[str] | None) -> None:
    source = open_source(report.path, about)
    report.kind = f"{_count(len(source.takes), 'take')} of motion"
    report.problems += source.problems
    found, description = conventions(source), source.description
    unit, up = description.unit or SCALES[found.unit or "m"], description.up or found.up or "y"
    splits: list[str] = []
    frames, seconds, saw = 0, 0.0, 0
    for take, body, problems in steps(read_bodies(source, found), total=len(source.takes)):
        noted = Findings(problems)
        good = body is not None and not problems.errors
        if body is not None and description.cameras:
            for view, more in views(body, source, unit, up):
                noted += more
                saw += view is not None and good
        elif body is not None and good:
            made = clips_of(body)
            if not made:
                noted.append(Finding("error", str(take.path), "no half second of it is without a gap or a glitch"))
        report.problems += noted
        if body is not None and not noted.errors:
            splits.append(take.split)
            frames += len(body.points)
            seconds += len(body.points) / (body.fps or 30.0)
    report.problems += examine_splits(source, splits)
    if str(found):
        report.summary.append(str(found))
    for split in dict.fromkeys(splits):
        people = sorted({take.subject for take in source.takes if take.split == split})
        shown = ", ".join(people[:8]) + (" and others" if len(people) > 8 else "")
        report.summary.append(f"{split}: {_count(splits.count(split), 'take')} of {shown}")
    views_ = f", {_count(saw, 'view')} of {_count(len(description.cameras), 'camera')}" if description.cameras else ""
    report.summary.append(f"{_count(frames, 'frame')}, {seconds:,.0f} seconds without errors{views_}")


def _clips(report: Report, steps: Steps) -> None:
    clips = MotionClips.load(report.path)
    where: dict[str, str] = {}
    content: dict[bytes, str] = {}
    report.problems += examine_times(clips.fps, None, "fps")
    if report.errors:
        return
    for clip in steps(clips, total=len(clips)):
        report.problems += examine_motion(clip.points.astype(np.float64), clips.fps, f"clip {clip.name}")
        if where.setdefault(clip.subject, clip.split) != clip.split:
            text = f"its subject {clip.subject} is in the split {where[clip.subject]} too"
            report.problems.append(Finding("error", f"clip {clip.name}, split {clip.split}", text))
        twin = content.setdefault(clip.points.tobytes()[: 1 << 16], clip.name)
        if twin != clip.name:
            report.problems.append(Finding("warning", f"clip {clip.name}", f"it begins as the clip {twin} does"))
    for split in ("train", "val"):
        if split not in where.values():
            report.problems.append(Finding("warning", f"split {split}", "no clip is in it, which training needs"))
    report.summary.append(f"{_count(len(clips), 'clip')}, {clips.minutes:.1f} minutes at {clips.fps:g} frames a second")


def _recordings(report: Report, steps: Steps) -> None:
    recordings = Recordings.open(report.path, verify=True)
    try:
        matrix = conversion(recordings.skeleton)
    except PoseError as problem:
        report.problems.append(Finding("error", f"{report.path / INDEX}, skeleton", str(problem)))
        return
    subjects: dict[str, set[tuple[str, ...]]] = {}
    for recording in steps(recordings, total=len(recordings)):
        subjects.setdefault(recording.subject, set()).add(recording.splits)
        place = recording.name
        clock = Findings(examine_times(recording.fps, None, place))
        report.problems += clock
        valid = np.array(recording.valid)
        if clock.errors:
            continue
        if not valid.any():
            report.problems.append(Finding("error", place, "no frame of it counts"))
            continue
        points = np.array(recording.points3d, np.float64)
        points[~valid] = np.nan
        bodies = np.stack([np.einsum("n,fnd->fd", row[row != 0], points[:, row != 0]) for row in matrix], 1)
        bodies *= np.array([1.0, -1.0, -1.0])  # a camera looks about level: up is about -y
        gaps = "left out"  # frames that do not count are no news
        report.problems += [p for p in examine_motion(bodies, recording.fps, place) if gaps not in p.text]
        some = np.flatnonzero(valid)[:: max(1, int(valid.sum()) // LOOK)]
        for source in recording.sources:
            scores = recording.scores(source)
            sure = np.ones(points.shape[:2], bool) if scores is None else np.asarray(scores) > 0
            pixels = np.asarray(recording.points2d(source), np.float64)
            known = sure[some]
            _compare(report, f"{place}, {source}", points[some][known], pixels[some][known], recording.size)
    for subject, splits in subjects.items():
        if len(splits) > 1:
            text = f"the subject is in several splits: {', '.join(sorted({name for some in splits for name in some}))}"
            report.problems.append(Finding("error", f"{report.path / INDEX}, {subject}", text))
    made = recordings
    report.summary.append(
        f"{made.dataset}: {_count(len(made), 'recording')}, {_count(made.frames, 'frame')} of {made.skeleton.name}, "
        f"2D {' '.join(made.sources)}, checksums right, fingerprint {made.fingerprint}"
    )


def _compare(
    report: Report, place: str, points: Float[ndarray, "n 3"], pixels: Float[ndarray, "n 2"], size: tuple[int, int]
) -> None:
    """2D joints with where the camera that fits them best sees the 3D joints; the index does not say which it was."""
    if not np.isfinite(pixels).all():
        report.problems.append(Finding("error", place, "2D poses are not numbers in frames that count"))
        return
    if not len(pixels):
        report.problems.append(Finding("warning", place, "every score is 0"))
        return
    outside = ((pixels < 0) | (pixels > np.array(size))).any(-1).mean()
    if outside > 0.5:
        text = f"{outside:.0%} of the joints are outside the image of {size[0]} x {size[1]}"
        report.problems.append(Finding("warning", place, text))
    apart = float(np.median(np.linalg.norm(pixels - best_projection(points[:, None], pixels[:, None])[:, 0], axis=-1)))
    if apart > NEAR * size[0]:
        text = f"2D poses are {apart:.0f} pixels from 3D poses seen by the camera that fits best, in the median"
        report.problems.append(Finding("error" if apart > 4 * FAR * size[0] else "warning", place, text))
