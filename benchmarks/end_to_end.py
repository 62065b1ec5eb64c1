"""Measure a video's way to 3D motion: python benchmarks/end_to_end.py [VIDEO] [--rounds N]. Default: the demo video.

The first table has the processor time of each stage, run alone, in milliseconds per frame. The second has the speed of
the whole command, with and without a rendered video, and of MediaPipe alone on the same frames, in turns. The machine
must be idle; the script prints how busy it was before.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import cv2
import mediapipe

from poseglass.body.pose import PoseSequence
from poseglass.detect.fetch import TASKS, detector_model
from poseglass.lifting.lifter import Lifter
from poseglass.show.rendering.renderer import Renderer
from poseglass.show.stage import set_stage
from poseglass.video._ffmpeg import av
from poseglass.video.reading import VideoReader
from poseglass.video.spool import Spool
from poseglass.video.writing import VideoWriter

BATCH = 30  # frames that are held at a time between two stages


class Stages:
    """Adds up the processor time of stages that take batches of frames."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.elapsed: dict[str, float] = {}

    def __call__(self, stage: str, function, *arguments):
        """Call a function and count its time for a stage."""
        wall, start = perf_counter(), process_time()
        result = function(*arguments)
        self.seconds[stage] = self.seconds.get(stage, 0.0) + process_time() - start
        self.elapsed[stage] = self.elapsed.get(stage, 0.0) + perf_counter() - wall
        return result


def batches(items: Iterable) -> Iterable[list]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def decode(path: Path) -> int:
    """Decode without conversion to RGB."""
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        return sum(1 for _ in container.decode(video=0))


def read(path: Path) -> int:
    """Decode and convert."""
    return sum(1 for _ in VideoReader(path))


def measure_stages(path: Path, lifter: Lifter) -> tuple[int, Stages, PoseSequence]:
    """Run one stage after the other. Returns the number of frames, the times and the motion."""
    stages = Stages()
    frames = stages("decode", decode, path)
    stages("read", read, path)
    stages.seconds["convert"] = stages.seconds.pop("read") - stages.seconds["decode"]
    motion = lifter.lift(path)
    with VideoReader(path) as video, Spool(video) as spool, tempfile.TemporaryDirectory() as folder:
        for batch in batches(video):
            stages("detect", lambda: [lifter.detector.detect(frame.image, frame.seconds) for frame in batch])  # noqa: B023
            stages("keep pictures", lambda: [spool.add(frame) for frame in batch])  # noqa: B023
        stages("lift and place", lifter.lift, motion.pose2d)
        stage = set_stage(motion)
        renderer = Renderer(stage, size=motion.size)
        with VideoWriter(Path(folder) / "x.mp4", fps=stage.rate, size=renderer.size) as writer:
            pictures = iter(spool.reader((1080, 540)))
            for ticks in batches(range(len(stage))):
                images = stages("load pictures", lambda: [next(pictures).image for _ in ticks])  # noqa: B023
                drawn = stages(
                    "draw",
                    lambda: [renderer.draw(t, image) for t, image in zip(ticks, images, strict=True)],  # noqa: B023
                )
                stages("encode", lambda: [writer.write(picture) for picture in drawn])  # noqa: B023
    return frames, stages, motion


def command(path: Path, output: str) -> tuple[float, float]:
    """Frames per second and busy cores, as the command reports them: without starting Python and loading weights."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["lift", str(path.absolute()), "-o", str(Path(folder) / output)]
        program = [sys.executable, "-m", "poseglass", *arguments]
        done = subprocess.run(program, capture_output=True, text=True, check=True)
    pace, cores = re.findall(r"([\d.]+) frames/s on ([\d.]+) of \d+ cores", done.stderr)[-1]
    return float(pace), float(cores)


def mediapipe_alone(path: Path) -> tuple[float, float]:
    """Frames per second and busy cores of MediaPipe's own example: OpenCV decodes, one frame after the other."""
    tasks = mediapipe.tasks
    options = tasks.vision.PoseLandmarkerOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(detector_model(TASKS["full"]))),
        running_mode=tasks.vision.RunningMode.VIDEO,
    )
    capture, count = cv2.VideoCapture(str(path)), 0
    with tasks.vision.PoseLandmarker.create_from_options(options) as landmarker:
        wall, start = perf_counter(), process_time()
        while (frame := capture.read()[1]) is not None:
            image = mediapipe.Image(mediapipe.ImageFormat.SRGB, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
            landmarker.detect_for_video(image, round(1000 * count / 30))
            count += 1
        wall = perf_counter() - wall
    return count / wall, (process_time() - start) / wall


def main(path: Path, rounds: int) -> None:
    print(f"{os.getloadavg()[0]:.1f} of {os.cpu_count()} cores busy in the last minute")
    lifter = Lifter()
    lifter.lift(path)  # warms everything up
    runs = [measure_stages(path, lifter) for _ in range(rounds)]
    frames = runs[0][0]
    print(f"\n{path.name}, {frames} frames; processor time of {rounds} rounds, each stage alone\n")
    print("| stage | ms per frame |\n|---|---|")
    names = list(runs[0][1].seconds)
    names.insert(1, names.pop(names.index("convert")))
    for name in names:
        print(f"| {name} | {1000 / frames * median(stages.seconds[name] for _, stages, _ in runs):.1f} |")
    ways = {
        "video to 3D": lambda: command(path, "x.npz"),
        "the same, and a rendered video": lambda: command(path, "x.mp4"),
        "MediaPipe alone": lambda: mediapipe_alone(path),
    }
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            results[name].append(way())
    print(f"\n| | frames/s, median of {rounds} | from | to | busy cores |\n|---|---|---|---|---|")
    for name, pairs in results.items():
        paces, cores = zip(*pairs, strict=True)
        print(f"| {name} | {median(paces):.0f} | {min(paces):.0f} | {max(paces):.0f} | {median(cores):.1f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", nargs="?", type=Path, default=Path(".cache/demo.mp4"))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    main(options.video, options.rounds)
