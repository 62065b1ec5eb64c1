"""CMU's motion capture as Human3.6M's 17 joints: one take, or a whole download.

The recordings go round as Acclaim's ASF/AMC and as Bruce Hahne's BVH conversion ("cgspeed"). Both share a unit of
length, stand y up and, at rest, face +z with their left at +x.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from rich.progress import track

from poseglass.data.acclaim import Asf, read_amc, read_asf
from poseglass.data.bvh import read_bvh
from poseglass.data.clips import CMU_CREDIT, MotionClip, MotionClips
from poseglass.data.mocap import Mocap
from poseglass.data.resample import resample
from poseglass.errors import DataError, FormatError
from poseglass.pose import PoseSequence
from poseglass.skeleton import H36M_17

__all__ = ["Conversion", "cmu_to_h36m", "convert_folder", "cut_glitches", "repair_bvh"]

UNIT = 0.0254 / 0.45  # metres in CMU's unit of length, in either format
FPS = 60.0
FASTEST = 25.0  # metres a second: no joint of a person moves faster, a marker that was mistaken for another does
SHORTEST = 30  # frames of a clip at FPS

# The subjects that are held back from training.
SPLITS = {"cmu_02": "val", "cmu_64": "val", "cmu_07": "test", "cmu_08": "test", "cmu_13": "test", "cmu_49": "test"}
MIXED = "cmu_mixed"  # the subject of takes whose name does not say who it is

# Human3.6M's joints in the BVH files and, as the ends of bones, in the ASF files; a|b is the midpoint.
JOINTS = {
    "pelvis": ("LeftUpLeg|RightUpLeg", "lhipjoint|rhipjoint"),  # not Hips, which lies above the hip joints
    "right_hip": ("RightUpLeg", "rhipjoint"),
    "right_knee": ("RightLeg", "rfemur"),
    "right_ankle": ("RightFoot", "rtibia"),
    "left_hip": ("LeftUpLeg", "lhipjoint"),
    "left_knee": ("LeftLeg", "lfemur"),
    "left_ankle": ("LeftFoot", "ltibia"),
    "spine": ("Spine", "lowerback"),
    "thorax": ("Neck|Neck1", "thorax|lowerneck"),
    "neck_nose": ("Head", "upperneck"),  # the base of the skull
    "head_top": ("Head End Site", "head"),
    "left_shoulder": ("LeftArm", "lclavicle"),
    "left_elbow": ("LeftForeArm", "lhumerus"),
    "left_wrist": ("LeftHand|LeftFingerBase", "lradius|lwrist"),
    "right_shoulder": ("RightArm", "rclavicle"),
    "right_elbow": ("RightForeArm", "rhumerus"),
    "right_wrist": ("RightHand|RightFingerBase", "rradius|rwrist"),
}


def cmu_to_h36m(mocap: Mocap) -> PoseSequence:
    """A CMU recording as 17 joints in the world: metres, y up, at its own frame rate.

    A BVH file loses its first frame, a T-pose that the conversion added, and gets its lost bones back
    (:func:`repair_bvh`). Joint 9 stands at the base of the skull, some 5 cm behind a detector's nose.

    Raises:
        DataError: The joints are neither those of CMU's ASF files nor those of their BVH conversion.

    Example:
        >>> from poseglass.data.bvh import read_bvh
        >>> walk = cmu_to_h36m(read_bvh("07_01.bvh"))  # doctest: +SKIP
    """
    bvh = "lhipjoint" not in mocap.names
    parts = [JOINTS[joint][0 if bvh else 1].split("|") for joint in H36M_17.joints]
    needed = {name for names in parts for name in names} | ({"Spine1"} if bvh else set())  # which repairs the thorax
    if missing := sorted(needed - set(mocap.names)):
        raise DataError(
            f"this is not a recording of CMU's, or was renamed: joints {', '.join(missing)} are missing; "
            f"there are {', '.join(mocap.names)}"
        )
    if len(mocap) <= bvh:
        raise DataError("the recording is empty: it has no frame but the T-pose")
    if bvh:
        mocap = repair_bvh(mocap)
    points = np.stack([np.mean([mocap.joint(name) for name in names], axis=0) for names in parts], 1)
    points = points[1 if bvh else 0 :] * (mocap.unit or UNIT)
    return PoseSequence(points, H36M_17, "world", fps=mocap.fps)


def repair_bvh(mocap: Mocap) -> Mocap:
    """The thorax and wrist bones, which the BVH conversion left with no length, as long as they most likely were.

    The thorax is as long as the spine below it, a wrist half as long as the hand; what is left of the error is 1 to
    5 mm in the mean. Bones that have a length are left alone.
    """
    bones = dict(zip(mocap.names, mocap.offsets[0], strict=True))
    thorax = np.array([0, np.linalg.norm(bones["Spine1"]), 0])
    fixed = dict.fromkeys(("Neck", "LeftShoulder", "RightShoulder"), thorax)
    for side in ("Left", "Right"):
        fixed |= dict.fromkeys((f"{side}FingerBase", f"{side[0]}Thumb"), bones[f"{side}Hand"] / 2)
    return mocap.with_offsets({name: bone for name, bone in fixed.items() if name in bones and not bones[name].any()})


def cut_glitches(poses: PoseSequence) -> list[PoseSequence]:
    """The stretches between glitches: cut where a joint is faster than 25 m/s, those under 30 frames left out."""
    steps = np.linalg.norm(np.diff(poses.points, axis=0), axis=-1) * poses.rate
    cuts = np.flatnonzero((steps > FASTEST).any(-1)) + 1
    edges = [0, *cuts.tolist(), len(poses)]
    return [poses[a:b] for a, b in pairwise(edges) if b - a >= SHORTEST]


@dataclass(frozen=True)
class Conversion:
    """What became of a folder.

    Args:
        clips: The takes, as they were written.
        skipped: Why a file was left out, by its path.
    """

    clips: MotionClips
    skipped: Mapping[Path, str]


def convert_folder(
    source: str | PathLike[str], destination: str | PathLike[str], *, fps: float = FPS, progress: bool = False
) -> Conversion:
    """Turn a download of CMU's recordings, a tree of ``.bvh`` or of ``.asf`` and ``.amc``, into one file of clips.

    Each take becomes Human3.6M's 17 joints at `fps`, glitches cut out. A take ``07_01`` belongs to the subject
    ``cmu_07``, which decides its split. An AMC file goes with the ASF file of its subject (``07.asf``), or else the
    only one in its folder. Where a take is there in both formats, its AMC file counts, whose bones are all there.

    Args:
        source: The folder.
        destination: The ``.npz`` to write.
        fps: Frames a second of the clips.
        progress: Show a progress bar.

    Raises:
        DataError: There is no such folder, nothing in it can be read, or the destination cannot be written.
    """
    source = Path(source)
    if not source.is_dir():
        raise DataError(f"there is no folder {source}")
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in (".amc", ".bvh") and path.is_file())
    if not files:
        raise DataError(f"there are no .bvh and no .amc files in {source} or the folders in it")
    clips: dict[str, MotionClip] = {}
    skipped: dict[Path, str] = {}
    files.sort(key=lambda path: path.suffix.lower() != ".amc")
    read: set[str] = set()
    for path in track(files, "Reading motion capture", disable=not progress):
        try:
            name, subject = _take(path)
            if name in read:
                raise DataError(f"the take {name} was read from another file already")
            for clip, points in _clips(name, path, fps):
                clips[clip] = MotionClip(clip, points, subject, SPLITS.get(subject, "train"), "CMU")
            read.add(name)
        except (DataError, FormatError) as problem:
            skipped[path] = str(problem)
    if not clips:
        reasons = "; ".join(list(skipped.values())[:3])
        raise DataError(f"none of the {len(files)} motion files in {source} could be used: {reasons}")
    takes = MotionClips(tuple(clips[name] for name in sorted(clips)), fps, CMU_CREDIT)
    takes.save(destination)
    return Conversion(takes, skipped)


def _take(path: Path) -> tuple[str, str]:
    """The names of a take and of its subject."""
    if match := re.fullmatch(r"(\d+)_(\d+)", path.stem):
        subject = f"cmu_{int(match[1]):02d}"
        return f"{subject}_{int(match[2]):02d}", subject
    return f"cmu_{path.stem}", MIXED


def _clips(name: str, path: Path, fps: float) -> Iterator[tuple[str, Float[ndarray, "f 17 3"]]]:
    """The stretches of a take, numbered where there are several."""
    mocap = read_bvh(path) if path.suffix.lower() == ".bvh" else read_amc(path, _skeleton_of(path))
    pieces = cut_glitches(resample(cmu_to_h36m(mocap), fps))
    if not pieces:
        raise DataError(f"{path} has no stretch of {SHORTEST} frames without a glitch")
    for number, piece in enumerate(pieces):
        yield (name if len(pieces) == 1 else f"{name}_p{number}"), piece.points


def _skeleton_of(path: Path) -> Asf:
    """The skeleton of an AMC file."""
    there = sorted(file for file in path.parent.iterdir() if file.suffix.lower() == ".asf")
    named = [file for file in there if file.stem == path.stem.split("_")[0]]
    if len(chosen := named or there) != 1:
        raise DataError(f"{path} needs its skeleton {path.stem.split('_')[0]}.asf in the same folder")
    return read_asf(chosen[0])
