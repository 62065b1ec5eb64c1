"""Is a data set what it should be? What is wrong stops its preparation; what is missing or odd is put on a list."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import Skeleton
from poseglass.data.recordings.store import Recordings
from poseglass.errors import DataError, FormatError
from poseglass.files.pickled import read_objects

__all__ = ["Findings", "Preparation", "check_bones", "check_finite", "fitted", "numbers", "read_dictionary"]

# Metres between a joint and its parent, of any adult.
BONES = {
    "hip": (0.05, 0.22),
    "knee": (0.30, 0.60),
    "ankle": (0.28, 0.60),
    "shoulder": (0.07, 0.28),
    "elbow": (0.18, 0.42),
    "wrist": (0.15, 0.40),
}
EVEN = 1.25  # the longer of a left and a right bone over the shorter, at most
MANY = 12  # lines of a list that are shown


def read_dictionary(path: Path, member: str, what: str) -> dict[Any, Any]:
    """The dictionary that is pickled in a member of one of the field's npz files; `what` says of what it is.

    Raises:
        DataError: It cannot be read, or is something else.
    """
    try:
        content = read_objects(path, member)
    except FormatError as problem:
        whole = "" if "refused" in str(problem) else "; was it downloaded whole?"
        raise DataError(f"{path}: {problem}{whole}") from None
    if not isinstance(content, dict):
        raise DataError(f"{path}: {member} must be a dictionary of {what}")
    return content


def numbers(value: Any, where: str) -> ndarray:
    """What a file holds as an array of numbers.

    Raises:
        DataError: It is none, such as text, nothing, or rows of unequal length; `where` says where it was.
    """
    try:
        array = np.asarray(value)
    except ValueError as problem:
        raise DataError(f"{where}: an array of numbers is expected ({problem}); get the whole file") from None
    if array.dtype.kind not in "fiub":
        raise DataError(f"{where}: an array of numbers is expected, got {array.dtype}; get the whole file")
    return array


def check_finite(points: Float[ndarray, "f j d"], name: str) -> None:
    """Raise :class:`DataError`, which names the first frame, if anything is NaN or infinite."""
    if not (finite := np.isfinite(points).all((1, 2))).all():
        raise DataError(
            f"{name}: {int((~finite).sum())} of {len(points)} frames are not numbers, the first is "
            f"{int((~finite).argmax())}; was the file damaged? Get it again"
        )


def check_bones(points: Float[ndarray, "f j 3"], skeleton: Skeleton, name: str) -> None:
    """Raise :class:`DataError` if limbs are not as long as people's are: joints in another order, or another unit.

    Args:
        points: Poses in metres (f j 3).
        skeleton: Which joint should be which.
        name: Whose they are, for the message.
    """
    lengths: dict[str, float] = {}
    for joint, parent in zip(skeleton.joints, skeleton.parents, strict=True):
        kind = joint.rpartition("_")[2]
        if kind in BONES and parent >= 0:
            bone = points[:, skeleton.index(joint)] - points[:, parent]
            lengths[joint] = float(np.median(np.linalg.norm(bone, axis=-1)))
    wrong = []
    for joint, length in lengths.items():
        low, high = BONES[joint.rpartition("_")[2]]
        other = lengths.get(joint.replace("left_", "right_"), length)
        if not low <= length <= high:
            wrong.append(f"the bone to {joint} is {length:.3g} m long, not {low:g} to {high:g}")
        elif max(length, other) > EVEN * min(length, other):
            wrong.append(f"the bones to {joint} and its right twin are {length:.3g} and {other:.3g} m long")
    if wrong:
        raise DataError(
            f"{name}: the joints are in another order or unit than in the published files: {'; '.join(wrong[:4])}"
        )


@dataclass
class Findings:
    """What is missing or odd, as it is found.

    Attributes:
        missing: What the data set has and its files here have not, a sentence each.
        odd: What is otherwise than usual and may yet be right, a sentence each.
        apart: For each source of 2D poses, the median pixels of every recording between it and the projected 3D poses.
    """

    missing: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    apart: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def compare(
        self,
        source: str,
        seen: Float[ndarray, "f j 2"],
        projected: Float[ndarray, "f j 2"],
        name: str,
        *,
        usual: float,
        most: float,
    ) -> None:
        """Note how far 2D poses are from where the 3D poses are seen.

        Args:
            source: Which 2D poses.
            seen: They, in pixels (f j 2).
            projected: The projected 3D poses, in pixels (f j 2).
            name: Whose they are.
            usual: Pixels in the median beyond which it is odd.
            most: Pixels beyond which it is wrong, unless the whole person is merely somewhere else: motion capture
                may have slipped for a take, as some of Human3.6M's S9 has.

        Raises:
            DataError: They are further apart than `most`, and more than half of it with the person's middle taken out.
        """
        apart = _median(seen - projected)
        self.apart[source].append(apart)
        if not (apart <= most or _median((seen - projected) - (seen - projected).mean(1, keepdims=True)) <= most / 2):
            raise DataError(
                f"{name}: the 2D poses {source!r} are {apart:.0f} pixels away from the projected 3D poses in the "
                "median; cameras, takes or joints are in another order than in the published files"
            )
        if apart > usual:
            self.odd.append(f"{name}: {source} is {apart:.0f} pixels away from the projected 3D poses in the median")


def _median(apart: Float[ndarray, "f j 2"]) -> float:
    return float(np.nanmedian(np.linalg.norm(apart, axis=-1)))


@dataclass(frozen=True)
class Preparation:
    """What came of preparing a data set; as text, a report.

    Args:
        recordings: What was written.
        findings: What is missing or odd.
    """

    recordings: Recordings
    findings: Findings

    def __str__(self) -> str:
        made = self.recordings
        lines = [
            f"{made.dataset} in {made.folder}: {len(made)} recordings, {made.frames:,} frames of {made.skeleton.name}, "
            f"2D {' '.join(made.sources)}, fingerprint {made.fingerprint}"
        ]
        recordings, frames = Counter(r.subject for r in made), Counter[str]()
        takes = {subject: len({r.take for r in made if r.subject == subject}) for subject in recordings}
        for recording in made:
            frames[recording.subject] += recording.frames
        lines += [f"{'subject':10}{'takes':>7}{'recordings':>12}{'frames':>12}"]
        lines += [f"{s:10}{takes[s]:>7}{count:>12}{frames[s]:>12,}" for s, count in recordings.items()]
        for source, pixels in self.findings.apart.items():
            lines.append(
                f"{source}: {np.median(pixels):.2g} pixels from the projected 3D poses in the median, "
                f"{max(pixels):.2g} in the worst recording"
            )
        lines += _list("missing", self.findings.missing) + _list("odd", self.findings.odd)
        return "\n".join(lines)


def _list(title: str, entries: Sequence[str]) -> list[str]:
    if not entries:
        return [f"{title}: nothing"]
    shown = [f"  {entry}" for entry in islice(entries, MANY)]
    more = [f"  and {len(entries) - MANY} more"] if len(entries) > MANY else []
    return [f"{title}:", *shown, *more]


def fitted(points: Float[ndarray, "f j 3"], pixels: Float[ndarray, "f j 2"]) -> Float[ndarray, "f j 2"]:
    """Where the pinhole camera that fits best sees camera-space points (f j 3), for files that tell no camera.

    Focal lengths and principal point are least squares over everything.
    """
    flat = points[..., :2] / np.maximum(points[..., 2:], 1e-6)
    found = np.empty_like(flat)
    for axis in (0, 1):
        ones = np.stack([flat[..., axis].ravel(), np.ones(flat[..., axis].size)], -1)
        (focal, centre), *_ = np.linalg.lstsq(ones, pixels[..., axis].ravel(), rcond=None)
        found[..., axis] = focal * flat[..., axis] + centre
    return np.asarray(found)
