"""Which column of a table is what: joints, scores, times, frames, people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.layouts import layout_by_count, layout_by_names
from poseglass.keypoints.names import TIMES, plain_name, split_column

__all__ = ["JointColumns", "TableColumns", "chosen_joints", "columns_of"]

FRAMES = ("frame", "frames", "frame_id", "frame_idx", "frame_index", "frame_no", "frame_number", "frame_num")
PEOPLE = ("track", "track_id", "person", "person_id", "id", "idx", "instance_id", "individual")
IMAGES = ("image", "image_id", "image_name", "file", "filename", "file_name", "img", "path")
VALID = ("valid", "detected")
USELESS = ("", "index", "unnamed_0", "instance_score", "bbox_score", "score", "confidence", "label", "class")
"""Names of columns of other tools that do not matter for the pose."""


@dataclass
class JointColumns:
    """The columns of one joint; -1 if there is none."""

    x: int = -1
    y: int = -1
    z: int = -1
    score: int = -1


@dataclass
class TableColumns:
    """The columns of a table by what they hold, as indices; None if there is none.

    Args:
        joints: The columns of every joint by its name.
        frame: The number of the frame.
        image: The name of the image, whose digits are the number of the frame.
        person: The number or name of the person.
        valid: Whether the person was detected.
        time: The time.
        unit: The length of the unit of the time in seconds; None if the name does not say.
        unknown: The names of the columns that were not understood.
    """

    joints: dict[str, JointColumns] = field(default_factory=dict)
    frame: int | None = None
    image: int | None = None
    person: int | None = None
    valid: int | None = None
    time: int | None = None
    unit: float | None = None
    unknown: list[str] = field(default_factory=list)


def columns_of(header: Sequence[str]) -> TableColumns:
    """The columns of a table, by their names.

    Raises:
        FormatError: Two columns hold the same quantity of a joint, or no joint has x and y.
    """
    columns = TableColumns()
    spotted: dict[str, str] = {}
    for index, name in enumerate(header):
        plain = plain_name(name)
        split = split_column(name)
        if plain in TIMES and columns.time is None:
            columns.time, columns.unit = index, TIMES[plain]
        elif (kind := _kind(plain)) is not None and getattr(columns, kind) is None:
            setattr(columns, kind, index)
        elif plain in USELESS:
            pass
        elif split is None:
            columns.unknown.append(name)
        else:
            joint, quantity = split
            if (other := spotted.setdefault(f"{joint} {quantity}", name)) != name or getattr(
                columns.joints.setdefault(joint, JointColumns()), quantity
            ) >= 0:
                raise FormatError(f"the columns {other!r} and {name!r} both hold the {quantity} of {joint}")
            setattr(columns.joints[joint], quantity, index)
    partial = [joint for joint, places in columns.joints.items() if places.x < 0 or places.y < 0]
    for joint in partial:
        places = columns.joints.pop(joint)
        columns.unknown += [header[index] for index in (places.x, places.y, places.z, places.score) if index >= 0]
    if not columns.joints and {"x", "y"} <= {plain_name(name) for name in header}:
        raise FormatError(
            "this table has a row for each joint, as it has columns x and y; expected a row for each frame, with "
            "columns such as nose_x, nose_y, nose_score"
        )
    if not columns.joints:
        raise FormatError("the first line must name columns such as nose_x, nose_y, nose_score")
    return columns


def chosen_joints(
    columns: TableColumns, layout: Skeleton | None
) -> tuple[Skeleton, list[JointColumns], tuple[str, ...]]:
    """The skeleton that the names cover, the columns of its joints, and notes on the other columns.

    Raises:
        FormatError: The names cover no known layout, their numbers have gaps, or columns that were not understood look
            like scores.
    """
    if all(joint.isdecimal() for joint in columns.joints):
        skeleton = layout_by_count(len(columns.joints), layout, "the columns")
        numbers = sorted(columns.joints, key=int)
        if [int(number) - int(numbers[0]) for number in numbers] != [*range(len(numbers))]:
            raise FormatError(f"the numbers of the joints must have no gaps, got {', '.join(numbers)}")
        places = [columns.joints[number] for number in numbers]
    else:
        skeleton = layout_by_names(columns.joints, layout, "the columns")
        places = [columns.joints[joint] for joint in skeleton.joints]
    unknown = columns.unknown
    names = ", ".join(unknown[:6]) + (", ..." if len(unknown) > 6 else "")
    if all(place.score < 0 for place in places) and len(unknown) >= len(skeleton):
        raise FormatError(
            f"the columns {names} were not understood; if they hold confidences, name them nose_score, ..."
        )
    return skeleton, places, (f"columns that were not understood: {names}",) if unknown else ()


_KINDS: Mapping[str, Sequence[str]] = {"frame": FRAMES, "image": IMAGES, "person": PEOPLE, "valid": VALID}


def _kind(name: str) -> str | None:
    return next((kind for kind, names in _KINDS.items() if name in names), None)
