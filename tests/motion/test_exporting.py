"""Motions in files for other programs: the same joints in each, in the world, on an even clock."""

import logging
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import PoseError
from poseglass.files.outputs import WRITERS
from poseglass.mocap.animation import Animation
from poseglass.mocap.bvh import read_bvh
from poseglass.mocap.formats import read_tracks
from poseglass.mocap.gltf import read_glb
from poseglass.mocap.smpl import SMPL_JOINTS, read_amass
from poseglass.mocap.storage import read_mot
from poseglass.motion import exporting
from poseglass.motion.exporting import Export
from poseglass.motion.rig import fit_rig
from samples.animations import placed_walk

EXPORTED = [suffix for suffix, writer in WRITERS.items() if writer.exports]


@pytest.fixture(scope="module")
def motion():
    return placed_walk(60)


@pytest.mark.parametrize(("suffix", "read", "unit"), [(".bvh", read_bvh, 0.01), (".glb", read_glb, None)])
def test_skeletons_move_as_the_rig_does(tmp_path, motion, suffix, read, unit):
    path = motion.save(tmp_path / f"walk{suffix}")
    again, rig = Animation.from_bones(read(path), unit=unit), fit_rig(motion).animation
    for name in rig.names:
        assert_allclose(again.positions[:, again.index(name)], rig.positions[:, rig.index(name)], atol=1e-5)
    assert again.fps == 30


@pytest.mark.parametrize("suffix", [".trc", ".c3d"])
def test_points_are_the_joints_in_the_world(tmp_path, motion, suffix):
    tracks = read_tracks(motion.save(tmp_path / f"walk{suffix}"))
    assert tracks.names == motion.skeleton.joints
    assert_allclose(tracks.points[motion.validity] / 1000, motion.world().points[motion.validity], atol=1e-5)
    assert np.isnan(tracks.points[~motion.validity]).all()
    assert (~motion.validity).any()
    assert (tracks.fps, tracks.unit) == (30, 0.001)


def test_unknown_joints_are_unknown_points(tmp_path, motion):
    scores = motion.confidence.copy()
    scores[2, 5] = 0
    tracks = read_tracks(replace(motion, scores=scores).save(tmp_path / "walk.trc"))
    unknown = np.argwhere(np.isnan(tracks.points[:40]).all(-1))
    assert unknown.tolist() == [[2, 5]]


def test_smpl_turns_as_the_rig_does(tmp_path, motion):
    again, rig = read_amass(motion.save(tmp_path / "walk.amass.npz")), fit_rig(motion).animation
    up = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    pelvis = again.rotations[:, SMPL_JOINTS.index("pelvis")]
    assert_allclose(pelvis, up @ rig.orientations[:, rig.index("Hips")], atol=1e-9)
    assert_allclose(again.translation, rig.root @ up.T, atol=1e-9)


def test_angles_are_those_of_opensim(tmp_path, motion):
    columns = read_mot(motion.save(tmp_path / "walk.mot"))
    assert columns.degrees
    assert_allclose(columns.values, Export(motion).angles.values, atol=1e-6)
    assert_allclose(columns.times, motion.times, atol=1e-6)


@pytest.mark.parametrize("suffix", EXPORTED)
def test_an_export_writes_what_the_motion_writes(tmp_path, motion, suffix):
    motion.save(tmp_path / f"motion{suffix}")
    WRITERS[suffix].load()(Export(motion), tmp_path / f"export{suffix}")
    first, second = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("motion", "export"))
    assert first.replace(b"motion", b"export") == second


def test_several_files_share_one_rig(tmp_path, motion, monkeypatch):
    fits = []
    monkeypatch.setattr(exporting, "fit_rig", lambda motion: fits.append(motion) or fit_rig(motion))
    export = Export(motion)
    for suffix in EXPORTED:
        WRITERS[suffix].load()(export, tmp_path / f"walk{suffix}")
    assert len(fits) == 1


def test_a_motion_without_a_place_is_written_upright_and_that_is_said_once(tmp_path, motion, caplog):
    unplaced = replace(motion, trajectory=replace(motion.trajectory, to_world=None))  # as from a moving camera
    with caplog.at_level(logging.INFO, logger="poseglass"):
        export = Export(unplaced)
        for suffix in EXPORTED:
            WRITERS[suffix].load()(export, tmp_path / f"walk{suffix}")
    assert len([record for record in caplog.records if "no place in the world" in record.message]) == 1
    points = read_tracks(tmp_path / "walk.trc").points / 1000
    valid = unplaced.validity
    assert_allclose(points[valid], unplaced.points[valid] * [1, -1, -1], atol=1e-6)
    assert_allclose(read_bvh(tmp_path / "walk.bvh").positions[:, 0], 0, atol=2)  # centimetres: the pelvis
    assert not [name for name in read_mot(tmp_path / "walk.mot").names if name.startswith("pelvis")]


def test_a_motion_with_a_place_is_written_without_a_word(tmp_path, motion, caplog):
    with caplog.at_level(logging.INFO, logger="poseglass"):
        motion.save(tmp_path / "walk.trc")
    assert not caplog.records


def test_nearly_even_times_are_rounded_and_others_interpolated(motion):
    jitter = np.random.default_rng(0).uniform(-1, 1, len(motion))
    jitter[[0, -1]] = 0
    times = motion.times + 0.001 * jitter
    rounded = Export(replace(motion, timestamps=times)).motion
    assert (rounded.timestamps, rounded.rate) == (None, 30)
    assert_allclose(rounded.points, motion.points)
    odd = motion.times + 0.012 * jitter
    interpolated = Export(replace(motion, timestamps=odd)).motion
    assert (interpolated.timestamps, interpolated.rate, len(interpolated)) == (None, 30, 60)
    column = motion.joint("left_wrist")[:, 0]
    assert_allclose(interpolated.joint("left_wrist")[:, 0], np.interp(motion.times, odd, column), atol=1e-5)
    assert_allclose(interpolated.root[:, 0], np.interp(motion.times, odd, motion.root[:, 0]), atol=1e-5)


def test_2d_poses_and_empty_motions_are_refused(tmp_path, motion):
    for suffix in EXPORTED:
        with pytest.raises(PoseError, match="expected 3D poses in metres, got poses in pixels: lift them first"):
            motion.pose2d.save(tmp_path / f"walk{suffix}")
        with pytest.raises(PoseError, match="expected a motion of at least one frame, got none"):
            motion[:0].save(tmp_path / f"walk{suffix}")
    assert not [*tmp_path.iterdir()]


def test_one_frame_is_enough(tmp_path, motion):
    for suffix in EXPORTED:
        assert motion[7:8].save(tmp_path / f"walk{suffix}").stat().st_size > 100
