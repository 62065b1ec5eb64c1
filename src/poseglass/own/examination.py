"""Read every file of a source, in metres with y up, and check that it looks like a person's motion."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from poseglass.body.geometry import to_y_up
from poseglass.data.checks.findings import Finding, Findings
from poseglass.data.checks.plausible import SCALES, examine_motion, examine_times
from poseglass.data.recordings.splits import SPLITS
from poseglass.errors import DataError, FormatError, PoseError
from poseglass.own.bodies import BodyMotion, read_body
from poseglass.own.conventions import Conventions
from poseglass.own.description import FILE
from poseglass.own.sources import MotionFile, MotionSource

__all__ = ["examine_files", "examine_splits"]

ASSUMED_FPS = 30.0  # used only to check the rest of a take whose unknown or wrong rate is already an error


def examine_files(
    source: MotionSource, conventions: Conventions
) -> Iterator[tuple[MotionFile, BodyMotion | None, Findings]]:
    """Read each file and check it.

    Yields:
        The file, its motion and the findings. The motion is in metres, with y up or in the space of its camera; None if
        the file cannot be read. The findings determine whether the motion may be used.

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
        place = str(listed.path)
        try:
            body = read_body(listed, source.description)
        except (DataError, FormatError, PoseError) as problem:
            yield listed, None, Findings([Finding.from_exception(place, problem)])
            continue
        file, findings = body.file, Findings()
        if (first := paths.setdefault((file.subject, file.take), file.path)) != file.path:
            findings.error(place, f"the take {file.take} of {file.subject} was already read from another file: {first}")
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
        findings += examine_motion(upright, fps, place, unit=unit)
        points = upright if body.space == "world" else body.points * unit
        if (twin := same_motion.setdefault(hash(points.tobytes()), file)) is not file:
            if twin.split == file.split:
                findings.warning(place, f"the motion is the same as in {twin.path}")
            else:
                text = f"the motion is the same as in {twin.path}, which is in another split ({twin.split})"
                findings.error(place, text)
        yield file, replace(body, points=points, unit=1.0, up="y" if body.space == "world" else "-y"), findings


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
