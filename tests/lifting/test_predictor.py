"""Prediction of sequences of any length, against plain loops that run and blend windows."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from oracle import motion as oracle
from poseglass.clips.windows import blend_weights
from poseglass.errors import ModelError
from poseglass.lifting.blocks import PoseBlock
from poseglass.lifting.predictor import BATCH, Predictor, _Windows, predict
from poseglass.models import Card, MixSTE
from poseglass.waist.hourglass import Hourglass, hourglass

torch.set_num_threads(1)
LEFT, RIGHT = [4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]


def make(waist: bool) -> MixSTE | Hourglass:
    torch.manual_seed(0)
    backbone = MixSTE(frames=9, dim=16, depth=3, heads=2, inputs=3)
    torch.nn.init.normal_(backbone.time_embedding)
    return hourglass(backbone, keep=4, at=1, recover="interpolate") if waist else backbone


def keypoints(frames: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 80, (frames, 17, 2)) + [900, 500] + 5 * np.arange(frames)[:, None, None]
    scores = rng.uniform(0, 1, (frames, 17)) * (rng.random((frames, 17)) < 0.8)
    return points, scores


def mirror(x: np.ndarray) -> np.ndarray:
    flipped = x.copy()
    flipped[..., LEFT, :], flipped[..., RIGHT, :] = x[..., RIGHT, :], x[..., LEFT, :]
    flipped[..., 0] *= -1
    return flipped


def window(
    model: MixSTE | Hourglass, points: np.ndarray, scores: np.ndarray, flip: bool
) -> tuple[np.ndarray, set[int]]:
    points, scores = oracle.steady_sides(points, scores)
    pose2d = oracle.person_coordinates(points, scores).astype(np.float32)
    with torch.inference_mode():
        clip = torch.from_numpy(pose2d)[None]
        kept: set[int] = set(range(len(points)))
        if isinstance(model, Hourglass):
            trace = model.trace(clip)
            pose3d, kept = trace.pose3d[0].numpy(), set(trace.kept[1][0].tolist())
            other = model.trace(torch.from_numpy(mirror(pose2d))[None], kept=trace.kept).pose3d[0].numpy()
        else:
            pose3d, other = model(clip)[0].numpy(), model(torch.from_numpy(mirror(pose2d))[None])[0].numpy()
    if flip:
        pose3d = (pose3d + mirror(other)) / 2
    return pose3d - pose3d[:, :1], kept


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("waist", [False, True])
@pytest.mark.parametrize("frames", [1, 4, 9, 10, 15, 16, 31])
def test_predictions_match_plain_loops(frames, waist, flip):
    model = make(waist).eval()
    points, scores = keypoints(frames)
    first_frames = [*range(0, max(frames - 9, 0), 6), max(frames - 9, 0)]
    windows, kept = [], np.zeros(frames + 9, bool)
    for first in first_frames:
        rows = [min(first + i, frames - 1) for i in range(9)]
        pose3d, frames_kept = window(model, points[rows], scores[rows], flip)
        windows.append(pose3d)
        kept[[first + i for i in frames_kept]] = True
    truth = oracle.stitch(np.stack(windows), first_frames, frames, blend_weights(9, 3))
    result = predict(model, points, scores, flip=flip)
    assert result.pose3d.shape == (frames, 17, 3)
    assert result.pose3d.dtype == np.float32
    assert_allclose(result.pose3d, truth, atol=1e-4)
    assert_array_equal(result.kept, kept[:frames])


@pytest.mark.parametrize("waist", [False, True])
def test_poses_are_relative_to_the_pelvis(waist):
    result = predict(make(waist), *keypoints(20))
    assert not result.pose3d[:, 0].any()
    assert np.abs(result.pose3d).max() > 0.01


def test_memory_stays_bounded():
    points, scores = keypoints(300)
    windows = _Windows(Predictor(make(False)), None)
    waiting, settled = 0, 0
    for t in range(300):
        settled += len(windows.push(PoseBlock(points[t : t + 1], scores[t : t + 1])).pose3d)
        waiting = max(waiting, t + 1 - settled)
        assert len(windows._points) <= 2 * 9
        assert len(windows._done) <= 3
    assert waiting <= 2 * 9, "a frame comes out at most two windows later"
    assert settled + len(windows.finish().pose3d) == 300


def test_a_predictor_lifts_several_sequences_at_once():
    predictor = Predictor(make(True))
    points, scores = keypoints(50)
    alone = [part.pose3d for part in predictor.lift([PoseBlock(points, scores)])]
    halves = [predictor.lift([PoseBlock(points, scores)]) for _ in range(2)]
    for one, two, expected in zip(*halves, alone, strict=True):
        assert_array_equal(one.pose3d, expected)
        assert_array_equal(two.pose3d, expected)


def test_no_frames_give_no_poses():
    predictor = Predictor(make(False))
    assert [len(part.pose3d) for part in predictor.lift([])] == [0]
    assert [len(part.pose3d) for part in predictor.lift([PoseBlock(np.zeros((0, 17, 2)), np.zeros((0, 17)))])] == [0, 0]


@pytest.mark.parametrize("overlap", [0.0, 0.9, 0.99])
def test_any_overlap_gives_a_pose_per_frame(overlap):
    predictor = Predictor(make(False), overlap=overlap)
    points, scores = keypoints(40)
    parts = list(predictor.lift([PoseBlock(points, scores)]))
    assert sum(len(part.pose3d) for part in parts) == 40
    assert all(np.isfinite(part.pose3d).all() for part in parts)


@pytest.mark.parametrize(("overlap", "stride"), [(0, 9), (1 / 3, 6), (0.4, 5), (0.5, 4), (0.6, 4), (0.99, 1)])
def test_windows_overlap_by_the_nearest_number_of_frames(overlap, stride):
    predictor = Predictor(make(False), overlap=overlap)
    assert predictor.stride == stride
    assert_array_equal(predictor.weights, blend_weights(9, 9 - stride))


def test_windows_overlap_by_a_third_by_default():
    assert Predictor(make(False)).stride == 6


@pytest.mark.parametrize("overlap", [-0.5, 1.0, float("nan")])
def test_an_overlap_out_of_range_is_refused(overlap):
    with pytest.raises(ModelError, match="overlap"):
        Predictor(make(False), overlap=overlap)


def test_a_model_of_other_joints_is_refused():
    model = make(True).with_card(Card(skeleton="mpi_inf_3dhp17"))
    with pytest.raises(ModelError, match="the 17 joints of h36m17; this one has mpi_inf_3dhp17's"):
        Predictor(model)


def test_a_model_of_another_number_of_inputs_is_refused():
    with pytest.raises(ModelError, match=r"x, y or of x, y, score; this one takes 4"):
        Predictor(MixSTE(frames=9, dim=16, depth=2, heads=2, inputs=4))


def test_a_model_of_another_number_of_joints_is_refused():
    with pytest.raises(ModelError, match="17 joints of h36m17; this one has 16"):
        Predictor(MixSTE(frames=9, dim=16, depth=2, heads=2, joints=16))


def test_a_model_that_is_trained_on_meanwhile_is_used_without_its_randomness():
    model = MixSTE(frames=9, dim=16, depth=3, heads=2, inputs=3, drop=0.5).eval()
    predictor, block = Predictor(model), PoseBlock(*keypoints(20))
    (before, *_) = predictor.lift([block])
    model.train()
    (after, *_) = predictor.lift([block])
    assert_array_equal(after.pose3d, before.pose3d)
    assert all(part.training for part in model.modules())


def test_the_number_of_threads_is_unchanged():
    before = torch.get_num_threads()
    predict(make(False), *keypoints(12))
    assert torch.get_num_threads() == before


def test_a_person_off_centre_is_rotated_into_the_axes_of_the_camera():
    model = make(waist=True)
    points, scores = keypoints(20)
    scores = np.maximum(scores, 0.1)
    size, focal = (1920, 1080), 900.0
    straight = predict(model, points, scores).pose3d
    turned = predict(model, points, scores, size=size, focal=focal).pose3d
    for t in range(20):
        ray = np.append((points[t, 0] - np.array(size) / 2) / focal, 1)
        assert_allclose(turned[t], oracle.turned(straight[t], np.array([0.0, 0.0, 1.0]), ray), atol=1e-5)


def test_in_the_centre_of_the_image_nothing_is_rotated():
    model = make(waist=False)
    points, scores = keypoints(12)
    scores[:] = 1
    points += np.array([640, 360]) - points[:, :1]
    middle = predict(model, points, scores, size=(1280, 720)).pose3d
    assert_allclose(middle, predict(model, points, scores).pose3d, atol=1e-6)


def test_the_last_pose_is_held_while_no_person_is_in_view():
    model = make(waist=True)
    points, scores = keypoints(80)
    scores = np.maximum(scores, 0.1)
    scores[20:70] = 0
    lifted = predict(model, points, scores)
    # Between the last window with the first visible spell and the first window with the second.
    gone = lifted.pose3d[30:58]
    assert np.abs(gone - gone[:1]).max() < 1e-6
    assert not lifted.kept[30:58].any()
    assert np.abs(np.diff(lifted.pose3d[58:75], axis=0)).max() > 1e-3


def test_a_sequence_that_starts_without_people_is_no_error():
    lifted = predict(make(waist=True), np.full((30, 17, 2), np.nan), np.zeros((30, 17)), size=(640, 480))
    assert np.isfinite(lifted.pose3d).all()


@pytest.mark.parametrize("focal", [0, -5, np.inf, np.nan])
def test_an_impossible_focal_length_is_refused(focal):
    with pytest.raises(ModelError, match="focal"):
        Predictor(make(waist=False), focal=focal)


def test_a_focal_length_requires_the_image_size():
    with pytest.raises(ModelError, match=r"needs the image's size"):
        predict(make(waist=False), *keypoints(12), focal=900)


@pytest.mark.parametrize("waist", [False, True])
@pytest.mark.parametrize("batch", [2, 3, 50])
def test_windows_in_batches_give_the_same_motion_to_rounding(batch, waist):
    model = make(waist).eval()
    points, scores = keypoints(80)
    scores[20:50] = 0  # windows without people, in the middle of a batch
    block = PoseBlock(points, scores)
    one, many = (list(Predictor(model, batch=size, flip=True).lift([block], size=(1920, 1080))) for size in (1, batch))
    for alone, together in zip(one, many, strict=True):
        assert_allclose(together.pose3d, alone.pose3d, atol=1e-5)
        assert_array_equal(together.kept, alone.kept)


def test_a_batch_is_one_forward_pass(monkeypatch):
    model, clips = make(False).eval(), []
    forward = MixSTE.forward
    monkeypatch.setattr(MixSTE, "forward", lambda self, pose2d: clips.append(len(pose2d)) or forward(self, pose2d))
    points, scores = keypoints(9 + 6 * 6)
    list(Predictor(model, batch=3).lift([PoseBlock(points, np.maximum(scores, 0.1))]))
    assert clips == [3, 3, 1]


def test_the_batch_follows_from_the_device():
    assert Predictor(make(False)).batch == 1
    assert Predictor(make(False).to("meta")).batch == 1
    assert all(batch > 1 for batch in BATCH.values()), "GPUs"


def test_a_batch_without_windows_is_refused():
    with pytest.raises(ModelError, match="batch must be a number of windows from 1, got 0"):
        Predictor(make(False), batch=0)
