"""``poseglass lift``: lift a video or 2D keypoints to 3D motion."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from poseglass.commands.device import DeviceOption, chosen_device, tell_device
from poseglass.commands.keep import FORMS, parse_keep
from poseglass.commands.terminal import console, tell, wrong
from poseglass.errors import PoseglassError
from poseglass.files.outputs import EXPORT, WRITERS, imported, writer_of, writers_in_words
from poseglass.files.writing import check_writable

if TYPE_CHECKING:
    import torch

    from poseglass.body.pose import PoseSequence
    from poseglass.lifting.lifter import Lifter, LiftReport
    from poseglass.lifting.source import Keypoints
    from poseglass.lifting.stopwatch import Stopwatch
    from poseglass.video.reading import VideoReader
    from poseglass.waist.schedule import Keep

__all__ = ["lift"]

LOG_SECONDS = 15.0
"""Seconds between two lines of progress where there is no terminal to show a bar."""


def lift(
    source: Annotated[Path, typer.Argument(help="A video or image, a file of 2D keypoints, or an OpenPose folder.")],
    *,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help=f"File to write. The suffix decides what it holds: {writers_in_words()}. May be repeated. "
            "Default: the source's name with -3d.npz, in the current folder.",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(help="The bundled model, a folder of weights, or a published checkpoint such as hot_mixste.pth."),
    ] = "balanced",
    keep: Annotated[
        str | None,
        typer.Option(
            help=f"Frames that the model's middle layers keep: {FORMS}. Fewer are faster. Default: as trained."
        ),
    ] = None,
    flip: Annotated[
        bool, typer.Option("--flip", help="Average with the mirrored pass. Lifting takes twice as long.")
    ] = False,
    device: DeviceOption = "cpu",
    focal: Annotated[
        float | None,
        typer.Option(
            help="Focal length in pixels, if known: corrects the pose of people away from the image's centre. "
            "With keypoints, give --size too."
        ),
    ] = None,
    layout: Annotated[str | None, typer.Option(help="Keypoint files: the order of the joints, such as coco17.")] = None,
    size: Annotated[
        str | None, typer.Option(help="Keypoint files: width and height of the image in pixels, such as 1920x1080.")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Keypoint files: frames per second.")] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            help="Videos: the 2D detector. Default: mediapipe; mediapipe-lite is faster, mediapipe-heavy is slower and "
            "more accurate."
        ),
    ] = None,
    detector_model: Annotated[
        Path | None, typer.Option(help="Videos: the detector's weights, such as a MediaPipe .task file.")
    ] = None,
) -> None:
    """Lift a video or 2D keypoints to 3D motion."""
    from poseglass.lifting.source import KEYPOINT_KINDS, Keypoints, open_source, source_kind

    keypoints = source_kind(source) == "keypoints"
    kind = f"{source} is treated as {'keypoints' if keypoints else 'a video'} (keypoints are {KEYPOINT_KINDS})"
    of_keypoints = {"--layout": layout, "--size": size, "--fps": fps}
    of_videos = {"--detector": detector, "--detector-model": detector_model}
    for option, value in (of_videos if keypoints else of_keypoints).items():
        if value is not None:
            wrong(option, f"it is for {'videos' if keypoints else 'keypoints'} only, but {kind}")
    if fps is not None and not 0.01 <= fps <= 1000:
        wrong("--fps", f"frames per second must be a number from 0.01 to 1000, not {fps:g}")
    if focal is not None and not 0 < focal < math.inf:
        wrong("--focal", f"the focal length must be a number of pixels above 0, not {focal:g}")
    pixels, kept = _size(size), None if keep is None else parse_keep(keep)
    # Pictures come last, so that the motion is written even if drawing fails.
    outputs = sorted(dict.fromkeys(out or [Path(f"{source.resolve().stem}-3d.npz")]), key=_draws)
    for path in outputs:
        _check_output(path, source)
    if not source.exists():
        raise PoseglassError(f"there is no file {source}")
    opened = open_source(source, layout=layout, size=pixels, fps=fps)  # its errors come before the models are loaded
    if focal is not None and isinstance(opened, Keypoints) and opened.poses.size is None:
        wrong("--focal", f"it needs the image's size, which {source} does not state: give --size too")
    where = None if device == "cpu" else chosen_device(device)  # nothing is printed about the default
    wanted = None if keypoints else detector or "mediapipe"
    lifter = _lifter(model, kept, where, flip=flip, focal=focal, detector=wanted, detector_model=detector_model)
    _lift_and_write(lifter, opened, source, outputs)
    if where is not None:
        tell_device(where)


def _lifter(
    model: str,
    keep: "Keep | None",
    where: "torch.device | None",
    *,
    flip: bool,
    focal: float | None,
    detector: str | None,
    detector_model: Path | None,
) -> "Lifter":
    """The lifter, with its models loaded, and no detector for keypoints."""
    from poseglass.detect import DETECTORS, make_detector
    from poseglass.lifting.lifter import Lifter
    from poseglass.weights import files as weights

    if detector is not None and detector not in DETECTORS:
        wrong("--detector", f"there is no detector {detector!r}; choose one of {', '.join(DETECTORS)}")
    with console.status("loading the model"):
        network = weights.load(model, keep=keep, device=where)
    if detector is None:
        return Lifter(network, flip=flip, focal=focal)
    with console.status("loading the detector (its weights are downloaded on first use)"):
        return Lifter(network, flip=flip, focal=focal, detector=make_detector(detector, detector_model))


def _lift_and_write(lifter: "Lifter", opened: "Keypoints | VideoReader", source: Path, outputs: Sequence[Path]) -> None:
    """Lift with a progress bar, and write all outputs."""
    from poseglass.lifting.source import Keypoints
    from poseglass.lifting.stopwatch import Stopwatch

    stopwatch = Stopwatch()
    video = None if isinstance(opened, Keypoints) else opened
    frames = len(opened.poses) if isinstance(opened, Keypoints) else opened.info.frames
    with _progress(frames) as advance:
        motion = lifter.lift(opened, each=lambda chunk: advance(len(chunk)), stopwatch=stopwatch)
    assert lifter.report is not None
    _tell_frames(lifter.report, motion)
    export: Any = None  # shared by all files that can, so that the rig is fitted once
    for path in outputs:
        writer = writer_of(path)
        assert writer is not None  # checked by _check_output
        with stopwatch.timing("draw" if writer.draws else "write"), console.status(Text(f"writing {path}")):
            if writer.exports:
                export = export or imported(EXPORT)(motion)
                writer.load()(export, path)
            elif writer.draws:
                writer.load()(motion, path, video=None if video is None else source)
            else:
                writer.load()(motion, path)
        tell(f"wrote {path} ({_amount(path.stat().st_size)})")
    _tell_times(lifter.report, stopwatch)


@contextmanager
def _progress(total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how many frames are lifted: a bar, or, without a terminal, a line every `LOG_SECONDS`."""
    start = last = monotonic()
    done = 0
    if console.is_terminal:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("lifting"), BarColumn(), MofNCompleteColumn(), TextColumn("left"), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("lifting", total=total)
            yield lambda frames: bar.advance(task, frames)
        return

    def advance(frames: int) -> None:
        nonlocal done, last
        done += frames
        if monotonic() - last >= LOG_SECONDS:
            last = monotonic()
            tell(f"lifted {done} of {total or 'unknown'} frames, {done / (last - start):.0f} frames/s")

    yield advance


def _draws(path: Path) -> bool:
    writer = writer_of(path)
    return writer is not None and writer.draws


def _check_output(path: Path, source: Path) -> None:
    """Refuse a file that cannot be written, before the work starts."""
    writer = writer_of(path)
    if writer is None:
        wrong("--out", f"{path} must end in one of {', '.join(WRITERS)}")
    if path.exists() and source.exists() and path.samefile(source):
        wrong("--out", f"{path} is the file to lift; choose another name")
    check_writable(path)
    if writer.contents != "the motion":
        writer.load()  # raises an error if it needs a missing package


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    sides = [int(side) if side.isdigit() else 0 for side in (width, height)]
    if not all(1 <= side <= 65535 for side in sides):
        wrong("--size", f"expected WIDTHxHEIGHT in pixels, such as 1920x1080, not {text!r}")
    return sides[0], sides[1]


def _tell_frames(report: "LiftReport", motion: "PoseSequence") -> None:
    """Print how many frames were lifted, had a person, and were kept in the middle layers."""
    if report.problem:
        tell(report.problem, head="warning: ", style="yellow")
    frames = "1 frame" if report.frames == 1 else f"{report.frames} frames, {motion.duration:.1f} s"
    valid = "every frame" if report.valid == report.frames else f"{report.valid} of them, the others are filled in"
    tell(f"{frames} at {motion.rate:.3g} fps; a person in {valid}")
    tell(f"{report.kept} of {report.frames} frames kept in the model's middle layers")


def _tell_times(report: "LiftReport", stopwatch: "Stopwatch") -> None:
    """Print the time in all, and of each stage."""
    elapsed = stopwatch.elapsed
    stages = ", ".join(f"{stage} {_seconds(seconds)}" for stage, seconds in stopwatch.seconds.items())
    pace = report.frames / elapsed
    tell(f"{_seconds(elapsed)} in all, {pace:.0f} frames/s (busy: {stages}; stages overlap)")


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 0.95 else f"{1000 * value:.0f} ms"


def _amount(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
