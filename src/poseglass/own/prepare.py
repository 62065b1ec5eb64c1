"""Somebody's own motion as motion clips, for virtual cameras, or as recordings of their own cameras."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from rich.progress import Progress

from poseglass.body.pose import PoseSequence
from poseglass.body.resample import resample
from poseglass.body.skeleton import H36M_17
from poseglass.data.checks.findings import Finding, Findings
from poseglass.data.checks.plausible import SCALES
from poseglass.data.checks.report import PreparationReport
from poseglass.data.clips import CMU_CREDIT, MotionClip, MotionClips
from poseglass.data.cmu import SHORTEST, cut_glitches
from poseglass.data.recordings.splits import SPLITS
from poseglass.data.recordings.store import Recordings
from poseglass.data.recordings.writer import check_new_folder, write_recordings
from poseglass.errors import DataError
from poseglass.own.description import FILE
from poseglass.own.takes import Body, Conventions, Source, conventions, open_source, read_bodies
from poseglass.own.views import views

__all__ = ["FPS", "Conversion", "clips_of", "examine_splits", "prepare_clips", "prepare_recordings"]

FPS = 60.0  # of motion clips


@dataclass(frozen=True)
class Conversion:
    """What became of files of motion.

    Args:
        clips: The takes, as they were written.
        skipped: Why a file was left out, by its path.
        odd: Warnings.
        found: What nobody said and was found out.
    """

    clips: MotionClips
    skipped: Mapping[Path, str]
    odd: Findings
    found: Conventions


def prepare_clips(
    source: str | PathLike[str],
    destination: str | PathLike[str],
    *,
    about: str | PathLike[str] | None = None,
    fps: float = FPS,
    progress: bool = False,
) -> Conversion:
    """Turn files of motion capture into one file of motion clips, which `poseglass train` and `evaluate` take.

    Each take becomes Human3.6M's 17 joints in metres, y up, at `fps`; it is cut where joints are not known and where
    one jumps. With a description everything must be right; without, files that cannot be used are left out and named.

    CMU's recordings are known by their joints: a take ``07_01`` belongs to the subject ``cmu_07``, which decides its
    split; an AMC file goes with the ASF file of its subject, or the only one in its folder. Where a take is there in
    both formats, its AMC file counts, whose bones are all there.

    Args:
        source: A folder, with a ``motion.toml`` or without, or a file (see :func:`poseglass.own.takes.open_source`).
        destination: The ``.npz`` to write.
        about: A description that stands elsewhere.
        fps: Frames a second of the clips.
        progress: Show a progress bar.

    Raises:
        DataError: Something is wrong, nothing can be used, or the destination cannot be written; nothing is written.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> from poseglass.body.geometry import to_y_up
        >>> from poseglass.data.synthetic.people import STYLES, move
        >>> points = to_y_up(move(np.random.default_rng(0), STYLES["Walking"], 90), "z")
        >>> _ = pg.PoseSequence(points, pg.H36M_17, "world", fps=50).save("walk.csv")
        >>> [(clip.name, clip.points.shape) for clip in prepare_clips("walk.csv", "clips.npz").clips]
        [('walk_walk', (107, 17, 3))]
    """
    opened = open_source(source, about)
    found = conventions(opened)
    clips: dict[str, MotionClip] = {}
    skipped: dict[Path, Findings] = {}
    odd = Findings()
    licences = set()
    with Progress(disable=not progress) as bar:
        task = bar.add_task("Reading motion capture", total=len(opened.takes))
        for take, body, problems in read_bodies(opened, found):
            bar.advance(task)
            odd += problems.warnings
            bad = problems.errors
            made = clips_of(body, fps, opened.description.licence) if body is not None and not bad else []
            if not bad and not made:
                bad.error(str(take.path), f"no stretch of {SHORTEST} frames at {fps:g} a second without a glitch")
            if twice := [clip.name for clip in made if clip.name in clips]:
                bad.error(str(take.path), f"there is a clip {twice[0]} already; rename the take")
            if bad:
                skipped[take.path] = bad
                continue
            licences.add(body is not None and body.take.cmu)
            clips |= {clip.name: clip for clip in made}
    wrong = opened.problems + Findings(problem for bad in skipped.values() for problem in bad)
    splits = examine_splits(opened, [clip.split for clip in clips.values()])
    odd += splits.warnings
    if opened.described:
        (wrong + splits.errors).raise_errors(str(opened.path))
    if not clips:
        reasons = "; ".join(problem.sentence for problem in wrong[:3])
        raise DataError(f"none of the {len(opened.takes)} motion files in {opened.path} could be used: {reasons}")
    credit = [opened.description.credit] * bool(opened.description.credit) + [CMU_CREDIT] * (True in licences)
    takes = MotionClips(tuple(clips[name] for name in sorted(clips)), fps, " ".join(credit))
    takes.save(destination)
    said = {path: "; ".join(problem.sentence for problem in bad) for path, bad in skipped.items()}
    return Conversion(takes, said, odd, found)


def clips_of(body: Body, fps: float = FPS, licence: str = "") -> list[MotionClip]:
    """The stretches of a take without gaps and glitches, as clips; numbered where there are several."""
    points = body.points if body.space == "world" else body.points * np.array([1.0, -1.0, -1.0])
    known = np.isfinite(points).all((1, 2))
    if not known.any() or len(points) < 2:
        return []
    times = None if body.times is None or (np.diff(body.times) <= 0).any() else body.times
    # With time stamps that are even, the rate that the file says is the exact one.
    even = times is None or (body.fps is not None and (np.abs(np.diff(times) * body.fps - 1) < 0.05).all())
    poses = PoseSequence(
        points, H36M_17, "world", fps=body.fps, valid=known, timestamps=None if even else times, scores=None
    )
    poses = resample(poses, fps)
    sure = poses.validity & np.isfinite(poses.points).all((1, 2))
    edges = np.flatnonzero(np.diff(np.r_[False, sure, False].astype(int)))
    stretches = [poses[int(a) : int(b)] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    pieces = [piece for stretch in stretches for piece in cut_glitches(stretch)]
    take = body.take
    name = take.name if take.cmu else re.sub(r"[^\w.-]+", "_", f"{take.subject}_{take.name}")
    return [
        MotionClip(
            name if len(pieces) == 1 else f"{name}_p{number}",
            piece.points,
            take.subject,
            take.split,
            licence or ("CMU" if take.cmu else ""),
        )
        for number, piece in enumerate(pieces)
    ]


def prepare_recordings(
    source: str | PathLike[str],
    destination: str | PathLike[str],
    *,
    about: str | PathLike[str] | None = None,
    progress: bool = False,
) -> PreparationReport:
    """Turn motion and its cameras into a checked folder of :class:`poseglass.data.recordings.store.Recordings`.

    The projected 3D poses are ``gt``; keypoints, where a take names any, are ``detected``. Each recording says
    its split.

    Args:
        source: A folder with a ``motion.toml``.
        destination: The folder to write, which must not be there yet.
        about: A description that stands elsewhere.
        progress: Show a progress bar.

    Raises:
        DataError: There are no cameras, or anything is wrong; nothing is written, and the message lists all of it.
    """
    check_new_folder(destination)
    opened = open_source(source, about)
    description = opened.description
    if not description.cameras:
        opened.problems.raise_errors(str(opened.path))
        raise DataError(
            f"recordings need cameras, and nobody describes any: add [cameras.NAME] to {opened.path / FILE}, "
            "or end the name to write in .npz for motion clips, which virtual cameras see"
        )
    found, warnings, distances = conventions(opened), Findings(), defaultdict[str, list[float]](list)
    wrong = Findings(opened.problems)
    detected = any(take.entry.keypoints for take in opened.takes)
    folder = opened.path if opened.path.is_dir() else opened.path.parent
    used = [Path(about or folder / FILE), *(take.path for take in opened.takes)]
    used += [folder / file for take in opened.takes for file in take.entry.keypoints.values()]
    files = [path for path in used if path.is_file()]
    chosen: list[str] = []
    with (
        Progress(disable=not progress, transient=True) as bar,
        write_recordings(
            destination,
            skeleton=H36M_17,
            dataset=description.dataset,
            sources=["gt", "detected"] if detected else ["gt"],
            scored=["detected"] if detected else [],
            licence=" ".join(filter(None, (description.licence, description.credit))),
            made_from=files,
        ) as writer,
    ):
        task = bar.add_task("Preparing recordings", total=len(opened.takes))
        for take, body, problems in read_bodies(opened, found):
            bar.advance(task)
            noted = Findings(problems)
            unit, up = description.unit or SCALES[found.unit or "m"], description.up or found.up or "y"
            for view, more in views(body, opened, unit, up) if body is not None else ():
                noted += more
                if view is None or body is None or problems.errors:
                    continue
                distances["gt"].append(0.0)
                seen, scores = {"gt": view.truth}, {}
                if view.detected is not None and view.scores is not None:
                    distances["detected"].append(view.apart)
                    seen["detected"], scores["detected"] = view.detected, view.scores
                writer.add(
                    subject=body.take.subject,
                    action=body.take.action,
                    take=body.take.name,
                    camera=view.camera,
                    fps=body.fps or 0.0,
                    size=view.size,
                    points3d=np.where(view.valid[:, None, None], view.points3d, 0),
                    points2d=seen,
                    scores=scores,
                    valid=view.valid,
                    split=take.split,
                )
                chosen.append(take.split)
            wrong += noted.errors
            warnings += noted.warnings
        splits = examine_splits(opened, chosen)
        warnings += splits.warnings
        (wrong + splits.errors).raise_errors(str(opened.path))
    if str(found):
        warnings.warning(str(opened.path), str(found))
    return PreparationReport(Recordings.open(destination), warnings, distances)


def examine_splits(source: Source, splits: list[str]) -> Findings:
    """Splits that have nothing in them: an error where they were asked for, else a warning."""
    there = Counter(splits)
    asked = source.description.splits
    return Findings(
        Finding(
            "error" if split in asked else "warning",
            f"{source.path}, split {split}",
            f"no take is in it, which training needs; name its subjects under [splits] in {FILE}"
            if split not in asked
            else f"nothing of its subjects {', '.join(asked[split])} could be used",
        )
        for split in SPLITS
        if not there[split] and (split in asked or split != "test")
    )
