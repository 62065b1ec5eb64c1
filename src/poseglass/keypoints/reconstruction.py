"""Keypoints that the demos of MHFormer, StridedTransformer, MixSTE and HoT write: ``input_2D/keypoints.npz``.

The array ``reconstruction`` is (people, frames, 17, 2) in pixels. Its joints are Human3.6M's: the demos convert COCO's
before they save.
"""

from poseglass.body.skeleton import H36M_17, Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.array import people_of_array
from poseglass.keypoints.file import KeypointFile
from poseglass.keypoints.frames import KeypointFrames
from poseglass.keypoints.layouts import layout_by_count

__all__ = ["matches", "read"]


def matches(file: KeypointFile) -> bool:
    """Whether the file is an ``.npz`` that holds ``reconstruction``."""
    return "reconstruction" in file.members


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every frame.

    Raises:
        FormatError: The array has another shape.
    """
    table = file.arrays()["reconstruction"]
    if table.ndim != 4 or table.shape[3] not in (2, 3) or table.dtype.kind not in "fiu":
        raise FormatError(f"reconstruction must have shape (people, frames, joints, 2 or 3), got {table.shape}")
    skeleton = layout_by_count(table.shape[2], layout, "reconstruction", fixed={17: H36M_17})
    return people_of_array(table, "reconstruction", skeleton, order="people frames")
