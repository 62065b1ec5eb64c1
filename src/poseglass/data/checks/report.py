"""The report on preparing a data set: recordings written, fit of the 2D poses, missing and unusual data."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from poseglass.data.checks.findings import Findings
from poseglass.data.recordings.store import Recordings

__all__ = ["PreparationReport"]

LINES = 12  # lines of each list that are shown


@dataclass(frozen=True)
class PreparationReport:
    """The result of preparing a data set; as text, a report.

    Args:
        recordings: The recordings written.
        findings: What is missing or unusual. They include no errors, because an error stops the preparation.
        distances: For each source of 2D poses, the median distance in pixels of every recording from the projected
            3D poses.
    """

    recordings: Recordings
    findings: Findings
    distances: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def __str__(self) -> str:
        recordings = self.recordings
        lines = [
            f"{recordings.dataset} in {recordings.folder}: {len(recordings)} recordings, {recordings.frames:,} frames "
            f"of {recordings.skeleton.name}, 2D {' '.join(recordings.sources)}, fingerprint {recordings.fingerprint}"
        ]
        counts, frames = Counter(recording.subject for recording in recordings), Counter[str]()
        takes = {subject: len({r.take for r in recordings if r.subject == subject}) for subject in counts}
        for recording in recordings:
            frames[recording.subject] += recording.frames
        lines += [f"{'subject':10}{'takes':>7}{'recordings':>12}{'frames':>12}"]
        lines += [f"{s:10}{takes[s]:>7}{number:>12}{frames[s]:>12,}" for s, number in counts.items()]
        for source, pixels in self.distances.items():
            lines.append(
                f"{source}: {np.median(pixels):.2g} pixels (median) from the projected 3D poses, "
                f"{max(pixels):.2g} in the worst recording"
            )
        lines += [self.findings.section("missing", LINES), self.findings.section("warning", LINES)]
        return "\n".join(lines)
