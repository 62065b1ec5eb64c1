"""The options of ``poseglass lift`` that place people in the world."""

from pathlib import Path

import numpy as np
import pytest

import poseglass as pg
from conftest import Run
from poseglass.motion.placing import stature
from samples.commandline import HALPE, names, refused, succeeded

SIZE = ("--size", "1920x1080")


def test_the_motion_has_a_place_in_the_world(poseglass: Run, workdir: Path) -> None:
    result = poseglass("lift", HALPE, *SIZE, "-o", "walk.npz")
    succeeded(result)
    motion = pg.PoseSequence.load(workdir / "walk.npz")
    assert motion.trajectory.focal == 1.1 * 1920
    assert motion.world().points[0, 0, [0, 2]] == pytest.approx(0, abs=1e-3)
    assert "focal length is unknown" in result.err


def test_height_focal_and_level_are_taken(poseglass: Run, workdir: Path) -> None:
    result = poseglass("lift", HALPE, *SIZE, "-o", "walk.npz", "--height", "1.8", "--focal", "1500", "--level")
    succeeded(result)
    motion = pg.PoseSequence.load(workdir / "walk.npz")
    assert stature(motion.points) == pytest.approx(1.8, abs=1e-3)
    assert motion.trajectory.focal == 1500
    np.testing.assert_allclose(motion.trajectory.to_world[1, :3], [0, -1, 0], atol=1e-9)
    assert "focal length is unknown" not in result.err


def test_a_moving_camera_leaves_the_world_out(poseglass: Run, workdir: Path) -> None:
    succeeded(poseglass("lift", HALPE, *SIZE, "-o", "walk.npz", "--camera", "moving"))
    motion = pg.PoseSequence.load(workdir / "walk.npz")
    assert motion.trajectory.to_world is None
    assert np.isfinite(motion.root).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--height", "180"], ["--height", "from 0.3 to 3 metres, got 180"]),
        (["--pitch", "100"], ["--pitch", "from -90 to 90 degrees"]),
        (["--pitch", "10", "--level"], ["--level", "one of the two"]),
        (["--camera", "drone"], ["--camera", "auto, static, moving"]),
    ],
)
def test_wrong_options_are_refused(poseglass: Run, workdir: Path, options: list[str], words: list[str]) -> None:
    refused(poseglass("lift", HALPE, *options), *words, code=2)
    assert names(workdir) == set()
