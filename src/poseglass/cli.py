"""The command line: ``poseglass lift``, ``train``, ``evaluate``, ``reproduce``, ``bench``, ``convert``, ``data``.

Results that one would pipe go to standard output, everything else to standard error. The exit code is 0 where all went
well, 1 where something is wrong with a file, 2 where it is with the command itself, and 130 after Ctrl-C.
"""

import logging
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, NoReturn

import rich
import typer
from rich.console import Console
from rich.text import Text

from poseglass import __version__
from poseglass._bench_command import bench
from poseglass._data_command import data
from poseglass._evaluate_command import evaluate
from poseglass._files import check_place
from poseglass._reproduce_command import reproduce
from poseglass.errors import PoseglassError, TrainingError, WeightsError

if TYPE_CHECKING:
    from poseglass.lifter import Lifter, Report
    from poseglass.pose import PoseSequence
    from poseglass.rendering import Movie
    from poseglass.video import VideoReader

__all__ = ["app", "main"]

app = typer.Typer(
    name="poseglass",
    help="Video in, 3D human motion out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data, name="data")
console = Console(stderr=True)

KEYPOINTS = (".json", ".npz", ".npy", ".csv")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command, that of the program's own arguments if none are given, and end the program.

    What is wrong with the input is said in one line, not in a traceback.
    """
    rich.reconfigure(stderr=True)  # progress bars too stay out of what is piped
    log = logging.getLogger("poseglass")
    log.handlers = [_Teller()]
    log.setLevel(logging.INFO)
    try:
        code = app(arguments, prog_name="poseglass", standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        code = 130
    except PoseglassError as problem:
        _fail(str(problem))
    except OSError as problem:
        name = "" if problem.filename is None else f"{problem.filename}: "
        _fail(f"{name}{problem.strerror or problem}")
    except Exception as problem:
        # Usage errors of the command line know how to show themselves.
        show = getattr(problem, "show", None)
        if show is None:
            raise
        show()
        code = getattr(problem, "exit_code", 2)
    if code == 130:
        _interrupted()
    sys.exit(code)


class _Teller(logging.Handler):
    """Shows what the library logs."""

    def emit(self, record: logging.LogRecord) -> None:
        _tell(record.getMessage())


def _tell(text: str, *, head: str = "", style: str = "") -> None:
    """Write to standard error. Brackets, which rich would take for markup, stay as they are: names may have them."""
    console.print(Text.assemble((head, style), text), soft_wrap=True)


def _fail(message: str) -> NoReturn:
    _tell(message, head="error: ", style="bold red")
    sys.exit(1)


def _interrupted() -> NoReturn:
    _tell("interrupted; no file is half written")
    sys.stdout.flush()
    # Not sys.exit: that waits for the workers of a training, and MediaPipe crashes in it where it was cut short.
    os._exit(130)


def _wrong(option: str, message: str) -> NoReturn:
    raise typer.BadParameter(message, param_hint=f"'{option}'")


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
        from poseglass.formats import read_keypoints

        poses = read_keypoints(source, layout=layout, size=pixels, fps=fps)
        if focal is not None and poses.size is None:
            _wrong("--focal", f"it goes with the image's size, which {source} does not say: give --size too")
    else:
        from poseglass.video import VideoReader

        video = VideoReader(source)  # what is wrong with it is said before the models are loaded
    from poseglass.lifter import Lifter

    with console.status("loading the model"):
        lifter = Lifter(model, flip=flip, focal=focal)
    drawn = [path for path in outputs if path.suffix.lower() == ".mp4" and not keypoints]
    with ExitStack() as stack:
        if keypoints:
            motion = lifter.lift(poses)
        else:
            from poseglass.rendering import Movie

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
                _tell(f"wrote {path} ({_amount(path.stat().st_size)})")
        start = perf_counter()
    if drawn:  # what was still to be drawn is done now
        lifter.report.elapsed += perf_counter() - start
        drawing = sum(movie.seconds for movie in movies)
        lifter.report.seconds["draw"] = lifter.report.seconds.get("draw", 0.0) + drawing
        for path in drawn:
            _tell(f"wrote {path} ({_amount(path.stat().st_size)})")
    _tell_times(lifter.report)


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="A TOML recipe.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The run's folder; a run that is there goes on.")],
    source: Annotated[
        Path | None, typer.Option("--data", help="Motion clips (.npz) or a prepared folder; sets data.path.")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change a setting: optim.lr=1e-4.")] = None,
    init: Annotated[
        str | None, typer.Option(help="Begin with these weights, of a backbone with or without its waist.")
    ] = None,
    waist_only: Annotated[
        bool, typer.Option("--waist-only", help="Train the waist alone and leave the backbone as it is (with --init).")
    ] = False,
) -> None:
    """Train a model; killed at any moment, the same command goes on where it was.

    Several processes or machines share the batches under `torchrun ... -m poseglass train`.
    """
    from poseglass.training.loop import train as run
    from poseglass.training.recipe import Recipe

    settings = Recipe.read(recipe).override(*(set_ or []))
    if source is not None:
        settings = settings.updated({"data": {"path": str(source)}})
    if waist_only:
        settings = settings.updated({"optim": {"trains": "waist"}})
    check_place(out / "recipe.json", TrainingError)
    best = run(settings, out, init=init, progress=True)
    if os.environ.get("RANK", "0") == "0":  # of several processes that a launcher started, one speaks
        _tell(f"the best weights are in {best}")


app.command()(evaluate)
app.command()(reproduce)
app.command()(bench)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="A published checkpoint, such as a .pth or .bin file.")],
    out: Annotated[Path, typer.Argument(help="The folder to write: weights.safetensors and config.json.")],
    *,
    heads: Annotated[int | None, typer.Option(help="Attention heads, if not as published.")] = None,
    at: Annotated[
        int | None, typer.Option(help="The layer before which the waist prunes, if not as published.")
    ] = None,
    neighbours: Annotated[
        int | None, typer.Option(help="MotionAGFormer's temporal neighbours, if not as published.")
    ] = None,
    skeleton: Annotated[
        str | None, typer.Option(help="Which joint is which in it, such as mpi_inf_3dhp17. Default: h36m17.")
    ] = None,
    keypoints: Annotated[str | None, typer.Option(help="The 2D poses it was trained on, such as cpn or gt.")] = None,
) -> None:
    """Turn a published checkpoint into poseglass's own format; no pickle code is run."""
    check_place(out / "config.json", WeightsError)
    from poseglass import weights
    from poseglass.models import PoseTransformer
    from poseglass.skeleton import H36M_17, get_skeleton
    from poseglass.waist import backbone_of

    joints = get_skeleton(skeleton or H36M_17)
    model = weights.load(source, heads=heads, at=at, neighbours=neighbours)
    told = backbone_of(model)
    if len(joints) != told.joints:
        _wrong("--skeleton", f"{joints.name} has {len(joints)} joints, and the checkpoint {told.joints}")
    told.skeleton, told.keypoints = joints.name, keypoints or ""
    weights.save(model, out, about=f"converted from {source.name}")
    inner = "" if isinstance(model, PoseTransformer) else f" around a {type(model.backbone).__name__}"
    _tell(f"a {type(model).__name__}{inner}, {model.frames} frames, in {out}")


def _lift_video(
    lifter: "Lifter", video: "VideoReader", detector_model: Path | None, movies: "Sequence[Movie]"
) -> "PoseSequence":
    """Lift a video with a progress bar; the movies get every chunk as soon as it is there."""
    from poseglass.detect import MediaPipeDetector

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
            _wrong(option, f"it goes with a file of keypoints ({kinds}), and {source} is taken for a video")
    if detector_model is not None and keypoints:
        _wrong("--detector-model", f"it goes with a video, and {source} is taken for keypoints ({kinds})")
    fps = of_keypoints["--fps"]
    if isinstance(fps, float) and not 0.01 <= fps <= 1000:
        _wrong("--fps", f"frames a second must be a number from 0.01 to 1000, not {fps:g}")
    if focal is not None and not 0 < focal < math.inf:
        _wrong("--focal", f"the focal length must be a number of pixels above 0, not {focal:g}")


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in (".mp4", ".png")


def _writer(path: Path, source: Path) -> "Callable[[PoseSequence, Path, Path | None], object]":
    """How to write a file of this suffix; what speaks against it is said before the work begins."""
    suffix = path.suffix.lower()
    if suffix not in (".npz", ".json", ".csv", ".mp4", ".png", ".html"):
        _wrong("--out", f"cannot tell what to write into {path}: end it in .npz, .json, .csv, .mp4, .png or .html")
    if path.exists() and source.exists() and path.samefile(source):
        _wrong("--out", f"{path} is the file to lift; choose another name")
    check_place(path)
    if _is_picture(path):
        from poseglass.rendering import render

        return lambda motion, path, video: render(motion, path, video=video)
    if suffix == ".html":
        from poseglass.viewer import write_page

        return lambda motion, path, video: write_page(motion, path)
    return lambda motion, path, video: motion.save(path)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    sides = [int(side) if side.isdigit() else 0 for side in (width, height)]
    if not all(1 <= side <= 65535 for side in sides):
        _wrong("--size", f"write it as WIDTHxHEIGHT in pixels, such as 1920x1080, not {text!r}")
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
        _tell(report.problem, head="warning: ", style="yellow")
    frames = "1 frame" if report.frames == 1 else f"{report.frames} frames, {motion.duration:.1f} s"
    seen = "every frame" if report.seen == report.frames else f"{report.seen} of them, the rest is filled in"
    _tell(f"{frames} at {motion.rate:.3g} fps; a person in {seen}")
    _tell(f"{report.kept} of {report.frames} frames kept in the model's middle layers")


def _tell_times(report: "Report") -> None:
    """Where the time went."""
    stages = ", ".join(f"{stage} {_seconds(seconds)}" for stage, seconds in report.seconds.items())
    pace = report.frames / report.elapsed
    _tell(f"{_seconds(report.elapsed)} in all, {pace:.0f} frames/s (busy: {stages}; stages overlap)")


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 0.95 else f"{1000 * value:.0f} ms"


def _amount(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
