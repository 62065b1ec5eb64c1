"""Readers of Acclaim's files: ASF, a skeleton, and AMC, motion of it. CMU's recordings come this way."""

from dataclasses import dataclass
from os import PathLike
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.mocap.rigid import Lines, Mocap, turns

__all__ = ["Asf", "Bone", "read_amc", "read_asf"]

AMC_FPS = 120.0  # an AMC file does not say; nearly all of CMU's recordings have this rate
INCH = 0.0254


class Bone(NamedTuple):
    """A bone of an ASF skeleton.

    Args:
        name: Its name; ``root`` for the root.
        parent: The number of its parent, -1 for the root.
        offset: Direction times length, in the world's axes when the body stands at rest; the root's position.
        axis: From its own axes at rest to the world's (3 3).
        dof: What the numbers of the AMC file mean, in their order: ``rx``, ``ry``, ``rz``; the root's ``tx``, ... too.
        order: The axes of its rotations; the first acts first.
    """

    name: str
    parent: int
    offset: Float[ndarray, "axes=3"]
    axis: Float[ndarray, "3 3"]
    dof: tuple[str, ...]
    order: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Asf:
    """An ASF skeleton.

    Args:
        bones: Root first, parents before their children.
        length: What its lengths are to be divided by to be inches.
        radians: Whether its angles are radians.
    """

    bones: tuple[Bone, ...]
    length: float = 1.0
    radians: bool = False


def read_asf(path: str | PathLike[str]) -> Asf:
    """Read an ASF skeleton. Angles may be degrees or radians, axes in any order.

    Raises:
        FormatError: The file is missing or broken; the message names the line.
    """
    lines = Lines(path)
    units = {"length": "1", "angle": "deg"}
    root = {"name": "root"}
    table: dict[str, dict[str, str]] = {}
    parents: dict[str, str] = {}
    section, bone = "", dict[str, str]()
    for words in lines:
        match section, words:
            case _, [keyword, *_] if keyword.startswith(":"):
                section = keyword.lower()
            case ":units", [key, value]:
                units[key] = value
            case ":root", [key, *values]:
                root[key] = " ".join(values)
            case ":bonedata", ["begin"]:
                bone = {}
            case ":bonedata", ["end"]:
                if missing := sorted({"name", "direction", "length", "axis"} - bone.keys()):
                    raise lines.error(f"the bone {bone.get('name', 'without a name')} lacks {', '.join(missing)}")
                if bone["name"] in table:
                    raise lines.error(f"there is a bone {bone['name']} already")
                table[bone["name"]] = bone
                bone = {}
            case ":bonedata", [key, *values]:
                bone[key] = " ".join(values)
            case ":hierarchy", [parent, *children] if parent not in ("begin", "end"):
                if unknown := sorted(({parent} - {"root"} | set(children)) - table.keys()):
                    raise lines.error(f":bonedata has no bone {', '.join(unknown)}")
                if again := sorted(parents.keys() & set(children)):
                    raise lines.error(f"{', '.join(again)} hangs on two bones")
                parents |= dict.fromkeys(children, parent)
    if bone or not parents:
        raise lines.error("the file ends before its :hierarchy does; was it cut off?")
    radians = units["angle"].lower().startswith("rad")
    length = float(lines.numbers([units["length"]], 1)[0])
    if not length > 0:
        raise lines.error(f"the unit of length must be positive, got {length}")
    bones = [_root(lines, root, radians=radians)]
    for number, above in enumerate(bones):  # which grows: each bone's children come after it
        names = [name for name, parent in parents.items() if parent == above.name]
        bones += [_bone(lines, table[name], number, radians=radians) for name in names]
    if lost := sorted(table.keys() - {known.name for known in bones}):
        raise lines.error(f":hierarchy does not lead from the root to {', '.join(lost)}")
    return Asf(tuple(bones), length, radians)


def read_amc(path: str | PathLike[str], skeleton: Asf, *, fps: float = AMC_FPS) -> Mocap:
    """Read the AMC motion of an ASF skeleton.

    A joint is the end of the bone of its name. A bone turns by ``R = R_parent C D C^-1``, with C its axes at rest and D
    the product of its rotations, the first acting first.

    Args:
        path: The AMC file.
        skeleton: What it moves.
        fps: Frames a second, which the file does not say.

    Raises:
        FormatError: The file is missing or broken, or of another skeleton; the message names the line.

    Example:
        >>> walk = read_amc("07_01.amc", read_asf("07.asf"))  # doctest: +SKIP
    """
    motion, radians = _motion(Lines(path), skeleton)
    bones = skeleton.bones
    rotations = np.empty((len(motion), len(bones), 3, 3))
    offsets = np.repeat(np.stack([bone.offset for bone in bones])[None], len(motion), 0)
    start = 0
    for number, bone in enumerate(bones):
        values = motion[:, start : start + len(bone.dof)]
        start += len(bone.dof)
        places = [bone.dof.index(f"r{axis}") for axis in reversed(bone.order)]
        angles = values[:, places] if radians else np.radians(values[:, places])
        local = bone.axis @ turns(bone.order[::-1], angles) @ bone.axis.T
        rotations[:, number] = rotations[:, bone.parent] @ local if bone.parent >= 0 else local
        for place, kind in enumerate(bone.dof):
            if kind[0] == "t":
                offsets[:, number, "xyz".index(kind[1])] += values[:, place]
    rotations[:, 0] = np.eye(3)  # its children have turned with it; its own path is in the world
    return Mocap(
        tuple(bone.name for bone in bones),
        tuple(bone.parent for bone in bones),
        offsets,
        rotations,
        fps,
        INCH / skeleton.length,
    )


def _motion(lines: Lines, skeleton: Asf) -> tuple[Float[ndarray, "f n"], bool]:
    """A row of all bones' numbers a frame, and whether angles are radians."""
    radians = skeleton.radians
    place, start = {}, 0
    for bone in skeleton.bones:
        place[bone.name] = slice(start, start + len(bone.dof))
        start += len(bone.dof)
    frames: list[Float[ndarray, " n"]] = []
    number = 0

    def close() -> None:
        """A frame says all there is to say."""
        if frames and np.isnan(frames[-1]).any():
            missing = [name for name, columns in place.items() if np.isnan(frames[-1][columns]).any()]
            raise lines.error(f"frame {number} lacks {', '.join(missing)}; was the file cut off?")

    for words in lines:
        name = words[0]
        if name.startswith(":"):
            radians = {":radians": True, ":degrees": False}.get(name.lower(), radians)
        elif len(words) == 1 and name.isdigit():
            close()
            if frames and int(name) != number + 1:
                raise lines.error(f"frame {name} follows frame {number}; frames are missing")
            number = int(name)
            frames.append(np.full(start, np.nan))
        elif not frames:
            raise lines.error(f"the number of a frame is expected, got {' '.join(words)[:60]!r}")
        elif name not in place:
            raise lines.error(f"the skeleton has no bone {name!r}; is this the motion of another ASF file?")
        else:
            frames[-1][place[name]] = lines.numbers(words[1:], place[name].stop - place[name].start)
    if not frames:
        raise lines.error("there is no frame")
    close()
    return np.array(frames), radians


def _root(lines: Lines, entry: dict[str, str], *, radians: bool) -> Bone:
    dof = _dof(lines, entry.get("order", "TX TY TZ RX RY RZ").lower().split(), "root", "xyz")
    order = _axes(lines, entry.get("axis", "XYZ"), "root")
    if missing := sorted({f"r{axis}" for axis in order} - set(dof)):
        raise lines.error(f"root: the order lacks {', '.join(missing)}")
    angles = lines.numbers(entry.get("orientation", "0 0 0").split(), 3)
    position = lines.numbers(entry.get("position", "0 0 0").split(), 3)
    return Bone("root", -1, position, _frame(order, angles, radians=radians), dof, order)


def _bone(lines: Lines, entry: dict[str, str], parent: int, *, radians: bool) -> Bone:
    name = entry["name"]
    direction = lines.numbers(entry["direction"].split(), 3)
    length = lines.numbers(entry["length"].split(), 1)
    angles, order = entry["axis"].split()[:-1], entry["axis"].split()[-1:]
    axis = _frame(_axes(lines, "".join(order), name), lines.numbers(angles, 3), radians=radians)
    dof = _dof(lines, entry.get("dof", "").lower().split(), name, "")
    return Bone(name, parent, direction * length, axis, dof, tuple(kind[1] for kind in dof))


def _dof(lines: Lines, words: list[str], name: str, moves: str) -> tuple[str, ...]:
    """The degrees of freedom, checked: rotations about x, y, z, and moves along the axes that may move."""
    known = {f"r{axis}" for axis in "xyz"} | {f"t{axis}" for axis in moves}
    if not known.issuperset(words) or len(set(words)) != len(words):
        raise lines.error(f"{name}: the degrees of freedom may be {', '.join(sorted(known))}, got {' '.join(words)}")
    return tuple(words)


def _axes(lines: Lines, letters: str, name: str) -> tuple[str, ...]:
    if sorted(letters.lower()) != ["x", "y", "z"]:
        raise lines.error(f"{name}: an order of axes such as XYZ is expected, got {letters!r}")
    return tuple(letters.lower())


def _frame(order: tuple[str, ...], angles: Float[ndarray, "axes=3"], *, radians: bool) -> Float[ndarray, "3 3"]:
    """A bone's axes at rest; angles stand in the order of the axes, the first acting first."""
    angles = angles if radians else np.radians(angles)
    frame: Float[ndarray, "3 3"] = turns(order[::-1], angles[None, ::-1])[0]
    return frame
