"""`Description`: what `motion.toml` says of somebody's own motion, every mistake in it found at once."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from poseglass.body.geometry import UP, Camera
from poseglass.data.checks.findings import Finding, Findings
from poseglass.data.recordings.splits import SPLITS
from poseglass.errors import DataError
from poseglass.keypoints import LAYOUTS
from poseglass.mocap.tracks import UNITS
from poseglass.own.joint_names import JOINTS, Blend, nearest

__all__ = ["FILE", "UP", "Description", "OwnCamera", "TakeEntry", "read_description"]

FILE = "motion.toml"

# What may stand where, and of which kind it is.
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
MEANT = {
    "text": 'a text such as "anna"',
    "number": "a number above 0",
    "unit": f"a number of metres above 0, or one of {', '.join(UNITS)}",
    "up": f"one of {', '.join(UP)}",
    "space": "world or camera",
    "skeleton": f"one of {', '.join(LAYOUTS)}, or a list of joint names",
    "names": 'a list of names such as ["front"]',
    "table": "a table",
    "list": "a list of tables, each under [[takes]]",
    "rotation": "3 numbers (axis times angle) or 3 lists of 3",
}


@dataclass(frozen=True, eq=False)
class OwnCamera:
    """A camera of one's own.

    Args:
        camera: From the data's own world, in its own unit; None in place and turn if the 3D is in camera space.
        size: Width and height of its images.
        placed: Whether it says where it stands.
    """

    camera: Camera
    size: tuple[int, int]
    placed: bool


@dataclass(frozen=True)
class TakeEntry:
    """A take as it is listed. Empty where the place of its file says it.

    Args:
        file: In the folder of the description.
        subject: Who moves.
        take: Its name, unique for its subject.
        action: What they do.
        camera: In whose space it is, where it is not in the world.
        cameras: Which saw it; all if none is named.
        layout: Which joint is which in its 2D keypoints, where their files do not say.
        fps: Frames a second.
        keypoints: A file of 2D keypoints for each camera that has any.
    """

    file: str
    subject: str = ""
    take: str = ""
    action: str = ""
    camera: str = ""
    cameras: tuple[str, ...] = ()
    layout: str = ""
    fps: float | None = None
    keypoints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Description:
    """What is said of somebody's own motion. What is not said is taken from the files, or found out from the bodies.

    Args:
        dataset: What to call it.
        licence: Under which terms it may be used.
        credit: The line that goes along with it and with weights trained on it.
        layout: Which joint is which in 2D keypoints, where their files do not say.
        fps: Frames a second, where the files do not say.
        unit: Metres in a unit of length.
        up: The axis that points up.
        space: ``world`` or ``camera``.
        names: Which joint is which in arrays.
        splits: Which subjects are in ``val`` and in ``test``; the others are in ``train``.
        joints: What joints are made of.
        cameras: By name.
        takes: Those that are listed; none if the folder's files are to be taken.
    """

    dataset: str = "own motion"
    licence: str = ""
    credit: str = ""
    layout: str = ""
    fps: float | None = None
    unit: float | None = None
    up: str | None = None
    space: str | None = None
    names: tuple[str, ...] = ()
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    joints: Mapping[str, Blend] = field(default_factory=dict)
    cameras: Mapping[str, OwnCamera] = field(default_factory=dict)
    takes: tuple[TakeEntry, ...] = ()

    def split_of(self, subject: str) -> str:
        """In which split a subject is."""
        return next((split for split, subjects in self.splits.items() if subject in subjects), "train")


def read_description(path: str | PathLike[str]) -> tuple[Description, Findings]:
    """Read a description; what is wrong in it is left out and on the list.

    Raises:
        DataError: It cannot be read, or is no TOML.

    Example:
        >>> _ = Path("motion.toml").write_text('unit = "mm"\\nup = "z"')
        >>> description, problems = read_description("motion.toml")
        >>> description.up, str(problems[0])
        ('z', "error: motion.toml, unit: there is no such key; is 'units' meant?")
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except OSError as problem:
        raise DataError(f"cannot read {path}: {problem.strerror or problem}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise DataError(f"{path} is no TOML: {problem}") from None
    reader = _Reader(path)
    return reader.read(content), reader.problems


class _Reader:
    """Takes apart what was read, and notes what is wrong."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems = Findings()

    def wrong(self, key: str, text: str) -> None:
        self.problems.append(Finding("error", f"{self.path}, {key}", text))

    def read(self, content: dict[str, Any]) -> Description:
        top = self.checked("", content, "")
        skeleton = top.pop("skeleton", ())
        names = LAYOUTS[skeleton].joints if isinstance(skeleton, str) else tuple(skeleton)
        unit = top.pop("units", None)
        joints = {
            joint: blend
            for joint, said in top.pop("joints", {}).items()
            if (blend := self.blend(joint, said)) is not None
        }
        takes: dict[int, TakeEntry] = {}
        for number, entry in enumerate(top.pop("takes", ()), 1):
            take = self.checked("take", entry, f"take {number}, ")
            if "file" not in take:
                self.wrong(f"take {number}", "it names no file")
                continue
            files = take.pop("keypoints", {})
            for name in [name for name, file in files.items() if not isinstance(file, str)]:
                text = f"the name of a file is expected, got {files.pop(name)!r}"
                self.wrong(f"take {number}, keypoints.{name}", text)
            takes[number] = TakeEntry(cameras=tuple(take.pop("cameras", ())), keypoints=files, **take)
        cameras = {
            name: camera
            for name, entry in top.pop("cameras", {}).items()
            if (camera := self.camera(name, entry)) is not None
        }
        if unit is None and any(camera.placed for camera in cameras.values()):
            self.wrong("units", "say the unit of length in which the cameras' places are given, and the 3D")
        splits = self.splits(top.pop("splits", {}))
        for number, listed in takes.items():
            saw = {listed.camera, *listed.cameras} - {""}
            for name in listed.keypoints.keys() - saw if saw else ():
                self.wrong(
                    f"take {number}, keypoints", f"the take was not seen by {name!r} but by {', '.join(sorted(saw))}"
                )
            for name in sorted(saw | listed.keypoints.keys()):
                if name not in cameras:
                    self.wrong(
                        f"take {number}", f"there is no camera {name!r}{nearest(name, cameras) if cameras else ''}"
                    )
        return Description(
            unit=UNITS[unit] if isinstance(unit, str) else unit,
            names=names,
            splits=splits,
            joints=joints,
            cameras=cameras,
            takes=tuple(takes.values()),
            **top,
        )

    def checked(self, kind: str, table: Any, place: str) -> dict[str, Any]:
        """The entries of a table that may stand there and are of the right kind."""
        if not isinstance(table, dict):
            self.wrong(place.rstrip(", "), f"a table is expected, got {table!r}")
            return {}
        good = {}
        for key, value in table.items():
            if key not in KEYS[kind]:
                self.wrong(f"{place}{key}", f"there is no such key{nearest(key, KEYS[kind])}")
            elif not _fits(KEYS[kind][key], value):
                meant = MEANT.get(KEYS[kind][key], f"{KEYS[kind][key]} numbers")
                self.wrong(f"{place}{key}", f"{meant} is expected, got {value!r}")
            else:
                good[key] = value
        return good

    def splits(self, said: dict[str, Any]) -> dict[str, tuple[str, ...]]:
        splits: dict[str, tuple[str, ...]] = {}
        seen: dict[str, str] = {}
        for split, subjects in said.items():
            if split not in SPLITS:
                self.wrong(f"splits.{split}", f"there is no such split; there are {', '.join(SPLITS)}")
            elif not isinstance(subjects, list) or not subjects or not all(isinstance(s, str) for s in subjects):
                self.wrong(f"splits.{split}", f'a list of subjects such as ["anna"] is expected, got {subjects!r}')
            else:
                splits[split] = tuple(subjects)
                for subject in subjects:
                    if seen.setdefault(subject, split) != split:
                        self.wrong(f"splits.{split}", f"{subject} is in {seen[subject]} already; a subject is in one")
        return splits

    def blend(self, joint: str, said: Any) -> Blend | None:
        if joint not in JOINTS:
            self.wrong(f"joints.{joint}", f"there is no such joint{nearest(joint, JOINTS)}")
            return None
        if isinstance(said, str):
            return {said: 1.0}
        if isinstance(said, list) and said and all(isinstance(name, str) for name in said):
            return {name: said.count(name) / len(said) for name in said}
        if isinstance(said, dict) and said and all(_fits("number", abs(w) if _real(w) else w) for w in said.values()):
            if abs(sum(said.values()) - 1) < 1e-3:
                return {name: float(weight) for name, weight in said.items()}
            self.wrong(f"joints.{joint}", f"the weights must sum to 1, got {sum(said.values()):g}")
            return None
        self.wrong(f"joints.{joint}", f"a name, a list of names (their mean) or weights are expected, got {said!r}")
        return None

    def camera(self, name: str, entry: Any) -> OwnCamera | None:
        place = f"cameras.{name}"
        before = len(self.problems)
        said = self.checked("camera", entry, f"{place}.")
        for key in ("size", "focal"):
            if key not in said:
                self.wrong(place, f"{key} is missing")
        if ("rotation" in said) != ("translation" in said or "position" in said):
            self.wrong(place, "where it stands is rotation and one of translation and position, or neither")
        if "translation" in said and "position" in said:
            self.wrong(place, "give translation or position, not both")
        if len(self.problems) > before:
            return None
        size, focal = said["size"], said["focal"]
        rotation = np.array(said.get("rotation", np.eye(3)), float)
        if rotation.shape == (3,):
            rotation = _rodrigues(rotation)
        if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0:
            self.wrong(f"{place}.rotation", "the matrix is no rotation: rows of length 1, at right angles, no mirror")
            return None
        if "translation" in said:
            position = -rotation.T @ np.array(said["translation"], float)
        else:
            position = np.array(said.get("position", np.zeros(3)), float)
        k1, k2, p1, p2, k3 = [*map(float, said.get("distortion", [0.0] * 5)), 0.0][:5]
        camera = Camera(
            rotation,
            position,
            np.array([focal, focal] if _real(focal) else (focal * 2)[:2] if len(focal) == 1 else focal, float),
            np.array(said.get("centre", [side / 2 for side in size]), float),
            np.array([k1, k2, k3]),
            np.array([p1, p2]),
        )
        return OwnCamera(camera, (int(size[0]), int(size[1])), "rotation" in said)


def _real(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def _numbers(value: Any, *counts: int) -> bool:
    return isinstance(value, list) and len(value) in counts and all(map(_real, value))


def _fits(kind: str, value: Any) -> bool:
    match kind:
        case "text":
            return isinstance(value, str) and bool(value)
        case "number":
            return _real(value) and value > 0
        case "unit":
            return value in UNITS if isinstance(value, str) else _real(value) and value > 0
        case "up":
            return isinstance(value, str) and value in UP
        case "space":
            return value in ("world", "camera")
        case "skeleton":
            named = isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)
            return value in LAYOUTS if isinstance(value, str) else named and len(set(value)) == len(value)
        case "names":
            return isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)
        case "table":
            return isinstance(value, dict)
        case "list":
            return isinstance(value, list)
        case "rotation":
            return _numbers(value, 3) or (
                isinstance(value, list) and len(value) == 3 and all(_numbers(r, 3) for r in value)
            )
        case "1 or 2":
            return (_real(value) and value > 0) or (_numbers(value, 1, 2) and min(value) > 0)
        case "2":
            return _numbers(value, 2) and min(value) > 0
        case "3" | "4 or 5":
            return _numbers(value, *(int(count) for count in kind.split(" or ")))
    raise AssertionError(kind)


def _rodrigues(vector: np.ndarray) -> np.ndarray:
    """The rotation about an axis by the angle that is the vector's length."""
    angle = float(np.linalg.norm(vector))
    if angle == 0:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turned: np.ndarray = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return turned
