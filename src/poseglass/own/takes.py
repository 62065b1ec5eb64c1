"""The takes of somebody's own motion: found or listed, read as Human3.6M's 17 joints, brought into metres with y up."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import H36M_17
from poseglass.data.checks.findings import Finding, Findings
from poseglass.data.checks.plausible import (
    LEG,
    SCALES,
    bone_lengths,
    examine_motion,
    examine_times,
    fitting_unit,
)
from poseglass.data.cmu import SPLITS as CMU_SPLITS
from poseglass.data.cmu import cmu_take, cmu_to_h36m, is_cmu
from poseglass.errors import DataError, FormatError, PoseError
from poseglass.mocap.formats import READERS, read_motion
from poseglass.mocap.rigid import RigidMotion
from poseglass.own.description import FILE, UP, Description, TakeEntry, read_description
from poseglass.own.joint_names import map_joints, nearest

__all__ = ["Body", "Conventions", "Source", "Take", "conventions", "open_source", "read_bodies"]

LOOK = 50  # takes, evenly spaced, that are asked
HUGE = 1e9  # units of length beyond which nobody is
STEEP = 0.7  # the cosine between the bodies and the axis that is taken to point up, at least


@dataclass(frozen=True, eq=False)
class Take:
    """A file, and whose motion it is.

    Args:
        path: The file.
        subject: Who moves.
        name: Of the take, unique for its subject.
        action: What they do.
        split: ``train``, ``val`` or ``test``.
        entry: What the description says of it.
        cmu: Whether it is one of CMU's, which names itself.
    """

    path: Path
    subject: str
    name: str
    action: str
    split: str
    entry: TakeEntry
    cmu: bool = False


@dataclass(frozen=True, eq=False)
class Source:
    """Files of motion, and what is said of them.

    Args:
        path: The folder or file.
        description: What is said.
        described: Whether anything is said at all.
        takes: In order.
        problems: What is wrong with the description.
    """

    path: Path
    description: Description
    described: bool
    takes: tuple[Take, ...]
    problems: Findings = field(default_factory=Findings)


@dataclass(frozen=True, eq=False)
class Body:
    """A take as 17 joints.

    Args:
        take: Whose.
        points: In the file's unit and axes (f 17 3), NaN where they are not known.
        fps: Frames a second, where anybody says so.
        times: Seconds of each frame (f), where the file says so.
        unit: Metres in a unit of length, where anybody says so.
        up: The axis that points up, where anybody says so.
        space: ``camera`` or ``world``.
    """

    take: Take
    points: Float[ndarray, "f 17 3"]
    fps: float | None
    times: Float[ndarray, " f"] | None
    unit: float | None
    up: str | None
    space: str


@dataclass(frozen=True)
class Conventions:
    """What nobody says and was therefore found out from the bodies of a source.

    Args:
        unit: Of length: m, cm or mm.
        up: The axis that points up.
    """

    unit: str | None = None
    up: str | None = None

    def __str__(self) -> str:
        found = [f'units = "{self.unit}"'] * bool(self.unit) + [f'up = "{self.up}"'] * bool(self.up)
        return f"nobody says {', '.join(found)}: found out from the bodies" if found else ""


def open_source(path: str | PathLike[str], about: str | PathLike[str] | None = None) -> Source:
    """Find the takes of a folder or file.

    Args:
        path: A folder, with a ``motion.toml`` or without, or a file.
        about: A description that stands elsewhere; it counts instead of that in the folder.

    Raises:
        DataError: There is no such thing, or no motion in it.
    """
    path = Path(path)
    if path.name == FILE:
        path, about = path.parent, path
    if not path.exists():
        raise DataError(f"there is no folder {path}, and no file")
    folder = path if path.is_dir() else path.parent
    if about is None and path.is_dir() and (path / FILE).is_file():
        about = path / FILE
    description, problems = read_description(about) if about is not None else (Description(), Findings())
    kinds = [suffix for suffix in READERS if suffix != ".amc"]
    if path.is_file():
        takes = [_found(path, path.stem, path.stem, description)]
        if path.suffix.lower() not in READERS:
            raise DataError(f"{path} is of no kind that can be read; the kinds are {', '.join(READERS)}")
    elif description.takes:
        takes = [_listed(folder, entry, description) for entry in description.takes]
    else:
        files = [p for p in path.rglob("*") if p.suffix.lower() in READERS and p.is_file()]
        files.sort(key=lambda p: (p.suffix.lower() != ".amc", str(p)))
        takes = [_found(p, *_place(p, path), description) for p in files]
        if not takes:
            raise DataError(f"there are no files of motion ({', '.join(kinds)}, .amc) in {path} or the folders in it")
    there = {take.subject for take in takes}
    named = about or path
    problems += [
        Finding("error", f"{named}, splits.{split}", f"there is no subject {subject!r}{nearest(subject, there)}")
        for split, subjects in description.splits.items()
        for subject in subjects
        if subject not in there and not subject.startswith("cmu_")
    ]
    return Source(path, description, about is not None, tuple(takes), problems)


def _place(path: Path, folder: Path) -> tuple[str, str]:
    """Subject and take by where a file is: ``anna/walk 1.csv``."""
    *parts, _ = path.relative_to(folder).parts
    subject = parts[0] if parts else folder.resolve().name
    return subject, " ".join([*parts[1:], path.stem])


def _found(path: Path, subject: str, name: str, description: Description) -> Take:
    return Take(path, subject, name, _action(name), description.split_of(subject), TakeEntry(path.name))


def _listed(folder: Path, entry: TakeEntry, description: Description) -> Take:
    path = folder / entry.file
    parts = Path(entry.file).parts
    subject = entry.subject or (parts[0] if len(parts) > 1 else folder.resolve().name)
    name = entry.take or path.stem
    return Take(path, subject, name, entry.action or _action(name), description.split_of(subject), entry)


def _action(name: str) -> str:
    """Takes that differ by a number in the end are of one action."""
    return re.sub(r"[\s_.-]*\d+$", "", name) or name


def read_body(take: Take, description: Description) -> Body:
    """Read a take as 17 joints.

    Raises:
        DataError: Joints are missing.
        FormatError: The file is missing or broken.
    """
    path = take.path
    motion = read_motion(path, description.names)
    rigid = isinstance(motion, RigidMotion)
    # An AMC file does not state its rate, so the description's counts before the reader's assumption.
    stated = description.fps if isinstance(motion, RigidMotion) and motion.fps_assumed else None
    if isinstance(motion, RigidMotion) and not description.joints and is_cmu(motion):
        poses = cmu_to_h36m(replace(motion, unit=description.unit or motion.unit))
        name, subject = cmu_take(path)
        if not take.entry.subject and not description.takes:
            split = description.split_of(subject) if description.splits else CMU_SPLITS.get(subject, "train")
            take = replace(take, name=name, subject=subject, split=split, cmu=True)
        points = _known(poses.points.astype(np.float64), zero=True)
        return Body(take, points, take.entry.fps or stated or poses.fps, None, 1.0, description.up or "y", "world")
    tracks = motion.tracks() if isinstance(motion, RigidMotion) else motion
    points = _known(tracks.points, zero=rigid)
    try:
        points = map_joints(tracks.names, description.joints).apply(points)
    except DataError as problem:
        raise DataError(f"{path}: {problem}") from None
    space = "camera" if take.entry.camera else (description.space or tracks.space or "world")
    up = "-y" if space == "camera" else description.up
    fps = take.entry.fps or stated or tracks.fps or description.fps
    return Body(take, points, fps, tracks.times, description.unit or tracks.unit, up, space)


def _known(points: Float[ndarray, "f n 3"], *, zero: bool) -> Float[ndarray, "f n 3"]:
    """NaN for what is infinite, or as good as, and for what is only sometimes at 0 0 0 unless it may be `zero`.

    So programs write markers that were lost. What always is at 0 0 0 is the root of relative poses.
    """
    origin = (points == 0).all(-1)
    lost = origin & ~origin.all(0) & (not zero)
    return np.where(lost[..., None] | ~(np.abs(points) < HUGE), np.nan, points)


def conventions(source: Source) -> Conventions:
    """Find out the unit and the axis that points up, where neither the description nor the files say them.

    Up to 50 takes together say it, so that one of somebody who lies does not mislead.

    Raises:
        DataError: It is not clear; the message says what to set.
    """
    legs, trunks = [], []
    if source.description.unit and (source.description.up or source.description.space == "camera"):
        return Conventions()
    for take in source.takes[:: len(source.takes) // LOOK + 1]:
        try:
            body = read_body(take, source.description)
        except (DataError, FormatError, PoseError):
            continue  # which is said when it is read again
        points = body.points[np.isfinite(body.points).all((1, 2))]
        lengths = bone_lengths(points)
        leg = sum(lengths[f"{side}_{part}"] for side in ("left", "right") for part in ("knee", "ankle")) / 2
        trunk = points[:, H36M_17.index("thorax")] - points[:, H36M_17.index("pelvis")]
        size = np.linalg.norm(trunk, axis=-1)
        if body.unit is None and leg > 0:
            legs.append(leg)
        if body.up is None and size.any():
            trunks.append((trunk[size > 0] / size[size > 0, None]).mean(0))
    unit = up = None
    if legs:
        leg = float(np.median(legs))
        if (unit := fitting_unit(leg)) is None:
            raise DataError(
                f"{source.path}: nobody says the unit of length, and a leg of {leg:.4g} is a person's neither in "
                f"{', '.join(SCALES)}. Set units in {FILE}; if it is an adult's, units = {LEG / leg:.3g} or so (metres)"
            )
    if trunks:
        mean = np.mean(trunks, 0)
        axis = int(np.abs(mean).argmax())
        if abs(mean[axis]) < STEEP:
            raise DataError(
                f"{source.path}: nobody says which axis points up, and the bodies do not stand along any of them (mean "
                f'direction from pelvis to thorax {np.round(mean, 2).tolist()}). Set up in {FILE}, such as up = "z"'
            )
        up = ("" if mean[axis] > 0 else "-") + "xyz"[axis]
    return Conventions(unit, up)


def read_bodies(source: Source, found: Conventions) -> Iterator[tuple[Take, Body | None, Findings]]:
    """Each take, read and examined: in metres, with y up (camera space as it is), and what is wrong or odd about it."""
    seen: dict[tuple[str, str], Path] = {}
    content: dict[int, Take] = {}
    for listed in source.takes:
        place = str(listed.path)
        try:
            body = read_body(listed, source.description)
        except (DataError, FormatError, PoseError) as problem:
            yield listed, None, Findings([Finding.from_exception(place, problem)])
            continue
        take = body.take
        if (first := seen.setdefault((take.subject, take.name), take.path)) != take.path:
            text = f"the take {take.name} of {take.subject} was read from another file already: {first}"
            yield take, None, Findings([Finding("error", place, text)])
            continue
        if (body.unit or found.unit) is None or (body.up or found.up) is None:
            yield (
                take,
                None,
                Findings(
                    [Finding("error", place, f"nobody says its unit of length or which axis is up; set both in {FILE}")]
                ),
            )
            continue
        unit = body.unit or SCALES[found.unit or "m"]
        points = body.points * unit
        if body.space == "world":
            points = points @ np.array(UP[body.up or found.up or "y"], float).T
        problems = Findings(examine_times(body.fps, body.times, place))
        upright = points if body.space == "world" else points @ np.array(UP["-y"], float).T
        sure = body.fps is not None and not problems.errors
        problems += examine_motion(upright, body.fps if sure and body.fps else 30.0, place, unit=unit)
        twin = content.setdefault(hash(points.tobytes()), take)
        if twin is not take:
            text = f"it is the same motion as {twin.path}"
            apart = twin.split != take.split
            problems.append(
                Finding(
                    "error" if apart else "warning",
                    place,
                    f"{text}, in another split ({twin.split})" if apart else text,
                )
            )
        yield take, replace(body, points=points, unit=1.0, up="y"), problems
