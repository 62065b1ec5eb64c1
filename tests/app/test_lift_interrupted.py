"""Ctrl-C in each stage of ``poseglass lift`` stops it at once and leaves only complete files."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from poseglass import PoseSequence
from samples.commandline import film, names

# Slows the detector down, and prints a line when the stage to interrupt is running.
SLOW = """
import signal, sys, time

# As in a terminal: a shell that starts the tests in the background has Ctrl-C ignored by all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

import numpy as np
import poseglass.detect
from poseglass import COCO_17
from poseglass.commands.app import main
from poseglass.detect import Detector
from poseglass.video.writing import VideoWriter

at = sys.argv[1]

def work(stage):
    if stage == at:
        print("now", flush=True)
        time.sleep(0.3)

class Slow(Detector):
    skeleton = COCO_17
    def __init__(self, weights): pass
    def detect(self, image, seconds):
        work("detect")
        return np.random.default_rng(0).uniform(10, 80, (1, 17, 3)).astype("f")

def slow_write(self, image):
    work("render")
    write(self, image)

def slow_save(file, **arrays):
    if at == "save":
        file.write(b"PK half of it")
        file.flush()
    work("save")
    save(file, **arrays)

write, VideoWriter.write = VideoWriter.write, slow_write
save, np.savez_compressed = np.savez_compressed, slow_save
poseglass.detect.DETECTORS["mediapipe"] = Slow
main(sys.argv[2:])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix's")
class TestInterrupted:
    def interrupt(self, workdir: Path, stage: str, *, when: str | None = None) -> set[str]:
        """Press Ctrl-C during a stage, once a file exists, and return the names of the files that are left."""
        film(workdir / "walk.mp4", 60)
        (workdir / "walk.npz").write_text("the one before")
        arguments = ["lift", "walk.mp4", "-o", "walk3d.mp4", "-o", "walk.npz", "-o", "walk.csv"]
        command = [sys.executable, "-c", SLOW, stage, *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=workdir, start_new_session=True
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "now\n"
            while when is not None and not (workdir / when).exists():
                assert process.poll() is None
                time.sleep(0.05)
            start = time.monotonic()
            process.send_signal(signal.SIGINT)
            try:
                _, err = process.communicate(timeout=8)
            except subprocess.TimeoutExpired:  # a busy machine once lost the signal: send it again
                process.send_signal(signal.SIGINT)
                _, err = process.communicate(timeout=90)
        finally:
            process.kill()
        assert process.returncode == 130, err
        assert time.monotonic() - start < 15, "it does not wait for the remaining frames, which take 18 s"
        assert "Traceback" not in err
        assert err.splitlines()[-1] == "interrupted; no file is left half-written"
        return names(workdir)

    def test_ctrl_c_while_detecting_keeps_the_old_file(self, workdir: Path) -> None:
        assert self.interrupt(workdir, "detect") == {"walk.mp4", "walk.npz"}
        assert (workdir / "walk.npz").read_text() == "the one before"

    def test_ctrl_c_while_writing_the_motion_keeps_the_old_file(self, workdir: Path) -> None:
        assert self.interrupt(workdir, "save") == {"walk.mp4", "walk.npz"}
        assert (workdir / "walk.npz").read_text() == "the one before"

    def test_ctrl_c_while_drawing_keeps_the_motion_already_written(self, workdir: Path) -> None:
        assert self.interrupt(workdir, "render", when="walk.csv") == {"walk.mp4", "walk.npz", "walk.csv"}
        assert len(PoseSequence.load(workdir / "walk.npz")) == 60, "the motion was written before the pictures"
