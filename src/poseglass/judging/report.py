"""The reports of `pg.evaluate`: errors by group, printed as text, Markdown, JSON and CSV."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, final

from poseglass.files.plain_text import to_json
from poseglass.files.tables import csv_table, markdown_table, text_table

__all__ = ["ClipReport", "EvaluationReport", "GroupErrors", "RecordingReport", "WorldReport"]


@dataclass(frozen=True)
class GroupErrors:
    """Mean errors of a group of frames.

    Attributes:
        kind: The kind of group. Recordings: ``action``, ``sequence``, ``activity`` or ``total``. Motion clips: the kind
            of 2D poses, ``clean`` or ``detected``; in the world with the focal length, ``clean, known``.
        name: The name of the action, sequence, activity, subject or method.
        frames: The number of frames that count.
        errors: The mean of each metric by name; NaN if no frame could be measured.
    """

    kind: str
    name: str
    frames: int
    errors: Mapping[str, float]


class EvaluationReport(ABC):
    """Errors by group. ``str()`` gives a table to read.

    The kinds are :class:`ClipReport` and :class:`WorldReport` (motion clips) and :class:`RecordingReport` (recordings).
    """

    units: Mapping[str, str]
    # The attributes of a group that the printed table shows, each with its heading.
    HEADINGS: ClassVar[Mapping[str, str]]

    @abstractmethod
    def about(self) -> str:
        """What was measured and how, one fact per line."""

    @abstractmethod
    def rows(self) -> Sequence[GroupErrors]:
        """The groups in the order of the table."""

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """All values as plain Python types; None replaces NaN."""

    @final
    def group(self, kind: str, name: str = "all") -> GroupErrors:
        """The errors of one group.

        Args:
            kind: The kind of group, such as ``"clean"``.
            name: Its name, such as a subject; ``"all"`` takes of motion clips by default.

        Raises:
            KeyError: There is no such group.
        """
        for group in self.rows():
            if (group.kind, group.name) == (kind, name):
                return group
        raise KeyError((kind, name))

    @final
    def __str__(self) -> str:
        units = "  ".join(f"{name} in {unit}" for name, unit in self.units.items())
        return f"{self.about()}\n\n{text_table(self._cells(self.units), left=len(self.HEADINGS))}\n\n{units}"

    @final
    def markdown(self) -> str:
        """The same as a list and a Markdown table."""
        lines = [f"- {line}" for line in self.about().splitlines()]
        cells = self._cells([f"{name}, {unit}" for name, unit in self.units.items()])
        return "\n".join([*lines, "", markdown_table(cells)])

    @final
    def json(self) -> str:
        """:meth:`record` as JSON."""
        return to_json(self.record(), indent=2)

    @final
    def csv(self) -> str:
        """The errors as CSV, with a row per group, in full precision."""
        head = ["kind", "name", "frames", *self.units]
        values = ([row.kind, row.name, row.frames, *(row.errors[name] for name in self.units)] for row in self.rows())
        return csv_table([head, *values])

    def _cells(self, metrics: Sequence[str] | Mapping[str, str]) -> list[list[str]]:
        cells = [[*self.HEADINGS.values(), "frames", *metrics]]
        for row in self.rows():
            labels = [str(getattr(row, attribute)) for attribute in self.HEADINGS]
            values = (_rounded(row.errors[name], unit) for name, unit in self.units.items())
            cells.append([*labels, f"{row.frames:,}", *values])
        return cells


@final
@dataclass(frozen=True, kw_only=True)
class ClipReport(EvaluationReport):
    """Errors on motion clips seen by virtual cameras: :func:`poseglass.judging.on_clips.evaluate_clips`.

    Attributes:
        fingerprint: The fingerprint of the evaluated takes. The same data gives the same fingerprint.
        split: The split of the takes.
        flip: Whether the mirrored pass was averaged in.
        protocol: One line on cameras and frame rate.
        units: The unit of each metric.
        groups: For clean and detected 2D poses: all takes together (``all``), then each subject.
        skipped: Takes with fewer than 3 frames, too short to measure an acceleration.
    """

    HEADINGS: ClassVar[Mapping[str, str]] = {"kind": "2D", "name": "takes of"}

    fingerprint: str
    split: str
    flip: bool
    protocol: str
    units: Mapping[str, str]
    groups: tuple[GroupErrors, ...]
    skipped: tuple[str, ...] = ()

    def about(self) -> str:
        """What was measured and how, one fact per line."""
        lines = [
            f"motion clips, split {self.split}, fingerprint {self.fingerprint}",
            f"{self.protocol}, {_flipped(self.flip)}",
        ]
        if self.skipped:
            lines.append(f"left out, fewer than 3 frames: {', '.join(self.skipped)}")
        return "\n".join(lines)

    def rows(self) -> Sequence[GroupErrors]:
        """The groups in the order of the table."""
        return self.groups

    def record(self) -> dict[str, Any]:
        """Errors by kind of 2D poses, group and metric; None replaces NaN."""
        return _by_kind(self.groups)


@final
@dataclass(frozen=True, kw_only=True)
class WorldReport(EvaluationReport):
    """Errors of motions in the world: :func:`poseglass.judging.in_the_world.evaluate_world`.

    Attributes:
        fingerprint: The fingerprint of the split's takes. The same data gives the same fingerprint.
        split: The split of the takes.
        flip: Whether the mirrored pass was averaged in.
        protocol: The version of the simulated detector.
        takes: The number of takes that were used.
        units: The unit of each measure.
        groups: For clean and detected 2D poses, and known and unknown focal lengths: each method. The kind of a group
            is ``"clean, known"``, for example, its name the method. The last group is the true motion.
        skipped: Takes shorter than a segment of 100 frames.
    """

    HEADINGS: ClassVar[Mapping[str, str]] = {"kind": "2D, focal length", "name": "method"}

    fingerprint: str
    split: str
    flip: bool
    protocol: int
    takes: int
    units: Mapping[str, str]
    groups: tuple[GroupErrors, ...]
    skipped: tuple[str, ...] = ()

    def about(self) -> str:
        """What was measured and how, one fact per line."""
        lines = [
            f"motion in the world, split {self.split}, fingerprint {self.fingerprint}",
            f"{self.takes} takes at 30 frames per second, each seen by one of 4 cameras; detector of protocol "
            f"{self.protocol}, {_flipped(self.flip)}",
        ]
        if self.skipped:
            takes = "take" if len(self.skipped) == 1 else "takes"
            lines.append(f"left out, fewer than 100 frames: {len(self.skipped)} {takes}")
        return "\n".join(lines)

    def rows(self) -> Sequence[GroupErrors]:
        """The groups in the order of the table."""
        return self.groups

    def record(self) -> dict[str, Any]:
        """Errors by kind of 2D poses and focal length, method and measure; None replaces NaN."""
        return _by_kind(self.groups)


@final
@dataclass(frozen=True, kw_only=True)
class RecordingReport(EvaluationReport):
    """Errors on recordings: :func:`poseglass.judging.on_recordings.evaluate_recordings`.

    Attributes:
        dataset: The data set of the recordings.
        fingerprint: The fingerprint of the recordings' folder. The same data gives the same fingerprint.
        subjects: The subjects of the recordings.
        keypoints: The 2D poses that the model was given.
        model: The model's name.
        counting: Whether frames count ``ours`` or the ``published`` way.
        flip: Whether the mirrored pass was averaged in.
        centre: Whether the model predicted only the centre of each clip.
        windows: The number of clips, without the mirrored ones.
        window: Frames per clip.
        repeated: How many of the counted frames are padding, which repeats a recording's first or last frame.
        units: The unit of each metric.
        groups: Errors by action, or by sequence and activity.
        total: The mean over actions, or over all frames.
        joints: The MPJPE of each joint over all frames that count.
        notes: A sentence for each thing that the recordings lack.
        skeleton: The order of the model's joints.
    """

    HEADINGS: ClassVar[Mapping[str, str]] = {"name": ""}

    dataset: str
    fingerprint: str
    subjects: tuple[str, ...]
    keypoints: str
    model: str
    counting: str
    flip: bool
    centre: bool
    windows: int
    window: int
    repeated: int
    units: Mapping[str, str]
    groups: tuple[GroupErrors, ...]
    total: GroupErrors
    joints: Mapping[str, float]
    notes: tuple[str, ...] = ()
    skeleton: str = "h36m17"

    def about(self) -> str:
        """What was measured and how, one fact per line."""
        frames = "the centre frame" if self.centre else "all frames"
        joints = "" if self.skeleton == "h36m17" else f" of the joints {self.skeleton}"
        padded = f", {self.repeated:,} of them repeated" if self.repeated else ""
        lines = [
            f"{self.model} on {self.dataset}, subjects {' '.join(self.subjects)}, fingerprint {self.fingerprint}",
            f"2D poses {self.keypoints}{joints}, {_flipped(self.flip)}",
            f"protocol {self.counting}: {self.windows:,} clips of {self.window} frames, which predict {frames}; "
            f"{self.total.frames:,} frames count{padded}",
        ]
        return "\n".join([*lines, *self.notes])

    def rows(self) -> Sequence[GroupErrors]:
        """The groups in the order of the table, the total last."""
        return (*self.groups, self.total)

    def record(self) -> dict[str, Any]:
        """Every attribute as plain values; None replaces NaN."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def _by_kind(groups: Sequence[GroupErrors]) -> dict[str, Any]:
    kinds: dict[str, Any] = {}
    for group in groups:
        errors = {name.lower().replace("-", "_"): value for name, value in group.errors.items()}
        kinds.setdefault(group.kind, {})[group.name] = _plain(errors | {"frames": group.frames})
    return kinds


def _flipped(flip: bool) -> str:
    return "averaged with the mirrored pass" if flip else "no mirrored pass"


def _rounded(value: float, unit: str) -> str:
    return "-" if math.isnan(value) else f"{value:.{1 if unit in ('mm', '%') else 2}f}"


def _plain(value: Any) -> Any:
    """The value with None in place of NaN and infinity, which JSON lacks."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
