"""Reader and writer of BVH (Biovision) files: a tree of joints, then one line of channels per frame."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import PoseError
from poseglass.files.writing import writing
from poseglass.mocap.animation import END_SITE, Animation
from poseglass.mocap.rigid import RigidMotion
from poseglass.mocap.rotations import euler_angles, euler_rotations
from poseglass.mocap.text import WordLines

__all__ = ["read_bvh", "write_bvh"]

CHANNELS = {f"{axis}{kind}" for axis in "XYZ" for kind in ("position", "rotation")}
ORDER = "zxy"  # of the written rotation channels, the most common one
CENTIMETRE = 0.01  # of a metre; the usual unit of BVH files, which state none
WHOLE_RATE = 1e-4  # rounds 1 / frame time to a whole number: files write 1/120 s as .0083333 and 1/30 s as .033333


def read_bvh(path: str | PathLike[str]) -> RigidMotion:
    """Read a BVH file.

    Channels may be in any order. A joint's rotation is the product of its rotation channels, in degrees, in the order
    of the file. Position channels replace the joint's OFFSET. An ``End Site`` becomes a joint ``"<parent> End Site"``.
    The frame rate is 1 / frame time, rounded to a whole number if that is within 0.01 %.

    Source: Meredith and Maddock, "Motion Capture File Formats Explained", University of Sheffield, 2001.

    Raises:
        FormatError: The file is missing or broken; the message names the line.

    Example:
        >>> from pathlib import Path
        >>> text = "HIERARCHY\\nROOT hips\\n{\\nOFFSET 0 0 0\\nCHANNELS 3 Xposition Yposition Zposition\\n}\\n"
        >>> _ = Path("hips.bvh").write_text(text + "MOTION\\nFrames: 2\\nFrame Time: 0.033333\\n0 90 0\\n1 90 0\\n")
        >>> motion = read_bvh("hips.bvh")
        >>> motion.fps, motion.joint("hips").tolist()
        (30.0, [[0.0, 90.0, 0.0], [1.0, 90.0, 0.0]])
    """
    lines = WordLines(path)
    joints = _joints(lines)
    values, fps = _motion(lines, sum(len(joint.channels) for joint in joints))
    names, parents = tuple(joint.name for joint in joints), tuple(joint.parent for joint in joints)
    return RigidMotion(names, parents, *_bones(joints, values), fps)


@dataclass
class _Joint:
    """A joint of the tree, with its parent's index (-1 for the root)."""

    name: str
    parent: int
    offset: Float[ndarray, "3"] | None = None
    channels: list[str] = field(default_factory=list)


def _joints(lines: WordLines) -> list[_Joint]:
    """Read the tree and the line MOTION after it."""
    joints: list[_Joint] = []
    nesting: list[int] = []  # indices of the joints whose braces are open
    lines.expect("HIERARCHY")
    for words in lines:
        match words:
            case ["ROOT" | "JOINT" | "End" as keyword, *rest]:
                if (keyword == "ROOT") == bool(joints) or (joints and not nesting):
                    raise lines.error(f"expected one ROOT that contains all joints, got {keyword} outside of it")
                name = f"{joints[nesting[-1]].name}{END_SITE}" if keyword == "End" else " ".join(rest)
                if not name:
                    raise lines.error(f"expected a name after {keyword}, got none")
                if any(name == joint.name for joint in joints):
                    raise lines.error(f"expected unique joint names, got {name!r} a second time")
                joints.append(_Joint(name, nesting[-1] if nesting else -1))
                nesting.append(len(joints) - 1)
                lines.expect("{")
            case ["OFFSET", *numbers] if nesting:
                joints[nesting[-1]].offset = lines.numbers(numbers, 3)
            case ["CHANNELS", count, *channels] if nesting:
                unique = len(set(channels)) == len(channels)
                if count != str(len(channels)) or not CHANNELS.issuperset(channels) or not unique:
                    raise lines.error(f"expected {count} different channels such as Xrotation, got {channels}")
                joints[nesting[-1]].channels = channels
            case ["}"] if nesting:
                if joints[nesting[-1]].offset is None:
                    raise lines.error(f"{joints[nesting[-1]].name} has no OFFSET")
                nesting.pop()
            case ["MOTION"]:
                break
            case _:
                raise lines.unexpected("ROOT, JOINT, OFFSET, CHANNELS or MOTION", words)
    if nesting:
        raise lines.error(f"expected '}}' at the end of {joints[nesting[-1]].name}; the hierarchy ends inside it")
    if not joints:
        raise lines.error("expected a ROOT, got none")
    return joints


def _motion(lines: WordLines, columns: int) -> tuple[Float[ndarray, "f _"], float]:
    """Read the channels of all frames, and the frames per second."""
    frames = int(lines.numbers(lines.expect("Frames:"), 1)[0])
    words = lines.expect("Frame")  # Frame Time: SECONDS
    seconds = float(lines.numbers(words[1:], 1)[0])
    if frames < 1 or not seconds > 0:
        raise lines.error(f"expected at least one frame and a positive frame time, got {frames} and {seconds}")
    rows = [lines.numbers(words, columns) for words in lines]
    if len(rows) != frames:
        raise lines.error(f"expected {frames} frames, as 'Frames:' announces, got {len(rows)}; was the file cut off?")
    whole = round(1 / seconds)
    return np.array(rows), float(whole) if abs(whole * seconds - 1) < WHOLE_RATE else 1 / seconds


def _bones(
    joints: list[_Joint], values: Float[ndarray, "f _"]
) -> tuple[Float[ndarray, "f j 3"], Float[ndarray, "f j 3 3"]]:
    """Offsets and world rotations of the bones that end at each joint; a bone rotates with the joint above it."""
    offsets = np.empty((len(values), len(joints), 3))
    joint_rotations = np.empty((len(values), len(joints), 3, 3))
    bone_rotations = np.empty_like(joint_rotations)
    start = 0
    for number, joint in enumerate(joints):
        channels = values[:, start : start + len(joint.channels)]
        start += len(joint.channels)
        offsets[:, number] = joint.offset
        for column, channel in enumerate(joint.channels):
            if channel.endswith("position"):
                offsets[:, number, "XYZ".index(channel[0])] = channels[:, column]
        columns = [column for column, channel in enumerate(joint.channels) if channel.endswith("rotation")]
        axes = [joint.channels[column][0].lower() for column in columns]
        bone_rotations[:, number] = joint_rotations[:, joint.parent] if joint.parent >= 0 else np.eye(3)
        joint_rotations[:, number] = bone_rotations[:, number] @ euler_rotations(axes, np.radians(channels[:, columns]))
    return offsets, bone_rotations


def write_bvh(animation: Animation, path: str | PathLike[str]) -> None:
    """Write a BVH file, in centimetres and degrees.

    All joints have rotation channels in the order Z X Y, and the root also position channels. The rest pose is in the
    offsets, without a frame of its own. A joint at the end of the tree is followed by an ``End Site`` at the same
    position, which the format demands.

    ``Animation.from_bones(read_bvh(path), unit=0.01)`` gives the animation back.

    Args:
        animation: The motion.
        path: The file. It is written completely or not at all.

    Raises:
        PoseError: The file cannot be written, or a joint's name cannot be stored.

    Example:
        >>> import numpy as np
        >>> spin = np.tile(np.eye(3), (9, 1, 1, 1))
        >>> write_bvh(Animation(("Hips",), (-1,), np.zeros((1, 3)), spin, np.ones((9, 3)), fps=30), "hips.bvh")
        >>> read_bvh("hips.bvh").joint("Hips")[0].tolist()
        [100.0, 100.0, 100.0]
    """
    for name in animation.names:
        if not name or name != " ".join(name.split()) or {*name} & {*"{}#"}:
            raise PoseError(f"BVH cannot store the joint name {name!r}: expected words without braces and #")
    angles = np.degrees(euler_angles(ORDER, animation.rotations)).reshape(len(animation), -1)  # f 3j
    values = np.concatenate([animation.root / CENTIMETRE, angles], 1)
    # The channels of the root's position and of all rotations, joint by joint in the order of the hierarchy.
    order = [joint for joint, _ in _depth_first(animation.parents)]
    columns = [0, 1, 2, *(3 + 3 * joint + channel for joint in order for channel in range(3))]
    with writing(path, PoseError) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write("HIERARCHY\n")
        file.writelines(f"{line}\n" for line in _hierarchy(animation))
        file.write(f"MOTION\nFrames: {len(animation)}\nFrame Time: {1 / animation.fps:.10g}\n")
        np.savetxt(file, np.round(values[:, columns], 6) + 0.0, fmt="%.6f")  # adding 0 turns -0 into 0


def _depth_first(parents: tuple[int, ...], joint: int = 0, depth: int = 0) -> Iterator[tuple[int, int]]:
    """The joints and their depths in the order of the hierarchy: each joint is followed by all joints below it."""
    yield joint, depth
    for child, parent in enumerate(parents):
        if parent == joint:
            yield from _depth_first(parents, child, depth + 1)


def _hierarchy(animation: Animation) -> Iterator[str]:
    rotations = " ".join(f"{axis.upper()}rotation" for axis in ORDER)
    order = [*_depth_first(animation.parents)]
    for (joint, depth), (_, next_depth) in zip(order, [*order[1:], (0, 0)], strict=True):
        indent = "  " * depth
        x, y, z = animation.rest[joint] / CENTIMETRE
        yield f"{indent}{'JOINT' if depth else 'ROOT'} {animation.names[joint]}"
        yield indent + "{"
        yield f"{indent}  OFFSET {x:.6f} {y:.6f} {z:.6f}"
        yield indent + ("  CHANNELS 3 " if depth else "  CHANNELS 6 Xposition Yposition Zposition ") + rotations
        if next_depth <= depth:
            yield f"{indent}  End Site"
            yield indent + "  {"
            yield f"{indent}    OFFSET 0 0 0"
            yield indent + "  }"
        for level in range(depth, next_depth - 1, -1):
            yield "  " * level + "}"
