"""``poseglass live``: lift a camera, a network stream, or a file as it plays."""

import json
import sys
import webbrowser
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from poseglass.commands.device import cores_left_to_detection
from poseglass.commands.outputs import checked_outputs, write_outputs
from poseglass.commands.terminal import console, tell, wrong
from poseglass.errors import PoseglassError
from poseglass.files.outputs import writers_in_words

if TYPE_CHECKING:
    from poseglass.body.pose import PoseSequence
    from poseglass.live.pace import Pace
    from poseglass.live.stream import Stream
    from poseglass.video.capture import Capture, CapturedFrame

    Sink = Callable[[PoseSequence, CapturedFrame, Pace], object]

__all__ = ["live"]


def live(
    source: Annotated[
        str,
        typer.Argument(
            help="The number of a camera (0), its device (/dev/video0), an address that FFmpeg opens (rtsp://...), or "
            "a video, which plays at its own rate."
        ),
    ],
    *,
    model: Annotated[
        str, typer.Option(help="Bundled weights (fast, balanced), a folder of weights, or a checkpoint.")
    ] = "fast",
    lookahead: Annotated[
        int, typer.Option(min=0, help="Frames to wait for: more are calmer and more accurate, and later.")
    ] = 2,
    detector: Annotated[
        str, typer.Option(help="The 2D detector: mediapipe, mediapipe-lite (faster) or mediapipe-heavy.")
    ] = "mediapipe",
    engine: Annotated[str, typer.Option(help="What runs the model: torch, openvino, onnxruntime, or auto.")] = "torch",
    focal: Annotated[
        float | None, typer.Option(help="Focal length in pixels. Default: that of an ordinary lens.")
    ] = None,
    smooth: Annotated[
        str | None, typer.Option(metavar="FILTER", help="one-euro, or one-euro:1 (its cut-off in Hz). Default: none.")
    ] = None,
    page: Annotated[bool, typer.Option("--page/--no-page", help="Show a page on this machine.")] = True,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The page's port. Default: a free one.")] = 0,
    record: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help=f"Write the motion at the end: {writers_in_words()}. May be repeated."),
    ] = None,
    json_lines: Annotated[
        str | None,
        typer.Option("--json-lines", metavar="FILE", help="Write each pose as a line of JSON; - for standard output."),
    ] = None,
    osc: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Send each pose as Open Sound Control over UDP.")
    ] = None,
) -> None:
    """Lift a camera, a network stream, or a video as it plays. Ctrl-C ends it."""
    from poseglass.detect import DETECTORS, make_detector
    from poseglass.live.stream import Stream

    if detector not in DETECTORS:
        wrong("--detector", f"there is no detector {detector!r}; choose one of {', '.join(DETECTORS)}")
    outputs = checked_outputs(record, Path(source)) if record else []
    with ExitStack() as stack:
        capture = _capture(source)
        stack.enter_context(closing(capture))
        with console.status("loading the models"):
            stream = Stream(
                model,
                lookahead=lookahead,
                detector=make_detector(detector),
                focal=focal,
                smooth=smooth,
                engine=engine,
            )
        recorded: dict[int, list[PoseSequence]] = {}  # by person
        sinks: list[Sink] = []
        if outputs:
            sinks.append(lambda pose, *_: recorded.setdefault(pose.person or 1, []).append(pose))
        if json_lines is not None:
            sinks.append(stack.enter_context(_json_lines(json_lines)))
        if osc is not None:
            sinks.append(stack.enter_context(_osc(osc)))
        if page:
            sinks.append(stack.enter_context(_page(f"{Path(source).name} live", stream, port, browser)))
        stack.enter_context(cores_left_to_detection())
        _lift(capture, stream, sinks)
    if recorded:
        _write(recorded, outputs, Path(source), focal)


def _capture(source: str) -> "Capture":
    from poseglass.video.capture import Capture
    from poseglass.video.live import is_camera

    if not is_camera(source) and not Path(source).exists():
        raise PoseglassError(f"there is no file {source}, and it is no camera (0, /dev/video0) and no address")
    return Capture(source)


def _lift(capture: "Capture", stream: "Stream", sinks: "list[Sink]") -> None:
    """Lift until the source ends or Ctrl-C, and print the pace."""
    from poseglass.live.pace import Pace

    pace, waiting, frames, poses = Pace(), deque["CapturedFrame"](), 0, 0
    with console.status("") as status:
        try:
            for frame in capture:
                frames += 1
                waiting.append(frame)
                pose = stream.push(frame.image, frame.seconds)
                if pose is None:
                    while len(waiting) > stream.lookahead:
                        waiting.popleft()
                    continue
                while waiting[0].seconds < pose.start:
                    waiting.popleft()
                own = waiting.popleft()
                pace.add(pose, own.arrived)
                for sink in sinks:
                    sink(pose, own, pace)
                poses += 1
                status.update(f"{pace.words()}, {capture.dropped} frames dropped; Ctrl-C ends")
        except KeyboardInterrupt:
            pass  # the usual way to end
        for pose, frame in zip(stream.finish(), waiting, strict=False):
            for sink in sinks:
                sink(pose, frame, pace)
            poses += 1
    tell(f"{frames} frames, {capture.dropped} dropped; {poses} poses: {pace.words()}")


@contextmanager
def _json_lines(name: str) -> "Iterator[Sink]":
    """Write a header, and a line for each pose."""
    from poseglass.live.records import HEADER, line_record

    def write(file: TextIO, record: object) -> None:
        file.write(json.dumps(record) + "\n")
        file.flush()

    with ExitStack() as stack:
        try:
            file = sys.stdout if name == "-" else stack.enter_context(Path(name).open("w", encoding="utf-8"))
        except OSError as problem:
            raise PoseglassError(f"{name} cannot be written: {problem.strerror}") from problem
        write(file, HEADER)
        yield lambda pose, *_: write(file, line_record(pose))


@contextmanager
def _osc(target: str) -> "Iterator[Sink]":
    from poseglass.live.osc import OscSender

    with closing(OscSender(target)) as sender:
        yield lambda pose, *_: sender.send(pose)


@contextmanager
def _page(title: str, stream: "Stream", port: int, browser: bool) -> "Iterator[Sink]":
    """Serve the page, and send it each pose with its image."""
    from poseglass.live.page_server import PageServer
    from poseglass.live.records import PageRecords
    from poseglass.show.viewer.live_page import live_page

    records = PageRecords()
    with closing(PageServer(live_page(title, stream.detector.skeleton), port=port)) as server:
        tell(f"the page is at {server.address}")
        if browser:
            webbrowser.open(server.address)
        yield lambda pose, frame, pace: server.send(records.message(pose, frame.image, pace))


def _write(recorded: "dict[int, list[PoseSequence]]", outputs: list[Path], source: Path, focal: float | None) -> None:
    """Write the poses of everybody who was followed, the longest first, placed in the world as offline."""
    from poseglass.body.concatenate import concatenate
    from poseglass.lifting.stopwatch import Stopwatch
    from poseglass.motion.placing import place_together

    ranked = sorted(recorded.values(), key=len, reverse=True)
    motions = place_together([concatenate(poses) for poses in ranked], focal=focal)
    motions = [replace(motion, person=number) for number, motion in enumerate(motions, 1)]
    write_outputs(motions, outputs, source, None, Stopwatch())
