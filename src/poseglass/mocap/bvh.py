"""Reader of BVH, Biovision's motion capture files: a tree of joints, then a line of channels a frame."""

from os import PathLike

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.mocap.rigid import Lines, Mocap, turns

__all__ = ["read_bvh"]

CHANNELS = {f"{axis}{kind}" for axis in "XYZ" for kind in ("position", "rotation")}


def read_bvh(path: str | PathLike[str]) -> Mocap:
    """Read a BVH file.

    Channels may stand in any order; a joint's rotation is the product of its rotations in that order, in degrees.
    Position channels replace the joint's OFFSET. An ``End Site`` becomes a joint called ``"<parent> End Site"``. A
    frame time within 0.01 % of that of a whole frame rate (``.0083333``) is taken for it.

    Raises:
        FormatError: The file is missing or broken; the message names the line.

    Example:
        >>> walk = read_bvh("walk.bvh")  # doctest: +SKIP
        >>> walk.joint("LeftFoot").shape  # doctest: +SKIP
        (4511, 3)
    """
    lines = Lines(path)
    names: list[str] = []
    parents: list[int] = []
    offsets: list[Float[ndarray, " n"]] = []
    channels: list[list[str]] = []
    opened: list[int] = []
    lines.expect("HIERARCHY")
    for words in lines:
        match words:
            case ["ROOT" | "JOINT" | "End" as kind, *rest]:
                if (kind == "ROOT") == bool(names) or (names and not opened):
                    raise lines.error(f"{kind} cannot stand here: one ROOT holds all joints")
                name = f"{names[opened[-1]]} End Site" if kind == "End" else " ".join(rest)
                if not name or name in names:
                    raise lines.error(f"there is a joint {name!r} already" if name else f"the {kind} has no name")
                parents.append(opened[-1] if opened else -1)
                opened.append(len(names))
                names.append(name)
                offsets.append(np.full(3, np.nan))
                channels.append([])
                lines.expect("{")
            case ["OFFSET", *numbers] if opened:
                offsets[opened[-1]] = lines.numbers(numbers, 3)
            case ["CHANNELS", count, *kinds] if opened:
                if count != str(len(kinds)) or not CHANNELS.issuperset(kinds) or len(set(kinds)) != len(kinds):
                    raise lines.error(f"{count} different channels such as Xrotation are expected, got {kinds}")
                channels[opened[-1]] = kinds
            case ["}"] if opened:
                if np.isnan(offsets[opened[-1]]).any():
                    raise lines.error(f"{names[opened[-1]]} has no OFFSET")
                opened.pop()
            case ["MOTION"]:
                break
            case _:
                raise lines.error(f"{' '.join(words)[:60]!r} cannot stand in a hierarchy")
    if opened or not names:
        raise lines.error(f"the hierarchy ends inside {names[opened[-1]]}" if names else "there is no ROOT")
    motion, fps = _motion(lines, sum(map(len, channels)))
    return Mocap(tuple(names), tuple(parents), *_kinematics(parents, np.array(offsets), channels, motion), fps)


def _motion(lines: Lines, columns: int) -> tuple[Float[ndarray, "f n"], float]:
    """The table of channels, and the frames a second."""
    frames = int(lines.numbers(lines.expect("Frames:"), 1)[0])
    words = lines.expect("Frame")
    seconds = float(lines.numbers(words[1:], 1)[0])
    if frames < 1 or not seconds > 0:
        raise lines.error(f"at least one frame and a positive frame time are expected, got {frames} and {seconds}")
    rows = [lines.numbers(words, columns) for words in lines]
    if len(rows) != frames:
        raise lines.error(f"{frames} frames are announced, but there are {len(rows)}; was the file cut off?")
    whole = round(1 / seconds)
    return np.array(rows), float(whole) if abs(whole * seconds - 1) < 1e-4 else 1 / seconds


def _kinematics(
    parents: list[int], offsets: Float[ndarray, "j 3"], channels: list[list[str]], motion: Float[ndarray, "f n"]
) -> tuple[Float[ndarray, "f j 3"], Float[ndarray, "f j 3 3"]]:
    """Bones and their rotations in the world: a bone turns with the joint at its upper end."""
    moved = np.repeat(offsets[None], len(motion), 0)
    joints = np.empty((len(motion), len(parents), 3, 3))
    bones = np.empty_like(joints)
    column = 0
    for joint, (kinds, parent) in enumerate(zip(channels, parents, strict=True)):
        values = motion[:, column : column + len(kinds)]
        column += len(kinds)
        rotations = [place for place, kind in enumerate(kinds) if kind.endswith("rotation")]
        for place, kind in enumerate(kinds):
            if kind.endswith("position"):
                moved[:, joint, "XYZ".index(kind[0])] = values[:, place]
        bones[:, joint] = joints[:, parent] if parent >= 0 else np.eye(3)
        local = turns([kinds[place][0].lower() for place in rotations], np.radians(values[:, rotations]))
        joints[:, joint] = bones[:, joint] @ local
    return moved, bones
