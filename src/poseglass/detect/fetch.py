"""The 2D detector's weights: fetched once, checked on every use, offline afterwards.

They come from the wheel of MediaPipe 0.10.21 (Apache-2.0), the only package in a registry that carries pose weights.
Only its two networks are needed, so pip downloads the same wheel on every platform. The networks become a ``.task``
file in the user's cache.
"""

import hashlib
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from platformdirs import user_cache_path

from poseglass.detect.taskfile import task_file, with_normalisation
from poseglass.errors import DetectorError
from poseglass.files.writing import writing

__all__ = ["cache_folder", "detector_model"]

NAME = "pose_landmarker_full.task"
SHA256 = "fd7ca6d6a1dd7c7c2a8f2f6ef7a3bacef00fe10e2006616916ae88f40d4bdfec"

WHEEL = "mediapipe==0.10.21"
WHEEL_SHA256 = "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3"
TAGS = ("--platform", "manylinux_2_28_x86_64", "--python-version", "3.11", "--implementation", "cp", "--abi", "cp311")

# Name in the task file: (name in the wheel, SHA-256, mean and standard deviation for normalising pixels).
NETWORKS = {
    "pose_detector.tflite": (
        "mediapipe/modules/pose_detection/pose_detection.tflite",
        "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
        (127.5, 127.5),
    ),
    "pose_landmarks_detector.tflite": (
        "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        (0.0, 255.0),
    ),
}

log = logging.getLogger("poseglass")


def cache_folder() -> Path:
    """The folder of fetched files: the environment variable ``POSEGLASS_CACHE``, or the user's cache folder."""
    chosen = os.environ.get("POSEGLASS_CACHE")
    return Path(chosen).expanduser() if chosen else user_cache_path("poseglass", appauthor=False)


def detector_model() -> Path:
    """The path of the detector's weights, fetched if they are not in the cache.

    The SHA-256 of the file is checked every time, and a file that has changed is fetched again.

    Raises:
        DetectorError: The weights cannot be fetched; the message says how to get them by hand.
    """
    path = cache_folder() / NAME
    try:
        if path.is_file():
            if hashlib.sha256(path.read_bytes()).hexdigest() == SHA256:
                return path
            log.warning("%s has changed (its SHA-256 is wrong); fetching it again", path)
    except OSError as problem:
        raise DetectorError(f"cannot read {path}: {problem.strerror}; set POSEGLASS_CACHE to another folder") from None
    log.info("fetching the 2D detector's weights (%s, 35 MB, once) into %s", WHEEL, path.parent)
    with tempfile.TemporaryDirectory(prefix="poseglass-") as folder:
        content = _checked(task_file(_networks(_download(Path(folder)))), SHA256, NAME)
    with writing(path, DetectorError) as temporary:
        temporary.write_bytes(content)
    log.info("the 2D detector is ready")
    return path


def _download(folder: Path) -> Path:
    """Download the wheel with pip, which respects the user's mirrors and proxies."""
    requirement = folder / "requirements.txt"
    requirement.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
    options = ("--no-deps", "--only-binary=:all:", "--require-hashes", "--quiet", "--disable-pip-version-check")
    command = [sys.executable, "-m", "pip", "download", *options, *TAGS, "--dest", str(folder), "-r", str(requirement)]
    try:
        # The user's constraints apply to installed packages; this wheel is only unpacked.
        surroundings = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
        run = subprocess.run(
            command, env=surroundings, capture_output=True, text=True, errors="replace", timeout=900, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise _failed(str(problem)) from problem
    wheels = list(folder.glob("*.whl"))
    if run.returncode or not wheels:
        lines = [line for line in run.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")] or lines[-3:]
        raise _failed(" ".join(errors) or f"pip exited with {run.returncode} and no message")
    return wheels[0]


def _networks(wheel: Path) -> dict[str, bytes]:
    """The wheel's networks, each with the metadata that a MediaPipe task needs."""
    networks = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, (member, digest, (mean, std)) in NETWORKS.items():
                networks[name] = with_normalisation(_checked(archive.read(member), digest, member), mean, std)
    except (OSError, KeyError, zipfile.BadZipFile) as problem:
        raise _failed(f"{wheel.name} cannot be read: {problem}") from problem
    return networks


def _checked(content: bytes, digest: str, name: str) -> bytes:
    actual = hashlib.sha256(content).hexdigest()
    if actual != digest:
        raise _failed(f"{name} must have the SHA-256 {digest}, got {actual}")
    return content


def _failed(why: str) -> DetectorError:
    return DetectorError(
        f"the 2D detector's weights could not be fetched: {why}\nCheck the network and that pip works "
        f"({Path(sys.executable).name} -m pip --version) and try again; or download {NAME} from the Pose Landmarker "
        "page of MediaPipe's documentation and pass it as MediaPipeDetector(path) or --detector-model PATH."
    )
