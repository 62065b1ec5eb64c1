"""Synthetic MPI-INF-3DHP: the field's npz files and the original annotations."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.geometry import Camera
from poseglass.body.skeleton import H36M_17
from poseglass.data.synthetic.h36m import joints32
from poseglass.data.synthetic.people import STYLES, stand_camera
from poseglass.data.synthetic.request import Request, save_npz
from poseglass.data.threedhp.facts import ACTIVITIES, CAMERAS, KEPT, LENGTHS, TEST, image_size
from poseglass.errors import DataError
from poseglass.files.extras import require
from poseglass.files.writing import writing

__all__ = ["generate_mat", "generate_npz"]

ALL_CAMERAS = 14  # cameras of a training sequence; the field uses 8 of them


def generate_npz(request: Request) -> list[Path]:
    """Write the field's npz files: training sequences by camera, test sequences with the frames that count."""
    train: dict[str, list[Any]] = {}
    test: dict[str, dict[str, ndarray]] = {}
    for subject, sequence in request.track(_sequences(request)):
        if subject in TEST:
            ((_, points, pixels),) = _views(request, subject, sequence, cameras=1)
            test[subject] = {"data_2d": pixels, "data_3d": points, "valid": _valid(request, subject)}
        else:
            views = {
                str(camera): {"data_2d": pixels, "data_3d": points}
                for camera, points, pixels in _views(request, subject, sequence)
            }
            used = {camera: views[camera] for camera in CAMERAS}
            train[f"{subject} {sequence}"] = [used, LENGTHS[subject, sequence].fps]
    written = []
    if train:
        written.append(save_npz(request.folder / "data_train_3dhp.npz", data=train))
    if test:
        written.append(save_npz(request.folder / "data_test_3dhp.npz", data=test))
    return written


def generate_mat(request: Request) -> list[Path]:
    """Write the original annotations: ``S1/Seq1/annot.mat`` (MATLAB 5) and ``TS1/annot_data.mat`` (7.3, HDF5)."""
    import scipy.io

    h5py = require("h5py")
    written = []
    for subject, sequence in request.track(_sequences(request)):
        if subject in TEST:
            path = request.folder / subject / "annot_data.mat"
            ((_, points, pixels),) = _views(request, subject, sequence, cameras=1)
            with writing(path, DataError) as temporary, h5py.File(temporary, "w", locking=False) as file:
                file["annot2"] = pixels[:, None]
                file["annot3"] = file["univ_annot3"] = points[:, None]
                file["valid_frame"] = _valid(request, subject)[:, None]
                file["activity_annotation"] = _activities(request, subject)[:, None]
        else:
            path = request.folder / subject / sequence / "annot.mat"
            cells: dict[str, ndarray] = {
                name: np.empty((ALL_CAMERAS, 1), object) for name in ("annot2", "annot3", "univ_annot3")
            }
            for camera, points, pixels in _views(request, subject, sequence, all_joints=True):
                cells["annot2"][camera, 0] = pixels.reshape(request.frames, -1)
                cells["annot3"][camera, 0] = cells["univ_annot3"][camera, 0] = points.reshape(request.frames, -1)
            others = {"cameras": np.arange(ALL_CAMERAS)[None], "frames": np.arange(request.frames)[:, None]}
            with writing(path, DataError) as temporary:
                scipy.io.savemat(temporary, cells | others, do_compression=True)
        written.append(path)
    return written


def _sequences(request: Request) -> list[tuple[str, str]]:
    train = [(subject, sequence) for subject, sequence in LENGTHS if subject in request.subjects]
    return train + [(subject, subject) for subject in TEST if subject in request.subjects]


def _views(
    request: Request, subject: str, sequence: str, *, cameras: int = ALL_CAMERAS, all_joints: bool = False
) -> Iterator[tuple[int, Float[ndarray, "f j 3"], Float[ndarray, "f j 2"]]]:
    """Yield for each camera its number, the points in its space in millimetres, and the pixels."""
    number = 1 if sequence == "Seq2" else 0
    rng = request.generator(subject, 0, number)
    action = [*STYLES][int(rng.integers(len(STYLES)))]
    points = _joints28(request.motion(rng, subject, action, request.frames))
    width, height = image_size(subject)
    for camera in range(cameras):
        rotation, position = stand_camera(2 * np.pi * camera / ALL_CAMERAS + number)
        lens = Camera(rotation, position, focal=np.full(2, 0.75 * height), centre=np.array([width / 2, height / 2]))
        space = lens.to_camera(points)[:, slice(None) if all_joints else KEPT]
        yield camera, 1000 * space, lens.project(space)


def _valid(request: Request, subject: str) -> Float[ndarray, " f"]:
    """Marks for the frames of a test sequence: 1 for most, 0 for those that do not count."""
    valid = np.ones(request.frames)
    valid[request.generator(subject, 1, 0).integers(request.frames, size=request.frames // 10)] = 0
    return valid


def _activities(request: Request, subject: str) -> Float[ndarray, " f"]:
    """The numbers of two activities, one for each half of a test sequence."""
    first, second = request.generator(subject, 2, 0).permutation(len(ACTIVITIES))[:2] + 1
    return np.repeat([float(first), float(second)], [request.frames // 2, request.frames - request.frames // 2])


def _joints28(points: Float[ndarray, "f 17 3"]) -> Float[ndarray, "f 28 3"]:
    """Extend 17 joints to MPI-INF-3DHP's 28: more spine joints, collarbones, hands and toes."""
    extended = joints32(points)
    joints = dict(zip(H36M_17.joints, np.moveaxis(points, 1, 0), strict=True))
    spine, thorax, pelvis = joints["spine"], joints["thorax"], joints["pelvis"]
    columns = [
        *[(spine + thorax) / 2, (spine + 3 * thorax) / 4, (3 * spine + thorax) / 4, spine, pelvis],
        *[thorax, joints["neck_nose"], joints["head_top"]],
    ]
    for side, hand in (("left", 21), ("right", 29)):
        shoulder = joints[f"{side}_shoulder"]
        collar = (thorax + shoulder) / 2
        columns += [collar, shoulder, joints[f"{side}_elbow"], joints[f"{side}_wrist"], extended[:, hand]]
    for side, toes in (("left", 9), ("right", 4)):
        leg = [joints[f"{side}_{name}"] for name in ("hip", "knee", "ankle")]
        columns += [*leg, extended[:, toes], extended[:, toes + 1]]
    return np.stack(columns, 1)
