"""Accuracy in the world, value by value, against plain loops and recorded numbers."""

import json
import math
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from numpy import ndarray
from numpy.testing import assert_allclose, assert_array_equal

import poseglass as pg
from oracle import bodies, walkers
from oracle import clip_protocol as views_oracle
from oracle import world_measures as oracle
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.errors import DataError
from poseglass.judging import in_the_world
from poseglass.judging.baseline_path import frame_by_frame
from poseglass.judging.in_the_world import Method, evaluate_world
from poseglass.judging.report import WorldReport
from poseglass.judging.world_measures import WORLD_MEASURES
from poseglass.lifting.blocks import Prediction

KINDS = [f"{pose2d}, {focal}" for pose2d in ("clean", "detected") for focal in ("known", "unknown")]


def motion(frames: int, seed: int) -> ndarray:
    """A smooth motion (f 17 3) at 30 frames per second, whose feet stand for the first half."""
    points = bodies.motion(frames, pg.H36M_17.joints, seed)
    points[: frames // 2, [3, 6]] = points[0, [3, 6]]
    return points.astype(np.float32)


def takes() -> list[tuple[str, str, ndarray]]:
    return [
        ("a/1", "anna", motion(100, 0)),
        ("a/short", "anna", motion(99, 1)),
        ("a/2", "anna", motion(130, 2)),
        ("b/1", "bert", motion(215, 3)),
    ]


def clips(split: str = "test") -> MotionClips:
    return MotionClips(tuple(MotionClip(name, points, who, split) for name, who, points in takes()), 30.0)


def known(points: ndarray, scores: ndarray, focal: float | None) -> ndarray:
    """A root-relative answer that depends on every pixel and score and on the focal length."""
    x, y = points[..., 0] / 400, points[..., 1] / 300
    z = 0.4 * np.sin(3 * x) + 0.2 * scores * np.cos(2 * y) + (0.1 if focal is None else 100 / focal) * y
    poses = np.stack([x, y, z], -1)
    return poses - poses[:, :1]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[ndarray, dict[str, object]]]:
    """Replace lifting with :func:`known` and record its arguments."""
    recorded: list[tuple[ndarray, dict[str, object]]] = []

    def predict(model, points, scores, **settings):
        recorded.append((points, settings))
        return Prediction(known(points, scores, settings["focal"]).astype(np.float32), np.ones(len(points), bool))

    monkeypatch.setattr(in_the_world, "predict", predict)
    return recorded


@pytest.fixture
def report(calls, monkeypatch: pytest.MonkeyPatch) -> WorldReport:
    methods = {
        "baseline": Method(frame_by_frame),
        "true poses": Method(frame_by_frame, true_poses=True),
        "true path": Method(None),
    }
    monkeypatch.setattr(in_the_world, "METHODS", methods)
    return evaluate_world(pg.create_model("mixste-tiny"), clips())


def solved(points: ndarray, pixels: ndarray, scores: ndarray, focal: float) -> ndarray:
    """The path that fits the image best in each frame, by a general solver; held over frames without a person."""
    path: list[ndarray | None] = []
    for pose, image, weights in zip(points, pixels, scores, strict=True):
        rows, right = [], []
        for (x, y, z), pixel, weight in zip(pose, image, weights, strict=True):
            if weight:
                u, v = (pixel - np.array([960, 540])) / focal
                rows += [np.sqrt(weight) * np.array([1, 0, -u]), np.sqrt(weight) * np.array([0, 1, -v])]
                right += [np.sqrt(weight) * (u * z - x), np.sqrt(weight) * (v * z - y)]
        path.append(np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0] if len(rows) >= 4 else None)
    frames = [frame for frame, place in enumerate(path) if place is not None]
    whole = [np.interp(range(len(path)), frames, [path[f][axis] for f in frames]) for axis in range(3)]
    return np.stack(whole, -1)


class View(NamedTuple):
    """A take as the oracle sees it: in the image, relative to the pelvis, and the pelvis before the camera."""

    kind: str
    pixels: ndarray
    scores: ndarray
    truth: ndarray
    root: ndarray
    stands: list[list[bool]]
    focal: float
    pitch: float


@cache
def oracle_views() -> list[View]:
    """Every take of 100 frames or more, by the camera whose turn it is."""
    views = []
    for number, (name, _, points) in enumerate(take for take in takes() if take[0] != "a/short"):
        camera, world = views_oracle.CAMERAS[number], points.astype(float)
        place, axes = views_oracle.look(world, camera)
        root = np.stack([views_oracle.seen_from(place, axes, pose[:1])[0] for pose in world])
        stands = oracle.standing(world, 30)
        for view in views_oracle.views(name, points, 30)[2 * number : 2 * number + 2]:
            views.append(View(*view, root, stands, camera[3] * 1920, camera[1]))
    return views


@pytest.mark.parametrize("method", ["baseline", "true poses", "true path"])
def test_values_match_plain_loops(report, method):
    collected: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for view in oracle_views():
        true, frames = view.truth + view.root[:, None], len(view.truth)
        for focal in (view.focal, None):
            poses = view.truth if method == "true poses" else known(view.pixels, view.scores, focal)
            if method == "true path":
                guess, contact = poses + view.root[:, None], np.array(view.stands, float)
            else:
                path = solved(poses, view.pixels, view.scores, 1.1 * 1920 if focal is None else focal)
                guess = poses + path[:, None]
                contact = np.array(oracle.standing(guess * [1, -1, 1], 30), float)
            steps = sum(view.stands[f][s] and view.stands[f + 1][s] for f in range(frames - 1) for s in range(2))
            either = contact.sum() + np.sum(view.stands)
            values = {
                "WA-MPJPE": (oracle.aligned_mpjpe(guess, true, 100), frames // 100),
                "W-MPJPE": (oracle.aligned_mpjpe(guess, true, 2), frames // 100),
                "RTE": (oracle.rte(guess, true), frames),
                "root error": (oracle.root_error(guess, true), frames),
                "scale off": (oracle.scale_off(guess, true), frames),
                "jitter": (oracle.jitter(guess, 30), frames - 3),
                "sliding": (oracle.sliding(guess, view.stands), steps),
                "contact F1": (200 * (contact * np.array(view.stands)).sum() / either, either),
                "tilt": (0.0 if method == "true path" else abs(view.pitch), frames),
            }
            kind = f"{view.kind}, {'unknown' if focal is None else 'known'}"
            for measure, pair in values.items():
                collected.setdefault(kind, {}).setdefault(measure, []).append(pair)
    assert [*collected] == KINDS
    for kind, measures in collected.items():
        group = report.group(kind, method)
        assert group.frames == 100 + 130 + 215
        for measure, pairs in measures.items():
            expected = sum(value * weight for value, weight in pairs) / sum(weight for _, weight in pairs)
            assert group.errors[measure] == pytest.approx(expected, rel=1e-3, abs=1e-2), (kind, measure)
        median = sorted(value for value, _ in measures["RTE"])[1]
        assert group.errors["median RTE"] == pytest.approx(median, rel=1e-3, abs=1e-2)


def test_the_last_row_is_the_true_motion(report):
    kinds = [(group.kind, group.name) for group in report.groups]
    assert kinds == [
        *((kind, name) for kind in KINDS for name in ("baseline", "true poses", "true path")),
        ("true motion", ""),
    ]
    errors = report.groups[-1].errors
    for name in ("WA-MPJPE", "W-MPJPE", "RTE", "median RTE", "root error", "scale off", "tilt"):
        assert errors[name] == pytest.approx(0, abs=1e-5)
    assert errors["contact F1"] == 100
    points = [points.astype(float) for name, _, points in takes() if name != "a/short"]
    jerks = [(oracle.jitter(each, 30), len(each) - 3) for each in points]
    assert errors["jitter"] == pytest.approx(sum(a * b for a, b in jerks) / sum(b for _, b in jerks), rel=1e-4)
    assert errors["sliding"] < 3


def test_the_true_path_leaves_the_errors_of_the_poses(report):
    for kind in KINDS:
        errors = report.group(kind, "true path").errors
        for name in ("RTE", "median RTE", "root error", "scale off", "tilt"):
            assert errors[name] == pytest.approx(0, abs=1e-5)
        assert errors["contact F1"] == 100
        assert 0 < errors["WA-MPJPE"] < report.group(kind, "baseline").errors["WA-MPJPE"]


def test_lifting_gets_the_image_size_and_the_focal_length_that_is_known(report, calls):
    assert len(calls) == 3 * 4
    focals = [settings["focal"] for _, settings in calls]
    assert focals == [1920.0, None] * 2 + [2304.0, None] * 2 + [1536.0, None] * 2
    assert all(settings["size"] == (1920, 1080) and settings["flip"] is False for _, settings in calls)


def test_the_placing_gets_the_motion_as_lifting_makes_it(calls, monkeypatch):
    received = []

    def place(motion, *, focal):
        received.append((motion, focal))
        return frame_by_frame(motion, focal=focal)

    monkeypatch.setattr(in_the_world, "METHODS", {"mine": Method(place), "true": Method(place, true_poses=True)})
    evaluate_world(pg.create_model("mixste-tiny"), clips(), takes=1)
    assert [focal for _, focal in received] == [1920.0, 1920.0, None, None] * 2
    first, true, *_ = (motion for motion, _ in received)
    assert (first.space, first.rate, first.size, first.pose2d.size) == ("camera", 30.0, (1920, 1080), (1920, 1080))
    assert_allclose(first.points, known(first.pose2d.points, first.pose2d.scores, 1920.0), atol=1e-4)
    assert_array_equal(first.points[:, 0], 0)
    truth = takes()[0][2]
    bone = np.linalg.norm(true.points[:, 1] - true.points[:, 0], axis=-1)
    assert_allclose(bone, np.linalg.norm(truth[:, 1] - truth[:, 0], axis=-1), atol=1e-5)
    for motion, _ in received:
        assert_array_equal(motion.valid, (motion.pose2d.scores > 0).any(-1))


def test_an_unknown_direction_up_has_no_tilt(calls, monkeypatch):
    def place(motion, *, focal):
        placed = frame_by_frame(motion, focal=focal)
        return replace(placed, trajectory=replace(placed.trajectory, to_world=None))

    monkeypatch.setattr(in_the_world, "METHODS", {"lost": Method(place)})
    report = evaluate_world(pg.create_model("mixste-tiny"), clips(), takes=1)
    errors = report.group("clean, known", "lost").errors
    assert math.isnan(errors["tilt"])
    assert errors["WA-MPJPE"] > 0
    assert json.loads(report.json())["clean, known"]["lost"]["tilt"] is None


def test_a_part_of_the_takes_is_evenly_spaced(calls):
    model = pg.create_model("mixste-tiny")
    two = evaluate_world(model, clips(), takes=2)
    assert two.group("clean, known", "frame by frame").frames == 100 + 215
    assert (two.takes, two.skipped) == (2, ("a/short",))
    assert "2 takes at 30 frames per second" in str(two)
    assert "left out, fewer than 100 frames: 1 take\n" in str(two)
    assert evaluate_world(model, clips(), takes=3) == evaluate_world(model, clips())
    assert evaluate_world(model, clips(), takes=9) == evaluate_world(model, clips())
    with pytest.raises(DataError, match="a number of takes from 1, got 0"):
        evaluate_world(model, clips(), takes=0)


def test_only_long_takes_of_the_split_count(calls):
    model = pg.create_model("mixste-tiny")
    with pytest.raises(DataError, match="'test' has no clips"):
        evaluate_world(model, clips("val"))
    short = MotionClips((MotionClip("short", motion(197, 0), "anna", "test"),), 60.0)
    with pytest.raises(DataError, match="every take of the split test has fewer than 100 frames at 30 frames"):
        evaluate_world(model, short)
    assert evaluate_world(model, clips("val"), split="val").takes == 3


def test_protocol_2_has_another_detector(calls):
    model = pg.create_model("mixste-tiny")
    first, second = (evaluate_world(model, clips(), takes=1, protocol=protocol) for protocol in (1, 2))
    for kind in KINDS:
        one, other = (report.group(kind, "frame by frame") for report in (first, second))
        assert (one == other) is kind.startswith("clean")
    assert "protocol 2" in str(second)
    with pytest.raises(DataError, match="versions 1 and 2, got 3"):
        evaluate_world(model, clips(), protocol=3)


def test_the_focal_length_of_models_of_screen_coordinates_only_places_the_person():
    model = pg.create_model("mixste-tiny", card=pg.Card(coordinates="screen"))
    report = evaluate_world(model, clips(), takes=1)
    known, unknown = (report.group(f"clean, {focal}", "frame by frame").errors for focal in ("known", "unknown"))
    assert known["scale off"] != unknown["scale off"]


# Recorded once. They depend on every constant of the protocol, the baseline and the measures.
GOLDEN = {
    "clean, known": [172.4367, 369.1252, 8.615866, 9.708145, 24.85441, 45.92358, 11.76429, 6.639357, 14.90683, 15.0],
    "detected, unknown": [172.9162, 363.2258, 9.091342, 10.66062, 26.15291, 73.3336, 286.6197, 53.41668, 3.2, 15.0],
}


@pytest.mark.parametrize("kind", [*GOLDEN])
def test_a_known_formula_gives_the_recorded_errors(report, kind):
    errors = report.group(kind, "baseline").errors
    assert [*errors] == [*WORLD_MEASURES]
    assert [*errors.values()] == pytest.approx(GOLDEN[kind], rel=1e-3)


def test_the_shipped_weights_find_the_path_of_a_person():
    walk = MotionClip("walk", walkers.walk(seconds=5, direction=40).world.astype(np.float32), "anna", "test")
    report = pg.evaluate(pg.load("balanced"), MotionClips((walk,), 30.0), world=True)
    lifted = report.group("clean, known", "frame by frame").errors
    assert lifted["WA-MPJPE"] < 200
    assert lifted["root error"] < 30
    for kind in ("clean, known", "detected, known"):
        baseline, track, exact = (
            report.group(kind, method).errors for method in ("frame by frame", "whole track", "whole track, true poses")
        )
        assert exact["WA-MPJPE"] < track["WA-MPJPE"] / 3
        assert track["jitter"] < baseline["jitter"]


class TestEvaluate:
    def test_it_measures_in_the_world_on_request(self, calls):
        model = pg.create_model("mixste-tiny")
        assert pg.evaluate(model, clips(), world=True) == evaluate_world(model, clips())
        report = pg.evaluate(model, clips("val"), world=True, split="val", flip=True, protocol=2)
        assert report == evaluate_world(model, clips("val"), split="val", flip=True, protocol=2)
        assert "averaged with the mirrored pass" in str(report)

    def test_the_table_has_a_row_per_method(self, report):
        head, table, units = str(report).split("\n\n")
        assert head.startswith(f"motion in the world, split test, fingerprint {clips().fingerprint}\n3 takes")
        assert table.splitlines()[0].split()[:5] == ["2D,", "focal", "length", "method", "frames"]
        assert len(table.splitlines()) == 1 + 4 * 3 + 1
        assert "jitter in 10 m/s^3" in units
        assert report.csv().splitlines()[0] == "kind,name,frames," + ",".join(WORLD_MEASURES)
        assert json.loads(report.json())["clean, known"]["baseline"]["frames"] == 445
