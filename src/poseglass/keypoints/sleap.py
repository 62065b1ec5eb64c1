"""SLEAP's analysis files, ``.h5``: ``tracks`` (tracks, 2, joints, frames), ``node_names``, ``track_names``, scores.

The lengths of the axes tell their order: h5py reverses the axes (frames, joints, 2, tracks) that Matlab reads, and
newer versions of SLEAP write either order. Joints need the names of a known layout.
"""

import numpy as np
from jaxtyping import Float, Num
from numpy import ndarray

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.file import KeypointFile
from poseglass.keypoints.frames import KeypointFrames, detected
from poseglass.keypoints.hdf5 import read_dataset, text_of
from poseglass.keypoints.layouts import layout_by_names
from poseglass.keypoints.names import plain_name
from poseglass.people.detection import DetectedPerson

__all__ = ["matches", "read"]


def matches(file: KeypointFile) -> bool:
    """Whether the file is an HDF5 file with ``tracks`` and ``node_names``."""
    return file.hdf5 is not None and {"tracks", "node_names"} <= set(file.hdf5.keys)


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every frame.

    Raises:
        FormatError: The file is damaged, or its joints cover no known layout.
    """
    assert file.hdf5 is not None
    with file.hdf5.opened() as opened:
        names = [plain_name(text_of(name)) for name in read_dataset(opened["node_names"]).reshape(-1).tolist()]
        tracks = np.asarray(read_dataset(opened["tracks"]), np.float64)
        scores = np.asarray(read_dataset(opened["point_scores"]), np.float64) if "point_scores" in opened else None
    points, confidence = _oriented(tracks, scores, len(names))
    skeleton = layout_by_names(names, layout, "SLEAP's nodes")
    order = [names.index(joint) for joint in skeleton.joints]
    points, confidence = points[:, :, order], confidence[:, :, order]
    known = np.isfinite(points).all(-1).any(-1)  # p f
    frames: dict[int, list[DetectedPerson]] = {
        frame: [
            detected(
                points[person, frame], confidence[person, frame], skeleton, int(person) if len(points) > 1 else None
            )
            for person in np.flatnonzero(known[:, frame])
        ]
        for frame in range(points.shape[1])
    }
    return KeypointFrames(skeleton, frames)


def _oriented(
    tracks: Num[ndarray, "..."], scores: Num[ndarray, "..."] | None, joints: int
) -> tuple[Float[ndarray, "p f j 2"], Float[ndarray, "p f j"]]:
    """The arrays as (tracks, frames, joints, 2) and (tracks, frames, joints). Without scores, all are 1."""
    matlab = tracks.ndim == 4 and tracks.shape[1:3] == (2, joints)  # p 2 j f
    numpy = tracks.ndim == 4 and tracks.shape[2:] == (joints, 2)  # f p j 2
    if matlab and numpy:  # two tracks and two frames: the scores tell
        matlab = scores is None or scores.shape == tracks.shape[:1] + tracks.shape[2:]
    if not matlab and not numpy:
        raise FormatError(f"tracks must have shape (tracks, 2, {joints} joints, frames), got {tracks.shape}")
    points = np.transpose(tracks, (0, 3, 2, 1)) if matlab else np.swapaxes(tracks, 0, 1)  # p f j 2
    if scores is None:
        return points, np.ones(points.shape[:3])
    if scores.ndim != 3:
        raise FormatError(f"point_scores must have 3 axes, got {scores.ndim}")
    confidence = np.swapaxes(scores, 1, 2) if matlab else np.swapaxes(scores, 0, 1)  # p f j
    if confidence.shape != points.shape[:3]:
        raise FormatError(f"point_scores have shape {scores.shape}, which does not match the tracks {tracks.shape}")
    return points, confidence
