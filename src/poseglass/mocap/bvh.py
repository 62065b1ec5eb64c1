"""Reader and writer of BVH (Biovision) files: a tree of joints, then the channels of each frame."""

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError, PoseError
from poseglass.files.writing import writing
from poseglass.mocap.animation import END_SITE, Animation
from poseglass.mocap.labels import numbered
from poseglass.mocap.rigid import MOST_POSES, RigidMotion
from poseglass.mocap.rotations import euler_angles, euler_rotations
from poseglass.mocap.text import SHOWN_TEXT, WordStream, numbers, refuse_underscores

__all__ = ["read_bvh", "write_bvh"]

CHANNELS = {f"{axis}{kind}" for axis in "xyz" for kind in ("position", "rotation", "scale")}
FRAMES = re.compile(r"\s*frames\s*:\s*(\S+)", re.IGNORECASE)
FRAME_TIME = re.compile(r"\s*frame\s*time\s*:\s*(\S+)", re.IGNORECASE)
ORDER = "zxy"  # of the written rotation channels, the most common one
CENTIMETRE = 0.01  # of a metre; the usual unit of BVH files, which state none
UNSCALED = 1e-3  # deviation of a scale from 1
SHORTEST = 1e-6  # seconds of a frame
SHOWN_ERROR = 200  # characters of an error that lists numbers
WHOLE_RATE = 1e-4  # rounds 1 / frame time to a whole number: files write 1/120 s as .0083333 and 1/30 s as .033333


def read_bvh(path: str | PathLike[str]) -> RigidMotion:
    """Read a BVH file.

    The words of the file matter, not its lines, and keywords may have any capitals. Channels may be in any order. A
    joint's rotation is the product of its rotation channels, in degrees, in the order of the file. Position channels
    replace the joint's OFFSET. Scale channels must be 1. An ``End Site`` becomes a joint ``"<parent> End Site"``, a
    second one ``"<parent> End Site 2"``. The frame rate is 1 / frame time, rounded to a whole number if that is within
    0.01 %. The file states neither its unit nor its upward axis; y is up by custom.

    Programs disagree about ``Frames:`` by one. If there are more rows than announced, the surplus is left out; one row
    may be missing. The motion's `notes` say so.

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
    words = WordStream(path)
    joints = _joints(words)
    values, fps, notes = _motion(words, sum(len(joint.channels) for joint in joints))
    if len(values) * len(joints) > MOST_POSES:
        text = f"{len(values):,} frames of {len(joints):,} joints are too many to read at once; split the file"
        raise FormatError(f"{words.path}: {text}")
    _check_scales(words, joints, values)
    names, parents = tuple(joint.name for joint in joints), tuple(joint.parent for joint in joints)
    return RigidMotion(names, parents, *_bones(joints, values), fps, up="y", up_assumed=True, notes=notes)


@dataclass
class _Joint:
    """A joint of the tree, with its parent's index (-1 for the root)."""

    name: str
    parent: int
    offset: Float[ndarray, "3"] | None = None
    channels: list[str] = field(default_factory=list)


def _joints(words: WordStream) -> list[_Joint]:
    """Read the tree and the word MOTION after it."""
    joints: list[_Joint] = []
    names: set[str] = set()
    end_sites: dict[str, int] = {}  # the last number of each name
    nesting: list[int] = []  # indices of the joints whose braces are open
    if (first := words.take() or "the end of the file").upper() != "HIERARCHY":
        raise words.error(f"expected 'HIERARCHY', got {first[:SHOWN_TEXT]!r}; is this a BVH file?")
    while (word := words.take()) is not None:
        match word.upper():
            case "ROOT" | "JOINT" | "END" | "ENDSITE" as keyword:
                if (keyword == "ROOT") == bool(joints) or (joints and not nesting):
                    raise words.error(f"expected one ROOT that contains all joints, got {keyword} outside of it")
                name = " ".join(words.until("{"))
                if keyword.startswith("END"):
                    name = f"{joints[nesting[-1]].name}{END_SITE}"
                    name = numbered(name, names, end_sites) if name in names else name
                if not name:
                    raise words.error(f"expected a name after {keyword}, got none")
                if name in names:
                    raise words.error(f"expected unique joint names, got {name!r} a second time")
                names.add(name)
                joints.append(_Joint(name, nesting[-1] if nesting else -1))
                nesting.append(len(joints) - 1)
            case "OFFSET" if nesting:
                joints[nesting[-1]].offset = _numbers(words, [words.take() or "" for _ in range(3)], 3)
            case "CHANNELS" if nesting:
                joints[nesting[-1]].channels = _channels(words)
            case "}" if nesting:
                if joints[nesting[-1]].offset is None:
                    raise words.error(f"{joints[nesting[-1]].name} has no OFFSET")
                nesting.pop()
            case "MOTION":
                break
            case _:
                expected = "ROOT, JOINT, End Site, OFFSET, CHANNELS, '}' or MOTION"
                raise words.error(f"expected {expected}, got {word[:SHOWN_TEXT]!r}")
    if nesting:
        raise words.error(f"expected '}}' at the end of {joints[nesting[-1]].name}; the hierarchy ends inside it")
    if not joints:
        raise words.error("expected a ROOT, got none")
    return joints


def _channels(words: WordStream) -> list[str]:
    """Read the number of channels and their names, which are returned in lower case."""
    count = words.take() or ""
    if not (count.isascii() and count.isdigit() and int(count[:4]) <= len(CHANNELS)):
        raise words.error(f"expected the number of channels, at most {len(CHANNELS)}, got {count[:SHOWN_TEXT]!r}")
    channels = [(words.take() or "").lower() for _ in range(int(count))]
    if not CHANNELS.issuperset(channels) or len(set(channels)) != len(channels):
        given = " ".join(channels)[:SHOWN_TEXT]
        raise words.error(f"expected {count} different channels such as Xrotation, got {given!r}")
    return channels


def _numbers(words: WordStream, given: list[str], count: int, line: int | None = None) -> Float[ndarray, " _"]:
    try:
        return numbers(given, count)
    except ValueError as problem:
        raise words.error(f"expected {problem}, got {' '.join(given)[:SHOWN_TEXT]!r}", line) from None


def _motion(words: WordStream, columns: int) -> tuple[Float[ndarray, "f _"], float, tuple[str, ...]]:
    """Read the channels of all frames, the frames per second, and what is unusual about their number."""
    if (match := words.match(FRAMES)) is None:
        raise words.error("expected 'Frames:' and a number after MOTION")
    announced = int(_numbers(words, [match[1]], 1)[0])
    if (match := words.match(FRAME_TIME)) is None:
        raise words.error("expected 'Frame Time:' and a number of seconds after 'Frames:'")
    seconds = float(_numbers(words, [match[1]], 1)[0])
    if not 1 <= announced <= MOST_POSES or not seconds >= SHORTEST:
        text = f"expected 1 to {MOST_POSES:,} frames of at least {SHORTEST:g} seconds"
        raise words.error(f"{text}, got {announced:g} of {seconds:g}")
    values = _rows(words, columns, announced)
    notes = []
    if len(values) > announced:
        notes.append(f"'Frames:' announces {announced} frames, and {len(values)} follow; the surplus is left out")
    elif len(values) == announced - 1:
        notes.append(f"'Frames:' announces {announced} frames, and one fewer follows")
    elif len(values) < announced:
        text = f"expected {announced} frames, as 'Frames:' announces, got {len(values)}; was the file cut off?"
        raise words.error(text)
    whole = round(1 / seconds)
    fps = float(whole) if abs(whole * seconds - 1) < WHOLE_RATE else 1 / seconds
    return values[:announced], fps, tuple(notes)


def _rows(words: WordStream, columns: int, announced: int) -> Float[ndarray, "f _"]:
    """Read the channels of all frames, usually a line per frame."""
    start, lines = words.rest()
    values = array("d")
    irregular = 0  # the first line with another number of values
    for line, text in enumerate(lines, start):
        if row := text.split():
            try:
                refuse_underscores(text)
                values.extend(map(float, row))
            except ValueError:
                raise words.error(f"expected numbers, got {text.strip()[:SHOWN_TEXT]!r}", line) from None
            if len(row) != columns:
                irregular = irregular or line
    # Frames may be broken into lines anywhere, but a lost number must not shift the frames after it.
    if irregular and len(values) != columns * announced:
        _numbers(words, lines[irregular - start].split(), columns, irregular)
    if not columns:
        raise words.error("expected at least one channel, got none")
    rows: Float[ndarray, "f _"] = np.array(values).reshape(-1, columns)
    if not np.isfinite(rows).all():
        frame = int((~np.isfinite(rows)).any(1).argmax())
        raise words.error(f"expected finite numbers, got {rows[frame].tolist()} in frame {frame + 1}"[:SHOWN_ERROR])
    return rows


def _check_scales(words: WordStream, joints: list[_Joint], values: Float[ndarray, "f _"]) -> None:
    """Refuse scale channels that are not 1: programs disagree about what else they scale."""
    column = 0
    for joint in joints:
        for channel in joint.channels:
            if channel.endswith("scale") and (wrong := np.abs(values[:, column] - 1) > UNSCALED).any():
                frame = int(wrong.argmax())
                text = f"{joint.name} has the {channel} {values[frame, column]:g} in frame {frame + 1}"
                raise words.error(f"{text}; expected 1: apply the scale to the skeleton before you export it")
            column += 1


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
                offsets[:, number, "xyz".index(channel[0])] = channels[:, column]
        columns = [column for column, channel in enumerate(joint.channels) if channel.endswith("rotation")]
        axes = [joint.channels[column][0] for column in columns]
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
