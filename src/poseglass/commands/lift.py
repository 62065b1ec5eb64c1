"""``poseglass lift``: a video, or 2D keypoints, to 3D motion."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from poseglass.errors import PoseglassError
from poseglass.files.writing import check_place

if TYPE_CHECKING:
    from poseglass.body.pose import PoseSequence
    from poseglass.lifting.lifter import Lifter, Report
    from poseglass.show.rendering import Movie
    from poseglass.video.reading import VideoReader
from poseglass.commands.terminal import console, tell, wrong

__all__ = ["lift"]


KEYPOINTS = (".json", ".npz", ".npy", ".csv")


def lift(
    source: Annotated[Path, typer.Argument(help="A video or image, a file of 2D keypoints, or an OpenPose folder.")],
    *,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            "-o",
            help="What to write, by its suffix: .npz .json .csv (the motion), .mp4 .png (pictures), .html (a 3D "
            "player). May be given several times. Default: the source's name with -3d.npz.",
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="A model's name, a folder of weights or a checkpoint.")] = "balanced",
    flip: Annotated[
        bool, typer.Option("--flip", help="Average with the mirrored pass: twice the lifting time.")
    ] = False,
    layout: Annotated[str | None, typer.Option(help="Keypoint files: which joint is which, such as coco17.")] = None,
    size: Annotated[str | None, typer.Option(help="Keypoint files: the image's size, such as 1920x1080.")] = None,
    focal: Annotated[
        float | None,
        typer.Option(
            help="Focal length in pixels, if known: it places who is not in the middle. Keypoints need --size with it."
        ),
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Keypoint files: frames a second.")] = None,
    detector_model: Annotated[
        Path | None, typer.Option(help="Videos: a MediaPipe .task file in place of the default.")
    ] = None,
) -> None:
    """Lift a video, or 2D keypoints, to 3D motion."""
    keypoints = source.is_dir() or source.suffix.lower() in KEYPOINTS
    _check_options(source, keypoints, {"--layout": layout, "--size": size, "--fps": fps}, detector_model, focal)
    pixels = _size(size)
    # Pictures come last, so that whatever happens while they are drawn, the motion is there.
    outputs = sorted(dict.fromkeys(out or [Path(f"{source.resolve().stem}-3d.npz")]), key=_is_picture)
    write = [_writer(path, source) for path in outputs]
    if not source.exists():
        raise PoseglassError(f"there is no file {source}")
    if keypoints:
        from poseglass.keypoints import read_keypoints

        poses = read_keypoints(source, layout=layout, size=pixels, fps=fps)
        if focal is not None and poses.size is None:
            wrong("--focal", f"it goes with the image's size, which {source} does not say: give --size too")
    else:
        from poseglass.video.reading import VideoReader

        video = VideoReader(source)  # what is wrong with it is said before the models are loaded
    from poseglass.lifting.lifter import Lifter

    with console.status("loading the model"):
        lifter = Lifter(model, flip=flip, focal=focal)
    drawn = [path for path in outputs if path.suffix.lower() == ".mp4" and not keypoints]
    with ExitStack() as stack:
        if keypoints:
            motion = lifter.lift(poses)
        else:
            from poseglass.show.rendering import Movie

            movies = [stack.enter_context(Movie(path, video=source, frames=video.info.frames)) for path in drawn]
            motion = _lift_video(lifter, video, detector_model, movies)
        _tell_frames(lifter.report, motion)
        for path, save in zip(outputs, write, strict=True):
            if path not in drawn:
                with (
                    _timed(lifter.report, "draw" if _is_picture(path) else "write"),
                    console.status(Text(f"writing {path}")),
                ):
                    save(motion, path, None if keypoints else source)
                tell(f"wrote {path} ({_amount(path.stat().st_size)})")
        start = perf_counter()
    if drawn:  # what was still to be drawn is done now
        lifter.report.elapsed += perf_counter() - start
        drawing = sum(movie.seconds for movie in movies)
        lifter.report.seconds["draw"] = lifter.report.seconds.get("draw", 0.0) + drawing
        for path in drawn:
            tell(f"wrote {path} ({_amount(path.stat().st_size)})")
    _tell_times(lifter.report)


def _lift_video(
    lifter: "Lifter", video: "VideoReader", detector_model: Path | None, movies: "Sequence[Movie]"
) -> "PoseSequence":
    """Lift a video with a progress bar; the movies get every chunk as soon as it is there."""
    from poseglass.detect.mediapipe import MediaPipeDetector

    with console.status("loading the detector (its weights are fetched once)"):
        lifter.use(MediaPipeDetector(detector_model))
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("lifting"), BarColumn(), MofNCompleteColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("lifting", total=video.info.frames)

        def each(chunk: "PoseSequence") -> None:
            bar.advance(task, len(chunk))
            for movie in movies:
                movie.add(chunk)

        return lifter.lift(video.path, each=each)


def _check_options(
    source: Path,
    keypoints: bool,
    of_keypoints: dict[str, str | float | None],
    detector_model: Path | None,
    focal: float | None,
) -> None:
    """Refuse options that the source would leave without effect, and numbers that are impossible."""
    kinds = f"{', '.join(KEYPOINTS)} or a folder"
    for option, value in of_keypoints.items():
        if value is not None and not keypoints:
            wrong(option, f"it goes with a file of keypoints ({kinds}), and {source} is taken for a video")
    if detector_model is not None and keypoints:
        wrong("--detector-model", f"it goes with a video, and {source} is taken for keypoints ({kinds})")
    fps = of_keypoints["--fps"]
    if isinstance(fps, float) and not 0.01 <= fps <= 1000:
        wrong("--fps", f"frames a second must be a number from 0.01 to 1000, not {fps:g}")
    if focal is not None and not 0 < focal < math.inf:
        wrong("--focal", f"the focal length must be a number of pixels above 0, not {focal:g}")


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in (".mp4", ".png")


def _writer(path: Path, source: Path) -> "Callable[[PoseSequence, Path, Path | None], object]":
    """How to write a file of this suffix; what speaks against it is said before the work begins."""
    suffix = path.suffix.lower()
    if suffix not in (".npz", ".json", ".csv", ".mp4", ".png", ".html"):
        wrong("--out", f"cannot tell what to write into {path}: end it in .npz, .json, .csv, .mp4, .png or .html")
    if path.exists() and source.exists() and path.samefile(source):
        wrong("--out", f"{path} is the file to lift; choose another name")
    check_place(path)
    if _is_picture(path):
        from poseglass.show.rendering import render

        return lambda motion, path, video: render(motion, path, video=video)
    if suffix == ".html":
        from poseglass.show.viewer import write_page

        return lambda motion, path, video: write_page(motion, path)
    return lambda motion, path, video: motion.save(path)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    sides = [int(side) if side.isdigit() else 0 for side in (width, height)]
    if not all(1 <= side <= 65535 for side in sides):
        wrong("--size", f"write it as WIDTHxHEIGHT in pixels, such as 1920x1080, not {text!r}")
    return sides[0], sides[1]


@contextmanager
def _timed(report: "Report", stage: str) -> Iterator[None]:
    start = perf_counter()
    yield
    passed = perf_counter() - start
    report.seconds[stage] = report.seconds.get(stage, 0.0) + passed
    report.elapsed += passed


def _tell_frames(report: "Report", motion: "PoseSequence") -> None:
    """What came of the frames."""
    if report.problem:
        tell(report.problem, head="warning: ", style="yellow")
    frames = "1 frame" if report.frames == 1 else f"{report.frames} frames, {motion.duration:.1f} s"
    seen = "every frame" if report.seen == report.frames else f"{report.seen} of them, the rest is filled in"
    tell(f"{frames} at {motion.rate:.3g} fps; a person in {seen}")
    tell(f"{report.kept} of {report.frames} frames kept in the model's middle layers")


def _tell_times(report: "Report") -> None:
    """Where the time went."""
    stages = ", ".join(f"{stage} {_seconds(seconds)}" for stage, seconds in report.seconds.items())
    pace = report.frames / report.elapsed
    tell(f"{_seconds(report.elapsed)} in all, {pace:.0f} frames/s (busy: {stages}; stages overlap)")


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 0.95 else f"{1000 * value:.0f} ms"


def _amount(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
