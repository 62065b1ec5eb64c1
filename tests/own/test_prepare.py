"""Preparing clips and recordings from end to end."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import H36M_17, PoseSequence
from poseglass.body.resample import resample
from poseglass.data.clips import MotionClips
from poseglass.data.recordings.store import Recordings
from poseglass.data.synthetic.people import detections
from poseglass.errors import DataError
from poseglass.own.prepare import prepare_clips, prepare_recordings
from samples import c3d_files
from samples import motion_files as files
from samples.studio import add_takes, pixels, project, z_up


def test_clips_have_the_described_splits_and_60_frames_per_second(studio, tmp_path):
    prepared = prepare_clips(studio, tmp_path / "clips.npz")
    assert prepared.warnings == []
    assert prepared.skipped == {}
    clips = MotionClips.load(tmp_path / "clips.npz")
    assert [(clip.name, clip.subject, clip.split, clip.licence) for clip in clips] == [
        ("anna_walk_1", "anna", "train", "ours"),
        ("ben_walk_1", "ben", "val", "ours"),
        ("cleo_walk_1", "cleo", "test", "ours"),
    ]
    assert clips.fps == 60
    expected = resample(PoseSequence(files.people(seed=0), H36M_17, "world", fps=50), 60)
    assert_allclose(clips.clips[0].points, expected.points, atol=1e-5)


def test_clips_keep_the_credit(studio, tmp_path):
    with (studio / "motion.toml").open("r+") as file:
        text = file.read()
        file.seek(0)
        file.write(f'credit = "Recorded by us."\n{text}')
    assert prepare_clips(studio, tmp_path / "clips.npz", fps=50).clips.credit == "Recorded by us."
    clips = MotionClips.load(tmp_path / "clips.npz")
    assert (clips.credit, clips.fps) == ("Recorded by us.", 50)


@pytest.mark.parametrize("write", ["write_trc", "write_c3d", "write_csv", "write_bvh", "write_npz"])
def test_every_format_gives_the_same_clip(write, tmp_path):
    points = files.people()
    suffix = "." + write.removeprefix("write_")
    getattr(c3d_files if suffix == ".c3d" else files, write)(tmp_path / f"walk{suffix}", points)
    prepared = prepare_clips(tmp_path / f"walk{suffix}", tmp_path / "clips.npz")
    assert_allclose(prepared.clips.clips[0].points[::6], points[::5], atol=2e-5)


def test_without_a_description_unusable_files_are_skipped(studio, tmp_path):
    (studio / "motion.toml").unlink()
    (studio / "anna" / "notes.csv").write_text("a,b\n1,2\n")
    (studio / "anna" / "again.trc").write_bytes((studio / "anna" / "walk 1.trc").read_bytes())
    files.write_csv(studio / "ben" / "short.csv", 1000 * z_up(files.people(20, seed=5)))
    prepared = prepare_clips(studio, tmp_path / "clips.npz")
    assert [clip.subject for clip in prepared.clips] == ["anna", "anna", "ben", "cleo"]
    assert {path.name: reason.partition(": ")[2][:40] for path, reason in prepared.skipped.items()} == {
        "notes.csv": "line 1: expected columns such as left_kn",
        "short.csv": "a clip has at least 0.5 seconds, and the",
    }
    texts = [str(finding) for finding in prepared.warnings]
    assert any("the motion is the same as in" in text for text in texts)
    assert any("split val: training needs it, but it has no takes" in text for text in texts)


def test_of_two_takes_with_the_same_clip_name_the_first_is_used(studio, tmp_path):
    files.write_trc(studio / "anna" / "walk_1.trc", z_up(files.people(seed=8)))
    prepared = prepare_clips(studio, tmp_path / "clips.npz")
    (reason,) = prepared.skipped.values()
    assert reason.endswith("there is already a clip named anna_walk_1; rename the take")
    assert_allclose(prepared.clips.clips[0].points[::6], files.people(seed=0)[::5], atol=2e-5)


def test_without_usable_files_the_reasons_are_given(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"has no usable take in 5 motion files: .*0\.csv.*1\.csv.*2\.csv") as error:
        prepare_clips(tmp_path, tmp_path / "clips.npz")
    assert "3.csv" not in str(error.value)


def test_empty_splits_are_refused(studio, tmp_path):
    text = (studio / "motion.toml").read_text()
    (studio / "motion.toml").write_text(text.replace('["ben"]', '["bem"]'))
    with pytest.raises(DataError) as error:
        prepare_clips(studio, tmp_path / "clips.npz")
    assert "splits.val: there is no subject 'bem'; did you mean 'ben'?" in str(error.value)
    assert "split val: no take of its subjects bem could be used" in str(error.value)
    assert not (tmp_path / "clips.npz").exists()


def test_a_custom_camera_gives_recordings(studio, tmp_path):
    add_takes(studio, detections(np.random.default_rng(0), pixels(0)))
    report = prepare_recordings(studio, tmp_path / "prepared")
    recordings = Recordings.open(tmp_path / "prepared", verify=True)
    assert [(r.name, r.action, r.splits, r.sources) for r in recordings] == [
        ("anna walk 1, camera front", "Walking", ("train",), ("gt", "detected")),
        ("ben walk 1, camera front", "Walking", ("val",), ("gt",)),
        ("cleo walk 1, camera front", "Walking", ("test",), ("gt",)),
    ]
    assert (recordings.dataset, recordings.licence) == ("studio", "ours")
    assert [entry["file"] for entry in recordings.provenance["from"]] == [
        "motion.toml",
        *["walk 1.trc"] * 3,
        "anna 2d.csv",
    ]
    (ben,) = recordings.split(splits=["val"])
    assert ben.fps == 50
    points = z_up(files.people(seed=1)) * 1000
    for frame in (0, 37, 89):
        for joint in range(17):
            place, pixel = project(points[frame, joint])
            assert_allclose(ben.points3d[frame, joint], place, atol=1e-5)
            assert_allclose(ben.points2d()[frame, joint], pixel, atol=1e-2)
    assert report.distances["gt"] == [0, 0, 0]
    assert len(report.distances["detected"]) == 1
    with pytest.raises(DataError, match=r"has no split dev; there are train \(anna\), val \(ben\), test \(cleo\)"):
        recordings.split(splits=["dev"])


def test_recordings_need_a_new_folder(studio, tmp_path):
    (tmp_path / "prepared").mkdir()
    prepare_recordings(studio, tmp_path / "prepared")
    with pytest.raises(DataError, match="prepared exists and is not empty"):
        prepare_recordings(studio, tmp_path / "prepared")


def test_recordings_need_cameras(studio, tmp_path):
    text = (studio / "motion.toml").read_text()
    (studio / "motion.toml").write_text(text.partition("[cameras")[0])
    with pytest.raises(DataError, match=r"recordings need cameras, but none is described: add \[cameras\.NAME\]"):
        prepare_recordings(studio, tmp_path / "out")


def test_unknown_frames_are_invalid_and_hold_zeros(studio, tmp_path):
    points = z_up(files.people(seed=0))
    points[10:14, 5] = np.nan
    files.write_trc(studio / "anna" / "walk 1.trc", points)
    report = prepare_recordings(studio, tmp_path / "out")
    anna = Recordings.open(tmp_path / "out")[0]
    unknown = np.arange(10, 14)
    assert np.flatnonzero(~np.asarray(anna.valid)).tolist() == unknown.tolist()
    assert not np.asarray(anna.points3d)[unknown].any()
    assert not np.asarray(anna.points2d("gt"))[unknown].any()
    assert any("unknown in 4 of 90 frames" in str(finding) for finding in report.findings)


def test_a_take_with_an_error_is_left_out_of_the_recordings(studio, tmp_path):
    for keypoints, message in ((pixels(2), "from the projected 3D poses"), (pixels(0)[:50], "for each of 90 frames")):
        add_takes(studio, keypoints)
        report = prepare_recordings(studio, tmp_path / message)
        assert message in str(report.findings.missing)
        assert [recording.subject for recording in report.recordings] == ["ben", "cleo"]
        text = (studio / "motion.toml").read_text()
        (studio / "motion.toml").write_text(text.partition("\n[[takes]]")[0])


def test_inferred_conventions_are_reported(tmp_path):
    points = files.people() * [1, -1, -1] + [0, 0, 5]
    files.write_npz(tmp_path / "walk.npz", points)
    (tmp_path / "motion.toml").write_text('space = "camera"\n[cameras.phone]\nsize = [1080, 1920]\nfocal = 1500\n')
    report = prepare_recordings(tmp_path, tmp_path / "out")
    assert any('not stated: units = "m"' in str(finding) for finding in report.findings)
    (recording,) = Recordings.open(tmp_path / "out")
    assert_allclose(recording.points3d, points, atol=1e-6)
