"""``poseglass lift --smooth``."""

import re
from pathlib import Path

import numpy as np
import pytest

from conftest import Run
from poseglass import PoseSequence
from poseglass.motion.smoothing import jitter, smooth
from samples.commandline import DATA, refused, succeeded

SOURCE = DATA / "movenet_coco17_named.json"


@pytest.mark.parametrize("by", ["one-euro", "butterworth:6", "savgol"])
def test_the_motion_is_smoothed_and_the_jitter_printed(poseglass: Run, workdir: Path, by: str) -> None:
    succeeded(poseglass("lift", SOURCE, "--fps", 30, "-o", "plain.npz"))
    done = poseglass("lift", SOURCE, "--fps", 30, "--smooth", by, "-o", "smooth.npz")
    succeeded(done)
    plain, smoothed = PoseSequence.load("plain.npz"), PoseSequence.load("smooth.npz")
    np.testing.assert_allclose(smoothed.points, smooth(plain, by).points, atol=1e-6)
    printed = re.search(rf"jitter ([\d.]+) before {by}, ([\d.]+) after \(10 m/s\^3\)", done.err)
    assert printed is not None
    np.testing.assert_allclose([float(x) for x in printed.groups()], [jitter(plain), jitter(smoothed)], atol=0.06)


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("kalman", "no filter is called 'kalman'"),
        ("butterworth:fast", "expected the cut-off in Hz after the colon"),
        ("butterworth:15", "must lie below half the frame rate, 15 Hz, got 15"),
    ],
)
def test_other_filters_are_refused_before_the_work_starts(poseglass: Run, workdir: Path, by: str, message: str) -> None:
    done = poseglass("lift", SOURCE, "--fps", 30, "--smooth", by, "-o", "walk.npz")
    refused(done, "--smooth", message, code=2)
    assert not Path("walk.npz").exists()
