"""What came of an evaluation, as a table, Markdown, JSON and CSV."""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Group", "Report", "aligned"]


@dataclass(frozen=True)
class Group:
    """Errors of some frames.

    Attributes:
        kind: What they have in common: ``action``, ``sequence``, ``activity``, or ``total``.
        name: Which action, say.
        frames: How many count.
        errors: By metric; NaN where there was nothing to measure it on.
    """

    kind: str
    name: str
    frames: int
    errors: Mapping[str, float]


@dataclass(frozen=True)
class Report:
    """Errors, and all that they depend on.

    Attributes:
        dataset: Of which data set the recordings are.
        fingerprint: Of the recordings' folder: the same data, the same fingerprint.
        subjects: Whose recordings.
        keypoints: The 2D poses that the model saw.
        model: Its name.
        counting: Whether frames count ours or the published way.
        flip: Whether the mirrored pass was averaged in.
        centre: Whether the model answered for each clip's centre alone.
        windows: How many clips the model saw, without the mirrored ones.
        window: Frames of a clip.
        repeated: Frames among those that count which repeat the first or the last of a recording.
        units: Of the metrics.
        groups: By action, or by sequence and activity.
        total: The mean over actions, or over all frames.
        joints: MPJPE of each joint, over all frames that count.
        notes: What else there is to know.
        skeleton: Which joint is which in the model.
    """

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
    groups: tuple[Group, ...]
    total: Group
    joints: Mapping[str, float]
    notes: tuple[str, ...] = ()
    skeleton: str = "h36m17"

    def about(self) -> str:
        """What was measured and how, in sentences, a line each."""
        frames = "the centre frame" if self.centre else "all frames"
        flipped = "averaged with the mirrored pass" if self.flip else "no mirrored pass"
        joints = "" if self.skeleton == "h36m17" else f" of the joints {self.skeleton}"
        padded = f", {self.repeated:,} of them repeated" if self.repeated else ""
        lines = [
            f"{self.model} on {self.dataset}, subjects {' '.join(self.subjects)}, fingerprint {self.fingerprint}",
            f"2D poses {self.keypoints}{joints}, {flipped}",
            f"protocol {self.counting}: {self.windows:,} clips of {self.window} that answer for {frames}; "
            f"{self.total.frames:,} frames count{padded}",
        ]
        return "\n".join([*lines, *self.notes])

    def __str__(self) -> str:
        units = "  ".join(f"{name} in {unit}" for name, unit in self.units.items())
        rows = [*self._rows()]
        return f"{self.about()}\n\n{aligned(rows)}\n\n{units}"

    def markdown(self) -> str:
        """The same as a Markdown table under a list."""
        head, *rows = self._rows(units=True)
        lines = [f"- {line}" for line in self.about().splitlines()]
        table = [head, ["---"] * len(head), *rows]
        return "\n".join([*lines, "", *(f"| {' | '.join(row)} |" for row in table)])

    def record(self) -> dict[str, Any]:
        """Everything as plain values; what is no number is None."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    def json(self) -> str:
        """Everything as JSON."""
        return json.dumps(self.record(), indent=2, allow_nan=False)

    def csv(self) -> str:
        """A row a group, in full precision."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["kind", "name", "frames", *self.units])
        for group in (*self.groups, self.total):
            writer.writerow([group.kind, group.name, group.frames, *(group.errors[name] for name in self.units)])
        return file.getvalue()

    def _rows(self, *, units: bool = False) -> Iterator[list[str]]:
        yield ["", "frames", *(f"{name}, {unit}" if units else name for name, unit in self.units.items())]
        for group in (*self.groups, self.total):
            digits = {name: 1 if unit in ("mm", "%") else 2 for name, unit in self.units.items()}
            values = (
                "-" if math.isnan(value := group.errors[name]) else f"{value:.{digits[name]}f}" for name in digits
            )
            yield [group.name, f"{group.frames:,}", *values]


def aligned(rows: list[list[str]]) -> str:
    """A table in plain text: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
