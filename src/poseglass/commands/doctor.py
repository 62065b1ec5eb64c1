"""``poseglass doctor``: report what is installed and what works, and fetch the detector's weights ahead."""

import os
import platform
import re
from collections.abc import Iterator
from importlib import metadata
from typing import Annotated, NamedTuple

import typer

from poseglass import __version__
from poseglass.commands.terminal import wrong
from poseglass.errors import PoseglassError

__all__ = ["doctor"]

OTHERS = ("all", "dev", "docs")  # a union of extras, and those of contributors


class Check(NamedTuple):
    """One line of the report: what was checked, whether it works, and what is there or what to do."""

    name: str
    works: bool
    detail: str


def doctor(
    *,
    fetch: Annotated[
        list[str] | None,
        typer.Option(
            "--fetch", metavar="SIZE", help="Fetch a detector's weights now: lite, full, heavy or all. Repeatable."
        ),
    ] = None,
) -> None:
    """Report what is installed and what works.

    Exits with 1 if videos cannot be lifted without a network.
    """
    from poseglass.detect.fetch import TASKS, detector_model

    sizes = list(TASKS) if "all" in (fetch or ()) else fetch or ()
    for size in sizes:
        if size not in TASKS:
            wrong("--fetch", f"there is no size {size!r}; choose one of {', '.join(TASKS)}, or all")
        detector_model(TASKS[size])
    _print(f"poseglass {__version__}", [*_versions()])
    _print("extras", extras := [*_extras()])
    _print("devices", [*_devices()])
    _print("detectors", [*_detectors()])
    _print("bundled weights", [*_weights()])
    video = next((check for check in extras if check.name == "video"), Check("video", False, "unknown"))
    verdict = _starts() if video.works else video
    print("\nlifting videos works" if verdict.works else f"\nlifting videos does not work yet: {verdict.detail}")  # noqa: T201
    raise typer.Exit(0 if verdict.works else 1)


def _print(title: str, checks: list[Check]) -> None:
    width = max((len(check.name) for check in checks), default=0)
    print(f"\n{title}")  # noqa: T201
    for name, works, detail in checks:
        print(f"  {'+' if works else '-'} {name:{width}}  {detail}".rstrip())  # noqa: T201


def _versions() -> Iterator[Check]:
    yield Check("Python", True, platform.python_version())
    yield Check("system", True, f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    for package in ("torch", "numpy"):
        yield Check(package, True, metadata.version(package))


def _extras() -> Iterator[Check]:
    """Whether each extra's packages are installed."""
    packages: dict[str, list[str]] = {}
    for requirement in metadata.requires("poseglass") or ():
        name, _, marker = requirement.partition(";")
        if match := re.search(r"extra == ['\"]([\w-]+)['\"]", marker):
            packages.setdefault(match[1], []).append(re.split(r"[^\w.-]", name.strip())[0])
    for extra, names in sorted(packages.items()):
        missing = [name for name in names if not _installed(name)]
        if extra not in OTHERS:
            advice = f"{', '.join(missing)} missing: pip install 'poseglass[{extra}]'"
            yield Check(extra, not missing, advice if missing else ", ".join(names))


def _installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _devices() -> Iterator[Check]:
    from poseglass.models import devices

    for name in devices.available():
        yield Check(name, True, devices.full_name(devices.device(name)).removeprefix(name).strip())


def _detectors() -> Iterator[Check]:
    """Whether the weights of each size are on this machine."""
    from poseglass.detect.fetch import TASKS, fetched

    for size, source in TASKS.items():
        path = fetched(source)
        advice = f"not fetched yet, {source.package.megabytes} MB: poseglass doctor --fetch {size}"
        yield Check(f"mediapipe {size}", path is not None, str(path or advice))


def _weights() -> Iterator[Check]:
    from poseglass.weights.files import BUNDLED, load

    for name in BUNDLED:
        try:
            model = load(name)
            yield Check(name, True, f"{type(model).__name__} of {model.frames} frames")
        except PoseglassError as problem:
            yield Check(name, False, str(problem))


def _starts() -> Check:
    """Whether the default detector starts: it needs its weights and two system libraries."""
    from poseglass.detect import make_detector
    from poseglass.detect.fetch import fetched

    if fetched() is None:
        return Check("detector", False, "the first video fetches the detector's weights; see --fetch")
    try:
        make_detector("mediapipe")
    except PoseglassError as problem:
        return Check("detector", False, str(problem))
    return Check("detector", True, "")
