"""Facts about MPI-INF-3DHP (Mehta et al., 3DV 2017): subjects, sequences, joints, cameras. No motion data."""

from typing import NamedTuple

from poseglass.data.recordings.splits import PUBLISHED

__all__ = [
    "ACTIVITIES",
    "CAMERAS",
    "KEPT",
    "LENGTHS",
    "LICENCE",
    "SUBJECTS",
    "TEST",
    "TEST_FPS",
    "TRAIN",
    "Length",
    "image_size",
]


class Length(NamedTuple):
    """The published length of a training sequence.

    Args:
        frames: Frames per camera.
        fps: Frames per second.
    """

    frames: int
    fps: float


TRAIN = PUBLISHED["MPI-INF-3DHP"]["train"]
TEST = PUBLISHED["MPI-INF-3DHP"]["test"]
SUBJECTS = TRAIN + TEST
TEST_FPS = 25.0  # assumed, because the test files do not state it; errors per frame do not depend on it
LICENCE = "MPI-INF-3DHP licence: research use only, not to be passed on (vcai.mpi-inf.mpg.de/3dhp-dataset)"

# The activities of the test set, by the numbers of its `activity_annotation`, which start at 1.
ACTIVITIES = (
    "Standing/Walking",
    "Exercising",
    "Sitting",
    "Reaching/Crouching",
    "On The Floor",
    "Sports",
    "Miscellaneous",
)

# The cameras of the training sequences that the field uses, out of 14.
CAMERAS = ("0", "1", "2", "4", "5", "6", "7", "8")

# The 17 of the training files' 28 joints that form MPI_INF_3DHP_17, in its order.
KEPT = (7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6)

LENGTHS: dict[tuple[str, str], Length] = {
    ("S1", "Seq1"): Length(6416, 25),
    ("S1", "Seq2"): Length(12430, 50),
    ("S2", "Seq1"): Length(6502, 25),
    ("S2", "Seq2"): Length(6081, 25),
    ("S3", "Seq1"): Length(12488, 50),
    ("S3", "Seq2"): Length(12283, 50),
    ("S4", "Seq1"): Length(6171, 25),
    ("S4", "Seq2"): Length(6675, 25),
    ("S5", "Seq1"): Length(12820, 50),
    ("S5", "Seq2"): Length(12312, 50),
    ("S6", "Seq1"): Length(6188, 25),
    ("S6", "Seq2"): Length(6145, 25),
    ("S7", "Seq1"): Length(6239, 25),
    ("S7", "Seq2"): Length(6320, 25),
    ("S8", "Seq1"): Length(6468, 25),
    ("S8", "Seq2"): Length(6054, 25),
}


def image_size(subject: str) -> tuple[int, int]:
    """Return the width and height of a subject's images in pixels.

    Example:
        >>> image_size("S1"), image_size("TS6")
        ((2048, 2048), (1920, 1080))
    """
    return (1920, 1080) if subject in ("TS5", "TS6") else (2048, 2048)
