"""Read every file of a source, in metres with y up, and check that it looks like a person's motion."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.geometry import to_y_up
from poseglass.body.skeleton import H36M_17
from poseglass.data.checks.findings import Finding, Findings
from poseglass.data.checks.plausible import SCALES, examine_motion, examine_times
from poseglass.data.recordings.splits import SPLITS
from poseglass.errors import DataError, FormatError, PoseError
from poseglass.own.bodies import BodyMotion, read_bodies
from poseglass.own.conventions import Conventions
from poseglass.own.description import FILE
from poseglass.own.joint_names import suggest
from poseglass.own.sources import MotionFile, MotionSource

__all__ = ["examine_files", "examine_splits", "examine_subjects"]

UPRIGHT = 0.3  # cosine between the trunk and the upward axis, below which a person lies: 73 degrees
ASSUMED_FPS = 30.0  # used only to check the rest of a take whose unknown or wrong rate is already an error


def examine_files(
    source: MotionSource, conventions: Conventions
) -> Iterator[tuple[MotionFile, BodyMotion | None, Findings]]:
    """Read each file and check it.

    Yields:
        For each person in a file: the file, the motion and the findings. The motion is in metres, with y up or in the
        space of its camera; None if it cannot be read. The findings determine whether it may be used.

    Example:
        >>> from poseglass.own.conventions import find_conventions
        >>> from poseglass.own.sources import open_source
        >>> _ = Path("walk.csv").write_text("frame,hip_x,hip_y,hip_z\\n0,1,2,3\\n")
        >>> source = open_source("walk.csv")
        >>> for file, body, findings in examine_files(source, find_conventions(source)):
        ...     print(file.take, body, findings.counts)
        walk None 1 error, 0 warnings
    """
    paths: dict[tuple[str, str], Path] = {}
    same_motion: dict[int, MotionFile] = {}
    for listed in source.files:
        try:
            bodies = [*read_bodies(listed, source.description)]
        except (DataError, FormatError, PoseError) as problem:
            yield listed, None, Findings([Finding.from_exception(str(listed.path), problem)])
            continue
        for body in bodies:
            if isinstance(body, DataError):
                yield listed, None, Findings([Finding.from_exception(str(listed.path), body)])
                continue
            file = body.file
            place = str(file.path) if len(bodies) == 1 else f"{file.path}, {file.subject} {file.take}"
            findings = Findings(Finding("warning", place, note) for note in body.notes)
            if paths.setdefault((file.subject, file.take), file.path) != file.path:
                first = paths[file.subject, file.take]
                text = f"the take {file.take} of {file.subject} was already read from another file: {first}"
                findings.error(place, text)
                yield file, None, findings
                continue
            unit, up = body.unit or SCALES.get(conventions.unit or ""), body.up or conventions.up
            if unit is None or up is None:
                findings.error(place, f"the unit of length or the axis that points up is unknown; set both in {FILE}")
                yield file, None, findings
                continue
            upright = to_y_up(body.points * unit, up)
            findings += examine_times(body.fps, body.times, place)
            fps = ASSUMED_FPS if body.fps is None or findings.errors else body.fps
            findings += examine_motion(
                upright, fps, place, unit=unit, upright=not body.up_assumed, sides=not source.is_crossed(file)
            )
            if body.up_assumed:
                findings += _assumed_up(upright, up, place)
            points = upright if body.space == "world" else body.points * unit
            if (twin := same_motion.setdefault(hash(points.tobytes()), file)) is not file:
                if twin.split == file.split:
                    findings.warning(place, f"the motion is the same as in {twin.path}")
                else:
                    text = f"the motion is the same as in {twin.path}, which is in another split ({twin.split})"
                    findings.error(place, text)
            up = "y" if body.space == "world" else "-y"
            yield file, replace(body, points=points, unit=1.0, up=up), findings


def _assumed_up(points: Float[ndarray, "f 17 3"], up: str, place: str) -> Iterator[Finding]:
    """Report a person who lies or bends nearly always, if the upward axis is only the format's custom."""
    trunk = points[:, H36M_17.index("thorax")] - points[:, H36M_17.index("pelvis")]
    length = np.linalg.norm(trunk, axis=-1)
    cosines = trunk[length > 0, 1] / length[length > 0]
    if len(cosines) and np.nanmedian(cosines) < UPRIGHT:
        text = f"the person lies or is upside down if {up} points up, as is the custom of this format"
        yield Finding("warning", place, f"{text}; if another axis does, set up in {FILE}")


def examine_subjects(source: MotionSource, subjects: Collection[str]) -> Findings:
    """Report the subjects of splits that no motion file has.

    Args:
        source: The source.
        subjects: The subjects of the files that were read, some of which only the files name.
    """
    findings, known = Findings(), {*subjects, *(file.subject for file in source.files)}
    for split, names in source.description.splits.items():
        for name in names:
            if name not in known and not name.startswith("cmu_"):  # part of CMU's recordings is enough
                place = f"{source.path}, splits.{split}"
                findings.error(place, f"there is no subject {name!r}{suggest(name, known)}")
    return findings


def examine_splits(source: MotionSource, splits: Sequence[str]) -> Findings:
    """Check that no split is empty: an error if the description names its subjects, a warning otherwise.

    Args:
        source: The source.
        splits: The split of each take that can be used.
    """
    takes, findings = Counter(splits), Findings()
    for split in SPLITS:
        place, subjects = f"{source.path}, split {split}", source.description.splits.get(split)
        if takes[split]:
            continue
        if subjects:
            findings.error(place, f"no take of its subjects {', '.join(subjects)} could be used")
        elif split != "test":
            findings.warning(place, f"training needs it, but it has no takes; list its subjects in [splits] in {FILE}")
    return findings
