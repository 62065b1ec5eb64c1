"""Readers of Acclaim files, in which CMU publishes its recordings: an ASF skeleton and its AMC motions."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError
from poseglass.mocap.rigid import RigidMotion
from poseglass.mocap.rotations import euler_rotations
from poseglass.mocap.text import WordLines
from poseglass.mocap.tracks import UNITS

__all__ = ["AsfBone", "AsfSkeleton", "read_acclaim", "read_amc", "read_asf"]

AMC_FPS = 120.0  # an AMC file states no rate; CMU captured at 120 Hz (mocap.cs.cmu.edu, info)


class AsfBone(NamedTuple):
    """A bone of an ASF skeleton.

    Args:
        name: The bone's name; ``root`` for the root.
        parent: Index of the parent bone, -1 for the root.
        offset: Direction times length (3), in world axes in the rest pose; for the root, its position.
        axis: Rotation from the bone's own axes to the world in the rest pose (3 3).
        dof: Degrees of freedom in the order of the AMC file: ``rx``, ``ry``, ``rz``; for the root also ``tx``, ...
        order: The axes of its rotations; the first is applied first.
    """

    name: str
    parent: int
    offset: Float[ndarray, "3"]
    axis: Float[ndarray, "3 3"]
    dof: tuple[str, ...]
    order: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class AsfSkeleton:
    """An ASF skeleton.

    Args:
        bones: Root first, parents before their children.
        length: The file's ``length``, 0.45 in CMU's files: lengths divided by it are inches (mocap.cs.cmu.edu, FAQ).
        radians: Whether the angles are in radians.
    """

    bones: tuple[AsfBone, ...]
    length: float
    radians: bool


def read_acclaim(path: Path) -> RigidMotion:
    """Read an AMC motion with the ASF skeleton in its folder.

    The skeleton is that of the subject (``07.asf`` for ``07_01.amc``), or the only ASF file in the folder.

    Raises:
        FormatError: The skeleton is not in the folder or is ambiguous, or a file is broken.

    Example:
        >>> read_acclaim(Path("cmu/07_01.amc")).fps  # doctest: +SKIP
        120.0
    """
    subject = path.stem.partition("_")[0]
    skeletons = sorted(file for file in path.parent.iterdir() if file.suffix.lower() == ".asf")
    candidates = [file for file in skeletons if file.stem == subject] or skeletons
    if len(candidates) != 1:
        names = ", ".join(file.name for file in candidates[:5]) or "no .asf file"
        raise FormatError(f"{path} needs its skeleton {subject}.asf in the same folder, which has {names}")
    return read_amc(path, read_asf(candidates[0]))


def read_asf(path: str | PathLike[str]) -> AsfSkeleton:
    """Read an ASF skeleton. Angles may be in degrees or radians, axes in any order.

    Source: Meredith and Maddock, "Motion Capture File Formats Explained", University of Sheffield, 2001.

    Raises:
        FormatError: The file is missing or broken; the message names the line.

    Example:
        >>> text = ":root\\norder TX TY TZ RX RY RZ\\n:bonedata\\nbegin\\nname thigh\\ndirection 0 -1 0\\nlength 4\\n"
        >>> text += "axis 0 0 0 XYZ\\ndof rx\\nend\\n:hierarchy\\nbegin\\nroot thigh\\nend\\n"
        >>> _ = Path("leg.asf").write_text(text)
        >>> [bone.name for bone in read_asf("leg.asf").bones]
        ['root', 'thigh']
    """
    lines = WordLines(path)
    units = {"length": "1", "angle": "deg"}
    root = {"name": "root"}
    entries: dict[str, dict[str, str]] = {}
    parents: dict[str, str] = {}
    section, entry = "", dict[str, str]()
    for words in lines:
        match section, words:
            case _, [keyword, *_] if keyword.startswith(":"):
                section = keyword.lower()
            case ":units", [key, value]:
                units[key] = value
            case ":root", [key, *values]:
                root[key] = " ".join(values)
            case ":bonedata", ["begin"]:
                entry = {}
            case ":bonedata", ["end"]:
                if missing := sorted({"name", "direction", "length", "axis"} - entry.keys()):
                    raise lines.error(f"the bone {entry.get('name', 'without a name')} lacks {', '.join(missing)}")
                if entry["name"] in entries:
                    raise lines.error(f"expected unique bone names, got {entry['name']} a second time")
                entries[entry["name"]] = entry
                entry = {}
            case ":bonedata", [key, *values]:
                entry[key] = " ".join(values)
            case ":hierarchy", [parent, *children] if parent not in ("begin", "end"):
                if unknown := sorted(({parent} - {"root"} | set(children)) - entries.keys()):
                    raise lines.error(f":bonedata has no bone {', '.join(unknown)}")
                if repeated := sorted(parents.keys() & set(children)):
                    raise lines.error(f"expected one parent per bone, got a second one for {', '.join(repeated)}")
                parents |= dict.fromkeys(children, parent)
    if entry or not parents:
        raise lines.error("the file ends inside its :hierarchy; was it cut off?")
    radians = units["angle"].lower().startswith("rad")
    length = float(lines.numbers([units["length"]], 1)[0])
    if not length > 0:
        raise lines.error(f"expected a positive unit of length, got {length}")
    bones = [_root(lines, root, radians=radians)]
    for number, bone in enumerate(bones):  # `bones` grows while it is read, so children come after their parent
        names = [name for name, parent in parents.items() if parent == bone.name]
        bones += [_bone(lines, entries[name], number, radians=radians) for name in names]
    if unconnected := sorted(entries.keys() - {bone.name for bone in bones}):
        raise lines.error(f":hierarchy does not lead from the root to {', '.join(unconnected)}")
    return AsfSkeleton(tuple(bones), length=length, radians=radians)


def read_amc(path: str | PathLike[str], skeleton: AsfSkeleton, *, fps: float | None = None) -> RigidMotion:
    """Read an AMC motion of an ASF skeleton.

    Each joint is the end of the bone of the same name. A bone's rotation is ``R = R_parent C D C^-1``, where C holds
    its axes in the rest pose and D is the product of its rotations, the first applied first.

    Source: Meredith and Maddock, "Motion Capture File Formats Explained", University of Sheffield, 2001.

    Args:
        path: The AMC file.
        skeleton: The skeleton that it moves.
        fps: Frames per second, which the file does not state; 120 by default.

    Raises:
        FormatError: The file is missing or broken, or belongs to another skeleton; the message names the line.

    Example:
        >>> walk = read_amc("07_01.amc", read_asf("07.asf"))  # doctest: +SKIP
    """
    values, radians = _motion(WordLines(path), skeleton)
    bones = skeleton.bones
    rotations = np.empty((len(values), len(bones), 3, 3))
    offsets = np.repeat(np.stack([bone.offset for bone in bones])[None], len(values), 0)  # f j 3
    start = 0
    for number, bone in enumerate(bones):
        channels = values[:, start : start + len(bone.dof)]
        start += len(bone.dof)
        columns = [bone.dof.index(f"r{axis}") for axis in reversed(bone.order)]
        angles = channels[:, columns] if radians else np.radians(channels[:, columns])
        local = bone.axis @ euler_rotations(bone.order[::-1], angles) @ bone.axis.T
        rotations[:, number] = rotations[:, bone.parent] @ local if bone.parent >= 0 else local
        for column, dof in enumerate(bone.dof):
            if dof[0] == "t":
                offsets[:, number, "xyz".index(dof[1])] += channels[:, column]
    rotations[:, 0] = np.eye(3)  # the children already contain the root's rotation; its own offset is in world axes
    return RigidMotion(
        tuple(bone.name for bone in bones),
        tuple(bone.parent for bone in bones),
        offsets,
        rotations,
        fps or AMC_FPS,
        UNITS["in"] / skeleton.length,
        fps_assumed=fps is None,
    )


def _motion(lines: WordLines, skeleton: AsfSkeleton) -> tuple[Float[ndarray, "f _"], bool]:
    """The numbers of all bones, one row per frame, and whether angles are in radians."""
    radians = skeleton.radians
    columns, width = dict[str, slice](), 0
    for bone in skeleton.bones:
        columns[bone.name] = slice(width, width + len(bone.dof))
        width += len(bone.dof)
    frames: list[Float[ndarray, " _"]] = []
    number = 0

    def check_last_frame() -> None:
        if frames and np.isnan(frames[-1]).any():
            missing = [name for name, part in columns.items() if np.isnan(frames[-1][part]).any()]
            raise lines.error(f"frame {number} lacks {', '.join(missing)}; was the file cut off?")

    for words in lines:
        name = words[0]
        if name.startswith(":"):
            radians = {":radians": True, ":degrees": False}.get(name.lower(), radians)
        elif len(words) == 1 and name.isdigit():
            check_last_frame()
            if frames and int(name) != number + 1:
                raise lines.error(f"expected frame {number + 1}, got frame {name}; frames are missing")
            number = int(name)
            frames.append(np.full(width, np.nan))
        elif not frames:
            raise lines.unexpected("a frame number", words)
        elif name not in columns:
            raise lines.error(f"the skeleton has no bone {name!r}; does this motion belong to another ASF file?")
        else:
            part = columns[name]
            frames[-1][part] = lines.numbers(words[1:], part.stop - part.start)
    if not frames:
        raise lines.error("expected at least one frame, got none")
    check_last_frame()
    return np.array(frames), radians


def _root(lines: WordLines, entry: dict[str, str], *, radians: bool) -> AsfBone:
    dof = _dof(lines, entry.get("order", "TX TY TZ RX RY RZ").lower().split(), "root", "xyz")
    order = _axes(lines, entry.get("axis", "XYZ"), "root")
    if missing := sorted({f"r{axis}" for axis in order} - set(dof)):
        raise lines.error(f"root: expected all three rotations in 'order', got none of {', '.join(missing)}")
    angles = lines.numbers(entry.get("orientation", "0 0 0").split(), 3)
    position = lines.numbers(entry.get("position", "0 0 0").split(), 3)
    return AsfBone("root", -1, position, _rest_axes(order, angles, radians=radians), dof, order)


def _bone(lines: WordLines, entry: dict[str, str], parent: int, *, radians: bool) -> AsfBone:
    name = entry["name"]
    direction = lines.numbers(entry["direction"].split(), 3)
    length = lines.numbers(entry["length"].split(), 1)
    *angles, order = entry["axis"].split() or [""]
    axis = _rest_axes(_axes(lines, order, name), lines.numbers(angles, 3), radians=radians)
    dof = _dof(lines, entry.get("dof", "").lower().split(), name, "")
    return AsfBone(name, parent, direction * length, axis, dof, tuple(rotation[1] for rotation in dof))


def _dof(lines: WordLines, words: list[str], name: str, translations: str) -> tuple[str, ...]:
    """Check degrees of freedom: rotations about x, y, z, and translations along the given axes, each at most once."""
    known = {f"r{axis}" for axis in "xyz"} | {f"t{axis}" for axis in translations}
    if not known.issuperset(words) or len(set(words)) != len(words):
        expected = ", ".join(sorted(known))
        raise lines.error(f"{name}: expected degrees of freedom among {expected}, each once, got {' '.join(words)}")
    return tuple(words)


def _axes(lines: WordLines, letters: str, name: str) -> tuple[str, ...]:
    if sorted(letters.lower()) != ["x", "y", "z"]:
        raise lines.error(f"{name}: expected an order of axes such as XYZ, got {letters!r}")
    return tuple(letters.lower())


def _rest_axes(order: tuple[str, ...], angles: Float[ndarray, "3"], *, radians: bool) -> Float[ndarray, "3 3"]:
    """A bone's axes in the rest pose, from angles in the order of the axes; the first is applied first."""
    angles = angles if radians else np.radians(angles)
    axes: Float[ndarray, "3 3"] = euler_rotations(order[::-1], angles[None, ::-1])[0]
    return axes
