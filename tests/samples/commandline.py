"""Shared by tests of the commands: files to lift, and checks of what a command prints."""

import json
import re
import sys
from pathlib import Path

import numpy as np

from conftest import SIZE, CommandResult, make_walk
from poseglass import BODY_25, H36M_17, PoseSequence
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.keypoints import read_keypoints
from poseglass.video.writing import VideoWriter

DATA = Path(__file__).parent
HALPE = DATA / "alphapose_halpe26.json"
SCRIPT = Path(sys.executable).with_name("poseglass")
COMMAND = [str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-m", "poseglass"]
EXPECTED = re.compile(r"warning: (\d+ people in sight: only .*|.*: the frame rate is unknown; .*)\n")
"""The warnings that go with some of the samples; every other one is a failure."""


def refused(done: CommandResult, *words: str, code: int = 1) -> None:
    """Check that the command failed with one clear message and printed nothing else."""
    assert done.code == code, done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    lines = [line for line in EXPECTED.sub("", done.err).splitlines() if line.strip()]
    if code == 1:
        assert len(lines) == 1, "one message, of one line"
        assert lines[0].startswith("error: ")
    message = " ".join(lines)
    for word in words:
        assert word in message


def succeeded(done: CommandResult) -> None:
    """Check that the command succeeded and printed no warning."""
    assert done.code == 0, done.err
    assert "error" not in done.err
    assert "arning" not in EXPECTED.sub("", done.err)


def names(folder: Path) -> set[str]:
    """The names of all files in a folder."""
    return {path.name for path in folder.iterdir()}


def openpose(folder: Path) -> Path:
    """Write the Halpe sample as OpenPose would: a folder of files with BODY_25 keypoints."""
    poses = read_keypoints(HALPE)
    folder.mkdir()
    for frame in range(len(poses)):
        joints = np.zeros((len(BODY_25), 3))
        for place, joint in enumerate(BODY_25.joints):
            if joint in poses.skeleton.joints and poses.validity[frame]:
                joints[place] = [*poses.joint(joint)[frame], poses.confidence[frame, poses.skeleton.index(joint)]]
        record = {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": joints.ravel().tolist()}]}
        (folder / f"walk_{frame:012d}_keypoints.json").write_text(json.dumps(record))
    return folder


def film(path: Path, frames: int = 12, noise: bool = False) -> Path:
    """Write a small video without people."""
    generator = np.random.default_rng(0)
    with VideoWriter(path, fps=30, size=(SIZE[0] // 8, SIZE[1] // 8)) as video:
        for frame in range(frames):
            image = np.full((SIZE[1] // 8, SIZE[0] // 8, 3), 10 * (frame % 20), np.uint8)
            video.write(generator.integers(0, 255, image.shape, np.uint8) if noise else image)
    return path


def someone(frames: int = 90) -> PoseSequence:
    """The 2D poses of a person walking through such a video; frames 40 to 44 show no person."""
    pose2d = make_walk(frames).pose2d
    assert pose2d is not None
    return PoseSequence(pose2d.points / 8, H36M_17, "pixels", valid=pose2d.validity, size=(SIZE[0] // 8, SIZE[1] // 8))


def takes(path: Path) -> Path:
    """Write clips of a walk, one for each split."""
    points = make_walk(60).points.copy()
    points[..., 1] *= -1  # the world's y is up
    points += np.array([0, 0.95, 0], np.float32)
    MotionClips(tuple(MotionClip(f"take_{s}", points, s, s) for s in ("train", "val", "test")), 30.0).save(path)
    return path


LENGTHS = (
    (("hip", "knee"), 0.25, 0.6),
    (("knee", "ankle"), 0.25, 0.7),
    (("shoulder", "elbow"), 0.15, 0.45),
    (("elbow", "wrist"), 0.12, 0.42),
)


def looks_human(motion: PoseSequence) -> None:
    """Check that the motion is that of an upright person in metres, with room for differences between bodies."""
    assert (motion.skeleton, motion.space, motion.units) == (H36M_17, "camera", "metres")
    assert np.isfinite(motion.points).all()
    assert not motion.joint("pelvis").any(), "the root is at the origin"
    for (upper, lower), shortest, longest in LENGTHS:
        sides = [motion.joint(f"{side}_{lower}") - motion.joint(f"{side}_{upper}") for side in ("left", "right")]
        length = np.linalg.norm(sides, axis=-1).mean()
        assert shortest < length < longest, f"{upper} to {lower}: {length} m"
    assert 0.35 < np.linalg.norm(motion.joint("thorax"), axis=-1).mean() < 0.7
    # Camera space: y is down. The people in the samples stand, walk or dance; none is upside down.
    assert motion.joint("thorax")[:, 1].mean() < -0.3
    assert (motion.joint("left_ankle") + motion.joint("right_ankle"))[:, 1].mean() > 0.6
