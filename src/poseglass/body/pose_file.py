"""Read and write a :class:`PoseSequence` as ``.npz`` or ``.json``, and write it as ``.csv``."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import Skeleton
from poseglass.body.trajectory import Trajectory
from poseglass.errors import PoseError
from poseglass.files.arrays import read_arrays
from poseglass.files.writing import writing

__all__ = ["read_people_file", "read_pose_file", "write_csv", "write_json", "write_npz"]

FORMAT = "poseglass pose sequence 1"
PIECE = 1000
"""Frames that are turned into text at once."""
SEVERAL = "poseglass people 1"
"""The format of a JSON file that holds several people: their sequences in the list ``people``."""


def read_pose_file(path: Path) -> PoseSequence:
    """Read a ``.npz`` or ``.json`` file that :func:`write_npz` or :func:`write_json` wrote. Pickles are never read.

    Raises:
        PoseError: The file is missing, damaged or of another format, or holds several people.
    """
    people = read_people_file(path)
    if len(people) > 1:
        raise PoseError(f"{path} holds {len(people)} people; read them with poseglass.body.pose_file.read_people_file")
    return people[0]


def read_people_file(path: Path) -> list[PoseSequence]:
    """Read everybody in a ``.json`` file that :func:`write_json` wrote, or the one person of any other.

    Raises:
        PoseError: The file is missing, damaged or of another format.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "both.json"
        >>> still = PoseSequence(np.zeros((2, 1, 2)), Skeleton("point", ("a",), ()), "pixels")
        >>> write_json([still, still], path)
        >>> len(read_people_file(path))
        2
    """
    try:
        if not path.exists():
            raise FileNotFoundError
        is_json = path.suffix.lower() == ".json"
        record = json.loads(path.read_text(encoding="utf-8")) if is_json else read_arrays(path)
        if isinstance(record, dict) and record.get("format") == SEVERAL and record["people"]:
            return [_from_record(person) for person in record["people"]]
        return [_from_record(record)]
    except FileNotFoundError:
        raise PoseError(f"there is no file {path}; check the path") from None
    except PoseError as problem:
        raise PoseError(f"{path}: {problem}") from None
    except Exception as problem:
        raise PoseError(f"{path} is not a pose sequence written by poseglass: {problem}") from problem


def _record(poses: PoseSequence) -> dict[str, Any]:
    """The sequence as named arrays, numbers and strings, the layout of both npz and JSON files."""
    skeleton = poses.skeleton
    record: dict[str, Any] = {
        "format": FORMAT,
        "skeleton": skeleton.name,
        "joints": list(skeleton.joints),
        "bones": [list(bone) for bone in skeleton.bones],
        "root": skeleton.root or "",
        "space": poses.space,
        "units": poses.units,
        "fps": poses.rate,
        "start": poses.start,
        "points": poses.points,
        "scores": poses.confidence,
        "valid": poses.validity,
    }
    for name in ("timestamps", "size", "kept", "person", "uncertainty"):
        if (value := getattr(poses, name)) is not None:
            record[name] = np.asarray(value)
    if poses.trajectory is not None:
        parts = {field.name: getattr(poses.trajectory, field.name) for field in fields(Trajectory)}
        record |= {f"trajectory.{name}": value for name, value in parts.items() if value is not None}
    if poses.pose2d is not None:
        record |= {f"pose2d.{name}": value for name, value in _record(poses.pose2d).items()}
    return record


def _from_record(record: dict[str, Any]) -> PoseSequence:
    if str(record.get("format")) != FORMAT:
        raise PoseError(f"expected the format {FORMAT!r}, got {str(record.get('format'))!r}")

    def part(prefix: str) -> dict[str, Any]:
        return {name.removeprefix(prefix): value for name, value in record.items() if name.startswith(prefix)}

    inner, path = part("pose2d."), part("trajectory.")
    skeleton = Skeleton(
        name=str(record["skeleton"]),
        joints=tuple(str(joint) for joint in record["joints"]),
        bones=tuple((str(child), str(parent)) for child, parent in record["bones"]),
        root=str(record["root"]) or None,
    )

    def optional(name: str, dtype: type) -> Any:
        return np.asarray(record[name], dtype) if name in record else None

    size = optional("size", int)
    points = np.asarray(record["points"], np.float32)
    scores = np.asarray(record["scores"], np.float32)
    if not points.size:  # JSON does not keep the shape of an empty array
        axes = 3 if record["units"] == "metres" else 2
        points, scores = points.reshape(0, len(skeleton), axes), scores.reshape(0, len(skeleton))
    return PoseSequence(
        points=points,
        skeleton=skeleton,
        space=str(record["space"]),  # type: ignore[arg-type]  # checked by the constructor
        fps=float(record["fps"]),
        scores=scores,
        valid=np.asarray(record["valid"], bool),
        timestamps=optional("timestamps", float),
        size=None if size is None else (int(size[0]), int(size[1])),
        kept=optional("kept", bool),
        pose2d=_from_record(inner) if inner else None,
        start=float(record.get("start", 0.0)),  # files of version 0.1 lack it
        person=int(record["person"]) if "person" in record else None,
        trajectory=_trajectory(path) if path else None,
        uncertainty=optional("uncertainty", np.float32),
    )


def _trajectory(record: dict[str, Any]) -> Trajectory:
    return Trajectory(
        np.asarray(record["root"], np.float32),
        contact=np.asarray(record["contact"], np.float32),
        to_world=np.asarray(record["to_world"], float) if "to_world" in record else None,
        focal=float(record["focal"]) if "focal" in record else None,
    )


def write_npz(poses: PoseSequence, path: Path) -> None:
    """Write all fields as plain arrays."""
    with writing(path, PoseError) as temporary, temporary.open("wb") as file:
        arrays: dict[str, Any] = {name: np.asarray(value) for name, value in _record(poses).items()}
        np.savez_compressed(file, **arrays)


def _plain(value: Any) -> Any:
    """The value in a form that JSON can hold; NaN becomes None."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "f":
            rounded = np.round(value.astype(float), 6).astype(object)
            rounded[~np.isfinite(value)] = None
            return rounded.tolist()
        return value.tolist()
    return value


def _json(record: Mapping[str, Any]) -> Iterator[str]:
    """The record as JSON, in pieces: the lists of a whole motion would take ten times the memory of its arrays."""
    before = "{"
    for name, value in record.items():
        yield f"{before}{json.dumps(name)}: "
        before = ", "
        if isinstance(value, np.ndarray) and len(np.shape(value)) and len(value) > PIECE:
            blocks = (value[start : start + PIECE] for start in range(0, len(value), PIECE))
            yield "["
            for number, block in enumerate(blocks):
                yield (", " if number else "") + json.dumps(_plain(block), allow_nan=False)[1:-1]
            yield "]"
        else:
            yield json.dumps(_plain(value), allow_nan=False)
    yield "}"


def write_json(poses: PoseSequence | Sequence[PoseSequence], path: Path) -> None:
    """Write all fields of one person, or of several; unknown values become null."""
    with writing(path, PoseError) as temporary, temporary.open("w", encoding="utf-8") as file:
        if isinstance(poses, PoseSequence):
            file.writelines(_json(_record(poses)))
            return
        file.write(f'{{"format": {json.dumps(SEVERAL)}, "people": [')
        for number, person in enumerate(poses):
            file.write(", " if number else "")
            file.writelines(_json(_record(person)))
        file.write("]}")


def write_csv(poses: PoseSequence, path: Path, columns: Mapping[str, Float[ndarray, " f"]] | None = None) -> None:
    """Write one row per frame: frame, seconds, valid, then the coordinates and score of each joint.

    If they are known, the path of the pelvis in the camera's axes, the contact of the feet, and the radius of each
    joint's uncertainty follow, then further columns. Unknown values are empty.
    """
    axes = "xyz"[: poses.points.shape[2]]
    joints = np.concatenate([poses.points, poses.confidence[..., None]], -1)  # f j _
    names = [f"{joint}_{axis}" for joint in poses.skeleton.joints for axis in (*axes, "score")]
    values = [*joints.reshape(len(poses), len(names)).T]
    if poses.trajectory is not None:
        names += ["root_x", "root_y", "root_z", "contact_left", "contact_right"]
        values += [*poses.trajectory.root.T, *poses.trajectory.contact.T]
    if poses.uncertainty is not None:
        names += [f"{joint}_radius" for joint in poses.skeleton.joints]
        values += [*poses.uncertainty.T]
    names, values = [*names, *(columns or {})], [*values, *(columns or {}).values()]
    with writing(path, PoseError) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["frame", "seconds", "valid", *names])
        rows = zip(poses.times, poses.validity, *values, strict=True)
        for frame, (seconds, valid, *row) in enumerate(rows):
            cells = ("" if np.isnan(value) else f"{value:.6g}" for value in row)
            writer.writerow([frame, f"{seconds:.6f}", int(valid), *cells])
