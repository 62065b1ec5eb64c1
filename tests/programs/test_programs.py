"""Exported files, as the programs they are for see them. `make test-programs` installs these programs."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.mocap.formats import read_motion
from poseglass.mocap.gltf import write_glb
from poseglass.mocap.rigid import RigidMotion
from poseglass.motion.exporting import Export
from samples import programs
from samples.animations import placed_walk, random_animation

CLOSE = 1e-5  # metres, as docs/files.md says


@pytest.fixture(scope="module")
def export() -> Export:
    return Export(placed_walk(60))


@pytest.mark.parametrize("suffix", [".bvh", ".glb"])
def test_blender_puts_the_joints_where_the_rig_has_them(tmp_path: Path, export: Export, suffix: str) -> None:
    export.motion.save(path := tmp_path / f"walk{suffix}")
    result = programs.python("blender", "blender_joints.py", path, export.animation.fps)
    assert {*result["names"]} == {*export.animation.names}
    x, y, z = export.animation.positions[:, [export.animation.index(name) for name in result["names"]]].T
    expected = np.stack([x, -z, y]).T  # Blender's z points up, and its y away from the viewer
    heads = np.array(result["heads"])
    assert heads.shape == expected.shape
    assert np.linalg.norm(heads - expected, axis=-1).max() < CLOSE
    assert result["fps"] == 30
    if suffix == ".glb":
        assert min(result["lowest"]) > -0.1  # the body stands on the floor


@pytest.mark.parametrize("seed", range(2))
def test_blender_agrees_on_any_skeleton(tmp_path: Path, seed: int) -> None:
    animation = random_animation(seed, joints=12, frames=4, fps=30)
    write_glb(animation, tmp_path / "any.glb")
    result = programs.python("blender", "blender_joints.py", tmp_path / "any.glb", 30)
    x, y, z = animation.positions[:, [animation.index(name) for name in result["names"]]].T
    assert_allclose(result["heads"], np.stack([x, -z, y]).T, atol=CLOSE)


@pytest.mark.parametrize("suffix", [".bvh", ".glb"])
def test_what_blender_exports_is_read(tmp_path: Path, export: Export, suffix: str) -> None:
    write_glb(export.animation, tmp_path / "walk.glb")
    programs.python("blender", "blender_export.py", tmp_path / "walk.glb", path := tmp_path / f"again{suffix}", 30)
    again = read_motion(path)
    assert isinstance(again, RigidMotion)
    positions = export.animation.positions
    if suffix == ".bvh":  # Blender writes its own axes, z up
        x, y, z = positions.T
        positions = np.stack([x, -z, y]).T
    for joint, name in enumerate(export.animation.names):
        assert_allclose(again.joint(name), positions[:, joint], atol=CLOSE)
    assert again.fps == 30


def test_the_gltf_validator_has_no_objections(tmp_path: Path, export: Export) -> None:
    export.motion.save(tmp_path / "walk.glb")
    write_glb(random_animation(3, joints=1, frames=1), tmp_path / "point.glb")
    for name in ("walk.glb", "point.glb"):
        issues = programs.node("validate.js", tmp_path / name)
        assert issues["messages"] == []
        assert issues["numErrors"] == issues["numWarnings"] == issues["numInfos"] == issues["numHints"] == 0


def test_opensim_loads_points_and_angles(tmp_path: Path, export: Export) -> None:
    export.motion.save(tmp_path / "walk.trc")
    export.motion.save(tmp_path / "walk.mot")
    result = programs.python("opensim", "opensim_tables.py", tmp_path / "walk.trc", tmp_path / "walk.mot")
    assert result["markers"] == [*export.points.names]
    assert (result["units"], float(result["rate"]), result["degrees"]) == ("mm", 30, True)
    assert_allclose(result["times"], export.motion.times, atol=1e-6)
    assert_allclose(np.array(result["points"]) / 1000, export.points.points, atol=1e-6)
    assert result["coordinates"] == [*export.angles.names]
    assert_allclose(result["angles"], export.angles.values, atol=1e-6)


def test_ezc3d_reads_the_points(tmp_path: Path, export: Export) -> None:
    export.motion.save(tmp_path / "walk.c3d")
    result = programs.python("opensim", "ezc3d_points.py", tmp_path / "walk.c3d")
    assert result["names"] == [*export.points.names]
    assert (result["units"], result["up"], result["rate"]) == (["mm"], ["+Y"], 30)
    known = np.isfinite(export.points.points).all(-1)
    assert_allclose(np.array(result["points"])[known] / 1000, export.points.points[known], atol=1e-6)
    assert (np.array(result["residuals"]) == np.where(known, 0, -1)).all()
    assert (~known).any()
