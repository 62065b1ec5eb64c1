"""Motion clips: saved and loaded, split, and refused if damaged."""

import csv
import pickle
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from poseglass.data.clips import MotionClip, MotionClips
from poseglass.errors import DataError
from samples.bomb import Bomb


def clips(**changes) -> MotionClips:
    rng = np.random.default_rng(0)
    takes = (
        MotionClip("walk", rng.normal(size=(90, 17, 3)).astype(np.float32), "anna", "train", "CC0"),
        MotionClip("run/2", rng.normal(size=(30, 17, 3)).astype(np.float32), "anna", "train", "CC0"),
        MotionClip("jump", rng.normal(size=(60, 17, 3)).astype(np.float32), "ben", "val", "CC-BY"),
    )
    return MotionClips(**({"clips": takes, "fps": 60.0, "credit": "thanks"} | changes))


def test_loading_restores_what_was_saved(tmp_path):
    clips().save(tmp_path / "deep" / "clips.npz")
    back = MotionClips.load(tmp_path / "deep" / "clips.npz")
    assert (back.fps, back.credit, len(back)) == (60.0, "thanks", 3)
    for a, b in zip(clips(), back, strict=True):
        assert (a.name, a.subject, a.split, a.licence) == (b.name, b.subject, b.split, b.licence)
        assert_array_equal(a.points, b.points)


def test_minutes_sum_the_takes():
    assert clips().minutes == pytest.approx(180 / 60 / 60)


def test_the_fingerprint_identifies_the_takes_and_not_the_file(tmp_path):
    clips().save(tmp_path / "clips.npz")
    assert MotionClips.load(tmp_path / "clips.npz").fingerprint == clips().fingerprint
    first, *rest = clips().clips
    moved = first.points.copy()
    moved[-1, -1, -1] += 1e-3
    others = [
        clips(fps=30.0),
        *(clips(clips=(replace(first, **change), *rest)) for change in
          ({"points": moved}, {"split": "val"}, {"subject": "eve"}, {"name": "stroll"})),
        clips(clips=tuple(rest)),
    ]  # fmt: skip
    assert len({each.fingerprint for each in [clips(), *others]}) == 7


def test_a_split_holds_its_clips_and_an_unknown_one_is_refused():
    train = clips().split("train")
    assert [clip.name for clip in train] == ["walk", "run/2"]
    assert (train.fps, train.credit) == (60.0, "thanks")
    with pytest.raises(DataError, match=r"'test' has no clips; the splits with clips are train, val"):
        clips().split("test")


def test_two_takes_with_the_same_name_are_refused():
    takes = clips().clips
    with pytest.raises(DataError, match="walk"):
        MotionClips((takes[0], takes[0]), 60.0)


def test_bare_arrays_need_an_index_beside_them(tmp_path):
    np.savez(tmp_path / "mocap.npz", **{"01_01": np.ones((5, 17, 3), np.float32)})
    with pytest.raises(DataError, match=r"no .*index.csv beside it"):
        MotionClips.load(tmp_path / "mocap.npz")
    with (tmp_path / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["clip", "subject", "split", "licence", "frames"])
        writer.writeheader()
        writer.writerow({"clip": "01_01", "subject": "01", "split": "val", "licence": "free", "frames": 5})
    loaded = MotionClips.load(tmp_path / "mocap.npz")
    assert (loaded.fps, loaded.clips[0].subject, loaded.clips[0].split) == (60.0, "01", "val")
    assert "mocap.cs.cmu.edu" in loaded.credit


def test_missing_files_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"no motion file.*poseglass data mocap"):
        MotionClips.load(tmp_path / "none.npz")
    with pytest.raises(
        DataError, match=r"expected a file of motion clips \(\.npz\), but .* is a folder; give the file"
    ):
        MotionClips.load(tmp_path)


def test_damaged_files_are_refused(tmp_path):
    clips().save(tmp_path / "whole.npz")
    whole = (tmp_path / "whole.npz").read_bytes()
    (tmp_path / "short.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.npz").write_text("hello")
    np.savez(tmp_path / "about.npz", about=np.array("not json"))
    np.savez(tmp_path / "lacks.npz", about=np.array('{"clips": {"a": {}}, "fps": 60, "credit": ""}'))
    for name in ("short.npz", "text.npz", "about.npz", "lacks.npz"):
        with pytest.raises(DataError, match=name):
            MotionClips.load(tmp_path / name)


@pytest.mark.parametrize("points", [np.zeros((5, 16, 3)), np.zeros((17, 3)), np.full((5, 17, 3), np.nan)])
def test_takes_must_be_17_finite_joints(tmp_path, points, as_used):
    clips(clips=(MotionClip("odd", points, "anna"),)).save(tmp_path / "x.npz")
    with pytest.raises(DataError, match=r"clip odd must be finite and \(frames, 17, 3\)"):
        MotionClips.load(tmp_path / "x.npz")


def test_pickled_code_is_refused(tmp_path):
    (tmp_path / "bomb.npz").write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    np.savez(tmp_path / "hidden.npz", about=np.array([Bomb(tmp_path / "ran")], object))
    for name in ("bomb.npz", "hidden.npz"):
        with pytest.raises(DataError, match=name):
            MotionClips.load(tmp_path / name)
    assert not (tmp_path / "ran").exists()


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    clips().save(tmp_path / "clips.npz")
    before = (tmp_path / "clips.npz").read_bytes()

    def fail(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(DataError, match="No space left"):
        clips(fps=30.0).save(tmp_path / "clips.npz")
    assert (tmp_path / "clips.npz").read_bytes() == before
