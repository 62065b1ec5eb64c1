"""``poseglass lift``: lift a video or 2D keypoints to 3D motion."""

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

import typer

from poseglass.commands.device import DeviceOption, chosen_device, cores_left_to_detection, tell_device
from poseglass.commands.engine import EngineOption, engine_for
from poseglass.commands.keep import FORMS, parse_keep
from poseglass.commands.outputs import checked_outputs, spooling, write_outputs
from poseglass.commands.placing import CameraOption, HeightOption, LevelOption, PitchOption, chosen_placing
from poseglass.commands.progress import progress, tell_lifted, tell_times
from poseglass.commands.terminal import console, tell, wrong
from poseglass.errors import PoseError, PoseglassError
from poseglass.files.outputs import writer_of, writers_in_words

if TYPE_CHECKING:
    import torch

    from poseglass.body.pose import PoseSequence
    from poseglass.detect import Detector
    from poseglass.lifting.lifter import Lifter
    from poseglass.lifting.source import Keypoints
    from poseglass.lifting.stopwatch import Stopwatch
    from poseglass.motion.placing import Placing
    from poseglass.video.reading import Frame, VideoReader
    from poseglass.video.spool import Spool
    from poseglass.waist.schedule import Keep

__all__ = ["lift"]


class Settings(TypedDict):
    """Settings of the lifter other than its models."""

    flip: bool
    focal: float | None
    placing: "Placing"
    detect_every: int
    engine: str


def lift(
    source: Annotated[
        Path,
        typer.Argument(
            help="A video or image, a folder or pattern of images (frames/%04d.png), a file of 2D keypoints, or "
            "an OpenPose folder."
        ),
    ],
    *,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help=f"File to write. The suffix decides what it holds: {writers_in_words()}. May be repeated. Of several "
            "people, formats that hold one get a file each: walk.csv, walk-2.csv, ... A pipe without a suffix, such as "
            "/dev/stdout, gets JSON. "
            "Default: the source's name with -3d.npz, in the current folder.",
        ),
    ] = None,
    people: Annotated[
        str,
        typer.Option(
            help="Whom to lift: largest (the most prominent person over the whole clip), all, or the number of people, "
            "the most prominent first. Finding several people in a video takes about twice as long."
        ),
    ] = "largest",
    person: Annotated[
        int | None,
        typer.Option(
            min=1, help="Lift only this person, by the number that --people all gives them: 1 is the largest."
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="Bundled weights (balanced, fast), a folder of weights, or a checkpoint such as hot_mixste.pth."
        ),
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
    engine: EngineOption = "torch",
    focal: Annotated[
        float | None,
        typer.Option(
            help="Focal length in pixels, if known: corrects the pose of people away from the image's centre, and how "
            "far away they are. With keypoints, give --size too. Default: the video's metadata, else that of an "
            "ordinary lens."
        ),
    ] = None,
    height: HeightOption = None,
    pitch: PitchOption = None,
    level: LevelOption = False,
    camera: CameraOption = "auto",
    smooth: Annotated[
        str | None,
        typer.Option(
            metavar="FILTER",
            help="Smooth the motion: butterworth:6 (cut-off in Hz) or savgol without lag, or one-euro, which lags. "
            "Default: not at all.",
        ),
    ] = None,
    layout: Annotated[str | None, typer.Option(help="Keypoint files: the order of the joints, such as coco17.")] = None,
    size: Annotated[
        str | None, typer.Option(help="Keypoint files: width and height of the image in pixels, such as 1920x1080.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Keypoint files, several images and raw streams: frames per second.")
    ] = None,
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
    detect_every: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Videos: detect people in every Nth frame only, and interpolate in between: faster, less accurate.",
        ),
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Videos: the detector's minimum confidence in a person. Default: 0.5; lower finds more."
        ),
    ] = None,
    embed_video: Annotated[
        bool, typer.Option("--embed-video", help="Videos: store a small copy in the .html page, beside the figure.")
    ] = False,
) -> None:
    """Lift a video or 2D keypoints to 3D motion."""
    from poseglass.detect import DETECTORS, make_detector
    from poseglass.lifting.source import KEYPOINT_KINDS, Keypoints, is_without_clock, open_source, source_kind
    from poseglass.video.image_files import is_pattern
    from poseglass.video.live import refuse_live

    refuse_live(source)
    keypoints = source_kind(source) == "keypoints"
    kind = f"{source} is treated as {'keypoints' if keypoints else 'a video'} (keypoints are {KEYPOINT_KINDS})"
    of_keypoints = {"--layout": layout, "--size": size, "--fps": None if is_without_clock(source) else fps}
    of_videos = {
        "--detector": detector,
        "--detector-model": detector_model,
        "--detect-every": detect_every,
        "--confidence": confidence,
        "--embed-video": True if embed_video else None,
    }
    for option, value in (of_videos if keypoints else of_keypoints).items():
        if value is not None:
            frames = "keypoints, several images and raw streams" if option == "--fps" else "keypoints"
            wrong(option, f"it is for {'videos' if keypoints else frames} only, but {kind}")
    if fps is not None and not 0.01 <= fps <= 1000:
        wrong("--fps", f"frames per second must be a number from 0.01 to 1000, not {fps:g}")
    if focal is not None and not 0 < focal < math.inf:
        wrong("--focal", f"the focal length must be a number of pixels above 0, not {focal:g}")
    placing = chosen_placing(height, pitch, level, camera)
    if smooth is not None:
        _check_filter(smooth)
    whom = _people(people, person)
    pixels, kept = _size(size), None if keep is None else parse_keep(keep)
    named = source.resolve().parent if is_pattern(source) else source.resolve()
    outputs = checked_outputs(out or [Path(f"{named.stem}-3d.npz")], source)
    if embed_video and not any((writer := writer_of(path)) and writer.embeds for path in outputs):
        wrong("--embed-video", "it needs an output that can hold the video: add -o NAME.html")
    if not source.exists() and not is_pattern(source):
        raise PoseglassError(f"there is no file {source}")
    opened = open_source(source, layout=layout, size=pixels, fps=fps)  # its errors come before the models are loaded
    if focal is not None and isinstance(opened, Keypoints) and opened.main.size is None:
        wrong("--focal", f"it needs the image's size, which {source} does not state: give --size too")
    if smooth is not None:
        _check_filter(smooth, opened.main.rate if isinstance(opened, Keypoints) else opened.info.fps)
    if detector is not None and detector not in DETECTORS:
        wrong("--detector", f"there is no detector {detector!r}; choose one of {', '.join(DETECTORS)}")
    where = None if device == "cpu" else chosen_device(device)  # nothing is printed about the default
    engine = engine_for(engine, where)
    settings: Settings = {
        "flip": flip, "focal": focal, "placing": placing, "detect_every": detect_every or 1, "engine": engine,
    }  # fmt: skip
    finder = (
        None if keypoints else partial(make_detector, detector or "mediapipe", detector_model, confidence=confidence)
    )
    lifter = _lifter(model, kept, where, settings, detector=finder)
    _lift_and_write(lifter, opened, whom, person, smooth=smooth, source=source, outputs=outputs, embed=embed_video)
    if where is not None or engine != "torch":
        tell_device(where, engine)


def _lifter(
    model: str,
    keep: "Keep | None",
    where: "torch.device | None",
    settings: "Settings",
    *,
    detector: "Callable[[], Detector] | None",
) -> "Lifter":
    """The lifter, with its models loaded, and no detector for keypoints."""
    from poseglass.lifting.lifter import Lifter
    from poseglass.weights import files as weights

    with console.status("loading the model"):
        network = weights.load(model, keep=keep, device=where)
    if detector is None:
        return Lifter(network, **settings)
    with console.status("loading the detector (its weights are downloaded on first use)"):
        return Lifter(network, **settings, detector=detector())


def _lift_and_write(
    lifter: "Lifter",
    opened: "Keypoints | VideoReader",
    people: Literal["largest", "all"] | int,
    person: int | None,
    *,
    smooth: str | None,
    source: Path,
    outputs: Sequence[Path],
    embed: bool,
) -> None:
    """Lift with a progress bar, smooth if wanted, and write all outputs."""
    from poseglass.lifting.stopwatch import Stopwatch

    stopwatch = Stopwatch()
    with spooling(outputs, opened, embed=embed) as spool:
        motions = _lifted(lifter, opened, people, stopwatch, spool)
        assert lifter.report is not None
        if person is not None:
            if len(motions) < person:
                count = "1 person" if lifter.report.people == 1 else f"{lifter.report.people} people"
                wrong("--person", f"{source} shows {count} only")
            motions = motions[person - 1 : person]
        tell_lifted(lifter.report, motions)
        if smooth is not None:
            motions = _smoothed(motions, smooth)
        write_outputs(motions, outputs, source, spool, stopwatch, embed=embed)
    tell_times(lifter.report, stopwatch)


def _lifted(
    lifter: "Lifter",
    opened: "Keypoints | VideoReader",
    people: Literal["largest", "all"] | int,
    stopwatch: "Stopwatch",
    spool: "Spool | None",
) -> "Sequence[PoseSequence]":
    """Lift the people, and keep the pictures that drawing needs.

    The progress is that of lifting one person, or of detecting several in a video.
    """
    from poseglass.body.pose import PoseSequence
    from poseglass.lifting.source import Keypoints
    from poseglass.people.tracks import how_many

    if isinstance(opened, Keypoints):
        total: int | None = len(opened.people[: how_many(people)]) * len(opened.main)
    else:
        total = opened.info.frames
    detecting = people != "largest" and not isinstance(opened, Keypoints)
    words = ("detecting", "detected people in") if detecting else ("lifting", "lifted")
    shared = nullcontext() if isinstance(opened, Keypoints) else cores_left_to_detection()
    with progress(*words, total) as advance, shared:

        def on_frame(frame: "Frame") -> None:
            if spool is not None:
                with stopwatch.timing("keep pictures"), stopwatch.timing("decode", sign=-1):
                    spool.add(frame)
            if detecting:
                advance(1)

        motions = lifter.lift(
            opened,
            people=people,
            each=None if detecting else lambda chunk: advance(len(chunk)),
            on_frame=on_frame if detecting or spool is not None else None,
            stopwatch=stopwatch,
        )
    return [motions] if isinstance(motions, PoseSequence) else motions


def _check_filter(by: str, rate: float = math.inf) -> None:
    from poseglass.motion.smoothing import parse_filter

    try:
        parse_filter(by, rate)
    except PoseError as problem:
        wrong("--smooth", str(problem))


def _smoothed(motions: "Sequence[PoseSequence]", by: str) -> "Sequence[PoseSequence]":
    """Smooth everybody, and print what it did to their jitter."""
    from poseglass.motion.smoothing import jitter, smooth

    smoothed = [smooth(motion, by) for motion in motions]
    for before, after in zip(motions, smoothed, strict=True):
        who = "" if len(motions) == 1 else f"person {before.person}: "
        if len(before) > 3:
            tell(f"{who}jitter {jitter(before):.1f} before {by}, {jitter(after):.1f} after (10 m/s^3)")
    return smoothed


def _people(people: str, person: int | None) -> Literal["largest", "all"] | int:
    """Whom to lift: the value of ``--people``, or as many as it takes to know the one that ``--person`` names."""
    if person is not None:
        if people != "largest":
            wrong("--person", "it chooses one person: leave out --people")
        return person
    if people in ("largest", "all"):
        return people  # type: ignore[return-value]  # mypy does not narrow a str by `in`
    if not people.isdigit() or int(people) < 1:
        wrong("--people", f"choose largest, all or a number from 1, not {people!r}")
    return int(people)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    sides = [int(side) if side.isdigit() else 0 for side in (width, height)]
    if not all(1 <= side <= 65535 for side in sides):
        wrong("--size", f"expected WIDTHxHEIGHT in pixels, such as 1920x1080, not {text!r}")
    return sides[0], sides[1]
