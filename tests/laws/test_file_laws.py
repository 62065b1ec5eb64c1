"""Laws of files: reading what was written gives it back, for any motion."""

import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from poseglass.mocap.animation import Animation
from poseglass.mocap.bvh import read_bvh, write_bvh
from poseglass.mocap.c3d import read_c3d, write_c3d
from poseglass.mocap.gltf import read_glb, write_glb
from poseglass.mocap.smpl import SmplMotion, read_amass, write_amass
from poseglass.mocap.storage import Columns, read_mot, write_mot
from poseglass.mocap.tracks import PointTracks
from poseglass.mocap.trc import read_trc, write_trc
from samples.animations import random_animation

RATES = st.sampled_from([1.0, 23.976, 24.0, 25.0, 29.97, 30000 / 1001, 30.0, 50.0, 59.94, 60.0, 120.0])
NAMES = st.text(string.ascii_letters + string.digits + "_.-", min_size=1, max_size=12)

# The objects are built in the tests: the checks of types draw random numbers, which strategies must not.
ANIMATIONS = st.fixed_dictionaries(
    {"seed": st.integers(0, 10**6), "joints": st.integers(1, 12), "frames": st.integers(1, 6), "fps": RATES}
)


def random_points(seed: int, shape: tuple[int, int]) -> np.ndarray:
    """Points of a person in a room, some of them unknown."""
    generator = np.random.default_rng(seed)
    points = generator.uniform(-5, 5, (*shape, 3))
    points[generator.random(shape) < 0.2] = np.nan
    return points


@pytest.mark.parametrize(
    ("write", "read", "unit", "tolerance"), [(write_bvh, read_bvh, 0.01, 1e-6), (write_glb, read_glb, None, 1e-5)]
)
@given(arguments=ANIMATIONS)
def test_an_animation_comes_back(tmp_path: Path, write, read, unit, tolerance, arguments: dict) -> None:
    animation, path = random_animation(**arguments), tmp_path / "motion"
    write(animation, path)
    again = Animation.from_bones(read(path), unit=unit)
    assert {*again.names} == {*animation.names}
    order = [again.index(name) for name in animation.names]
    parents = [again.parents[joint] for joint in order]
    assert [p if p < 0 else order.index(p) for p in parents] == [*animation.parents]
    assert_allclose(again.rest[order], animation.rest, atol=tolerance)
    assert_allclose(again.rotations[:, order], animation.rotations, atol=tolerance)
    assert_allclose(again.root, animation.root, atol=tolerance)
    assert_allclose(again.positions[:, order], animation.positions, atol=5 * tolerance)
    assert again.fps == pytest.approx(animation.fps, rel=1e-9)


@pytest.mark.parametrize(("write", "read"), [(write_trc, read_trc), (write_c3d, read_c3d)])
@given(
    seed=st.integers(0, 10**6),
    names=st.lists(NAMES, min_size=1, max_size=6, unique=True),
    frames=st.integers(1, 6),
    fps=RATES,
)
def test_points_come_back(tmp_path: Path, write, read, seed: int, names: list[str], frames: int, fps: float) -> None:
    if read is read_c3d:
        pytest.importorskip("c3d")
    points = PointTracks(tuple(names), random_points(seed, (frames, len(names))), fps, unit=1.0)
    write(points, tmp_path / "points")
    again = read(tmp_path / "points")
    assert again.names == points.names
    assert again.unit == 0.001
    assert_allclose(again.points / 1000, points.points, atol=1e-6)  # NaN equals NaN
    assert again.fps == pytest.approx(points.fps, rel=1e-6)


@given(seed=st.integers(0, 10**6), frames=st.integers(1, 5), fps=RATES)
def test_an_smpl_motion_comes_back(tmp_path: Path, seed: int, frames: int, fps: float) -> None:
    generator = random_animation(seed, joints=22, frames=frames)
    motion = SmplMotion(generator.rotations, generator.root, fps)
    write_amass(motion, tmp_path / "walk.npz")
    again = read_amass(tmp_path / "walk.npz")
    assert_allclose(again.rotations, motion.rotations, atol=1e-12)
    assert_allclose(again.translation, motion.translation)
    assert again.fps == fps


@given(seed=st.integers(0, 10**6), names=st.lists(NAMES, min_size=1, max_size=6, unique=True), degrees=st.booleans())
def test_columns_come_back(tmp_path: Path, seed: int, names: list[str], degrees: bool) -> None:
    generator = np.random.default_rng(seed)
    values = generator.uniform(-360, 360, (4, len(names)))
    values[generator.random(values.shape) < 0.1] = np.nan
    columns = Columns(tuple(names), values, np.arange(4) / 30, degrees)
    write_mot(columns, tmp_path / "angles.mot")
    again = read_mot(tmp_path / "angles.mot")
    assert (again.names, again.degrees) == (columns.names, degrees)
    assert_allclose(again.values, values, atol=1e-6)
    assert_allclose(again.times, columns.times, atol=1e-6)
