"""Accuracy on motion clips, value by value, against plain loops and recorded numbers."""

import json

import numpy as np
import pytest
import torch
from numpy import ndarray
from numpy.testing import assert_allclose, assert_array_equal

import poseglass as pg
from oracle import bodies
from oracle import clip_protocol as oracle
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.errors import DataError, ModelError
from poseglass.judging import on_clips, viewpoints
from poseglass.judging.on_clips import evaluate_clips
from poseglass.judging.report import ClipReport
from poseglass.judging.viewpoints import at_rate, clip_views
from poseglass.lifting.blocks import Prediction

METRICS = ["MPJPE", "P-MPJPE", "MPJVE", "acceleration"]


def motion(frames: int, fps: int, seed: int, reach: float = 1.0) -> ndarray:
    """A smooth motion (f 17 3). `reach` stretches its path, so that cameras must stand farther away."""
    steps = max(round(240 / fps), 1)
    points = bodies.motion(frames * steps, pg.H36M_17.joints, seed)[::steps]
    path = points[:, :1] * [1, 0, 1]
    return (points + (reach - 1) * path + [1.0, 0.2, -2.0]).astype(np.float32)


def known(points: ndarray, scores: ndarray) -> ndarray:
    """A root-relative answer that depends on every pixel and score, about the size of a person."""
    x, y = points[..., 0] / 400, points[..., 1] / 300
    z = 0.4 * np.sin(3 * x) + 0.2 * scores * np.cos(2 * y)
    poses = np.stack([x, y, z], -1)
    return poses - poses[:, :1]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[ndarray, ndarray, dict[str, object]]]:
    """Replace lifting with :func:`known` and record its arguments."""
    recorded: list[tuple[ndarray, ndarray, dict[str, object]]] = []

    def predict(model: object, points: ndarray, scores: ndarray, **settings: object) -> Prediction:
        recorded.append((points, scores, settings))
        return Prediction(known(points, scores), np.ones(len(points), bool))

    monkeypatch.setattr(on_clips, "predict", predict)
    return recorded


def takes_at(fps: int) -> list[tuple[str, str, ndarray]]:
    """Takes of two subjects, of different lengths, one so wide that the near cameras must stand farther away."""
    return [
        ("a/1", "anna", motion(2 * fps, fps, 0)),
        ("a/2", "anna", motion(fps, fps, 1, reach=6.0)),
        ("b/1", "bert", motion(int(3.3 * fps), fps, 2)),
    ]


def clips_of(takes: list[tuple[str, str, ndarray]], fps: float, split: str = "test") -> MotionClips:
    return MotionClips(tuple(MotionClip(name, points, who, split) for name, who, points in takes), fps)


@pytest.mark.parametrize("fps", [24, 25, 30, 50, 60, 100, 120])
def test_errors_match_plain_loops(fps, calls):
    takes = takes_at(fps)
    report = evaluate_clips(pg.create_model("mixste-tiny"), clips_of(takes, fps))
    expected = oracle.errors(takes, fps, known)
    assert [(group.kind, group.name) for group in report.groups] == [
        (kind, name) for kind in ("clean", "detected") for name in ("all", "anna", "bert")
    ]
    for group in report.groups:
        errors = expected[group.kind, group.name]
        assert group.frames == errors["frames"]
        assert [*group.errors] == METRICS
        for name in METRICS:
            assert group.errors[name] == pytest.approx(errors[name], rel=1e-5), (group.kind, group.name, name)


@pytest.mark.parametrize("fps", [50, 60])
def test_the_model_gets_what_the_cameras_see(fps, calls):
    takes = takes_at(fps)
    evaluate_clips(pg.create_model("mixste-tiny"), clips_of(takes, fps))
    expected = [view for name, _, points in takes for view in oracle.views(name, points, fps)]
    assert len(calls) == len(expected) == 3 * 4 * 2
    for (points, scores, settings), view in zip(calls, expected, strict=True):
        assert_allclose(points, view.points, atol=2e-3)  # pixels: poses are stored in float32
        assert_allclose(scores, view.scores, atol=1e-6)
        assert settings == {"flip": False, "size": (1920, 1080), "engine": None}, (
            "as for a user, the image size is known and the focal length is not"
        )


def test_views_match_plain_loops():
    points = motion(40, 30, 3)
    views, expected = [*clip_views("x", at_rate(points, 30))], oracle.views("x", points, 30)
    assert [view.kind for view in views] == ["clean", "detected"] * 4
    for view, other in zip(views, expected, strict=True):
        assert view.kind == other.kind
        assert_allclose(view.truth, other.truth, atol=1e-9)
        assert_allclose(view.points, other.points, atol=1e-6)
        assert_allclose(view.scores, other.scores, atol=1e-12)


# MPJPE, P-MPJPE, MPJVE and acceleration, computed once and recorded. They depend on every constant of the protocol
# and on the noise and face of the simulated detector.
GOLDEN = {
    "clean": [313.982475, 102.990183, 75.6646684, 77.7081148],
    "detected": [317.068659, 105.932612, 107.740299, 122.382483],
}
GOLDEN_BALANCED = {
    "clean": [165.217, 68.9568, 62.2913, 57.5456],
    "detected": [112.978, 70.0741, 63.3624, 58.2906],
}


def test_a_known_formula_gives_the_recorded_errors(calls):
    report = evaluate_clips(pg.create_model("mixste-tiny"), clips_of(takes_at(60), 60.0))
    for kind, values in GOLDEN.items():
        assert [*report.group(kind).errors.values()] == pytest.approx(values, rel=1e-6)


def test_the_shipped_weights_give_the_recorded_errors():
    report = evaluate_clips(pg.load("balanced"), clips_of(takes_at(60)[:2], 60.0))
    for kind, values in GOLDEN_BALANCED.items():
        assert [*report.group(kind).errors.values()] == pytest.approx(values, rel=1e-3)


# As GOLDEN, for protocol 2: these also depend on every constant of the measured detector.
GOLDEN_2 = [324.7222362, 117.3990626, 121.1825386, 154.6531683]


class TestVersion2:
    def test_a_known_formula_gives_the_recorded_errors(self, calls):
        report = evaluate_clips(pg.create_model("mixste-tiny"), clips_of(takes_at(60), 60.0), protocol=2)
        assert [*report.group("clean").errors.values()] == pytest.approx(GOLDEN["clean"], rel=1e-6)
        assert [*report.group("detected").errors.values()] == pytest.approx(GOLDEN_2, rel=1e-5)
        assert report.protocol == "protocol 2: 4 cameras, 30 frames per second"
        assert "protocol 2: 4 cameras" in str(report)

    def test_only_the_detector_differs(self):
        points = at_rate(motion(40, 30, 3), 30)
        for first, second in zip(clip_views("x", points), clip_views("x", points, 2), strict=True):
            assert first.kind == second.kind
            assert_array_equal(first.truth, second.truth)
            assert np.array_equal(first.points, second.points) is (first.kind == "clean")

    def test_a_detector_without_errors_sees_cocos_joints(self, monkeypatch):
        """The rest is as in plain loops: placed joints, projected, with depth and frame rate, and converted."""
        received = []

        def exact(draws, view, noise, mirror):
            received.append(view)
            return view.pixels, torch.ones_like(view.depth)

        monkeypatch.setattr(viewpoints, "detect_measured", exact)
        monkeypatch.setattr(viewpoints, "place", lambda draws, joints, layout: joints + 0.01)
        points = motion(5, 30, 3)
        take, (_, detected, *_) = at_rate(points, 30), clip_views("x", at_rate(points, 30), 2)
        place, axes = oracle.look(take, oracle.CAMERAS[0])
        space = np.stack([oracle.seen_from(place, axes, oracle.with_face(pose) + 0.01) for pose in take])
        assert_allclose(received[0].depth[0], space[..., 2], atol=1e-9)
        assert received[0].fps.tolist() == [30.0]
        flat = np.stack([oracle.pixels(pose, oracle.CAMERAS[0][3]) for pose in space])
        expected = [oracle.observed(pose, np.ones(23))[0] for pose in flat]
        assert_allclose(detected.points, expected, atol=1e-6)

    def test_other_versions_are_refused(self, calls):
        model, clips = pg.create_model("mixste-tiny"), clips_of(takes_at(30)[1:2], 30)
        with pytest.raises(DataError, match="versions 1 and 2, got 3"):
            evaluate_clips(model, clips, protocol=3)
        assert pg.evaluate(model, clips, protocol=2) == evaluate_clips(model, clips, protocol=2)
        assert pg.evaluate(model, clips) == evaluate_clips(model, clips, protocol=1)


class TestFrameRate:
    @pytest.mark.parametrize("fps", [30, 60, 90, 120, 240])
    def test_rates_that_are_multiples_of_30_are_decimated_exactly(self, fps):
        points = motion(fps + 7, fps, 4)
        assert_array_equal(at_rate(points, fps), points[:: fps // 30].astype(float))

    @pytest.mark.parametrize("fps", [7.5, 15, 24, 25, 29.97, 48, 50, 100, 125, 144])
    def test_other_rates_are_interpolated_onto_30_fps(self, fps):
        points = motion(50, 60, 5)
        resampled = at_rate(points, fps)
        assert len(resampled) == int(49 / fps * 30 + 1e-6) + 1
        for k, pose in enumerate(resampled):
            place = k * fps / 30
            before = min(int(place + 1e-6), 49)
            share = place - before
            expected = (1 - share) * points[before] + share * points[min(before + 1, 49)]
            assert_allclose(pose, expected, atol=1e-6)

    @pytest.mark.parametrize("fps", [25, 50, 100])
    def test_velocities_are_per_frame_of_30_fps(self, fps, monkeypatch):
        """The answer moves at 0.3 m/s and the truth stands still: 10 mm per frame at any rate."""

        def predict(model, points, scores, **settings):
            drift = np.arange(len(points))[:, None, None] * [0.01, 0, 0] * (np.arange(17) > 0)[:, None]
            return Prediction(drift, np.ones(len(points), bool))

        monkeypatch.setattr(on_clips, "predict", predict)
        still = np.repeat(bodies.body(pg.H36M_17.joints)[None], 2 * fps + 1, 0).astype(np.float32)
        report = evaluate_clips(pg.create_model("mixste-tiny"), clips_of([("still", "anna", still)], fps))
        assert report.group("clean").frames == 4 * 61
        assert report.group("clean").errors["MPJVE"] == pytest.approx(10 * 16 / 17)
        assert report.group("clean").errors["acceleration"] == pytest.approx(0, abs=1e-3)


def test_only_the_split_is_evaluated(calls):
    takes = takes_at(30)
    mixed = MotionClips(
        tuple(
            MotionClip(name, points, who, split)
            for (name, who, points), split in zip(takes, ("train", "val", "test"), strict=True)
        ),
        30.0,
    )
    model = pg.create_model("mixste-tiny")
    for split, who, frames in (("train", "anna", 60), ("val", "anna", 30), ("test", "bert", 99)):
        report = evaluate_clips(model, mixed, split=split)
        assert {group.name for group in report.groups} == {"all", who}
        assert report.group("clean").frames == report.group("clean", who).frames == 4 * frames
        assert (report.split, report.fingerprint) == (split, mixed.split(split).fingerprint)
    assert pg.evaluate(model, mixed) == evaluate_clips(model, mixed)
    assert pg.evaluate(model, mixed, split="val", flip=True) == evaluate_clips(model, mixed, split="val", flip=True)
    with pytest.raises(DataError, match="'exam'"):
        evaluate_clips(model, mixed, split="exam")


def test_the_mirrored_pass_is_made_on_request(calls):
    report = evaluate_clips(pg.create_model("mixste-tiny"), clips_of(takes_at(30), 30), flip=True)
    assert all(settings["flip"] is True for _, _, settings in calls)
    assert "averaged with the mirrored pass" in str(report)


def test_takes_that_are_too_short_are_named_in_the_error(calls):
    takes = [("short", "anna", motion(4, 60, 0)), ("long enough", "bert", motion(5, 60, 1))]
    report = evaluate_clips(pg.create_model("mixste-tiny"), clips_of(takes, 60))
    assert report.skipped == ("short",)
    assert report.group("clean").frames == 4 * 3
    assert "left out, fewer than 3 frames: short" in str(report)
    with pytest.raises(
        DataError, match="every take of the split test has fewer than 3 frames at 30 frames per second: short"
    ):
        evaluate_clips(pg.create_model("mixste-tiny"), clips_of(takes[:1], 60))


def test_evaluation_leaves_the_mode_of_the_model_unchanged():
    model = pg.create_model("mixste-small", frames=9).train()
    model.project.eval()
    modes = [part.training for part in model.modules()]
    evaluate_clips(model, clips_of(takes_at(30)[1:2], 30))
    assert [part.training for part in model.modules()] == modes


def test_a_model_is_evaluated_on_a_device():
    model, clips = pg.create_model("mixste-small", frames=9), clips_of(takes_at(30)[1:2], 30)
    assert pg.evaluate(model, clips, device="cpu") == pg.evaluate(model, clips)
    with pytest.raises(ModelError, match=r"this machine has no device cuda:99 .*; choose auto or one of cpu"):
        pg.evaluate(model, clips, device="cuda:99")


def test_models_that_cannot_lift_are_refused():
    clips = clips_of(takes_at(30)[1:2], 30)
    with pytest.raises(ModelError, match="4 inputs"):
        evaluate_clips(pg.create_model("mixste-tiny", inputs=4), clips)


@pytest.fixture
def report(calls) -> ClipReport:
    return evaluate_clips(pg.create_model("mixste-tiny"), clips_of(takes_at(30), 30))


class TestReport:
    def test_the_text_has_a_heading_a_table_and_the_units(self, report):
        head, table, units = str(report).split("\n\n")
        assert head.splitlines() == [
            f"motion clips, split test, fingerprint {report.fingerprint}",
            "protocol 1: 4 cameras, 30 frames per second, no mirrored pass",
        ]
        rows = [line.split() for line in table.splitlines()]
        assert rows[0] == ["2D", "takes", "of", "frames", *METRICS]
        errors = report.group("clean").errors
        assert rows[1] == [
            "clean", "all", "756", f"{errors['MPJPE']:.1f}", f"{errors['P-MPJPE']:.1f}", f"{errors['MPJVE']:.2f}",
            f"{errors['acceleration']:.2f}",
        ]  # fmt: skip
        assert len(rows) == 1 + 6
        assert units == "MPJPE in mm  P-MPJPE in mm  MPJVE in mm/frame  acceleration in mm/frame^2"

    def test_markdown_has_a_row_per_group(self, report):
        lines = report.markdown().splitlines()
        assert lines[:2] == [f"- {line}" for line in report.about().splitlines()]
        assert lines[3].startswith("| 2D | takes of | frames | MPJPE, mm |")
        assert lines[5].startswith("| clean | all | 756 | ")

    def test_json_has_every_digit(self, report):
        record = json.loads(report.json())
        assert [*record] == ["clean", "detected"]
        assert [*record["clean"]] == ["all", "anna", "bert"]
        assert record["clean"]["bert"] == dict(
            zip(
                ["mpjpe", "p_mpjpe", "mpjve", "acceleration", "frames"],
                [*report.group("clean", "bert").errors.values(), 4 * 99],
                strict=True,
            )
        )

    def test_csv_has_a_row_per_group(self, report):
        head, first, *_ = report.csv().splitlines()
        assert head == "kind,name,frames,MPJPE,P-MPJPE,MPJVE,acceleration"
        assert first.split(",") == ["clean", "all", "756", *(str(e) for e in report.group("clean").errors.values())]

    def test_an_unknown_group_is_a_key_error(self, report):
        with pytest.raises(KeyError):
            report.group("clean", "carl")
