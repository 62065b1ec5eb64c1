"""The radius that holds a joint: its signs against slow definitions, its file, and what it may depend on."""

import json
from dataclasses import replace

import numpy as np
import pytest

import poseglass as pg
from poseglass.errors import WeightsError
from poseglass.motion.uncertainty import SIGNS, UncertaintyModel, kind_of, signs

RNG = np.random.default_rng(9)
JOINTS = pg.H36M_17.joints
KINDS = {kind_of(joint) for joint in JOINTS} - {"pelvis"}
MODEL = UncertaintyModel({kind: RNG.normal((-3, 1, 0, 0, 0, 0, 0, 0), 0.05) for kind in KINDS}, "abc", {"all": 0.9})


def lifted(frames: int = 60, rate: float = 30, *, noise: float = 2.0) -> pg.PoseSequence:
    """A body that sways, and its 2D pose at 200 pixels per metre."""
    times = np.arange(frames) / rate
    body = RNG.normal(0, 0.3, (17, 3))
    points = body + 0.1 * np.sin(2 * np.pi * times)[:, None, None] * RNG.normal(size=(17, 3))
    points -= points[:, :1]
    pixels = 200 * points[..., :2] + [640, 360] + RNG.normal(0, noise, (frames, 17, 2))
    scores = RNG.uniform(0.2, 1, (frames, 17))
    pose2d = pg.PoseSequence(pixels, pg.H36M_17, "pixels", fps=rate, scores=scores, size=(1280, 720))
    return pg.PoseSequence(points, pg.H36M_17, "camera", fps=rate, scores=scores, pose2d=pose2d)


def column(motion: pg.PoseSequence, sign: str) -> np.ndarray:
    return signs(motion)[..., SIGNS.index(sign)]


def test_signs_against_slow_definitions():
    motion = lifted()
    points, scores, frame = motion.points.astype(float), motion.confidence.astype(float), 30
    around = range(frame - 4, frame + 5)
    parents = pg.H36M_17.parents
    for joint in (3, 9, 16):
        missing = np.mean([1 - scores[f, joint] for f in around])
        assert column(motion, "missing")[frame, joint] == pytest.approx(missing)
        second = [points[f + 2, joint] - 2 * points[f, joint] + points[f - 2, joint] for f in around]
        acceleration = np.mean([np.linalg.norm(x) * 15**2 for x in second])
        assert column(motion, "acceleration")[frame, joint] == pytest.approx(np.log(1 + acceleration))
        bones = points[:, joint] - points[:, parents[joint]]
        lengths = np.linalg.norm(bones, axis=-1)
        assert column(motion, "foreshortening")[frame, joint] == pytest.approx(abs(bones[frame, 2]) / lengths[frame])
        ratio = abs(np.log(lengths[frame] / np.median(lengths)))
        assert column(motion, "bone length")[frame, joint] == pytest.approx(ratio)
        assert column(motion, "depth")[frame, joint] == pytest.approx(abs(points[frame, joint, 2]))
        assert column(motion, "reach")[frame, joint] == pytest.approx(np.linalg.norm(points[frame, joint]))


def test_disagreement_is_what_scale_and_place_do_not_explain():
    assert column(lifted(noise=0), "disagreement").max() < 1e-3
    motion = lifted(noise=0)
    assert motion.pose2d is not None
    pixels = motion.pose2d.points.copy()
    pixels[30, 16] += [60, 0]  # 30 cm
    off = replace(motion, pose2d=replace(motion.pose2d, points=pixels))
    changed = column(off, "disagreement")
    assert 0.2 / 0.03 / 9 < np.expm1(changed[30, 16]) < 0.3 / 0.03 / 9
    assert changed[:25].max() < 1e-3
    assert np.delete(changed[30], 16).max() < changed[30, 16] / 2
    assert (column(replace(motion, pose2d=None), "disagreement") == 0).all()


def test_unknown_keypoints_do_not_disagree():
    motion = lifted(noise=0)
    assert motion.pose2d is not None
    pixels, scores = motion.pose2d.points.copy(), motion.pose2d.confidence.copy()
    pixels[:, 5], scores[:, 5] = np.nan, 0
    pixels[20:25], scores[20:25] = 0, 0
    hidden = replace(motion, pose2d=replace(motion.pose2d, points=pixels, scores=scores))
    assert column(hidden, "disagreement").max() < 1e-3


def test_signs_do_not_depend_on_the_frame_rate():
    times, body = np.arange(240) / 120, RNG.normal(0, 0.3, (17, 3))
    points = body + 0.1 * np.sin(2 * np.pi * times)[:, None, None] * body[::-1]
    fast = pg.PoseSequence(points, pg.H36M_17, "camera", fps=120, scores=np.full((240, 17), 0.7))
    slow = replace(fast[::4], fps=30)
    np.testing.assert_allclose(signs(fast)[40:200:4], signs(slow)[10:50], atol=0.05)


def test_the_radius_is_the_linear_model():
    motion = lifted()
    radius = MODEL.radius(motion)
    np.testing.assert_array_equal(radius[:, 0], 0)
    row = MODEL.coefficients["wrist"]
    for joint in (13, 16):
        expected = np.exp(row[0] + signs(motion)[:, joint] @ row[1:])
        np.testing.assert_allclose(radius[:, joint], np.minimum(expected, 1))
    assert np.isfinite(replace(motion, uncertainty=radius).uncertainty).all()


def test_the_radius_is_at_most_a_metre():
    wild = UncertaintyModel({"wrist": np.array([9.0, *[0.0] * 7])})
    assert wild.radius(lifted())[:, 16].max() == 1
    assert np.isnan(wild.radius(lifted())[:, 3]).all()  # no coefficients for ankles


def test_the_radius_is_unknown_far_from_any_detection():
    motion = lifted(240)
    scores = motion.confidence.copy()
    scores[60:150] = 0
    unknown = np.isnan(MODEL.radius(replace(motion, scores=scores))[:, 5])
    assert np.flatnonzero(unknown).tolist() == [*range(90, 120)]
    scores[:] = 0
    assert np.isnan(MODEL.radius(replace(motion, scores=scores))).all()


@pytest.mark.parametrize("frames", [0, 1, 2, 3, 8])
def test_short_motion(frames):
    radius = MODEL.radius(lifted(60)[:frames])
    assert radius.shape == (frames, 17)
    assert np.isfinite(radius).all()


def test_file_round_trip(tmp_path):
    path = tmp_path / "uncertainty.json"
    MODEL.save(path)
    back = UncertaintyModel.read(path)
    assert (back.weights, back.coverage) == ("abc", {"all": 0.9})
    motion = lifted()
    np.testing.assert_allclose(back.radius(motion), MODEL.radius(motion), rtol=1e-3)
    for kind, row in MODEL.coefficients.items():
        np.testing.assert_allclose(back.coefficients[kind], row, atol=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "another"},
        {"signs": ["luck"]},
        {"coefficients": {"knee": [1.0, 2.0]}},
        {"coefficients": {"knee": [float("nan")] * 8}},
        {"coefficients": {"knee": "text"}},
        {"weights": None, "coefficients": 3},
    ],
)
def test_damaged_files_are_refused(tmp_path, change):
    path = tmp_path / "uncertainty.json"
    MODEL.save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(WeightsError, match=r"uncertainty\.json is not a calibration"):
        UncertaintyModel.read(path)
    with pytest.raises(WeightsError, match="not a calibration"):
        UncertaintyModel.read(tmp_path / "none.json")
