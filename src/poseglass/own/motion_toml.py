"""Reader of ``motion.toml``, which reports every mistake in it at once."""

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from poseglass.body.geometry import UP, Camera
from poseglass.data.checks.findings import Findings
from poseglass.data.recordings.splits import SPLITS
from poseglass.errors import DataError
from poseglass.files.plain_text import parse_toml
from poseglass.keypoints import LAYOUTS
from poseglass.mocap.humaneva import HUMANEVA_15
from poseglass.mocap.rotations import vector_rotations
from poseglass.mocap.smpl import SMPL_JOINTS
from poseglass.mocap.tracks import UNITS, unit_of
from poseglass.own.description import MotionDescription, OwnCamera, TakeEntry
from poseglass.own.joint_names import JOINTS, Blend, suggest

__all__ = ["read_description"]

# Joint names of arrays, by the name of their skeleton.
ARRAYS = {name: skeleton.joints for name, skeleton in LAYOUTS.items()}
ARRAYS |= {"smpl22": SMPL_JOINTS, "humaneva15": HUMANEVA_15}
LARGEST_NUMBER = 1e9
"""No length, rate or number of pixels is larger."""
# The keys of each table, with the kind of value that each takes.
KEYS: dict[str, dict[str, str]] = {
    "": {
        **dict.fromkeys(("dataset", "licence", "credit", "layout"), "text"),
        "fps": "number",
        "units": "unit",
        "up": "up",
        "space": "space",
        "skeleton": "skeleton",
        "splits": "table",
        "joints": "table",
        "cameras": "table",
        "takes": "list",
        "crossed": "names",
    },
    "camera": {
        "size": "2",
        "focal": "1 or 2",
        "centre": "2",
        "distortion": "4 or 5",
        "rotation": "rotation",
        "translation": "3",
        "position": "3",
    },
    "take": {
        **dict.fromkeys(("file", "subject", "take", "action", "camera", "layout"), "text"),
        "fps": "number",
        "keypoints": "table",
        "cameras": "names",
    },
}
# The kinds of values in words, for errors.
KINDS = {
    "text": 'a text such as "anna"',
    "number": "a number above 0",
    "unit": f"a number of metres above 0, or one of {', '.join(UNITS)}",
    "up": f"one of {', '.join(UP)}",
    "space": "world or camera",
    "skeleton": f"one of {', '.join(ARRAYS)}, or a list of different joint names",
    "names": 'a list of names such as ["front"]',
    "table": "a table",
    "list": "a list of tables, each under [[takes]]",
    "2": "2 numbers above 0",
    "1 or 2": "1 or 2 numbers above 0",
    "rotation": "3 numbers (a rotation vector) or 3 lists of 3 numbers (a matrix)",
}
# Tolerance for weights that must sum to 1 and for rotation matrices: files give at least three digits.
ROUNDING = 1e-3


def read_description(path: str | PathLike[str]) -> tuple[MotionDescription, Findings]:
    """Read a description.

    Returns:
        The description without its wrong entries, and an error for each wrong entry.

    Raises:
        DataError: The file cannot be read, or is not TOML.

    Example:
        >>> _ = Path("motion.toml").write_text('unit = "mm"\\nup = "z"')
        >>> description, findings = read_description("motion.toml")
        >>> description.up, str(findings[0])
        ('z', "error: motion.toml, unit: there is no such key; did you mean 'units'?")
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            content = parse_toml(file.read().decode("utf-8"))
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except OSError as problem:
        raise DataError(f"cannot read {path}: {problem.strerror or problem}") from None
    except ValueError as problem:  # also where it is not UTF-8
        raise DataError(f"{path} is not TOML: {problem}") from None
    reader = _DescriptionReader(path)
    return reader.description(content), reader.findings


class _DescriptionReader:
    """Converts the content of the file and collects an error for each wrong entry."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.findings = Findings()

    def error(self, key: str, text: str) -> None:
        self.findings.error(f"{self.path}, {key}", text)

    def description(self, content: dict[str, Any]) -> MotionDescription:
        top = self.valid_entries("", content, "")
        skeleton, unit = top.pop("skeleton", ()), top.pop("units", None)
        joints = {joint: self.blend(joint, value) for joint, value in top.pop("joints", {}).items()}
        cameras = {name: self.camera(name, entry) for name, entry in top.pop("cameras", {}).items()}
        description = MotionDescription(
            crossed=tuple(top.pop("crossed", ())),
            unit=unit_of(unit) if isinstance(unit, str) else unit,
            names=ARRAYS[skeleton] if isinstance(skeleton, str) else tuple(skeleton),
            splits=self.splits(top.pop("splits", {})),
            joints={joint: blend for joint, blend in joints.items() if blend is not None},
            cameras={name: camera for name, camera in cameras.items() if camera is not None},
            takes=self.takes(top.pop("takes", ()), {name for name, camera in cameras.items() if camera is not None}),
            **top,
        )
        if unit is None and any(camera.placed for camera in description.cameras.values()):
            self.error("units", "expected the unit of length of the 3D poses and of the cameras' positions, got none")
        return description

    def valid_entries(self, kind: str, table: Any, prefix: str) -> dict[str, Any]:
        """The entries of a table that have known keys and values of the right kind."""
        if not isinstance(table, dict):
            self.error(prefix.rstrip("., "), f"expected a table, got {table!r}")
            return {}
        valid = {}
        for key, value in table.items():
            if key not in KEYS[kind]:
                self.error(f"{prefix}{key}", f"there is no such key{suggest(key, KEYS[kind])}")
            elif not _fits(KEYS[kind][key], value):
                expected = KINDS.get(KEYS[kind][key], f"{KEYS[kind][key]} numbers")
                self.error(f"{prefix}{key}", f"expected {expected}, got {value!r}")
            else:
                valid[key] = value
        return valid

    def splits(self, table: dict[str, Any]) -> dict[str, tuple[str, ...]]:
        splits: dict[str, tuple[str, ...]] = {}
        split_of: dict[str, str] = {}
        for split, subjects in table.items():
            if split not in SPLITS:
                self.error(f"splits.{split}", f"there is no such split; the splits are {', '.join(SPLITS)}")
            elif not _names(subjects):
                self.error(f"splits.{split}", f'expected a list of subjects such as ["anna"], got {subjects!r}')
            else:
                splits[split] = tuple(subjects)
                for subject in subjects:
                    if (first := split_of.setdefault(subject, split)) != split:
                        self.error(
                            f"splits.{split}", f"{subject} is already in {first}; a subject belongs to one split"
                        )
        return splits

    def takes(self, entries: Any, cameras: set[str]) -> tuple[TakeEntry, ...]:
        takes = []
        for number, entry in enumerate(entries, 1):
            place = f"take {number}"
            valid = self.valid_entries("take", entry, f"{place}, ")
            if "file" not in valid:
                self.error(place, "expected a file, got none")
                continue
            keypoints = valid.pop("keypoints", {})
            for name in [name for name, file in keypoints.items() if not isinstance(file, str)]:
                self.error(f"{place}, keypoints.{name}", f"expected a file name, got {keypoints.pop(name)!r}")
            take = TakeEntry(cameras=tuple(valid.pop("cameras", ())), keypoints=keypoints, **valid)
            used = {take.camera, *take.cameras} - {""}
            for name in keypoints.keys() - used if used else ():
                text = f"keypoints of the camera {name!r} do not fit the cameras that saw the take: "
                self.error(f"{place}, keypoints", text + ", ".join(sorted(used)))
            for name in sorted((used | keypoints.keys()) - cameras):
                self.error(place, f"there is no camera {name!r}{suggest(name, cameras) if cameras else ''}")
            takes.append(take)
        return tuple(takes)

    def blend(self, joint: str, value: Any) -> Blend | None:
        if joint not in JOINTS:
            self.error(f"joints.{joint}", f"there is no such joint{suggest(joint, JOINTS)}")
        elif isinstance(value, str):
            return {value: 1.0}
        elif _names(value):
            return {name: value.count(name) / len(value) for name in value}
        elif isinstance(value, dict) and value and all(_is_number(weight) and weight for weight in value.values()):
            if abs(sum(value.values()) - 1) < ROUNDING:
                return {name: float(weight) for name, weight in value.items()}
            self.error(f"joints.{joint}", f"expected weights that sum to 1, got a sum of {sum(value.values()):g}")
        else:
            text = f"expected a name, a list of names (for their mean) or a table of weights, got {value!r}"
            self.error(f"joints.{joint}", text)
        return None

    def camera(self, name: str, entry: Any) -> OwnCamera | None:
        place = f"cameras.{name}"
        before = len(self.findings)
        valid = self.valid_entries("camera", entry, f"{place}.")
        for key in ("size", "focal"):
            if key not in valid:
                self.error(place, f"{key} is missing")
        if "translation" in valid and "position" in valid:
            self.error(place, "expected translation or position, got both")
        if ("rotation" in valid) != ("translation" in valid or "position" in valid):
            self.error(place, "expected rotation together with translation or position, or neither")
        if len(self.findings) > before:
            return None
        size, focal = valid["size"], valid["focal"]
        rotation = np.array(valid.get("rotation", np.eye(3)), float)
        if rotation.shape == (3,):
            rotation = vector_rotations(rotation)
        if np.abs(rotation @ rotation.T - np.eye(3)).max() > ROUNDING or np.linalg.det(rotation) < 0:
            text = "expected a rotation matrix (rows of length 1, at right angles, not mirrored), got another matrix"
            self.error(f"{place}.rotation", text)
            return None
        if "translation" in valid:
            position = -rotation.T @ np.array(valid["translation"], float)
        else:
            position = np.array(valid.get("position", np.zeros(3)), float)
        focal = [focal] if _is_number(focal) else focal
        k1, k2, p1, p2, k3 = [*map(float, valid.get("distortion", [0.0] * 5)), 0.0][:5]  # OpenCV's order
        camera = Camera(
            rotation,
            position,
            np.array([focal[0], focal[-1]], float),
            np.array(valid.get("centre", [side / 2 for side in size]), float),
            np.array([k1, k2, k3]),
            np.array([p1, p2]),
        )
        return OwnCamera(camera, (int(size[0]), int(size[1])), "rotation" in valid)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER


def _numbers(value: Any, *counts: int) -> bool:
    return isinstance(value, list) and len(value) in counts and all(map(_is_number, value))


def _names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)


def _fits(kind: str, value: Any) -> bool:
    match kind:
        case "text":
            return isinstance(value, str) and bool(value)
        case "number":
            return _is_number(value) and value > 0
        case "unit":
            return unit_of(value) is not None if isinstance(value, str) else _is_number(value) and value > 0
        case "up":
            return isinstance(value, str) and value in UP
        case "space":
            return value in ("world", "camera")
        case "skeleton":
            return value in ARRAYS if isinstance(value, str) else _names(value) and len(set(value)) == len(value)
        case "names":
            return _names(value)
        case "table":
            return isinstance(value, dict)
        case "list":
            return isinstance(value, list)
        case "rotation":
            matrix = isinstance(value, list) and len(value) == 3 and all(_numbers(row, 3) for row in value)
            return matrix or _numbers(value, 3)
        case "1 or 2":
            return (_is_number(value) and value > 0) or (_numbers(value, 1, 2) and min(value) > 0)
        case "2":
            return _numbers(value, 2) and min(value) > 0
        case "3" | "4 or 5":
            return _numbers(value, *(int(number) for number in kind.split(" or ")))
    raise AssertionError(kind)
