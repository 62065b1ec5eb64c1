"""The command line: ``poseglass lift``, ``evaluate``, ``train``, ``data``."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from poseglass import __version__
from poseglass.errors import PoseglassError

if TYPE_CHECKING:
    from poseglass.lift import Lifter, Report
    from poseglass.pose import PoseSequence

__all__ = ["app", "main"]

app = typer.Typer(
    name="poseglass",
    help="Video in, 3D human motion out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data = typer.Typer(help="Prepare motion data for training.", no_args_is_help=True)
app.add_typer(data, name="data")
console = Console(stderr=True)

KEYPOINTS = (".json", ".npz", ".npy", ".csv")


def main() -> None:
    """Run a command; what is wrong with the input is said in one line, not in a traceback."""
    try:
        app(standalone_mode=False)
    except PoseglassError as problem:
        _fail(str(problem), 1)
    except typer.Abort:
        _fail("interrupted; no file was half written", 130)
    except KeyboardInterrupt:
        _fail("interrupted; no file was half written", 130)
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except Exception as problem:
        # Usage errors of the command line know how to show themselves.
        show = getattr(problem, "show", None)
        if show is None:
            raise
        show()
        sys.exit(getattr(problem, "exit_code", 2))


def _fail(message: str, code: int) -> None:
    console.print(f"[bold red]error:[/] {message}", highlight=False, soft_wrap=True)
    sys.exit(code)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"poseglass {__version__}")  # noqa: T201
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Say the version and stop.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command()
def lift(
    source: Annotated[Path, typer.Argument(help="A video or image, a file of 2D keypoints, or an OpenPose folder.")],
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            "-o",
            help="What to write, by its suffix: .npz .json .csv (the motion), .mp4 .png (pictures), .html (a 3D player). "
            "May be given several times. Default: the source's name with -3d.npz.",
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="A model's name or a folder of weights.")] = "balanced",
    flip: Annotated[
        bool, typer.Option("--flip", help="Average with the mirrored pass: twice the lifting time.")
    ] = False,
    layout: Annotated[str | None, typer.Option(help="Keypoint files: which joint is which, such as coco17.")] = None,
    size: Annotated[str | None, typer.Option(help="Keypoint files: the image's size, such as 1920x1080.")] = None,
    fps: Annotated[float | None, typer.Option(help="Keypoint files: frames a second.")] = None,
    detector_model: Annotated[
        Path | None, typer.Option(help="Videos: a MediaPipe .task file in place of the default.")
    ] = None,
) -> None:
    """Lift a video, or 2D keypoints, to 3D motion."""
    outputs = out or [Path(f"{source.stem or source.name}-3d.npz")]
    write = [_writer(path) for path in outputs]
    from poseglass.lift import Lifter

    with console.status("loading the model"):
        lifter = Lifter(model, flip=flip)
    keypoints = source.is_dir() or source.suffix.lower() in KEYPOINTS
    if keypoints:
        from poseglass.formats import read_keypoints

        motion = lifter.lift(read_keypoints(source, layout=layout, size=_size(size), fps=fps))
    else:
        motion = _lift_video(lifter, source, detector_model)
    for path, save in zip(outputs, write, strict=True):
        with _timed(lifter.report, "render" if path.suffix in (".mp4", ".png") else "write"):
            save(motion, path, None if keypoints else source)
    _tell(lifter.report, motion, outputs)


@app.command()
def evaluate(
    clips: Annotated[Path, typer.Argument(help="Motion clips (.npz), such as `poseglass data mocap` writes.")],
    model: Annotated[str, typer.Option(help="A model's name, a folder of weights or a checkpoint.")] = "balanced",
    split: Annotated[str, typer.Option(help="Which takes.")] = "test",
    flip: Annotated[bool, typer.Option("--flip", help="Average with the mirrored pass.")] = False,
    json: Annotated[Path | None, typer.Option(help="Also write the figures as JSON.")] = None,
) -> None:
    """Errors of a model on motion capture seen by fixed cameras, clean and as a detector would see it."""
    from poseglass import weights
    from poseglass._files import writing
    from poseglass.data.clips import MotionClips
    from poseglass.evaluate import evaluate as measure

    result = measure(weights.load(model), MotionClips.load(clips), split=split, flip=flip, progress=True)
    print(result)  # noqa: T201
    if json is not None:
        with writing(json) as temporary:
            temporary.write_text(result.json() + "\n", encoding="utf-8")


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="A TOML recipe.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The run's folder; a run that is there goes on.")],
    clips: Annotated[Path | None, typer.Option("--data", help="Motion clips (.npz); sets data.path.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change a setting: optim.lr=1e-4.")] = None,
    init: Annotated[str | None, typer.Option(help="Begin with these weights.")] = None,
) -> None:
    """Train a model; killed at any moment, the same command goes on where it was."""
    from poseglass.train.loop import train as run
    from poseglass.train.recipe import Recipe

    settings = Recipe.read(recipe).override(*(set_ or []))
    if clips is not None:
        settings = settings.updated({"data": {"path": str(clips)}})
    best = run(settings, out, init=init)
    console.print(f"the best weights are in {best}")


@data.command()
def mocap(
    source: Annotated[Path, typer.Argument(help="A folder of .bvh files, or of .asf and .amc, with folders in it.")],
    out: Annotated[Path, typer.Argument(help="The .npz to write.")],
) -> None:
    """Turn your own download of CMU's motion capture into one file of 17-joint clips."""
    from poseglass.data.cmu import convert_folder

    made = convert_folder(source, out)
    for path, reason in made.skipped.items():
        console.print(f"skipped {path}: {reason}", highlight=False)
    console.print(f"{len(made.clips)} clips, {made.clips.minutes:.1f} minutes, in {out}")


def _lift_video(lifter: "Lifter", source: Path, detector_model: Path | None) -> "PoseSequence":
    from poseglass.detect import MediaPipeDetector

    with console.status("loading the detector (its weights are fetched once)"):
        lifter.use(MediaPipeDetector(detector_model))
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("lifting"), BarColumn(), MofNCompleteColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("lifting", total=None)
        return lifter.lift(source, progress=lambda done, total: bar.update(task, completed=done, total=total))


def _writer(path: Path) -> "Callable[[PoseSequence, Path, Path | None], object]":
    """How to write a file of this suffix; known before the work begins."""
    suffix = path.suffix.lower()
    if suffix in (".npz", ".json", ".csv"):
        return lambda motion, path, video: motion.save(path)
    if suffix in (".mp4", ".png"):
        from poseglass.render import render

        return lambda motion, path, video: render(motion, path, video=video)
    if suffix == ".html":
        from poseglass.viewer import write_page

        return lambda motion, path, video: write_page(motion, path)
    raise PoseglassError(f"cannot tell what to write into {path}: end it in .npz, .json, .csv, .mp4, .png or .html")


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, x, height = text.lower().partition("x")
    if not (x and width.isdigit() and height.isdigit()):
        raise PoseglassError(f"write the size as WIDTHxHEIGHT, such as 1920x1080, not {text!r}")
    return int(width), int(height)


@contextmanager
def _timed(report: "Report", stage: str) -> Iterator[None]:
    from time import perf_counter

    start = perf_counter()
    yield
    passed = perf_counter() - start
    report.seconds[stage] = report.seconds.get(stage, 0.0) + passed
    report.elapsed += passed


def _tell(report: "Report", motion: "PoseSequence", outputs: list[Path]) -> None:
    """What was made and where the time went."""
    def tell(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    if report.problem:
        tell(f"[yellow]warning:[/] {report.problem}")
    tell(f"{report.frames} frames, {motion.duration:.1f} s at {motion.rate:.3g} fps; a person in {report.seen} of them")
    tell(f"{report.kept} of {report.frames} frames kept in the model's middle layers")
    stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in report.seconds.items())
    tell(
        f"{report.elapsed:.1f} s in all, {report.frames / report.elapsed:.0f} frames/s (busy: {stages}; stages overlap)"
    )
    for path in outputs:
        tell(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")
