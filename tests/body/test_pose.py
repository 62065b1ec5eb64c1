"""`PoseSequence`: validation, defaults, slices and files."""

import csv
import json
import pickle
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from poseglass import COCO_17, H36M_17, PoseSequence, Skeleton
from poseglass.errors import PoseError, PoseglassError
from samples.bomb import Bomb


def clip(frames: int = 6, axes: int = 3, **changes) -> PoseSequence:
    points = np.random.default_rng(0).normal(size=(frames, 17, axes))
    given = {"points": points, "skeleton": H36M_17, "space": "camera" if axes == 3 else "pixels", "fps": 25} | changes
    return PoseSequence(**given)


def full() -> PoseSequence:
    """A sequence with every field set and some unknown points."""
    points = np.random.default_rng(1).normal(size=(5, 17, 3)).astype(np.float32)
    points[2, 4] = np.nan
    flat = PoseSequence(
        np.full((5, 17, 2), 321.25), COCO_17, "pixels", scores=np.linspace(0, 1, 85).reshape(5, 17), size=(640, 480)
    )
    return PoseSequence(
        points,
        H36M_17,
        "camera",
        scores=np.linspace(1, 0, 85).reshape(5, 17),
        valid=np.array([1, 1, 0, 1, 1], bool),
        timestamps=np.array([0.0, 0.033, 0.07, 0.1, 0.134]),
        size=(640, 480),
        kept=np.array([1, 0, 0, 0, 1], bool),
        pose2d=flat,
    )


def assert_same(a: PoseSequence, b: PoseSequence, atol: float = 0) -> None:
    assert (a.skeleton, a.space, a.size, len(a)) == (b.skeleton, b.space, b.size, len(b))
    assert a.rate == b.rate
    assert a.start == b.start or (a.timestamps is not None and abs(a.start - b.start) <= atol)
    for name in ("points", "scores", "valid", "timestamps", "kept"):
        x, y = getattr(a, name), getattr(b, name)
        assert (x is None) == (y is None), name
        if x is not None:
            assert x.dtype == y.dtype, name
            assert_allclose(x, y, rtol=0, atol=atol, err_msg=name)
    assert (a.pose2d is None) == (b.pose2d is None)
    if a.pose2d is not None and b.pose2d is not None:
        assert_same(a.pose2d, b.pose2d, atol)


class TestValidation:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"points": np.zeros((17, 3))}, r"points must have shape \(frames, joints, 2 or 3\), got \(17, 3\)"),
            ({"points": np.zeros((6, 17, 4))}, r"2 or 3\).*\(6, 17, 4\)"),
            ({"points": np.zeros((6, 16, 3))}, "h36m17 has 17 joints, but points have 16"),
            ({"space": "meters"}, "pixels, normalised, camera, world.*'meters'"),
            ({"space": "pixels"}, "pixels space must have 2 coordinates per joint, got 3"),
            ({"scores": np.ones((5, 17))}, r"scores must have shape \(6, 17\).*\(5, 17\)"),
            ({"valid": np.ones((6, 17), bool)}, r"valid must have shape \(6,\)"),
            ({"kept": np.ones(7, bool)}, r"kept must have shape \(6,\).*\(7,\)"),
            ({"timestamps": np.zeros(5)}, r"timestamps must have shape \(6,\)"),
            ({"timestamps": np.array([0, 1, 2, 2, 3, 4.0])}, "strictly increasing"),
            ({"timestamps": np.array([0, 1, 2, np.nan, 3, 4])}, "finite"),
            ({"fps": 0}, "fps must be a positive number from 1e-06 to 1e.06, got 0"),
            ({"fps": float("nan")}, "fps.*nan"),
            ({"fps": -5}, "fps.*-5"),
            (
                {"space": "world", "points": np.zeros((6, 17, 2))},
                "world space must have 3 coordinates per joint, got 2",
            ),
            ({"start": float("inf")}, "times must be finite numbers of seconds.*got inf"),
            ({"size": (0, 480)}, r"size.*\(0, 480\)"),
            (
                {"pose2d": PoseSequence(np.zeros((2, 17, 2)), H36M_17, "pixels")},
                r"pose2d must have as many frames as points \(6\), got 2",
            ),
        ],
    )
    def test_arguments_that_do_not_fit_are_refused(self, changes, message, as_used):
        with pytest.raises(PoseError, match=message):
            clip(**changes)

    def test_the_error_is_a_value_error_and_a_poseglass_error(self, as_used):
        with pytest.raises(ValueError, match=r"fps") as caught:
            clip(fps=0)
        assert isinstance(caught.value, PoseglassError)

    def test_optional_fields_have_defaults(self):
        poses = PoseSequence(np.zeros((4, 17, 2)), COCO_17, "pixels")
        assert (poses.rate, poses.units, poses.size, poses.kept, poses.start) == (30.0, "pixels", None, None, 0.0)
        assert poses.confidence.tolist() == np.ones((4, 17)).tolist()
        assert poses.validity.all()
        assert poses.points.dtype == np.float32

    def test_unknown_points_have_a_score_of_zero(self):
        points = np.zeros((3, 17, 3))
        points[0, 0, 2], points[1, 5] = np.nan, np.inf
        poses = clip(points=points, frames=3)
        assert_array_equal(np.argwhere(poses.confidence == 0), [[0, 0], [1, 5]])

    def test_a_score_of_nan_becomes_zero(self):
        scores = np.ones((6, 17))
        scores[2, 3] = np.nan
        assert clip(scores=scores).confidence[2, 3] == 0

    def test_the_default_frame_rate_comes_from_the_timestamps(self):
        assert clip(timestamps=np.arange(6) * 0.04, fps=None).rate == pytest.approx(25)
        assert clip(timestamps=5 + np.arange(6) * 0.04, fps=None).rate == pytest.approx(25)
        assert clip(frames=2, timestamps=np.array([3.0, 3.1]), fps=None).rate == pytest.approx(10)
        assert clip(frames=1, timestamps=np.array([3.0]), fps=None).rate == 30

    def test_the_arguments_are_not_changed(self):
        points, scores = np.full((6, 17, 3), np.nan), np.ones((6, 17))
        clip(points=points, scores=scores)
        assert scores.all()

    def test_a_sequence_is_frozen(self):
        with pytest.raises(AttributeError):
            clip().fps = 3

    def test_only_the_points_skeleton_and_space_are_positional(self):
        with pytest.raises(TypeError):
            PoseSequence(np.zeros((6, 17, 3)), H36M_17, "camera", 25)


class TestSlicing:
    def test_every_field_is_sliced(self):
        part = full()[1:4]
        assert_array_equal(part.points, full().points[1:4])
        assert_array_equal(part.timestamps, full().timestamps[1:4])
        assert part.kept.tolist() == [False, False, False]
        assert part.validity.tolist() == [True, False, True]
        assert_array_equal(part.pose2d.points, full().pose2d.points[1:4])
        assert part.size == (640, 480)
        assert part.rate == full().rate

    def test_a_slice_keeps_its_times(self):
        walk = clip(frames=90, fps=30)
        assert walk[30:60].times[0] == 1.0
        assert_allclose(walk[30:60][10:].times, walk.times[40:60])
        assert_allclose(walk[-30:].times, walk.times[-30:])
        assert_allclose(walk[3:80:7].times, walk.times[3:80:7])
        assert walk[90:].start == 3.0
        assert walk[20:20].start == pytest.approx(20 / 30)
        assert full()[2:].start == 0.07

    def test_dropping_timestamps_keeps_the_start(self):
        assert_allclose(replace(full()[2:], timestamps=None, fps=10).times, [0.07, 0.17, 0.27])

    def test_a_step_divides_the_frame_rate(self):
        assert clip(fps=30)[::3].rate == 10
        assert clip(fps=30)[::3].duration == pytest.approx(0.2)

    @pytest.mark.parametrize("wrong", [3, "pelvis", np.array([1, 2])])
    def test_only_slices_are_indices(self, wrong, as_used):
        with pytest.raises(PoseError, match=r"poses\[10:20\]"):
            clip()[wrong]

    @pytest.mark.parametrize("step", [-1, 0])
    def test_time_does_not_run_backward(self, step):
        with pytest.raises(PoseError, match=f"must be at least 1, .* got {step}"):
            clip()[::step]

    def test_an_empty_slice_has_no_duration(self):
        none = full()[3:3]
        assert len(none) == 0
        assert none.duration == 0
        assert none.to_skeleton(H36M_17) is none


def test_times_and_duration_follow_from_the_rate_and_the_start():
    assert_allclose(clip(fps=25).times, np.arange(6) / 25)
    assert clip(fps=25).duration == pytest.approx(0.24)
    assert full().duration == pytest.approx(0.134 + 0.134 / 4)
    assert_allclose(clip(fps=25, start=2.0).times, 2 + np.arange(6) / 25)
    assert clip(fps=25, start=2.0).duration == pytest.approx(0.24)
    assert clip(fps=10, timestamps=7 + np.array([0, 1, 2, 3, 4, 6.0])).duration == pytest.approx(6.1)
    assert full().start == 0.0
    assert replace(full(), timestamps=np.arange(5) + 7.0).start == 7.0


def test_joints_of_another_skeleton_are_blended_from_the_known_ones():
    """The pelvis lies between the hips, and is unknown if one of them is."""
    points, scores = np.random.default_rng(0).normal(size=(4, 17, 2)), np.random.default_rng(1).random((4, 17))
    points[1, COCO_17.index("left_hip")] = np.nan
    scores[2, COCO_17.index("right_hip")] = 0
    points[2, COCO_17.index("right_hip")] = 1e6
    source = PoseSequence(points, COCO_17, "pixels", scores=scores, size=(640, 480))
    poses = source.to_skeleton(H36M_17)
    left, right = (source.joint(f"{side}_hip") for side in ("left", "right"))
    sure = np.stack([source.confidence[:, COCO_17.index(f"{side}_hip")] for side in ("left", "right")], 1).min(1)
    assert_allclose(poses.confidence[:, 0], sure)
    assert sure[[1, 2]].tolist() == [0, 0]
    assert_allclose(poses.joint("pelvis")[[0, 3]], (left + right)[[0, 3]] / 2, rtol=1e-6)
    assert np.isnan(poses.joint("pelvis")[[1, 2]]).all()
    assert_array_equal(poses.joint("left_knee"), source.joint("left_knee"))
    assert (poses.size, poses.space) == ((640, 480), "pixels")


def test_a_joint_is_selected_by_name():
    assert_array_equal(clip().joint("head_top"), clip().points[:, 10])
    with pytest.raises(PoseError, match=r"no joint 'nose'"):
        clip().joint("nose")


def test_repr_summarises_the_sequence():
    assert repr(full()) == "PoseSequence(5 frames of h36m17, camera (metres), 29.8507 fps, 4 valid)"


class TestFiles:
    def test_npz_restores_every_field(self, tmp_path):
        assert full().save(tmp_path / "a" / "walk.npz") == tmp_path / "a" / "walk.npz"
        assert_same(PoseSequence.load(tmp_path / "a" / "walk.npz"), full())

    def test_json_restores_every_field(self, tmp_path):
        assert_same(PoseSequence.load(full().save(tmp_path / "walk.json")), full(), atol=1e-6)

    @pytest.mark.parametrize("suffix", ["npz", "json"])
    def test_a_slice_keeps_its_times_in_a_file(self, tmp_path, suffix):
        part = clip(frames=90, fps=29.97)[30:60]
        assert_array_equal(PoseSequence.load(part.save(tmp_path / f"part.{suffix}")).times, part.times)

    def test_files_without_a_start_start_at_zero(self, tmp_path):
        record = json.loads(clip().save(tmp_path / "walk.json").read_text())
        del record["start"]
        (tmp_path / "old.json").write_text(json.dumps(record))
        assert PoseSequence.load(tmp_path / "old.json").start == 0.0

    def test_a_suffix_may_be_in_capitals(self, tmp_path):
        assert_same(PoseSequence.load(clip().save(tmp_path / "WALK.NPZ")), clip())

    def test_a_custom_skeleton_is_saved_and_loaded(self, tmp_path):
        chain = Skeleton("tail", ("base", "tip"), (("tip", "base"),), root="base")
        points = Skeleton("points", ("a",), ())
        for skeleton in (chain, points):
            poses = PoseSequence(np.ones((2, len(skeleton), 2)), skeleton, "normalised")
            for suffix in ("npz", "json"):
                assert PoseSequence.load(poses.save(tmp_path / f"x.{suffix}")).skeleton == skeleton

    @pytest.mark.parametrize("suffix", ["npz", "json"])
    @pytest.mark.parametrize("axes", [2, 3])
    def test_an_empty_sequence_is_saved_and_loaded(self, tmp_path, suffix, axes):
        none = clip(axes=axes)[:0]
        assert_same(PoseSequence.load(none.save(tmp_path / f"none.{suffix}")), none)

    def test_json_has_six_decimals(self, tmp_path):
        poses = PoseSequence(np.full((1, 17, 2), 0.123456789), H36M_17, "normalised")
        assert json.loads(poses.save(tmp_path / "walk.json").read_text())["points"][0][0] == [0.123457, 0.123457]

    def test_json_has_no_nan(self, tmp_path):
        text = full().save(tmp_path / "walk.json").read_text()
        record = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
        assert record["points"][2][4] == [None, None, None]
        assert record["space"] == "camera"
        assert record["units"] == "metres"
        assert record["joints"][10] == "head_top"
        assert record["valid"] == [True, True, False, True, True]

    def test_npz_holds_plain_arrays(self, tmp_path):
        with np.load(full().save(tmp_path / "walk.npz"), allow_pickle=False) as archive:
            assert all(archive[name].dtype != object for name in archive.files)
            assert archive["units"] == "metres"

    def test_csv_has_a_row_per_frame_and_columns_per_joint(self, tmp_path):
        with full().save(tmp_path / "walk.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 5
        assert list(rows[0])[:7] == ["frame", "seconds", "valid", "pelvis_x", "pelvis_y", "pelvis_z", "pelvis_score"]
        assert list(rows[0])[3 + 17 * 4 :][:1] == ["trunk_flexion"]  # angles and gait events follow
        assert [row["valid"] for row in rows] == ["1", "1", "0", "1", "1"]
        assert float(rows[3]["seconds"]) == 0.1
        assert float(rows[1]["head_top_z"]) == pytest.approx(full().points[1, 10, 2], rel=1e-5)
        assert rows[2]["left_hip_x"] == "", "unknown values are empty cells"
        assert float(rows[2]["left_hip_score"]) == 0

    def test_csv_of_2d_poses_has_no_z(self, tmp_path):
        header = clip(axes=2).save(tmp_path / "walk.csv").read_text().splitlines()[0].split(",")
        assert header[3:6] == ["pelvis_x", "pelvis_y", "pelvis_score"]

    def test_csv_of_a_slice_keeps_its_times(self, tmp_path):
        with clip(frames=90, fps=30)[30:60].save(tmp_path / "part.csv").open(newline="") as file:
            assert next(csv.DictReader(file))["seconds"] == "1.000000"

    def test_an_unknown_suffix_is_refused_with_the_known_ones(self, tmp_path):
        with pytest.raises(PoseError, match=r"walk.fbx.*\.npz, \.json, \.csv"):
            clip().save(tmp_path / "walk.fbx")

    @pytest.mark.parametrize("suffix", ["npz", "json", "csv"])
    def test_a_failed_write_leaves_the_old_file(self, tmp_path, monkeypatch, suffix):
        path = clip().save(tmp_path / f"walk.{suffix}")
        before = path.read_bytes()

        def fail(*_args, **_options):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "open", fail)
        with pytest.raises(PoseError, match=r"cannot write.*No space left"):
            full().save(path)
        monkeypatch.undo()
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == [path.name], "no temporary file is left"

    @pytest.mark.parametrize("frames", [0, 1, 1000, 3001])
    def test_long_json_is_written_in_pieces_and_in_little_memory(self, tmp_path, frames):
        points = np.random.default_rng(0).normal(size=(frames, 17, 3)).round(4)
        poses = PoseSequence(points, H36M_17, "camera", fps=30, valid=np.arange(frames) % 3 > 0)
        tracemalloc.start()
        poses.save(tmp_path / "x.json")
        assert tracemalloc.get_traced_memory()[1] < 8e6
        tracemalloc.stop()
        text = (tmp_path / "x.json").read_text()
        record = json.loads(text, parse_constant=pytest.fail)
        assert text == json.dumps(record)
        assert np.allclose(np.array(record["points"]).reshape(points.shape), points, atol=1e-6)
        assert record["valid"] == poses.validity.tolist()

    def test_an_interrupted_write_leaves_the_old_file(self, tmp_path, monkeypatch):
        path = clip().save(tmp_path / "walk.npz")
        before = path.read_bytes()

        def interrupt(file, **_):
            file.write(b"half")
            raise KeyboardInterrupt

        monkeypatch.setattr(np, "savez_compressed", interrupt)
        with pytest.raises(KeyboardInterrupt):
            full().save(path)
        assert path.read_bytes() == before
        assert len(list(tmp_path.iterdir())) == 1

    def test_a_path_below_a_file_is_refused(self, tmp_path):
        (tmp_path / "here").write_text("a file")
        with pytest.raises(PoseError, match=r"cannot write"):
            clip().save(tmp_path / "here" / "walk.npz")

    def test_saved_files_have_ordinary_permissions(self, tmp_path):
        (tmp_path / "other").write_text("")
        mode = clip().save(tmp_path / "walk.npz").stat().st_mode
        assert mode == (tmp_path / "other").stat().st_mode

    @pytest.mark.parametrize("name", ["nothing.npz", "nothing.json"])
    def test_a_missing_file_is_refused(self, tmp_path, name):
        with pytest.raises(PoseError, match=r"there is no file"):
            PoseSequence.load(tmp_path / name)

    def test_other_and_damaged_files_are_refused(self, tmp_path):
        np.savez(tmp_path / "arrays.npz", positions=np.zeros(3))
        np.save(tmp_path / "array.npy", np.zeros(3))
        (tmp_path / "empty.json").write_text("")
        (tmp_path / "list.json").write_text("[1, 2]")
        (tmp_path / "other.json").write_text('{"format": "COCO"}')
        (tmp_path / "text.npz").write_text("hello")
        whole = clip().save(tmp_path / "whole.npz").read_bytes()
        (tmp_path / "short.npz").write_bytes(whole[: len(whole) // 2])
        (tmp_path / "folder.npz").mkdir()
        for name in ("arrays.npz", "array.npy", "empty.json", "list.json", "other.json", "text.npz", "short.npz",
                     "folder.npz"):  # fmt: skip
            with pytest.raises(PoseError, match=name):
                PoseSequence.load(tmp_path / name)

    def test_a_missing_or_wrong_field_is_refused(self, tmp_path):
        record = json.loads(clip().save(tmp_path / "walk.json").read_text())
        for change in ({"points": None}, {"fps": "fast"}, {"space": "moon"}, {"points": [[1, 2], [3]]}):
            (tmp_path / "bad.json").write_text(json.dumps(record | change))
            with pytest.raises(PoseError, match=r"bad.json"):
                PoseSequence.load(tmp_path / "bad.json")
        del record["joints"]
        (tmp_path / "bad.json").write_text(json.dumps(record))
        with pytest.raises(PoseError, match=r"joints"):
            PoseSequence.load(tmp_path / "bad.json")

    def test_pickles_are_never_opened(self, tmp_path):
        (tmp_path / "bomb.npz").write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
        np.savez(tmp_path / "hidden.npz", format=np.array([Bomb(tmp_path / "ran")], object))
        for name in ("bomb.npz", "hidden.npz"):
            with pytest.raises(PoseError, match=name):
                PoseSequence.load(tmp_path / name)
        assert not (tmp_path / "ran").exists()
