"""CMU's takes as 17 joints: both formats agree with each other, with plain loops and with a real take."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import H36M_17, PoseSequence
from poseglass.body.resample import resample
from poseglass.data.clips import MotionClips
from poseglass.data.cmu import cmu_to_h36m, cut_glitches, repair_bvh
from poseglass.errors import DataError, PoseError
from poseglass.mocap.acclaim import read_amc, read_asf
from poseglass.mocap.bvh import read_bvh
from poseglass.own.prepare import prepare_clips
from samples import mocap_files

DATA = Path(__file__).parents[1] / "samples"
UNIT = 0.0254 / 0.45


@pytest.fixture
def both(tmp_path):
    """A synthetic take read from ASF/AMC and from BVH, and the angles it was written from."""
    frames = mocap_files.motion(8)
    mocap_files.write_asf(tmp_path / "01.asf")
    mocap_files.write_amc(tmp_path / "01_01.amc", frames)
    mocap_files.write_bvh(tmp_path / "01_01.bvh", frames)
    return read_amc(tmp_path / "01_01.amc", read_asf(tmp_path / "01.asf")), read_bvh(tmp_path / "01_01.bvh"), frames


def test_both_formats_give_the_same_joints(both):
    amc, bvh, frames = both
    poses, same = cmu_to_h36m(amc), cmu_to_h36m(bvh)
    assert (poses.skeleton, poses.space, poses.rate) == (H36M_17, "world", 120)
    assert len(poses) == len(same) == len(frames)  # without the T-pose
    assert_allclose(poses.points, same.points, atol=1e-5)


def test_joints_match_plain_loops(both):
    amc, _, frames = both
    poses = cmu_to_h36m(amc)
    for frame, values in enumerate(frames):
        end = {name: place * UNIT for name, place in mocap_files.ends(values).items()}
        for joint, place in {
            "pelvis": (end["lhipjoint"] + end["rhipjoint"]) / 2,
            "right_hip": end["rhipjoint"],
            "left_knee": end["lfemur"],
            "left_ankle": end["ltibia"],
            "spine": end["lowerback"],
            "thorax": (end["thorax"] + end["lowerneck"]) / 2,
            "neck_nose": end["upperneck"],
            "head_top": end["head"],
            "left_shoulder": end["lclavicle"],
            "right_elbow": end["rhumerus"],
            "right_wrist": (end["rradius"] + end["rwrist"]) / 2,
        }.items():
            assert_allclose(poses.joint(joint)[frame], place, atol=1e-5, err_msg=joint)


def test_a_file_with_its_own_unit_gives_the_same_metres(both, tmp_path):
    amc, _, frames = both
    mocap_files.write_asf(tmp_path / "inches.asf", length=0.9)
    mocap_files.write_amc(tmp_path / "01_02.amc", frames)
    half = read_amc(tmp_path / "01_02.amc", read_asf(tmp_path / "inches.asf"))
    assert_allclose(cmu_to_h36m(half).points * 2, cmu_to_h36m(amc).points, atol=1e-5)


def test_the_rest_pose_faces_z_with_the_left_side_at_positive_x(tmp_path):
    mocap_files.write_asf(tmp_path / "01.asf")
    still = [
        {"root": [0, 17, 0, 0, 0, 0], **{name: [0.0] * len(dof.split()) for name, *_, dof in mocap_files.BODY if dof}}
    ]
    mocap_files.write_amc(tmp_path / "01_01.amc", still)
    poses = cmu_to_h36m(read_amc(tmp_path / "01_01.amc", read_asf(tmp_path / "01.asf")))
    for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"):
        assert poses.joint(f"left_{joint}")[0, 0] > poses.joint("pelvis")[0, 0] > poses.joint(f"right_{joint}")[0, 0]
    up = [poses.joint(joint)[0, 1] for joint in ("left_ankle", "left_knee", "pelvis", "spine", "thorax", "head_top")]
    assert up == sorted(up)


def test_a_real_take_agrees_with_another_program():
    """Frames 5, 6 and 7 of CMU's take 01_03, as another program converted them at half the rate."""
    poses = cmu_to_h36m(read_bvh(DATA / "cmu_01_03.bvh"))
    expected = np.array(json.loads((DATA / "cmu_01_03_h36m17.json").read_text()))
    assert_allclose(resample(poses, 60).points, expected, atol=2e-5)


def test_repair_keeps_bones_that_have_a_length():
    mocap = read_bvh(DATA / "cmu_01_03.bvh")
    whole = mocap.with_offsets({"Neck": np.array([0.1, 2.5, 0.2])})
    names = mocap.names
    assert not mocap.offsets[0, names.index("Neck")].any()
    fixed = repair_bvh(mocap).offsets[0]
    assert_allclose(fixed[names.index("Neck")], [0, np.linalg.norm(mocap.offsets[0, names.index("Spine1")]), 0])
    assert_allclose(fixed[names.index("LeftFingerBase")], [3.48356 / 2, 0, 0])
    assert_allclose(repair_bvh(whole).offsets[0, names.index("Neck")], [0.1, 2.5, 0.2])


def test_other_bodies_are_refused(tmp_path):
    text = (DATA / "cmu_01_03.bvh").read_text()
    (tmp_path / "other.bvh").write_text(text.replace("Spine1", "Chest"))
    with pytest.raises(DataError, match=r"it lacks the joints Spine1; there are Hips"):
        cmu_to_h36m(read_bvh(tmp_path / "other.bvh"))
    head, motion = text.split("Frames: 4")
    (tmp_path / "rest.bvh").write_text(head + "Frames: 1" + "\n".join(motion.splitlines()[:3]))
    with pytest.raises(DataError, match="no frame besides the T-pose"):
        cmu_to_h36m(read_bvh(tmp_path / "rest.bvh"))


def world(points, fps=60.0, **options):
    return PoseSequence(points, H36M_17, "world", fps=fps, **options)


def test_resampling_is_linear_in_time_and_keeps_common_frames():
    seconds = np.arange(121) / 120
    line = np.broadcast_to(seconds[:, None, None], (121, 17, 3))
    poses = world(line, 120)
    half = resample(poses, 60)
    assert_allclose(half.points, poses.points[::2])
    assert half.rate == 60
    for fps in (25, 59.94, 240, 1000):
        other = resample(poses, fps)
        assert len(other) == int(fps) + 1
        assert_allclose(other.points[:, 3, 1], other.times, atol=1e-6)
    assert_allclose(resample(poses, 120).points, poses.points)


def test_resampling_follows_time_stamps_and_marks_frames_beside_invalid_ones():
    times = np.array([0.0, 0.1, 0.4, 0.5])
    points = np.broadcast_to(times[:, None, None], (4, 17, 3))
    poses = world(points, None, timestamps=times, valid=np.array([True, True, False, True]))
    even = resample(poses, 10)
    assert_allclose(even.points[:, 0, 0], [0, 0.1, 0.2, 0.3, 0.4, 0.5], atol=1e-6)
    assert even.validity.tolist() == [True, True, False, False, False, True]
    assert even.timestamps is None
    with pytest.raises(PoseError, match="fps must be a positive number"):
        resample(poses, 0)


def test_takes_are_cut_at_glitches_and_short_pieces_are_dropped():
    points = np.zeros((200, 17, 3))
    points[:, :, 0] = np.arange(200)[:, None] / 60 * 10  # a sprint at 10 m/s is not a glitch
    assert [len(piece) for piece in cut_glitches(world(points))] == [200]
    points[50, 16] += 1  # one wrist jumps for one frame: 60 m/s
    points[160:, 5] += 0.5  # a knee jumps and stays
    points[175, 2] -= 1
    pieces = cut_glitches(world(points))
    assert [len(piece) for piece in pieces] == [50, 109]  # 15 and 24 frames are too short
    assert_allclose(pieces[1].points, points[51:160], atol=1e-5)
    for piece in pieces:
        assert (np.linalg.norm(np.diff(piece.points, axis=0), axis=-1) * 60).max() < 25


@pytest.fixture
def download(tmp_path):
    """A folder like a CMU download: takes of two subjects, one of them in both formats, and a damaged file."""
    folder = tmp_path / "download"
    for subject, take in ((7, 1), (7, 2), (16, 3)):
        place = folder / f"{subject:02d}"
        place.mkdir(parents=True, exist_ok=True)
        mocap_files.write_asf(place / f"{subject:02d}.asf")
        mocap_files.write_amc(place / f"{subject:02d}_{take:02d}.amc", mocap_files.motion(90, step=0.5, seed=take))
    mocap_files.write_bvh(folder / "07_01.bvh", mocap_files.motion(90, step=0.5, seed=9))
    mocap_files.write_bvh(folder / "somebody.BVH", mocap_files.motion(64, step=0.5, seed=8))
    (folder / "16" / "16_04.amc").write_text(":DEGREES\n1\nroot 0 0")
    (folder / "notes.txt").write_text("not motion")
    return folder


def test_a_download_becomes_one_file(download, tmp_path, capfd):
    done = prepare_clips(download, tmp_path / "clips.npz")
    assert capfd.readouterr() == ("", ""), "the library prints nothing itself"
    clips = MotionClips.load(tmp_path / "clips.npz")
    assert [(clip.name, clip.subject, clip.split, len(clip.points)) for clip in clips] == [
        ("cmu_07_01", "cmu_07", "test", 45),
        ("cmu_07_02", "cmu_07", "test", 45),
        ("cmu_16_03", "cmu_16", "train", 45),
        ("cmu_somebody", "cmu_mixed", "train", 32),
    ]
    assert clips.fps == 60
    assert "mocap.cs.cmu.edu" in clips.credit
    assert {clip.licence for clip in clips} == {"CMU"}
    amc = read_amc(download / "07" / "07_01.amc", read_asf(download / "07" / "07.asf"))
    assert_allclose(clips.clips[0].points, cmu_to_h36m(amc).points[::2])
    assert {path.name for path in done.skipped} == {"07_01.bvh", "16_04.amc"}
    assert "line 3" in done.skipped[download / "16" / "16_04.amc"]
    assert "read from another file" in done.skipped[download / "07_01.bvh"]


def test_a_glitch_makes_two_clips_of_a_take(tmp_path):
    frames = mocap_files.motion(160, step=0.5)
    frames[80]["root"][0] += 40
    mocap_files.write_bvh(tmp_path / "05_01.bvh", frames)
    done = prepare_clips(tmp_path, tmp_path / "clips.npz")
    assert [(clip.name, len(clip.points)) for clip in done.clips] == [("cmu_05_01_p0", 40), ("cmu_05_01_p1", 39)]


def test_folders_without_usable_takes_are_refused(tmp_path):
    with pytest.raises(DataError, match="there is no folder"):
        prepare_clips(tmp_path / "nowhere", tmp_path / "clips.npz")
    with pytest.raises(DataError, match=r"there are no motion files \(\.bvh, \.amc"):
        prepare_clips(tmp_path, tmp_path / "clips.npz")
    mocap_files.write_amc(tmp_path / "01_01.amc", mocap_files.motion(3))
    message = r"no usable take in 1 motion file: .* needs its skeleton 01\.asf in the same folder"
    with pytest.raises(DataError, match=message):
        prepare_clips(tmp_path, tmp_path / "clips.npz")
    mocap_files.write_asf(tmp_path / "01.asf")
    with pytest.raises(DataError, match=r"a clip has at least 0\.5 seconds, and the take has 0\.025"):
        prepare_clips(tmp_path, tmp_path / "clips.npz")
    assert not (tmp_path / "clips.npz").exists()
