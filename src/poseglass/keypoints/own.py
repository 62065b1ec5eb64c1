"""This library's own files: what `PoseSequence.save` wrote as ``.npz`` or ``.json``."""

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError, PoseError
from poseglass.keypoints._layout import by_count
from poseglass.keypoints._people import Detections, one_person
from poseglass.keypoints._source import Source

__all__ = ["matches", "read"]


def matches(source: Source) -> bool:
    """A file that says which format it is in, and has points."""
    if source.suffix == ".npz":
        return {"format", "points", "skeleton"} <= set(source.members)
    return isinstance(source.json, dict) and {"format", "points", "skeleton"} <= source.json.keys()


def read(source: Source, layout: Skeleton | None) -> Detections:
    """The poses, frame by frame.

    Raises:
        FormatError: The file is broken, or does not hold 2D poses in pixels.
    """
    try:
        poses = PoseSequence.load(source.path)
    except PoseError as problem:
        raise FormatError(str(problem).removeprefix(f"{source.path}: ")) from None
    if poses.space != "pixels":
        done = "; this is lifted already" if poses.points.shape[2] == 3 else ""
        raise FormatError(
            f"2D poses in pixels are expected, but these are in {poses.space} space ({poses.units}){done}"
        )
    if layout is not None and layout != poses.skeleton:
        by_count(len(poses.skeleton), layout, "points")
        raise FormatError(f"the joints are {poses.skeleton.name}'s, as the file says, not {layout.name}'s")
    found = one_person(poses.points, poses.confidence, poses.skeleton, poses.rate)
    frames = {frame: people if poses.validity[frame] else [] for frame, people in found.frames.items()}
    return Detections(poses.skeleton, frames, poses.rate, poses.size, poses.timestamps)
