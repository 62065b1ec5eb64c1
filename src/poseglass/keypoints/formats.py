"""The formats of 2D keypoint files: what recognises each, and what reads it. The first that matches reads the file."""

from collections.abc import Callable
from dataclasses import dataclass

from poseglass.body.skeleton import Skeleton
from poseglass.keypoints import (
    alphapose,
    annotations,
    array,
    coco,
    deeplabcut,
    detectron2,
    gast,
    labels,
    landmarks,
    mmpose,
    named,
    nested,
    openpose,
    pose_sequence,
    reconstruction,
    sleap,
    table,
    ultralytics,
    videopose3d,
)
from poseglass.keypoints.file import KeypointFile
from poseglass.keypoints.frames import KeypointFrames

__all__ = ["FORMATS", "SUFFIXES", "Format"]

SUFFIXES = (".json", ".jsonl", ".npz", ".npy", ".csv", ".tsv", ".txt", ".h5", ".hdf5")
"""Suffixes of the files that hold keypoints. Folders hold OpenPose's JSON files or Ultralytics' label files."""


@dataclass(frozen=True)
class Format:
    """How to recognise and read a format.

    Args:
        matches: Says whether a file has this format, judging by its content.
        read: Reads the people of every frame, given the file and the user's layout, if any.
        file: What the file is, in words.
        layout: How it is known which joint is which, in words.
    """

    matches: Callable[[KeypointFile], bool]
    read: Callable[[KeypointFile, Skeleton | None], KeypointFrames]
    file: str
    layout: str


COUNTED = "by number (26, 133, 136); 17 need `layout`"

# The first format that matches reads the file, so particular formats come before general ones.
FORMATS: dict[str, Format] = {
    "poseglass": Format(
        pose_sequence.matches,
        pose_sequence.read,
        "`.npz` or `.json` of `PoseSequence.save`",
        "in the file",
    ),
    "openpose": Format(
        openpose.matches,
        openpose.read,
        "folder of `.json` files of OpenPose, one per frame; or one file of frames: DWPose, AlphaPose `--format open`",
        "25 BODY_25, 18 COCO with a neck",
    ),
    "alphapose": Format(alphapose.matches, alphapose.read, "`.json` of AlphaPose: list of detections", COUNTED),
    "coco": Format(coco.matches, coco.read, "`.json` of COCO results: list of detections", "17 COCO"),
    "annotations": Format(
        annotations.matches,
        annotations.read,
        "`.json` of COCO annotations: images, categories and annotations",
        "named in `categories`, else 17 COCO",
    ),
    "mmpose": Format(
        mmpose.matches,
        mmpose.read,
        "`.json` of MMPose: frames of instances",
        "named in `meta_info`, else " + COUNTED,
    ),
    "ultralytics": Format(
        ultralytics.matches,
        ultralytics.read,
        "`.json` or `.jsonl` of Ultralytics: `to_json()` of every frame",
        "17 COCO",
    ),
    "landmarks": Format(
        landmarks.matches,
        landmarks.read,
        "`.json` of MediaPipe: landmarks of every frame; needs `size`",
        "33 BlazePose",
    ),
    "gast": Format(gast.matches, gast.read, "`.json` of GAST-Net: frames of skeletons", COUNTED),
    "named": Format(
        named.matches,
        named.read,
        "`.json` of TensorFlow.js: frames of joints by name",
        "named",
    ),
    "nested": Format(
        nested.matches,
        nested.read,
        "`.json` of bare nested lists",
        "33 BlazePose, else " + COUNTED,
    ),
    "labels": Format(
        labels.matches,
        labels.read,
        "folder of `.txt` label files of Ultralytics, one per frame; needs `size`",
        "17 COCO",
    ),
    "videopose3d": Format(
        videopose3d.matches,
        videopose3d.read,
        "`.npz` of VideoPose3D: pickled `positions_2d`",
        "named in `metadata`",
    ),
    "detectron2": Format(
        detectron2.matches,
        detectron2.read,
        "`.npz` of Detectron2 by VideoPose3D's script: pickled `boxes` and `keypoints`",
        "17 COCO",
    ),
    "reconstruction": Format(
        reconstruction.matches,
        reconstruction.read,
        "`.npz` of the demos of MHFormer, MixSTE, HoT: `reconstruction`",
        "17 Human3.6M",
    ),
    "array": Format(
        array.matches,
        array.read,
        "`.npy` or `.npz` of plain arrays, such as rtmlib's",
        "in the file, else 33 BlazePose, else " + COUNTED,
    ),
    "sleap": Format(sleap.matches, sleap.read, "`.h5` of SLEAP's analysis; needs h5py", "named"),
    "deeplabcut": Format(
        deeplabcut.matches,
        deeplabcut.read,
        "`.csv` or `.h5` of DeepLabCut, one animal or several; `.h5` needs h5py",
        "named",
    ),
    "table": Format(
        table.matches,
        table.read,
        "`.csv` or `.tsv` with columns such as nose_x, nose_y, nose_score; SLEAP's `.csv`",
        "named",
    ),
}
