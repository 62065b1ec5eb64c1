"""Data sets that look like Human3.6M's and MPI-INF-3DHP's files to the last name, filled with :mod:`synthetic` motion.

For tests, for demonstrations, and for whoever wants to try before they register. No accuracy on them means anything.
"""

import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from rich.progress import track

from poseglass.body.geometry import Camera
from poseglass.body.skeleton import H36M_17
from poseglass.data.h36m import facts as h36m
from poseglass.data.threedhp import facts as mpi
from poseglass.data.virtual.people import STYLES, detected, move, stand_camera
from poseglass.errors import DataError
from poseglass.files.extras import needed
from poseglass.files.writing import writing

__all__ = ["LAYOUTS", "generate", "generate_3dhp", "generate_3dhp_mat", "generate_h36m", "generate_h36m_cdf"]


class Wish(NamedTuple):
    """What is to be made.

    Args:
        folder: Where to.
        frames: Frames of a take.
        subjects: Who.
        seed: The same seed makes the same motion.
        progress: Show a progress bar.
    """

    folder: Path
    frames: int
    subjects: Sequence[str]
    seed: int
    progress: bool

    def track(self, what: Sequence[Any]) -> Iterator[Any]:
        """One after the other, with a progress bar if it is wanted."""
        return iter(track(what, "Generating", disable=not self.progress))


def generate(
    layout: str,
    folder: str | PathLike[str],
    *,
    frames: int = 300,
    subjects: Sequence[str] | None = None,
    seed: int = 0,
    progress: bool = False,
) -> list[Path]:
    """Write a made-up data set in a published layout; returns the files.

    Args:
        layout: ``h36m`` (the field's npz files), ``h36m-cdf`` (the original archives), ``3dhp`` (npz) or ``3dhp-mat``.
        folder: Where to; files of the same names are replaced.
        frames: Frames of each take.
        subjects: Who, all there are by default.
        seed: The same seed makes the same motion.
        progress: Show a progress bar.

    Raises:
        DataError: There is no such layout or subject, or the files cannot be written.

    Example:
        >>> [path.name for path in generate("h36m", "made-up", frames=10, subjects=["S1", "S9"])]
        ['data_3d_h36m.npz', 'data_2d_h36m_gt.npz', 'data_2d_h36m_cpn_ft_h36m_dbb.npz']
    """
    if layout not in LAYOUTS:
        raise DataError(f"there is no layout {layout!r}; there are {', '.join(LAYOUTS)}")
    write, everybody = LAYOUTS[layout]
    if unknown := sorted(set(subjects or ()) - set(everybody)):
        raise DataError(f"{layout} has no subject {', '.join(unknown)}; there are {', '.join(everybody)}")
    if frames < 2:
        raise DataError(f"a take needs 2 frames at least, got {frames}")
    return write(Wish(Path(folder), frames, tuple(subjects or everybody), seed, progress))


# ---------------------------------------------------------------- Human3.6M


def generate_h36m(wish: Wish) -> list[Path]:
    """The field's npz files: 3D poses in the world, true 2D poses, and what a detector might see."""
    world: dict[str, dict[str, ndarray]] = {subject: {} for subject in wish.subjects}
    true: dict[str, dict[str, list[ndarray]]] = {subject: {} for subject in wish.subjects}
    seen: dict[str, dict[str, list[ndarray]]] = {subject: {} for subject in wish.subjects}
    takes = [(s, a, n) for s in wish.subjects for a in h36m.ACTIONS for n in (0, 1)]
    for subject, action, number in wish.track(takes):
        take = f"{action} {number}" if number else action
        if (subject, take) in h36m.BAD_TAKES:
            continue
        rng = _rng(wish, subject, h36m.ACTIONS.index(action), number)
        more = int(rng.integers(3))  # detectors saw the whole video, of which motion capture lacks the end
        points = _joints32(_motion(rng, subject, action, wish.frames + more)).astype(np.float32)
        world[subject][take] = points[: wish.frames]
        pixels = [
            camera.camera.project(camera.camera.to_camera(points[:, h36m.KEPT].astype(np.float64)))
            for camera in h36m.cameras(subject)
        ]
        true[subject][take] = [each[: wish.frames].astype(np.float32) for each in pixels]
        seen[subject][take] = [detected(rng, each).astype(np.float32) for each in pixels]
    about = {"layout_name": "h36m", "num_joints": 17, "keypoints_symmetry": [[*H36M_17.left], [*H36M_17.right]]}
    return [
        _savez(wish.folder / "data_3d_h36m.npz", positions_3d=world),
        _savez(wish.folder / "data_2d_h36m_gt.npz", positions_2d=true, metadata=about),
        _savez(wish.folder / "data_2d_h36m_cpn_ft_h36m_dbb.npz", positions_2d=seen, metadata=about),
    ]


def generate_h36m_cdf(wish: Wish) -> list[Path]:
    """The original archives, one a subject: a CDF file a take, millimetres in the world."""
    cdf = needed("cdflib.cdfwrite")
    original = {new: old for old, new in h36m.RENAMED.items()}
    written = []
    for subject in wish.track(wish.subjects):
        path = wish.folder / f"Poses_D3_Positions_{subject}.tgz"
        with (
            tempfile.TemporaryDirectory() as scratch,
            writing(path, DataError) as whole,
            tarfile.open(whole, "w:gz", compresslevel=1) as archive,
        ):
            for action in h36m.ACTIONS:
                name = original.get(action, action) if subject == "S1" else action
                for number in (0, 1):
                    rng = _rng(wish, subject, h36m.ACTIONS.index(action), number)
                    whole_video = wish.frames + int(rng.integers(3))  # as in the npz files: the same motion to its end
                    points = 1000 * _joints32(_motion(rng, subject, action, whole_video))[: wish.frames]
                    file = Path(scratch) / (f"{name} {number}.cdf" if number else f"{name}.cdf")
                    _write_cdf(cdf, file, points.reshape(1, wish.frames, 96).astype(np.float32))
                    archive.add(file, f"{subject}/MyPoseFeatures/D3_Positions/{file.name}")
                    file.unlink()
        written.append(path)
    return written


def _write_cdf(cdf: Any, path: Path, pose: Float[ndarray, "1 f 96"]) -> None:
    about = {"Variable": "Pose", "Data_Type": 44, "Num_Elements": 1, "Rec_Vary": True, "Var_Type": "zVariable"}
    file = cdf.CDF(path, cdf_spec={"Compressed": False})
    try:
        file.write_var(about | {"Dim_Sizes": [*pose.shape[1:]], "Compress": 0}, var_data=pose)
    finally:
        file.close()


def _joints32(points: Float[ndarray, "f 17 3"]) -> Float[ndarray, "f 32 3"]:
    """Human3.6M's 32 joints: those we know, their copies, feet and hands."""
    joints = dict(zip(H36M_17.joints, np.moveaxis(points, 1, 0), strict=True))
    whole = np.empty((len(points), 32, 3))
    whole[:, h36m.KEPT] = points
    whole[:, 11] = joints["pelvis"]
    whole[:, [16, 24]] = joints["thorax"][:, None]
    across = joints["left_hip"] - joints["right_hip"]
    ahead = np.stack([across[:, 1], -across[:, 0], np.zeros(len(points))], -1)
    ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
    for side, toes, hand in (("right", (4, 5), (28, 29, 30, 31)), ("left", (9, 10), (20, 21, 22, 23))):
        ankle, wrist = joints[f"{side}_ankle"], joints[f"{side}_wrist"]
        for joint, length in zip(toes, (0.15, 0.21), strict=True):
            whole[:, joint] = ankle + length * ahead - [0, 0, 0.06]
        finger = wrist - joints[f"{side}_elbow"]
        for joint, share in zip(hand, (0.0, 0.3, 0.4, 0.4), strict=True):
            whole[:, joint] = wrist + share * finger
    return whole


# ---------------------------------------------------------------- MPI-INF-3DHP


def generate_3dhp(wish: Wish) -> list[Path]:
    """The field's npz files: training sequences by camera, test sequences with the frames that count."""
    train: dict[str, list[Any]] = {}
    test: dict[str, dict[str, ndarray]] = {}
    for subject, sequence in wish.track(_sequences(wish)):
        if subject in mpi.TEST:
            ((_, points, pixels),) = _seen(wish, subject, sequence, cameras=1)
            test[subject] = {"data_2d": pixels, "data_3d": points, "valid": _valid(wish, subject)}
        else:
            views = {str(c): {"data_2d": p2, "data_3d": p3} for c, p3, p2 in _seen(wish, subject, sequence)}
            used = {camera: views[camera] for camera in mpi.CAMERAS}
            train[f"{subject} {sequence}"] = [used, mpi.LENGTHS[subject, sequence].fps]
    written = []
    if train:
        written.append(_savez(wish.folder / "data_train_3dhp.npz", data=train))
    if test:
        written.append(_savez(wish.folder / "data_test_3dhp.npz", data=test))
    return written


def generate_3dhp_mat(wish: Wish) -> list[Path]:
    """The original annotations: ``S1/Seq1/annot.mat`` of MATLAB 5, ``TS1/annot_data.mat`` of MATLAB 7.3 (HDF5)."""
    scipy_io, h5py = needed("scipy.io"), needed("h5py")
    written = []
    for subject, sequence in wish.track(_sequences(wish)):
        if subject in mpi.TEST:
            path = wish.folder / subject / "annot_data.mat"
            ((_, points, pixels),) = _seen(wish, subject, sequence, cameras=1)
            with writing(path, DataError) as whole, h5py.File(whole, "w") as file:
                file["annot2"] = pixels[:, None]
                file["annot3"] = file["univ_annot3"] = points[:, None]
                file["valid_frame"] = _valid(wish, subject)[:, None]
                file["activity_annotation"] = _activities(wish, subject)[:, None]
        else:
            path = wish.folder / subject / sequence / "annot.mat"
            cells: dict[str, ndarray] = {
                name: np.empty((14, 1), object) for name in ("annot2", "annot3", "univ_annot3")
            }
            for camera, points, pixels in _seen(wish, subject, sequence, all_joints=True):
                cells["annot2"][camera, 0] = pixels.reshape(wish.frames, -1)
                cells["annot3"][camera, 0] = cells["univ_annot3"][camera, 0] = points.reshape(wish.frames, -1)
            more = {"cameras": np.arange(14)[None], "frames": np.arange(wish.frames)[:, None]}
            with writing(path, DataError) as whole:
                scipy_io.savemat(whole, cells | more, do_compression=True)
        written.append(path)
    return written


def _sequences(wish: Wish) -> list[tuple[str, str]]:
    train = [each for each in mpi.LENGTHS if each[0] in wish.subjects]
    return train + [(subject, subject) for subject in mpi.TEST if subject in wish.subjects]


def _seen(
    wish: Wish, subject: str, sequence: str, *, cameras: int = 14, all_joints: bool = False
) -> Iterator[tuple[int, ndarray, ndarray]]:
    """For each camera its number, millimetres in its space, and pixels."""
    number = 1 if sequence == "Seq2" else 0
    rng = _rng(wish, subject, 0, number)
    action = [*STYLES][int(rng.integers(len(STYLES)))]
    points = _joints28(_motion(rng, subject, action, wish.frames))
    width, height = mpi.image_size(subject)
    for camera in range(cameras):
        rotation, place = stand_camera(2 * np.pi * camera / 14 + number)
        eye = Camera(rotation, place, focal=np.full(2, 0.75 * height), centre=np.array([width / 2, height / 2]))
        there = eye.to_camera(points)[:, slice(None) if all_joints else mpi.KEPT]
        yield camera, 1000 * there, eye.project(there)


def _valid(wish: Wish, subject: str) -> Float[ndarray, " f"]:
    """Most frames of a test sequence count."""
    valid = np.ones(wish.frames)
    valid[_rng(wish, subject, 1, 0).integers(wish.frames, size=wish.frames // 10)] = 0
    return valid


def _activities(wish: Wish, subject: str) -> Float[ndarray, " f"]:
    """A test sequence is of one activity and then of another."""
    first, second = _rng(wish, subject, 2, 0).permutation(len(mpi.ACTIVITIES))[:2] + 1
    return np.repeat([float(first), float(second)], [wish.frames // 2, wish.frames - wish.frames // 2])


def _joints28(points: Float[ndarray, "f 17 3"]) -> Float[ndarray, "f 28 3"]:
    """MPI-INF-3DHP's 28 joints: those we know, feet, hands and more of the spine."""
    whole = _joints32(points)
    joints = dict(zip(H36M_17.joints, np.moveaxis(points, 1, 0), strict=True))
    spine, thorax, pelvis = joints["spine"], joints["thorax"], joints["pelvis"]
    columns = [
        *[(spine + thorax) / 2, (spine + 3 * thorax) / 4, (3 * spine + thorax) / 4, spine, pelvis],
        *[thorax, joints["neck_nose"], joints["head_top"]],
    ]
    for side, hand in (("left", 21), ("right", 29)):
        shoulder = joints[f"{side}_shoulder"]
        columns += [(thorax + shoulder) / 2, shoulder, joints[f"{side}_elbow"], joints[f"{side}_wrist"], whole[:, hand]]
    for side, toes in (("left", 9), ("right", 4)):
        columns += [joints[f"{side}_{name}"] for name in ("hip", "knee", "ankle")] + [
            whole[:, toes],
            whole[:, toes + 1],
        ]
    return np.stack(columns, 1)


# ---------------------------------------------------------------- both


def _rng(wish: Wish, subject: str, take: int, number: int) -> np.random.Generator:
    return np.random.default_rng([wish.seed, *subject.encode(), take, number])


def _motion(rng: np.random.Generator, subject: str, action: str, frames: int) -> Float[ndarray, "f 17 3"]:
    """A subject's bones are the same in all that they do."""
    scale = 1 + 0.06 * np.random.default_rng([*subject.encode()]).uniform(-1, 1)
    return move(rng, STYLES[action], frames, scale=scale)


def _savez(path: Path, **content: Any) -> Path:
    with writing(path, DataError) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **content)
    return path


LAYOUTS: dict[str, tuple[Callable[[Wish], list[Path]], tuple[str, ...]]] = {
    "h36m": (generate_h36m, h36m.SUBJECTS),
    "h36m-cdf": (generate_h36m_cdf, h36m.SUBJECTS),
    "3dhp": (generate_3dhp, mpi.SUBJECTS),
    "3dhp-mat": (generate_3dhp_mat, mpi.SUBJECTS),
}
