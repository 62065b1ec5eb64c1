"""Poses of a live source, judged by naive windows, by offline lifting, and by laws."""

import gc
import sys
from types import FunctionType, ModuleType

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

import poseglass as pg
from poseglass.body.concatenate import concatenate
from poseglass.errors import ModelError, PoseError
from poseglass.lifting.predictor import predict
from poseglass.live.stream import Stream
from poseglass.models import MixSTE
from poseglass.waist.hourglass import funnel

torch.set_num_threads(1)
torch.manual_seed(0)
BACKBONE = MixSTE(frames=9, dim=16, depth=2, heads=2, inputs=3)
MODEL = MixSTE(frames=9, dim=16, depth=1, heads=2, inputs=3)
SIZE = (1280, 720)


@pytest.fixture
def pixels(walk) -> np.ndarray:
    """The 2D poses of a walk without gaps (f 17 2)."""
    return walk.pose2d.points[:32].astype(np.float64)


def stream_of(model=MODEL, **options) -> Stream:
    return Stream(model, **{"skeleton": pg.H36M_17, "size": SIZE, "lookahead": 0} | options)


def run(stream: Stream, points: np.ndarray, times: np.ndarray | None = None, scores: np.ndarray | None = None) -> list:
    """The answer to each push."""
    times = np.arange(len(points)) / 30 if times is None else times
    scores = np.ones(points.shape[:-1]) if scores is None else scores
    return [stream.push_keypoints(*row, float(time)) for *row, time in zip(points, scores, times, strict=True)]


def joined(poses: list) -> np.ndarray:
    return np.concatenate([pose.points for pose in poses if pose is not None])


def window(points: np.ndarray, newest: int) -> np.ndarray:
    """The poses of the window that ends at a frame: before the first frame, that is repeated."""
    rows = [max(row, 0) for row in range(newest - 8, newest + 1)]
    return predict(MODEL, points[rows], np.ones((9, 17)), size=SIZE).pose3d


@pytest.mark.parametrize("lookahead", [0, 2])
def test_a_pose_is_the_mean_of_the_windows_up_to_the_look_ahead(pixels, lookahead):
    stream = stream_of(lookahead=lookahead)
    poses = run(stream, pixels[:11])
    assert [pose is None for pose in poses] == [True] * lookahead + [False] * (11 - lookahead)
    poses = [*poses, *stream.finish()][lookahead:]
    for frame, pose in enumerate(poses):
        answers = [
            window(pixels, newest)[8 - newest + frame] for newest in range(frame, min(frame + lookahead, 10) + 1)
        ]
        assert_allclose(pose.points[0], np.mean(answers, 0), atol=1e-5)
        assert (len(pose), pose.space, pose.size, pose.validity.all()) == (1, "camera", SIZE, True)
        assert_allclose(pose.times, frame / 30)
        assert_array_equal(pose.pose2d.points[0], pixels[frame].astype(np.float32))


def test_a_model_of_one_frame_lifts_as_offline(pixels):
    model = funnel(BACKBONE, keep=4, at=1, always=6)
    stream = stream_of(model, lookahead=2)
    own = joined([*run(stream, pixels[:14]), *stream.finish()])
    offline = predict(model, pixels[:14], np.ones((14, 17)), size=SIZE).pose3d
    assert_allclose(own, offline, atol=1e-6)
    with pytest.raises(ModelError, match="frame 6 of 9 only: lookahead must be 2, got 0"):
        stream_of(model)


def test_images_give_the_poses_of_their_keypoints(pixels):
    image, detector = np.zeros((720, 1280, 3), np.uint8), pg.FakeDetector(pg.PoseSequence(pixels, pg.H36M_17, "pixels"))
    stream = Stream(MODEL, detector=detector, lookahead=0)
    poses = [stream.push(image, frame / 30) for frame in range(4)]
    assert_array_equal(joined(poses), joined(run(stream_of(), pixels[:4])))
    assert poses[0].trajectory is not None


def test_images_without_a_time_get_that_of_their_arrival(pixels):
    detector = pg.FakeDetector(pg.PoseSequence(pixels, pg.H36M_17, "pixels"))
    stream = Stream(MODEL, detector=detector, lookahead=0)
    times = [stream.push(np.zeros((72, 128, 3), np.uint8)).times[0] for _ in range(3)]
    assert times[0] == 0
    assert 0 < times[1] < times[2] < 60


def test_the_same_input_gives_the_same_output(pixels):
    first, second = (run(stream_of(smooth="one-euro"), pixels[:8]) for _ in range(2))
    assert_array_equal(joined(first), joined(second))
    assert_array_equal(first[-1].root, second[-1].root)


def test_twice_the_rate_gives_the_same_poses(pixels):
    """Of 60 frames per second, a window takes every second one."""
    fast = run(stream_of(), pixels[:20], np.arange(20) / 60)
    slow = run(stream_of(), pixels[1:20:2], np.arange(10) / 30)
    assert_allclose(joined(fast[17::2]), joined(slow[8:]), atol=1e-5)


def test_dropped_frames_are_bridged():
    """In uniform motion, windows with dropped frames equal those with all, and past poses are taken at their times."""
    start = np.random.default_rng(0).normal(0, 80, (17, 2)) + 400
    points = start + np.arange(28)[:, None, None] * np.random.default_rng(1).normal(0, 1, (17, 2))
    kept = [n for n in range(28) if n not in (14, 17, 18)]
    every = joined(run(stream_of(lookahead=1), points))
    own = dict(zip(kept, joined(run(stream_of(lookahead=1), points[kept], np.array(kept) / 30)), strict=False))
    unbroken = [row for row in kept if row + 1 in kept]
    assert_allclose([own[row] for row in unbroken], every[unbroken], atol=1e-4)


def test_a_pose_waits_for_a_person_and_absent_frames_are_not_valid(pixels):
    scores = np.ones((16, 17))
    scores[:3], scores[8:10] = 0, 0
    poses = run(stream_of(), pixels[:16], scores=scores)
    assert [pose is None for pose in poses] == [True] * 3 + [False] * 13
    assert [bool(pose.valid[0]) for pose in poses[3:]] == [True] * 5 + [False] * 2 + [True] * 6
    assert np.isfinite(joined(poses)).all()
    nobody = stream_of()
    assert nobody.push_keypoints(np.zeros((0, 17, 2)), np.zeros((0, 17)), 0.0) is None
    assert nobody.finish() == []


def test_poses_that_overflow_are_an_error(pixels):
    model = MixSTE(frames=9, dim=16, depth=2, heads=2, inputs=3)
    torch.nn.init.constant_(list(model.parameters())[-1], 3e38)
    torch.nn.init.constant_(list(model.parameters())[-2], 3e38)
    with pytest.raises(ModelError, match="NaN or infinite"):
        run(stream_of(model), pixels[:1])


def test_a_person_who_returns_late_starts_anew(pixels):
    times = np.append(np.arange(6), 200 + np.arange(8)) / 30
    points = np.concatenate([pixels[:6], pixels[:8] + 200])
    poses = run(stream_of(lookahead=1), points, times)
    assert [pose.person for pose in poses[1:]] == [1] * 6 + [2] * 7
    alone = run(stream_of(lookahead=1), points[6:], times[6:])
    assert_allclose(joined(poses[7:]), joined(alone), atol=1e-5)
    assert_allclose(poses[-1].root, alone[-1].root, atol=1e-4)


def test_out_of_sight_for_long_the_last_pose_is_held(pixels):
    scores = np.ones((22, 17))
    scores[9:] = 0
    poses = joined(run(stream_of(), pixels[:22], scores=scores))
    assert_array_equal(poses[-1], poses[-4])


def test_the_most_prominent_person_is_followed(pixels):
    small = 0.3 * pixels + [20, 300]
    both = np.stack([small, pixels], 1)
    assert_array_equal(joined(run(stream_of(), both[:5])), joined(run(stream_of(), pixels[:5])))


def test_a_glitch_is_repaired_in_the_frames_after_it():
    points = np.random.default_rng(0).normal(0, 80, (17, 2)) + 400 + np.arange(16)[:, None, None] * [1.0, 0.2]
    wrong, scores = points.copy(), np.ones((16, 17))
    wrong[7, 5] += 300
    scores[7, 5] = 0
    glitched, known = run(stream_of(), wrong), run(stream_of(), points, scores=scores)
    assert not np.allclose(glitched[7].points, known[7].points, atol=1e-3)
    assert_allclose(joined(glitched[10:]), joined(known[10:]), atol=1e-5)
    waiting = run(stream_of(lookahead=4), wrong)[11].pose2d
    assert waiting.confidence[0, 5] == 0
    assert_allclose(waiting.points[0, 5], points[7, 5], atol=1e-3)


def test_the_one_euro_filter_is_that_of_offline(pixels):
    plain, smoothed = (concatenate(run(stream_of(smooth=smooth), pixels[:14])) for smooth in (None, "one-euro:2"))
    assert_allclose(smoothed.points, pg.smooth(plain, "one-euro:2").points, atol=1e-5)
    assert np.abs(smoothed.points - plain.points).max() > 0.01


def test_without_a_size_there_is_no_path(pixels):
    assert run(stream_of(size=None), pixels[:2])[1].trajectory is None
    with pytest.raises(ModelError, match="focal length needs the image's size"):
        run(stream_of(size=None, focal=1000), pixels[:1])


def test_memory_stays_bounded(pixels, monkeypatch):
    """All that a stream refers to has the same size after many frames as after few, also at a high rate."""
    monkeypatch.setattr("poseglass.live.placer.USUAL", 20)
    stream = stream_of(MixSTE(frames=3, dim=8, depth=1, heads=1, inputs=3), lookahead=2)
    sizes = []
    for frame in range(110):
        stream.push_keypoints(pixels[0] + frame % 7, np.ones(17), frame / 250)
        if frame in (75, 109):
            sizes.append(held(stream))
    assert sizes[1] <= sizes[0] + 3000, sizes  # an array per frame would be more


def held(root: object) -> int:
    """Bytes of all objects that an object refers to, other than code."""
    counted, queue, total = set[int](), [root], 0
    while queue:
        value = queue.pop()
        if id(value) in counted or isinstance(value, type | ModuleType | FunctionType | torch.Tensor | torch.nn.Module):
            continue
        counted.add(id(value))
        total += sys.getsizeof(value)
        queue += gc.get_referents(value)
        queue += [value.base] if isinstance(value, np.ndarray) and value.base is not None else []
    return total


@pytest.mark.usefixtures("as_used")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((16, 2)), np.ones(16), 1.0), r"expected points \(17, 2\).* got \(16, 2\)"),
        ((np.zeros((17, 3)), None, 1.0), r"got \(17, 3\)"),
        ((np.zeros((17, 2)), np.ones(16), 1.0), r"got \(17, 2\) and \(16,\)"),
        ((np.zeros((17, 2)), np.full(17, np.nan), 1.0), "scores must be numbers from 0 to 1"),
        ((np.zeros((17, 2)), -np.ones(17), 1.0), "scores must be numbers from 0 to 1"),
        ((np.full((17, 2), 1e9), None, 1.0), "coordinates must be below"),
        ((np.zeros((17, 2)), None, np.nan), "times must be finite"),
        ((np.zeros((17, 2)), None, 0.0), "times must increase from frame to frame, got 0 s after 0 s"),
        ((np.zeros((17, 2)), None, -1.0), "times must increase"),
    ],
)
def test_wrong_keypoints_are_refused(pixels, arguments, message):
    stream = stream_of()
    stream.push_keypoints(pixels[0], None, 0.0)
    with pytest.raises(PoseError, match=message):
        stream.push_keypoints(*arguments)
    assert stream.push_keypoints(pixels[1], None, 0.1) is not None  # the stream goes on


@pytest.mark.usefixtures("as_used")
def test_wrong_images_are_refused(pixels):
    stream = Stream(MODEL, detector=pg.FakeDetector(pg.PoseSequence(pixels, pg.H36M_17, "pixels")))
    for image in (np.zeros((72, 128), np.uint8), np.zeros((72, 128, 3), np.float32)):
        with pytest.raises(PoseError, match="expected an RGB image"):
            stream.push(image, 0.0)
    stream.push(np.zeros((72, 128, 3), np.uint8), 0.0)
    with pytest.raises(PoseError, match=r"one size, \(128, 72\), got one of \(100, 72\)"):
        stream.push(np.zeros((72, 100, 3), np.uint8), 1.0)
    with pytest.raises(PoseError, match="images or keypoints, not both"):
        stream.push_keypoints(np.zeros((17, 2)), None, 2.0)
    stream.finish()
    with pytest.raises(PoseError, match="finished; create another"):
        stream.push(np.zeros((72, 128, 3), np.uint8), 3.0)


@pytest.mark.parametrize("lookahead", [-1, 9])
def test_a_look_ahead_beyond_the_window_is_refused(lookahead):
    with pytest.raises(ModelError, match=f"from 0 to 8 frames for a model of 9, got {lookahead}"):
        stream_of(lookahead=lookahead)


@pytest.mark.parametrize("smooth", ["butterworth", "savgol:0.3"])
def test_a_filter_that_looks_ahead_is_refused(smooth):
    with pytest.raises(PoseError, match="smooth must be one-euro"):
        stream_of(smooth=smooth)
