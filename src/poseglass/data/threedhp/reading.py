"""Read MPI-INF-3DHP, from the field's npz files or the original annotations, view by view."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from poseglass.data.checks.dataset import numbers, read_dictionary
from poseglass.data.threedhp.facts import ACTIVITIES, CAMERAS, KEPT, LENGTHS, TEST, TEST_FPS, TRAIN
from poseglass.errors import DataError
from poseglass.files.extras import require

__all__ = ["SequenceView", "find_views"]

TRAIN_FILE, TEST_FILE = "data_train_3dhp.npz", "data_test_3dhp.npz"


@dataclass(frozen=True)
class SequenceView:
    """A sequence as one camera saw it.

    Args:
        place: The file and the part of it, for messages.
        subject: S1 to S8, or a test sequence TS1 to TS6.
        sequence: Seq1 or Seq2; for a test sequence, its own name.
        camera: The number of the camera.
        fps: Frames per second.
        points: Joints in camera space, millimetres (f 17 3).
        pixels: Annotated joints in pixels (f 17 2).
        valid: Which frames count (f); None if all do.
        activity: The number of the activity in each frame, from 1 (f); None if unknown.

    Raises:
        DataError: The arrays do not belong together.
    """

    place: str
    subject: str
    sequence: str
    camera: str
    fps: float
    points: Float[ndarray, "f 17 3"]
    pixels: Float[ndarray, "f 17 2"]
    valid: Bool[ndarray, " f"] | None = None
    activity: Int[ndarray, " f"] | None = None

    def __post_init__(self) -> None:
        frames = len(self.points)
        for name, array, width in (("3D", self.points, 3), ("2D", self.pixels, 2)):
            if array.ndim != 3 or array.shape[1:] != (17, width):
                raise DataError(f"{self.place}: {name} poses must be (frames, 17, {width}), got {array.shape}")
        if len(self.pixels) != frames or (self.valid is not None and self.valid.shape != (frames,)):
            marks = "" if self.valid is None else f", {self.valid.size} marks of valid frames"
            raise DataError(
                f"{self.place}: there are 3D poses of {frames} frames, 2D poses of {len(self.pixels)}{marks}; "
                "they do not belong together, or the download is incomplete: download the file again"
            )
        if self.activity is not None and (
            self.activity.shape != (frames,) or not ((self.activity >= 0) & (self.activity <= len(ACTIVITIES))).all()
        ):
            raise DataError(
                f"{self.place}: expected an activity from 1 to {len(ACTIVITIES)} for each of {frames} frames, got "
                f"{self.activity.size} numbers, some of them out of range; download the file again"
            )


def find_views(folder: Path) -> tuple[Iterator[SequenceView], list[Path], int]:
    """Find the views in a folder.

    Args:
        folder: A folder with ``data_train_3dhp.npz`` and ``data_test_3dhp.npz``, or ``S1/Seq1/annot.mat`` and so on.
            The training or the test part may be absent.

    Returns:
        The views, read one at a time; the files that they come from; and the expected number of views.

    Raises:
        DataError: The folder has no views.
    """
    train, test = folder / TRAIN_FILE, folder / TEST_FILE
    if files := [path for path in (train, test) if path.is_file()]:
        readers = {train: _npz_train, test: _npz_test}
        total = 2 * len(TRAIN) * len(CAMERAS) * train.is_file() + len(TEST) * test.is_file()
        return chain.from_iterable(readers[path](path) for path in files), files, total
    annotations = sorted(folder.glob("S[1-8]/Seq[12]/annot.mat"))
    tests = sorted(folder.glob("TS[1-6]/annot_data.mat"))
    if not annotations + tests:
        raise DataError(
            f"{folder} has no MPI-INF-3DHP: expected {TRAIN_FILE} or {TEST_FILE}, or S1/Seq1/annot.mat or "
            "TS1/annot_data.mat"
        )
    views = chain(chain.from_iterable(map(_mat_train, annotations)), map(_mat_test, tests))
    return views, annotations + tests, len(annotations) * len(CAMERAS) + len(tests)


# ---------------------------------------------------------------- the field's npz files


def _npz_train(path: Path) -> Iterator[SequenceView]:
    for name, entry in read_dictionary(path, "data", "sequences").items():
        subject, _, sequence = str(name).partition(" ")
        if (subject, sequence) not in LENGTHS:
            raise DataError(f"{path}: MPI-INF-3DHP has no training sequence {name!r}; expected S1 Seq1 to S8 Seq2")
        place = f"{path}, {name}"
        if not (isinstance(entry, list | tuple) and len(entry) == 2 and isinstance(entry[0], dict)):
            raise DataError(f"{place}: expected a list of the cameras and the frames per second")
        cameras = {str(camera): view for camera, view in entry[0].items()}
        if (rate := numbers(entry[1], f"{place}, frames per second")).size != 1:
            raise DataError(f"{place}: expected one number of frames per second, got {rate.size}")
        fps = float(rate.item())
        _check_cameras(cameras, place)
        for camera in CAMERAS:
            points, pixels = _arrays(cameras[camera], place, "data_3d", "data_2d")
            yield SequenceView(f"{place}, camera {camera}", subject, sequence, camera, fps, points, pixels)


def _npz_test(path: Path) -> Iterator[SequenceView]:
    for name, entry in read_dictionary(path, "data", "sequences").items():
        place = f"{path}, {name}"
        if name not in TEST:
            raise DataError(f"{path}: MPI-INF-3DHP has no test sequence {name!r}; expected one of {', '.join(TEST)}")
        points, pixels, valid = _arrays(entry, place, "data_3d", "data_2d", "valid")
        yield SequenceView(place, name, name, "0", TEST_FPS, points, pixels, valid.ravel() == 1)


def _arrays(entry: Any, place: str, *names: str) -> Iterator[ndarray]:
    missing = [name for name in names if not isinstance(entry, dict) or name not in entry]
    if missing:
        raise DataError(f"{place} lacks {', '.join(missing)}; download the file again")
    return (numbers(entry[name], f"{place}, {name}") for name in names)


def _check_cameras(cameras: Mapping[str, Any], place: str) -> None:
    if missing := [camera for camera in CAMERAS if camera not in cameras]:
        raise DataError(
            f"{place} lacks cameras {', '.join(missing)}; the field uses {', '.join(CAMERAS)}, so download the file "
            "again"
        )


# ---------------------------------------------------------------- the original annotations


def _mat_train(path: Path) -> Iterator[SequenceView]:
    """Yield the views of an ``annot.mat``, which has a cell per camera and all 28 joints of a frame in each row."""
    import scipy.io

    subject, sequence = path.parts[-3:-1]
    try:
        content = scipy.io.loadmat(path, variable_names=["annot2", "univ_annot3", "cameras"])
        pixel_cells, point_cells = content["annot2"].ravel(), content["univ_annot3"].ravel()
        known = content["cameras"].ravel().tolist() if "cameras" in content else list(range(len(point_cells)))
        cells = {str(int(camera)): number for number, camera in enumerate(known[: len(point_cells)])}
    except KeyError as problem:
        raise DataError(
            f"{path} has no variable {problem}: it is another file, or incomplete; was it downloaded whole?"
        ) from None
    except Exception as problem:  # a damaged file can raise any exception
        raise DataError(f"{path} cannot be read ({problem}); was it downloaded whole? Download it again") from None
    _check_cameras(cells, str(path))
    frames, fps = LENGTHS[subject, sequence]
    for camera in CAMERAS:
        place = f"{path}, camera {camera}"
        poses = []
        for array, width in ((point_cells[cells[camera]], 3), (pixel_cells[cells[camera]], 2)):
            rows = numbers(array, place).astype(np.float64)
            if rows.ndim != 2 or rows.shape[1] != 28 * width:
                raise DataError(f"{place}: expected (frames, {28 * width}), 28 joints per row, got {rows.shape}")
            poses.append(rows.reshape(-1, 28, width)[:frames, KEPT])  # f 17 width
        yield SequenceView(place, subject, sequence, camera, fps, *poses)


def _mat_test(path: Path) -> SequenceView:
    """The view of an ``annot_data.mat`` (MATLAB 7.3, which is HDF5): 17 joints, valid frames, activities."""
    h5py = require("h5py")
    name = path.parts[-2]
    try:
        with h5py.File(path, "r") as file:
            points, pixels, valid = (
                np.asarray(file[key], np.float64) for key in ("univ_annot3", "annot2", "valid_frame")
            )
            activity = None
            if "activity_annotation" in file:
                numbered = np.asarray(file["activity_annotation"], np.float64).ravel()
                activity = np.where(numbered == np.round(numbered), numbered, -1).astype(np.int16)
    except KeyError as problem:
        raise DataError(
            f"{path} lacks one of univ_annot3, annot2, valid_frame; it is another file ({problem})"
        ) from None
    except Exception as problem:  # a damaged file can raise any exception
        raise DataError(f"{path} cannot be read ({problem}); was it downloaded whole? Download it again") from None
    for array, width in ((points, 3), (pixels, 2)):
        if array.ndim != 4 or array.shape[1:] != (1, 17, width):
            raise DataError(f"{path}: expected (frames, 1, 17, {width}), got {array.shape}")
    return SequenceView(str(path), name, name, "0", TEST_FPS, points[:, 0], pixels[:, 0], valid.ravel() == 1, activity)
