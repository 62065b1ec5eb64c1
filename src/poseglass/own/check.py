"""`check`: report everything that is wrong or unusual about motion files, motion clips or recordings."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from pathlib import Path
from zipfile import BadZipFile, ZipFile, is_zipfile

from rich.progress import track

from poseglass.data.checks.findings import Finding, Findings, count
from poseglass.data.recordings.index import INDEX
from poseglass.errors import PoseglassError
from poseglass.own.check_stored import Steps, check_clips, check_recordings
from poseglass.own.conventions import find_conventions
from poseglass.own.cutting import cut_clips, why_none
from poseglass.own.examination import examine_files, examine_splits, examine_subjects
from poseglass.own.sources import open_source
from poseglass.own.views import camera_views

__all__ = ["CheckReport", "check"]

SHOWN_SUBJECTS = 8  # names per split in the summary


@dataclass
class CheckReport:
    """The result of a check; as text, errors, then warnings, then a summary.

    Args:
        path: The file or folder checked.
        kind: The kind of its content.
        findings: Errors and warnings.
        summary: Its content in numbers, as lines of text.
    """

    path: Path
    kind: str
    findings: Findings = field(default_factory=Findings)
    summary: list[str] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """The number of errors."""
        return len(self.findings.errors)

    def __str__(self) -> str:
        verdict = f"{self.path}: {self.kind}; {self.findings.counts}"
        return "\n".join([*filter(None, [str(self.findings)]), *self.summary, verdict])


def check(
    path: str | PathLike[str], *, about: str | PathLike[str] | None = None, progress: bool = False
) -> CheckReport:
    """Look for everything in a file or folder of motion that would spoil training or evaluation.

    Args:
        path: Prepared recordings, motion clips, a motion file, or a folder of motion files with or without a
            ``motion.toml``.
        about: Path of another description, used instead of the folder's.
        progress: Show a progress bar.

    Returns:
        The report. Faults of the data raise no exception.

    Example:
        >>> print(check("nowhere"))
        error: nowhere: there is no folder or file nowhere
        nowhere: motion; 1 error, 0 warnings
    """
    path = Path(path)
    report = CheckReport(path, "motion")
    steps = partial(track, description="Checking", disable=not progress, transient=True)
    try:
        if path.is_dir() and (path / INDEX).is_file():
            report.kind = "recordings"
            check_recordings(path, report.findings, report.summary, steps)
        elif path.suffix.lower() == ".npz" and path.is_file() and _is_clips(path):
            report.kind = "motion clips"
            check_clips(path, report.findings, report.summary, steps)
        else:
            _check_motion(report, steps, about)
    except PoseglassError as problem:
        report.findings.append(Finding.from_exception(str(path), problem))
    return report


def _is_clips(path: Path) -> bool:
    """Whether an npz file holds motion clips rather than the points of one take."""
    if not is_zipfile(path):
        return False
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
    except (BadZipFile, OSError):
        return False
    return "about.npy" in names or ("points.npy" not in names and path.with_name("index.csv").is_file())


def _check_motion(report: CheckReport, steps: Steps, about: str | PathLike[str] | None) -> None:
    source = open_source(report.path, about)
    report.kind = f"{count(len(source.files), 'take')} of motion"
    report.findings += source.findings
    conventions, cameras = find_conventions(source), source.description.cameras
    splits: list[str] = []
    subjects, people = set[str](), defaultdict[str, set[str]](set)
    frames, seconds, views = 0, 0.0, 0
    for file, body, problems in steps(examine_files(source, conventions), total=len(source.files)):
        findings = Findings(problems)
        subjects.add(file.subject)
        if body is not None and cameras:
            for view, view_findings in camera_views(body, source, conventions):
                findings += view_findings
                views += view is not None and not problems.errors
        elif body is not None and not problems.errors and not cut_clips(body):
            findings.error(str(file.path), why_none(body))
        report.findings += findings
        if body is not None and body.fps is not None and not findings.errors:
            splits.append(file.split)
            people[file.split].add(file.subject)
            frames += len(body)
            seconds += len(body) / body.fps
    report.findings += examine_subjects(source, subjects) + examine_splits(source, splits)
    if str(conventions):
        report.summary.append(str(conventions))
    for split in dict.fromkeys(splits):
        names = sorted(people[split])
        shown = ", ".join(names[:SHOWN_SUBJECTS]) + (" and others" if len(names) > SHOWN_SUBJECTS else "")
        report.summary.append(f"{split}: {count(splits.count(split), 'take')} of {shown}")
    views_text = f", {count(views, 'view')} of {count(len(cameras), 'camera')}" if cameras else ""
    report.summary.append(f"{count(frames, 'frame')}, {seconds:,.0f} seconds without errors{views_text}")
