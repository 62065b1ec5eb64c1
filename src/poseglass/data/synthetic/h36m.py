"""Synthetic Human3.6M: the field's npz files and the original archives."""

import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import H36M_17
from poseglass.data.h36m.facts import ACTIONS, BAD_TAKES, KEPT, RENAMED, cameras
from poseglass.data.synthetic.people import detections
from poseglass.data.synthetic.request import Request, save_npz
from poseglass.errors import DataError
from poseglass.files.extras import require
from poseglass.files.writing import writing

__all__ = ["generate_archives", "generate_npz", "joints32"]


def generate_npz(request: Request) -> list[Path]:
    """Write the field's npz files: 3D poses in the world, true 2D poses, and a detector's 2D poses."""
    world: dict[str, dict[str, ndarray]] = {subject: {} for subject in request.subjects}
    true: dict[str, dict[str, list[ndarray]]] = {subject: {} for subject in request.subjects}
    detected: dict[str, dict[str, list[ndarray]]] = {subject: {} for subject in request.subjects}
    takes = [(subject, action, number) for subject in request.subjects for action in ACTIONS for number in (0, 1)]
    for subject, action, number in request.track(takes):
        take = f"{action} {number}" if number else action
        if (subject, take) in BAD_TAKES:
            continue
        rng = request.generator(subject, ACTIONS.index(action), number)
        surplus = int(rng.integers(3))  # the videos, and so the detections, continue after the motion capture ends
        motion = request.motion(rng, subject, action, request.frames + surplus)
        points = joints32(motion).astype(np.float32)
        world[subject][take] = points[: request.frames]
        pixels = [
            camera.camera.project(camera.camera.to_camera(points[:, KEPT].astype(np.float64)))
            for camera in cameras(subject)
        ]
        true[subject][take] = [view[: request.frames].astype(np.float32) for view in pixels]
        detected[subject][take] = [detections(rng, view).astype(np.float32) for view in pixels]
    metadata = {"layout_name": "h36m", "num_joints": 17, "keypoints_symmetry": [[*H36M_17.left], [*H36M_17.right]]}
    return [
        save_npz(request.folder / "data_3d_h36m.npz", positions_3d=world),
        save_npz(request.folder / "data_2d_h36m_gt.npz", positions_2d=true, metadata=metadata),
        save_npz(request.folder / "data_2d_h36m_cpn_ft_h36m_dbb.npz", positions_2d=detected, metadata=metadata),
    ]


def generate_archives(request: Request) -> list[Path]:
    """Write the original archives, one per subject: a CDF file per take, millimetres in the world."""
    cdf = require("cdflib.cdfwrite")
    original = {new: old for old, new in RENAMED.items()}
    written = []
    for subject in request.track(request.subjects):
        path = request.folder / f"Poses_D3_Positions_{subject}.tgz"
        with (
            tempfile.TemporaryDirectory() as scratch,
            writing(path, DataError) as temporary,
            tarfile.open(temporary, "w:gz", compresslevel=1) as archive,
        ):
            for action in ACTIONS:
                name = original.get(action, action) if subject == "S1" else action
                for number in (0, 1):
                    rng = request.generator(subject, ACTIONS.index(action), number)
                    frames = request.frames + int(rng.integers(3))  # as in the npz files, for the same motion
                    motion = request.motion(rng, subject, action, frames)
                    points = 1000 * joints32(motion)[: request.frames]
                    file = Path(scratch) / (f"{name} {number}.cdf" if number else f"{name}.cdf")
                    _write_cdf(cdf, file, points.reshape(1, request.frames, 96).astype(np.float32))
                    archive.add(file, f"{subject}/MyPoseFeatures/D3_Positions/{file.name}")
                    file.unlink()
        written.append(path)
    return written


def joints32(points: Float[ndarray, "f 17 3"]) -> Float[ndarray, "f 32 3"]:
    """Extend 17 joints to Human3.6M's 32: copies of some, toes, and hands."""
    joints = dict(zip(H36M_17.joints, np.moveaxis(points, 1, 0), strict=True))
    extended = np.empty((len(points), 32, 3))
    extended[:, KEPT] = points
    extended[:, 11] = joints["pelvis"]
    extended[:, [16, 24]] = joints["thorax"][:, None]
    across = joints["left_hip"] - joints["right_hip"]
    ahead = np.stack([across[:, 1], -across[:, 0], np.zeros(len(points))], -1)
    ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
    for side, toes, hand in (("right", (4, 5), (28, 29, 30, 31)), ("left", (9, 10), (20, 21, 22, 23))):
        ankle, wrist = joints[f"{side}_ankle"], joints[f"{side}_wrist"]
        for joint, length in zip(toes, (0.15, 0.21), strict=True):
            extended[:, joint] = ankle + length * ahead - [0, 0, 0.06]
        forearm = wrist - joints[f"{side}_elbow"]
        for joint, share in zip(hand, (0.0, 0.3, 0.4, 0.4), strict=True):
            extended[:, joint] = wrist + share * forearm
    return extended


def _write_cdf(cdf: Any, path: Path, pose: Float[ndarray, "1 f 96"]) -> None:
    variable = {"Variable": "Pose", "Data_Type": 44, "Num_Elements": 1, "Rec_Vary": True, "Var_Type": "zVariable"}
    file = cdf.CDF(path, cdf_spec={"Compressed": False})
    try:
        file.write_var(variable | {"Dim_Sizes": [*pose.shape[1:]], "Compress": 0}, var_data=pose)
    finally:
        file.close()
