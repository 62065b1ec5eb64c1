"""Every reader of files from outside, with a small valid file for each (:data:`READERS`)."""

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import poseglass as pg
from oracle import published
from poseglass.body.pose_file import read_people_file
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.keypoints import read_people
from poseglass.mocap import storage
from poseglass.mocap.formats import read_motion
from poseglass.mocap.smpl import read_amass
from poseglass.own.motion_toml import read_description
from poseglass.video.reading import VideoReader
from samples.commandline import film
from samples.mocap_files import motion, write_amc, write_asf

SAMPLES = Path(__file__).parents[1] / "samples"
RECIPES = Path(__file__).parents[2] / "recipes"


class FileReader(NamedTuple):
    """A reader and a valid file for it.

    Args:
        name: The name of the file.
        write: Writes a valid file.
        read: Reads it, as far as a command would.
        beside: Writes the other files that the reader needs, which stay undamaged.
    """

    name: str
    write: Callable[[Path], Any]
    read: Callable[[Path], Any]
    beside: Callable[[Path], Any] | None = None


def walk(frames: int = 12) -> pg.PoseSequence:
    points = np.random.default_rng(0).normal(0, 0.3, (frames, 17, 3))
    return pg.PoseSequence(points, pg.H36M_17, "camera", fps=30)


def keypoints(frames: int = 12) -> pg.PoseSequence:
    points = np.random.default_rng(0).uniform(100, 400, (frames, 17, 2))
    return pg.PoseSequence(points, pg.COCO_17, "pixels", fps=30, size=(640, 480))


def saved(poses: pg.PoseSequence) -> Callable[[Path], Any]:
    return poses.save


def first(name: str, entries: int) -> Callable[[Path], Any]:
    """The first entries of a sample of keypoints."""

    def write(path: Path) -> None:
        content = json.loads((SAMPLES / name).read_text())
        path.write_text(json.dumps({"data": content["data"][:entries]} if "data" in content else content[:entries]))

    return write


def openpose(path: Path) -> None:
    person = {"pose_keypoints_2d": [float(number) for number in range(75)], "person_id": [-1]}
    path.write_text(json.dumps({"version": 1.3, "people": [person]}))


def custom_set(path: Path) -> None:
    """VideoPose3D's pickled keypoints."""
    metadata = {"layout_name": "coco", "num_joints": 17, "video_metadata": {"v": {"w": 640, "h": 480}}}
    content = {"v": {"custom": [keypoints().points]}}
    np.savez_compressed(path, positions_2d=np.array(content, object), metadata=np.array(metadata, object))


def humaneva(path: Path) -> None:
    takes = {"Train/S1": {"Jog 1": np.random.default_rng(0).normal(0, 0.3, (12, 15, 3))}}
    np.savez(path, positions_3d=np.array(takes, object))


def checkpoint(path: Path, *, old: bool = False) -> None:
    state = published.filled(published.mixste_shapes(frames=9, dim=8, depth=1))
    tensors = {key: torch.from_numpy(value) for key, value in state.items()}
    content = {"epoch": 3, "random_state": np.random.RandomState(0), "model_pos": tensors}
    torch.save(content, path, _use_new_zipfile_serialization=not old)


def weights(path: Path) -> None:
    pg.save(pg.MixSTE(frames=9, dim=8, depth=1, heads=2), path.parent)


def clips(path: Path) -> None:
    points = np.random.default_rng(0).normal(0, 0.3, (30, 17, 3)).astype(np.float32)
    MotionClips((MotionClip("a", points, "s"), MotionClip("b", points, "t")), 30.0).save(path)


def recipe(path: Path) -> None:
    path.write_bytes((RECIPES / "fast.toml").read_bytes())


def description(path: Path) -> None:
    path.write_text(
        'units = "mm"\nup = "z"\nfps = 50\n[splits]\nval = ["anna"]\n[cameras.a]\nsize = [640, 480]\n'
        "focal = [500, 500]\nposition = [0, 0, 3]\nlook_at = [0, 0, 0]\n"
        '[[takes]]\nfile = "walk*.bvh"\nsubject = "anna"\n'
    )


def film_and_read(path: Path) -> None:
    with VideoReader(path) as video:
        for _ in islice(video, 3):
            pass


def read_recipe(path: Path) -> None:
    pg.Recipe.read(path)


READERS: dict[str, FileReader] = {
    "keypoints npz": FileReader("x.npz", saved(keypoints()), read_people),
    "keypoints json": FileReader("x.json", saved(keypoints()), read_people),
    "keypoints csv": FileReader("x.csv", saved(keypoints()), read_people),
    "alphapose": FileReader("x.json", first("alphapose_halpe26.json", 4), read_people),
    "movenet": FileReader("x.json", first("movenet_coco17_named.json", 4), read_people),
    "gast": FileReader("x.json", first("gast_coco17.json", 4), lambda path: read_people(path, layout="coco17")),
    "openpose": FileReader("x_keypoints.json", openpose, read_people),
    "array npz": FileReader(
        "x.npz", lambda path: np.savez(path, keypoints=keypoints().points, fps=30.0, layout="coco17"), read_people
    ),
    "array npy": FileReader(
        "x.npy", lambda path: np.save(path, keypoints().points), lambda path: read_people(path, layout="coco17")
    ),
    "videopose3d": FileReader("x.npz", custom_set, read_people),
    "motion npz": FileReader("x.npz", saved(walk()), read_people_file),
    "motion json": FileReader("x.json", saved(walk()), read_people_file),
    "bvh": FileReader("x.bvh", saved(walk()), read_motion),
    "trc": FileReader("x.trc", saved(walk()), read_motion),
    "c3d": FileReader("x.c3d", saved(walk()), read_motion),
    "glb": FileReader("x.glb", saved(walk()), read_motion),
    "points csv": FileReader("x.csv", saved(walk()), read_motion),
    "points npz": FileReader("x.npz", saved(walk()), read_motion),
    "amass": FileReader("x.amass.npz", saved(walk()), read_amass),
    "humaneva": FileReader("x.npz", humaneva, read_motion),
    "mot": FileReader("x.mot", saved(walk()), storage.read_mot),
    "amc": FileReader(
        "01_01.amc",
        lambda path: write_amc(path, motion(8)),
        read_motion,
        lambda path: write_asf(path.with_name("01.asf")),
    ),
    "asf": FileReader(
        "01.asf",
        write_asf,
        lambda path: read_motion(path.with_name("01_01.amc")),
        lambda path: write_amc(path.with_name("01_01.amc"), motion(8)),
    ),
    "checkpoint": FileReader("x.pth", checkpoint, pg.load),
    "checkpoint before 1.6": FileReader("x.pth", lambda path: checkpoint(path, old=True), pg.load),
    "weights": FileReader("weights.safetensors", weights, lambda path: pg.load(path.parent)),
    "clips": FileReader("x.npz", clips, MotionClips.load),
    "recipe": FileReader("x.toml", recipe, read_recipe),
    "motion.toml": FileReader("motion.toml", description, read_description),
    "video": FileReader("x.mp4", lambda path: film(path, 4), film_and_read),
}
