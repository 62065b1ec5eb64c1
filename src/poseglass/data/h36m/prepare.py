"""Human3.6M, from the field's npz files or the original archives, as `Recordings`.

Every take is seen by four cameras: its 3D poses go into the space of each, and its 2D poses are those of the files
``data_2d_h36m_*.npz`` beside them. True 2D poses (``gt``) that no file has are the projected 3D poses, lens distortion
included.
"""

import re
import tarfile
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from rich.progress import Progress

from poseglass.body.skeleton import H36M_17
from poseglass.data.checks.dataset import check_bones, check_finite, numbers, read_dictionary
from poseglass.data.checks.findings import Findings, count
from poseglass.data.checks.projection import ProjectionCheck
from poseglass.data.checks.report import PreparationReport
from poseglass.data.h36m.facts import (
    ACTIONS,
    BAD_TAKES,
    FPS,
    KEPT,
    LICENCE,
    SOURCES,
    SUBJECTS,
    action_of,
    cameras,
    take_name,
)
from poseglass.data.recordings.store import Recordings
from poseglass.data.recordings.writer import RecordingsWriter, check_new_folder, write_recordings
from poseglass.errors import DataError
from poseglass.files.extras import needed

__all__ = ["prepare_h36m"]

MOTION = "data_3d_h36m.npz"
TRUE, NEAR, FAR = 5.0, 20.0, 60.0  # pixels from the projected 3D poses: of true 2D poses, usual and at most otherwise


# Pixels of a camera (f 17 2), and scores (f 17) where there are any.
View = tuple[Float[ndarray, "f 17 2"], Float[ndarray, "f 17"] | None]


@dataclass(frozen=True)
class Take:
    """Somebody's motion in the world: Human3.6M's joints (f 17 3), metres."""

    subject: str
    name: str
    points: Float[ndarray, "f 17 3"]


@dataclass(frozen=True)
class Poses2D:
    """A file of 2D poses: for each subject and take an array a camera."""

    path: Path
    takes: Mapping[tuple[str, str], list[ndarray]]
    scored: bool

    def of(self, take: Take) -> list[View]:
        """Pixels and scores of each camera, cut to the take's length.

        Raises:
            DataError: The take or one of its cameras is missing, or has fewer frames than the take.
        """
        name, frames = f"{take.subject} {take.name}", len(take.points)
        if take.subject not in {subject for subject, _ in self.takes}:
            raise DataError(
                f"{self.path} has no 2D poses of {take.subject}, of whom there are 3D poses; get the whole file, "
                "or take it out of the folder to go without it"
            )
        views = self.takes.get((take.subject, take.name))
        if views is None:
            raise DataError(f"{self.path} has no 2D poses of {name}, of which there are 3D poses; get the whole file")
        if len(views) != len(cameras(take.subject)):
            raise DataError(f"{self.path}: {name} has {len(views)} cameras, and Human3.6M has 4; get the whole file")
        found = []
        for number, view in enumerate(views):
            where = f"{self.path}: {name}, camera {number}"
            if view.ndim != 3 or view.shape[1] != 17 or view.shape[2] != 2 + self.scored:
                raise DataError(f"{where}: {('frames', 17, 2 + self.scored)} is expected, got {view.shape}")
            if len(view) < frames:
                raise DataError(
                    f"{where}: there are 2D poses of {len(view)} frames and 3D poses of {frames}; they do not belong "
                    "together, or the file is not whole"
                )
            check_finite(view[:frames], where)
            found.append((view[:frames, :, :2], view[:frames, :, 2] if self.scored else None))
        return found


def prepare_h36m(
    source: str | PathLike[str], destination: str | PathLike[str], *, progress: bool = False
) -> PreparationReport:
    """Turn a copy of Human3.6M into a folder of :class:`Recordings`, checked, with a report.

    Args:
        source: A folder with ``data_3d_h36m.npz``, or with the original ``Poses_D3_Positions_S*.tgz`` (or what is in
            them), and with any ``data_2d_h36m_*.npz``.
        destination: The folder to write, which must not be there yet.
        progress: Show a progress bar.

    Raises:
        DataError: Something is missing, damaged or not Human3.6M; the message names it and nothing is written.

    Example:
        >>> from poseglass.data.synthetic.generate import generate
        >>> _ = generate("h36m", "download", frames=10, subjects=["S1"])
        >>> made = prepare_h36m("download", "h36m")
        >>> made.recordings[0].name, made.recordings.sources
        ('S1 Directions, camera 54138969', ('cpn', 'gt'))
    """
    source, findings = Path(source), Findings()
    projection = ProjectionCheck(findings)
    check_new_folder(destination)
    if not source.is_dir():
        raise DataError(f"there is no folder {source}")
    seen: dict[str, Poses2D] = {}
    for path in sorted(source.glob("data_2d_h36m_*.npz")):
        name = path.stem.removeprefix("data_2d_h36m_")
        called = SOURCES.get(name, name.lower().replace("-", "_"))
        if called in seen:
            raise DataError(f"{path} and {seen[called].path.name} would both be called {called}; take one of them away")
        seen[called] = _read_2d(path)
    done: list[tuple[str, str]] = []
    with Progress(disable=not progress, transient=True) as bar, tempfile.TemporaryDirectory() as scratch:
        takes, files, total = _motion(source, Path(scratch))
        task = bar.add_task("Preparing Human3.6M", total=total)
        with write_recordings(
            destination,
            skeleton=H36M_17,
            dataset="Human3.6M",
            sources=[*seen] if "gt" in seen else [*seen, "gt"],
            scored=[name for name, poses in seen.items() if poses.scored],
            licence=LICENCE,
            made_from=[*files, *(poses.path for poses in seen.values())],
        ) as writer:
            for take in takes:
                bar.advance(task)
                if (take.subject, take.name) in BAD_TAKES:
                    findings.warning(f"{take.subject} {take.name}", "left out, because its motion capture is broken")
                    continue
                _add(writer, take, {name: poses.of(take) for name, poses in seen.items()}, projection)
                done.append((take.subject, take.name))
    _find_missing(findings, Counter((subject, action_of(take)) for subject, take in done))
    for poses in seen.values():
        if more := sorted(poses.takes.keys() - {*done} - BAD_TAKES):
            names = ", ".join(map(" ".join, more[:5]))
            findings.warning(poses.path.name, f"{count(len(more), 'take')} without 3D poses: {names}")
    return PreparationReport(Recordings.open(destination), findings, projection.distances)


def _add(writer: RecordingsWriter, take: Take, seen: Mapping[str, list[View]], projection: ProjectionCheck) -> None:
    """Check a take and write what the four cameras saw of it."""
    name = f"{take.subject} {take.name}"
    check_finite(take.points, f"3D poses of {name}")
    check_bones(take.points, H36M_17, f"3D poses of {name}")
    for number, camera in enumerate(cameras(take.subject)):
        points = camera.camera.to_camera(take.points)
        projected = camera.camera.project(points)
        views = {source: views[number] for source, views in seen.items()}
        for source, (pixels, _) in views.items():
            usual, most = (TRUE, TRUE) if source == "gt" else (NEAR, FAR)
            where = f"{name}, camera {camera.name}"
            projection.compare(source, pixels, projected, place=where, usual=usual, limit=most)
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


def _find_missing(findings: Findings, counts: Counter[tuple[str, str]]) -> None:
    """Subjects and takes: everybody does everything twice."""
    for subject in SUBJECTS:
        if not any(there == subject for there, _ in counts):
            findings.lacks(subject, "all takes")
            continue
        for action in ACTIONS:
            expected = 2 - ((subject, action) in BAD_TAKES)
            if (there := counts[subject, action]) < expected:
                findings.lacks(f"{subject} {action}", f"{expected - there} of {expected} takes")
            elif there > expected:
                findings.warning(f"{subject} {action}", f"{there} takes instead of {expected}")


# ---------------------------------------------------------------- the field's npz files


def _objects(path: Path, member: str) -> dict[str, Any]:
    what = "subjects, each a dictionary of takes"
    content = read_dictionary(path, member, what)
    if not all(isinstance(takes, dict) for takes in content.values()):
        raise DataError(f"{path}: {member} must be a dictionary of {what}")
    return content


def _take_name(take: str, where: str | Path) -> str:
    try:
        return take_name(take)
    except DataError as problem:
        raise DataError(f"{where}: {problem}") from None


def _read_2d(path: Path) -> Poses2D:
    subjects = _objects(path, "positions_2d")
    takes = {
        (subject, _take_name(take, f"{path}, {subject}")): _views(views, f"{path}: {subject} {take}")
        for subject, named in subjects.items()
        for take, views in named.items()
    }
    shapes = {view.shape[-1] for views in takes.values() for view in views if view.ndim == 3}
    return Poses2D(path, takes, shapes == {3})


def _views(views: Any, where: str) -> list[ndarray]:
    if not isinstance(views, list | tuple | ndarray):
        raise DataError(f"{where} must be a list of what each camera saw, got {type(views).__name__}")
    return [numbers(view, f"{where}, camera {number}") for number, view in enumerate(views)]


def _motion(source: Path, scratch: Path) -> tuple[Iterator[Take], list[Path], int]:
    """The takes, the files that they come from, and how many takes there should be."""
    if (path := source / MOTION).is_file():
        subjects = _objects(path, "positions_3d")
        return _npz_takes(path, subjects), [path], sum(map(len, subjects.values()))
    if archives := sorted(source.glob("Poses_D3_Positions_S*.tgz"), key=lambda path: (len(path.name), path.name)):
        return _cdf_takes(_archived(archives, scratch)), archives, 30 * len(archives)
    if files := sorted(source.glob("S*/MyPoseFeatures/D3_Positions/*.cdf")):
        return _cdf_takes(_unpacked(files)), files, len(files)
    raise DataError(
        f"{source} has no Human3.6M: neither {MOTION} nor Poses_D3_Positions_S*.tgz, nor the folders in those "
        "(S1/MyPoseFeatures/D3_Positions)"
    )


def _known_subject(subject: str, where: str | Path) -> str:
    if subject not in SUBJECTS:
        raise DataError(f"{where}: Human3.6M has no subject {subject!r} with 3D poses; there are {', '.join(SUBJECTS)}")
    return subject


def _npz_takes(path: Path, subjects: Mapping[str, Mapping[str, Any]]) -> Iterator[Take]:
    for subject, takes in subjects.items():
        _known_subject(subject, path)
        for take, stored in takes.items():
            points = numbers(stored, f"{path}: {subject} {take}")
            if points.ndim != 3 or points.shape[1:] != (32, 3) or not len(points):
                raise DataError(f"{path}: {subject} {take} must be (frames, 32, 3), got {points.shape}")
            yield Take(subject, _take_name(take, f"{path}, {subject}"), points[:, KEPT].astype(np.float64))


# ---------------------------------------------------------------- the original archives


def _archived(archives: list[Path], scratch: Path) -> Iterator[tuple[str, str, Path]]:
    """Subject, take and a temporary copy of each CDF file, archive by archive."""
    copy = scratch / "pose.cdf"
    for path in archives:
        empty = True
        for subject, take, content in _members(path):
            copy.write_bytes(content)
            yield subject, take, copy
            empty = False
        if empty:
            raise DataError(f"{path} has no S*/MyPoseFeatures/D3_Positions/*.cdf in it; it is another archive")


def _members(path: Path) -> Iterator[tuple[str, str, bytes]]:
    """Subject, take and content of an archive's CDF files; it is read to its end, where the checksum is."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                match = re.search(r"(?:^|/)(\w+)/MyPoseFeatures/D3_Positions/([^/]+)\.cdf$", member.name)
                if match and (file := archive.extractfile(member)):
                    yield match[1], match[2], file.read()
            while archive.fileobj is not None and archive.fileobj.read(1 << 20):
                pass
    except (tarfile.TarError, EOFError, zlib.error, OSError) as problem:
        raise DataError(f"{path} cannot be read ({problem}); was it downloaded whole? Get it again") from None


def _unpacked(files: list[Path]) -> Iterator[tuple[str, str, Path]]:
    for path in files:
        yield path.parts[-4], path.stem, path


def _cdf_takes(files: Iterator[tuple[str, str, Path]]) -> Iterator[Take]:
    cdflib = needed("cdflib")
    for subject, take, path in files:
        where = f"{subject} {take}.cdf"
        if take.startswith("_ALL"):  # a recording of everything, which some archives have besides
            continue
        _known_subject(subject, where)
        name = _take_name(take, where)
        try:
            pose = np.asarray(cdflib.CDF(path).varget("Pose"))
        except Exception as problem:  # a broken file can raise anything
            raise DataError(f"{where} cannot be read ({problem}); get its archive again") from None
        if pose.ndim != 3 or pose.shape[0] != 1 or pose.shape[2] != 96:
            raise DataError(f"{where}: the variable Pose must be (1, frames, 96), got {pose.shape}")
        yield Take(subject, name, pose.reshape(-1, 32, 3)[:, KEPT].astype(np.float64) / 1000)
