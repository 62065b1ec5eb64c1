"""Takes that look wrong and are not: crossed limbs, people lying, two people, one bad file among good ones."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import H36M_17
from poseglass.data.clips import MotionClips
from poseglass.data.recordings.store import Recordings
from poseglass.errors import DataError
from poseglass.own.check import check
from poseglass.own.prepare import prepare_clips, prepare_recordings
from samples import c3d_files
from samples import motion_files as files
from samples.studio import z_up


def folded_arms() -> np.ndarray:
    """A person whose wrists are each at the other elbow."""
    points = files.people(style="Waiting")
    left, right = (H36M_17.index(f"{side}_wrist") for side in ("left", "right"))
    for side in ("left", "right"):
        elbow = points[:, H36M_17.index(f"{side}_elbow")]
        shoulder = points[:, H36M_17.index(f"{side}_shoulder")]
        elbow[:] = shoulder + np.array([0, -0.25, 0.1])
    points[:, left] = points[:, H36M_17.index("right_elbow")] + np.array([0.02, 0.03, 0.05])
    points[:, right] = points[:, H36M_17.index("left_elbow")] + np.array([-0.02, 0.03, 0.05])
    return points


def cross_legged() -> np.ndarray:
    """A person who sits, each ankle below the other knee."""
    points = files.people(style="Waiting")
    for side, sign in (("left", 1), ("right", -1)):
        hip = points[:, H36M_17.index(f"{side}_hip")]
        points[:, H36M_17.index(f"{side}_knee")] = hip + np.array([sign * 0.33, 0.05, 0.30])
        points[:, H36M_17.index(f"{side}_ankle")] = hip + np.array([-sign * 0.20, -0.10, 0.35])
    return points


@pytest.mark.parametrize(("take", "joints"), [(folded_arms, "wrist"), (cross_legged, "ankle")])
def test_crossed_limbs_are_a_warning_that_can_be_silenced(tmp_path, take, joints):
    folder = tmp_path / "studio"
    folder.mkdir()
    files.write_csv(folder / "crossed 1.csv", take())
    files.write_csv(folder / "walk.csv", files.people())
    report = check(folder)
    assert report.errors == 0
    (warning,) = [str(finding) for finding in report.findings.warnings if "exchanged" in finding.text]
    assert f"crossed 1.csv, left_{joints}, right_{joints}: each {joints} is nearer to the other side's" in warning
    assert "list the file under crossed in motion.toml" in warning
    for pattern in ("crossed 1.csv", "crossed*"):
        (folder / "motion.toml").write_text(f'crossed = ["{pattern}"]')
        assert "exchanged" not in str(check(folder))
    (folder / "motion.toml").write_text('crossed = ["crosed*"]')
    assert "motion.toml, crossed: there is no motion file 'crosed*'" in str(check(folder))


def test_somebody_lying_in_a_bvh_stays_so(tmp_path):
    points = files.people()[..., [0, 2, 1]] * np.array([1, 1, -1]) + np.array([0, 1, 0])  # on the back: y to -z
    prepared = prepare_clips(files.write_bvh(tmp_path / "sleep.bvh", points), tmp_path / "clips.npz")
    assert prepared.conventions.up is None
    assert_allclose(prepared.clips.clips[0].points[::6], points[::5], atol=2e-5)
    (warning,) = [str(warning) for warning in prepared.warnings if "custom" in warning.text]
    assert "the person lies or is upside down if y points up, as is the custom of this format" in warning
    (tmp_path / "motion.toml").write_text('up = "-z"')
    prepared = prepare_clips(tmp_path, tmp_path / "clips.npz")
    assert not [warning for warning in prepared.warnings if "custom" in warning.text]
    trunk = prepared.clips.clips[0].points[:, 8] - prepared.clips.clips[0].points[:, 0]
    assert (trunk[:, 1] > 0.4).all()


def test_one_bad_take_does_not_keep_the_others_from_being_written(studio, tmp_path):
    (studio / "anna" / "cut.c3d").write_bytes(b"\2\120")
    (studio / "cleo" / "walk 1.trc").write_text("PathFileType")
    prepared = prepare_clips(studio, tmp_path / "clips.npz")
    assert [clip.name for clip in MotionClips.load(tmp_path / "clips.npz")] == ["anna_walk_1", "ben_walk_1"]
    assert {path.name for path in prepared.skipped} == {"cut.c3d", "walk 1.trc"}
    assert "split test: no take of its subjects cleo could be used" in str(prepared.empty_splits)
    assert not prepared.is_complete
    report = prepare_recordings(studio, tmp_path / "out")
    assert [recording.subject for recording in Recordings.open(tmp_path / "out")] == ["anna", "ben"]
    assert len(report.findings.missing) == 3
    assert "cut.c3d: left out: this is not a C3D file" in str(report.findings.missing)


def beside(points: np.ndarray) -> np.ndarray:
    return points + np.array([1.0, 0, 0])


def duet(path: Path) -> Path:
    points = np.concatenate([files.people(seed=1), beside(files.people(seed=2)), np.zeros((90, 1, 3))], 1)
    names = [f"{subject}:{name}" for subject in ("Anna", "Ben") for name in files.NAMES]
    return c3d_files.write_c3d(path, z_up(points), names=[*names, "Sword:tip"])


def test_two_people_in_a_file_are_two_takes(tmp_path):
    folder = tmp_path / "studio"
    folder.mkdir()
    duet(folder / "fight.c3d")
    (folder / "motion.toml").write_text('[splits]\nval = ["Ben"]')
    prepared = prepare_clips(folder, tmp_path / "clips.npz")
    assert [(clip.name, clip.subject, clip.split) for clip in prepared.clips] == [
        ("Anna_fight", "Anna", "train"),
        ("Ben_fight", "Ben", "val"),
    ]
    assert prepared.is_complete
    assert_allclose(prepared.clips.clips[1].points[::6], beside(files.people(seed=2))[::5], atol=2e-5)
    assert "train: 1 take of Anna" in str(check(folder))
    (folder / "motion.toml").write_text('[splits]\nval = ["Bem"]')
    with pytest.raises(DataError, match=r"there is no subject 'Bem'; did you mean 'Ben'\?"):
        prepare_clips(folder, tmp_path / "again.npz")


def test_one_of_two_people_may_lack_joints(tmp_path):
    points = np.concatenate([files.people(seed=1), files.people(seed=2)[:, :9]], 1)
    names = [f"{subject}:{name}" for subject in ("Anna", "Ben") for name in files.NAMES][:26]
    c3d_files.write_c3d(tmp_path / "fight.c3d", points, names=names)
    prepared = prepare_clips(tmp_path / "fight.c3d", tmp_path / "clips.npz")
    assert [clip.subject for clip in prepared.clips] == ["Anna"]
