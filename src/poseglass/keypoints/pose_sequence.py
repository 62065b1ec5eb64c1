"""Poseglass's own files: ``.npz`` and ``.json`` that `PoseSequence.save` wrote."""

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError, PoseError
from poseglass.keypoints.file import KeypointFile
from poseglass.keypoints.frames import KeypointFrames, one_person
from poseglass.keypoints.layouts import layout_by_count

__all__ = ["matches", "read"]


def matches(file: KeypointFile) -> bool:
    """Whether the file has a format, points and a skeleton."""
    if file.suffix == ".npz":
        return {"format", "points", "skeleton"} <= set(file.members)
    return {"format", "points", "skeleton"} <= file.object.keys()


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the pose of every frame.

    Raises:
        FormatError: The file is damaged, or does not hold 2D poses in pixels.
    """
    try:
        poses = PoseSequence.load(file.path)
    except PoseError as problem:
        raise FormatError(str(problem).removeprefix(f"{file.path}: ")) from None
    if poses.space != "pixels":
        hint = "; this motion is lifted already" if poses.points.shape[2] == 3 else ""
        raise FormatError(
            f"2D poses in pixels are expected, but these are in {poses.space} space ({poses.units}){hint}"
        )
    if layout is not None and layout != poses.skeleton:
        layout_by_count(len(poses.skeleton), layout, "points")
        raise FormatError(f"the file says that its joints are {poses.skeleton.name}, not {layout.name}")
    person = one_person(poses.points, poses.confidence, poses.skeleton)
    frames = {frame: people if poses.validity[frame] else [] for frame, people in person.frames.items()}
    return KeypointFrames(poses.skeleton, frames, poses.rate, poses.size, poses.timestamps, poses.start, zeros=None)
