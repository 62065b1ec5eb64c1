"""Checks of prepared data: motion clips and recordings."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import conversion
from poseglass.data.checks.findings import Finding, Findings, count
from poseglass.data.checks.plausible import examine_motion, examine_times
from poseglass.data.checks.projection import best_projection
from poseglass.data.clips import MotionClips
from poseglass.data.recordings.index import INDEX
from poseglass.data.recordings.store import Recording, Recordings
from poseglass.errors import PoseError
from poseglass.own.views import MOSTLY, UNUSUAL_DISTANCE, WRONG_DISTANCE

__all__ = ["Steps", "check_clips", "check_recordings"]

Steps = Callable[..., Iterable[Any]]
"""Passes an iterable through and shows a progress bar, like `rich.progress.track`."""

FRAMES_COMPARED = 500  # frames of a recording whose 2D and 3D poses are compared; enough for a stable median
GAP = "these frames are left out"  # the end of `examine_motion`'s warning about unknown frames
PREFIX = 1 << 16  # bytes at the start of two clips that must be equal to report them as the same: 321 frames
# A recording does not contain its camera, so a camera without lens distortion is fitted to it. Because it fits less
# well, the limit is this multiple of the limit for a known camera.
FITTED_FACTOR = 4


def check_clips(path: Path, findings: Findings, summary: list[str], steps: Steps) -> None:
    """Check a file of motion clips: frame rate, bodies, subjects in two splits, repeated clips, empty splits."""
    clips = MotionClips.load(path)
    split_of: dict[str, str] = {}
    names: dict[bytes, str] = {}
    findings += examine_times(clips.fps, None, "fps")
    if findings.errors:
        return
    for clip in steps(clips, total=len(clips)):
        place = f"clip {clip.name}"
        findings += examine_motion(clip.points.astype(np.float64), clips.fps, place)
        if (split := split_of.setdefault(clip.subject, clip.split)) != clip.split:
            findings.error(f"{place}, split {clip.split}", f"its subject {clip.subject} is also in the split {split}")
        if (twin := names.setdefault(clip.points.tobytes()[:PREFIX], clip.name)) != clip.name:
            findings.warning(place, f"it starts exactly like the clip {twin}")
    for split in ("train", "val"):
        if split not in split_of.values():
            findings.warning(f"split {split}", "training needs it, but it has no clips")
    summary.append(f"{count(len(clips), 'clip')}, {clips.minutes:.1f} minutes at {clips.fps:g} frames per second")


def check_recordings(path: Path, findings: Findings, summary: list[str], steps: Steps) -> None:
    """Check a folder of recordings: checksums, bodies, 2D against 3D poses, subjects in two splits."""
    recordings = Recordings.open(path, verify=True)
    try:
        matrix = conversion(recordings.skeleton)
    except PoseError as problem:
        findings.error(f"{path / INDEX}, skeleton", str(problem))
        return
    splits_of: dict[str, set[tuple[str, ...]]] = {}
    for recording in steps(recordings, total=len(recordings)):
        splits_of.setdefault(recording.subject, set()).add(recording.splits)
        findings += _check_recording(recording, matrix)
    for subject, splits in splits_of.items():
        if len(splits) > 1:
            names = ", ".join(sorted({name for recording_splits in splits for name in recording_splits}))
            findings.error(f"{path / INDEX}, {subject}", f"the subject is in several splits: {names}")
    summary.append(
        f"{recordings.dataset}: {count(len(recordings), 'recording')}, {count(recordings.frames, 'frame')} of "
        f"{recordings.skeleton.name}, 2D {' '.join(recordings.sources)}, checksums correct, "
        f"fingerprint {recordings.fingerprint}"
    )


def _check_recording(recording: Recording, matrix: Float[ndarray, "17 j"]) -> Findings:
    place, valid = recording.name, np.array(recording.valid)
    findings = Findings(examine_times(recording.fps, None, place))
    if findings.errors:
        return findings
    if not valid.any():
        findings.error(place, "it has no valid frames")
        return findings
    points = np.array(recording.points3d, np.float64)
    points[~valid] = np.nan
    body = np.stack([np.einsum("j,fjd->fd", row[row != 0], points[:, row != 0]) for row in matrix], 1)  # f 17 3
    body *= np.array([1.0, -1.0, -1.0])  # a camera is nearly level, so its -y points nearly up
    # Invalid frames are unknown on purpose.
    findings += [finding for finding in examine_motion(body, recording.fps, place) if GAP not in finding.text]
    some = np.flatnonzero(valid)[:: max(1, int(valid.sum()) // FRAMES_COMPARED)]
    for source in recording.sources:
        scores = recording.scores(source)
        known = np.ones(points.shape[:2], bool) if scores is None else np.asarray(scores) > 0
        pixels = np.asarray(recording.points2d(source), np.float64)
        findings += _compare(f"{place}, {source}", points[some][known[some]], pixels[some][known[some]], recording.size)
    return findings


def _compare(
    place: str, points: Float[ndarray, "*b 3"], pixels: Float[ndarray, "*b 2"], size: tuple[int, int]
) -> Findings:
    """Compare 2D joints with 3D joints that are projected by the best-fitting camera."""
    findings, width = Findings(), size[0]
    if not np.isfinite(pixels).all():
        findings.error(place, "2D poses are not finite in valid frames")
        return findings
    if not len(pixels):
        findings.warning(place, "all scores are 0")
        return findings
    outside = ((pixels < 0) | (pixels > np.array(size))).any(-1).mean()
    if outside > 1 - MOSTLY:
        findings.warning(place, f"{outside:.0%} of the joints are outside the image of {width} x {size[1]} pixels")
    projected = best_projection(points[:, None], pixels[:, None])[:, 0]
    distance = float(np.median(np.linalg.norm(pixels - projected, axis=-1)))
    if distance > UNUSUAL_DISTANCE * width:
        text = f"2D poses are {distance:.0f} pixels (median) from the 3D poses, projected by the best-fitting camera"
        is_error = distance > FITTED_FACTOR * WRONG_DISTANCE * width
        findings.append(Finding("error" if is_error else "warning", place, text))
    return findings
