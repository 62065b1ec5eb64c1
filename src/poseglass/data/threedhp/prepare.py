"""MPI-INF-3DHP, from the field's npz files or the original annotations, as `Recordings`.

Training sequences are seen by the eight cameras that the field uses, test sequences by one. The 3D poses are those of
the universal skeleton, the 2D poses the annotated ones, which count as true (``gt``) by convention. Only test frames
that are marked as valid count. What is done in them is kept where the original annotations tell.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from rich.progress import Progress

from poseglass.body.skeleton import MPI_INF_3DHP_17
from poseglass.data.checks.dataset import check_bones, check_finite, numbers, read_dictionary
from poseglass.data.checks.findings import Findings
from poseglass.data.checks.projection import ProjectionCheck, best_projection
from poseglass.data.checks.report import PreparationReport
from poseglass.data.recordings.store import Recordings
from poseglass.data.recordings.writer import RecordingsWriter, check_new_folder, write_recordings
from poseglass.data.threedhp.facts import ACTIVITIES, CAMERAS, KEPT, LENGTHS, LICENCE, TEST, TEST_FPS, TRAIN, image_size
from poseglass.errors import DataError
from poseglass.files.extras import needed

__all__ = ["prepare_3dhp"]

TRAIN_FILE, TEST_FILE = "data_train_3dhp.npz", "data_test_3dhp.npz"
# Pixels from the projected 3D poses. The universal skeleton has been scaled and need not project onto the annotation.
NEAR, FAR = 60.0, 250.0
LOOK = 500  # frames of a recording, evenly spaced, that are compared so


@dataclass(frozen=True)
class View:
    """What a camera saw of a sequence.

    Args:
        where: The file and what in it, for messages.
        subject: S1 to S8, or a test sequence TS1 to TS6.
        sequence: Seq1 or Seq2; that of a test sequence is its own name.
        camera: Its number.
        fps: Frames a second.
        points: Millimetres in camera space (f 17 3).
        pixels: Annotated joints (f 17 2).
        valid: Which frames count (f); all if None.
        activity: The number of what is done in each frame (f), from 1 on; None if nobody says.
    """

    where: str
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
                raise DataError(f"{self.where}: {name} poses must be (frames, 17, {width}), got {array.shape}")
        if len(self.pixels) != frames or (self.valid is not None and self.valid.shape != (frames,)):
            marks = "" if self.valid is None else f", {self.valid.size} marks of which frames count"
            raise DataError(
                f"{self.where}: there are 3D poses of {frames} frames, 2D poses of {len(self.pixels)}{marks}; "
                "they do not belong together, or the file is not whole"
            )
        if self.activity is not None and (
            self.activity.shape != (frames,) or not ((self.activity >= 0) & (self.activity <= len(ACTIVITIES))).all()
        ):
            raise DataError(
                f"{self.where}: the activity of each of the {frames} frames must be a number from 1 to "
                f"{len(ACTIVITIES)}, got {self.activity.size} numbers; get the whole file"
            )


def prepare_3dhp(
    source: str | PathLike[str], destination: str | PathLike[str], *, progress: bool = False
) -> PreparationReport:
    """Turn a copy of MPI-INF-3DHP into a folder of :class:`Recordings`, checked, with a report.

    Args:
        source: A folder with ``data_train_3dhp.npz`` and ``data_test_3dhp.npz``, or with the original
            ``S1/Seq1/annot.mat`` to S8 and ``TS1/annot_data.mat`` to TS6; one of the two parts may be absent.
        destination: The folder to write, which must not be there yet.
        progress: Show a progress bar.

    Raises:
        DataError: Something is missing, damaged or not MPI-INF-3DHP; the message names it and nothing is written.

    Example:
        >>> from poseglass.data.synthetic.generate import generate
        >>> _ = generate("3dhp", "download", frames=20, subjects=["S1", "TS1"])
        >>> made = prepare_3dhp("download", "3dhp")
        >>> [recording.name for recording in made.recordings][-2:]
        ['S1 Seq2, camera 8', 'TS1 TS1, camera 0']
    """
    source, findings = Path(source), Findings()
    projection = ProjectionCheck(findings)
    check_new_folder(destination)
    if not source.is_dir():
        raise DataError(f"there is no folder {source}")
    views, files, total = _views(source)
    lengths: dict[tuple[str, str], int] = {}
    with (
        Progress(disable=not progress, transient=True) as bar,
        write_recordings(
            destination,
            skeleton=MPI_INF_3DHP_17,
            dataset="MPI-INF-3DHP",
            sources=["gt"],
            activities=any(path.name == "annot_data.mat" for path in files),  # the npz files do not tell
            licence=LICENCE,
            made_from=files,
        ) as writer,
    ):
        task = bar.add_task("Preparing MPI-INF-3DHP", total=total)
        for view in views:
            lengths[view.subject, view.sequence] = len(view.points)
            _add(writer, view, projection)
            bar.advance(task)
    for key in chain(LENGTHS, zip(TEST, TEST, strict=True)):
        name = key[0] if key[0] in TEST else " ".join(key)
        if key not in lengths:
            findings.lacks(name, "the whole sequence")
        elif key in LENGTHS and lengths[key] != (published := LENGTHS[key].frames):
            findings.warning(name, f"{lengths[key]} frames instead of the published {published}")
    return PreparationReport(Recordings.open(destination), findings, projection.distances)


def _add(writer: RecordingsWriter, view: View, projection: ProjectionCheck) -> None:
    """Check what a camera saw and write it."""
    counts = np.ones(len(view.points), bool) if view.valid is None else view.valid
    if not counts.any():
        raise DataError(f"{view.where}: no frame of it counts")
    points, pixels = view.points[counts], view.pixels[counts]
    check_finite(points, f"{view.where}, 3D")
    check_finite(pixels, f"{view.where}, 2D")
    check_bones(points / 1000, MPI_INF_3DHP_17, view.where)
    some = slice(None, None, max(1, len(points) // LOOK))
    projected = best_projection(points[some], pixels[some])
    projection.compare("gt", pixels[some], projected, place=view.where, usual=NEAR, limit=FAR)
    published = LENGTHS.get((view.subject, view.sequence))
    if published and published.fps != view.fps:
        projection.findings.warning(
            view.where, f"{view.fps:g} frames per second instead of the published {published.fps:g}"
        )
    writer.add(
        subject=view.subject,
        action=view.sequence,
        take=view.sequence,
        camera=view.camera,
        fps=view.fps,
        size=image_size(view.subject),
        points3d=view.points / 1000,
        points2d={"gt": view.pixels},
        valid=counts,
        activity=view.activity,
    )


def _views(source: Path) -> tuple[Iterator[View], list[Path], int]:
    """What the cameras saw, the files that it comes from, and how many views there should be."""
    train, test = source / TRAIN_FILE, source / TEST_FILE
    if files := [path for path in (train, test) if path.is_file()]:
        readers = {train: _npz_train, test: _npz_test}
        total = 2 * len(TRAIN) * len(CAMERAS) * train.is_file() + len(TEST) * test.is_file()
        return chain.from_iterable(readers[path](path) for path in files), files, total
    marked = sorted(source.glob("S[1-8]/Seq[12]/annot.mat"))
    tests = sorted(source.glob("TS[1-6]/annot_data.mat"))
    if not marked + tests:
        raise DataError(
            f"{source} has no MPI-INF-3DHP: neither {TRAIN_FILE} or {TEST_FILE}, nor S1/Seq1/annot.mat or "
            "TS1/annot_data.mat"
        )
    views = chain(chain.from_iterable(map(_mat_train, marked)), map(_mat_test, tests))
    return views, marked + tests, len(marked) * len(CAMERAS) + len(tests)


# ---------------------------------------------------------------- the field's npz files


def _npz_train(path: Path) -> Iterator[View]:
    for name, entry in read_dictionary(path, "data", "sequences").items():
        subject, _, sequence = str(name).partition(" ")
        if (subject, sequence) not in LENGTHS:
            raise DataError(f"{path}: MPI-INF-3DHP has no training sequence {name!r}; there are S1 Seq1 to S8 Seq2")
        where = f"{path}, {name}"
        if not (isinstance(entry, list | tuple) and len(entry) == 2 and isinstance(entry[0], dict)):
            raise DataError(f"{where}: a list of the cameras and the frames a second is expected")
        cameras = {str(camera): view for camera, view in entry[0].items()}
        if (rate := numbers(entry[1], f"{where}, frames a second")).size != 1:
            raise DataError(f"{where}: a number of frames a second is expected, got {rate.size}; get the whole file")
        fps = float(rate.item())
        _check_cameras(cameras, where)
        for camera in CAMERAS:
            points, pixels = _arrays(cameras[camera], where, "data_3d", "data_2d")
            yield View(f"{where}, camera {camera}", subject, sequence, camera, fps, points, pixels)


def _npz_test(path: Path) -> Iterator[View]:
    for name, entry in read_dictionary(path, "data", "sequences").items():
        where = f"{path}, {name}"
        if name not in TEST:
            raise DataError(f"{path}: MPI-INF-3DHP has no test sequence {name!r}; there are {', '.join(TEST)}")
        points, pixels, valid = _arrays(entry, where, "data_3d", "data_2d", "valid")
        yield View(where, name, name, "0", TEST_FPS, points, pixels, valid.ravel() == 1)


def _arrays(entry: Any, where: str, *names: str) -> Iterator[ndarray]:
    if not isinstance(entry, dict) or (missing := [name for name in names if name not in entry]):
        lacks = ", ".join(names if not isinstance(entry, dict) else missing)
        raise DataError(f"{where} lacks {lacks}; get the whole file")
    return (numbers(entry[name], f"{where}, {name}") for name in names)


def _check_cameras(there: Mapping[str, Any], where: str) -> None:
    if missing := [camera for camera in CAMERAS if camera not in there]:
        raise DataError(
            f"{where} lacks cameras {', '.join(missing)}; the field uses {', '.join(CAMERAS)}, get the whole file"
        )


# ---------------------------------------------------------------- the original annotations


def _mat_train(path: Path) -> Iterator[View]:
    """An ``annot.mat``: a cell a camera, each with a row a frame of all 28 joints."""
    scipy_io = needed("scipy.io")
    subject, sequence = path.parts[-3:-1]
    try:
        content = scipy_io.loadmat(path, variable_names=["annot2", "univ_annot3", "cameras"])
        marked, poses = content["annot2"].ravel(), content["univ_annot3"].ravel()
        known = content["cameras"].ravel().tolist() if "cameras" in content else list(range(len(poses)))
        there = {str(int(camera)): number for number, camera in enumerate(known[: len(poses)])}
    except KeyError as problem:
        raise DataError(f"{path} has no variable {problem}; it is another file, or was it downloaded whole?") from None
    except Exception as problem:  # a broken file can raise anything
        raise DataError(f"{path} cannot be read ({problem}); was it downloaded whole? Get it again") from None
    _check_cameras(there, str(path))
    frames, fps = LENGTHS[subject, sequence]
    for camera in CAMERAS:
        where, number = f"{path}, camera {camera}", there[camera]
        rows = [numbers(array[number], where).astype(np.float64) for array in (poses, marked)]
        for array, width in zip(rows, (84, 56), strict=True):
            if array.ndim != 2 or array.shape[1] != width:
                raise DataError(f"{where}: (frames, {width}) is expected, 28 joints a row, got {array.shape}")
        points, pixels = (
            array.reshape(len(array), 28, -1)[:, KEPT][:frames] if len(array) else np.empty((0, 17, width))
            for array, width in zip(rows, (3, 2), strict=True)
        )
        yield View(where, subject, sequence, camera, fps, points, pixels)


def _mat_test(path: Path) -> View:
    """An ``annot_data.mat`` of MATLAB 7.3, which is HDF5: 17 joints, which frames count, and what is done in them."""
    h5py = needed("h5py")
    name = path.parts[-2]
    try:
        with h5py.File(path, "r") as file:
            points, pixels, valid = (
                np.asarray(file[key], np.float64) for key in ("univ_annot3", "annot2", "valid_frame")
            )
            activity = None
            if "activity_annotation" in file:
                numbers = np.asarray(file["activity_annotation"], np.float64).ravel()
                activity = np.where(numbers == np.round(numbers), numbers, -1).astype(np.int16)
    except KeyError as problem:
        raise DataError(
            f"{path} has not all of univ_annot3, annot2, valid_frame; it is another file ({problem})"
        ) from None
    except Exception as problem:
        raise DataError(f"{path} cannot be read ({problem}); was it downloaded whole? Get it again") from None
    for array, width in ((points, 3), (pixels, 2)):
        if array.ndim != 4 or array.shape[1:] != (1, 17, width):
            raise DataError(f"{path}: (frames, 1, 17, {width}) is expected, got {array.shape}")
    return View(str(path), name, name, "0", TEST_FPS, points[:, 0], pixels[:, 0], valid.ravel() == 1, activity)
