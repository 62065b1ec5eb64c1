"""Laws of sequences: clips, gaps, slices, files, frame rates, and lifting in chunks of any size."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from poseglass import COCO_17, H36M_17, PoseSequence
from poseglass.body.concatenate import concatenate
from poseglass.body.resample import resample
from poseglass.clips import person
from poseglass.clips.windows import blend_weights, cut, padding, seq2frame_starts, seq2seq_starts, starts, stitch
from poseglass.errors import PoseError
from poseglass.lifting.blocks import PoseBlock
from poseglass.lifting.lifter import Lifter
from poseglass.lifting.predictor import Predictor
from poseglass.models import MixSTE
from poseglass.waist.hourglass import hourglass
from poseglass.waist.prune import PRUNERS, DensityPeaks
from poseglass.waist.recover import Interpolate

seeds = st.integers(0, 2**32 - 1)


def fill_gaps(points: np.ndarray, known: np.ndarray) -> np.ndarray:
    return person.fill_gaps(torch.from_numpy(points.copy()), torch.from_numpy(known.copy())).numpy()


@given(st.integers(1, 80), st.integers(1, 30), st.floats(0, 0.95), seeds)
def test_cutting_and_stitching_round_trip(frames, clip, overlap, seed):
    x = np.random.default_rng(seed).normal(size=(frames, 4, 3))
    stride = max(round(clip * (1 - overlap)), 1)
    first_frames = starts(frames, clip, stride)
    clips = cut(x, clip, first_frames)
    assert clips.shape == (len(first_frames), clip, 4, 3)
    assert_allclose(stitch(clips, first_frames, frames, blend_weights(clip, clip - stride)), x, atol=1e-12)


@given(st.integers(1, 300), st.integers(1, 60), st.data())
def test_seq2seq_clips_cover_every_frame_and_pad_both_ends_equally(frames, clip, data):
    stride = data.draw(st.integers(1, clip))
    first_frames = seq2seq_starts(frames, clip, stride)
    padded = padding(first_frames, clip, frames)
    places = first_frames[:, None] + np.arange(clip)
    assert_array_equal(np.unique(places[~padded]), np.arange(frames))
    before, after = -first_frames[0], first_frames[-1] + clip - frames
    assert before >= 0
    assert after - before in (0, 1), "an odd padding frame is at the end"
    assert (np.diff(first_frames) == stride).all()
    assert len(first_frames) == 1 or before + after < stride, "there is no superfluous clip"
    if stride == clip:
        assert (~padded).sum() == frames, "every frame is in exactly one clip"
        assert len(first_frames) == -(-frames // clip)


@given(st.integers(1, 120), st.integers(1, 40), seeds)
def test_seq2seq_clips_round_trip(frames, clip, seed):
    x = np.random.default_rng(seed).normal(size=(frames, 2))
    for first_frames in (seq2seq_starts(frames, clip), seq2frame_starts(frames, clip)):
        clips, padded = cut(x, clip, first_frames), padding(first_frames, clip, frames)
        assert_allclose(stitch(clips, first_frames, frames, np.ones(clip)), x)
        places = first_frames[:, None] + np.arange(clip)
        assert_array_equal(clips[~padded], x[places[~padded]])
        assert_array_equal(clips[padded], np.where((places < 0)[padded][:, None], x[0], x[-1]))


@given(st.integers(1, 120), st.integers(1, 40), st.integers(1, 9))
def test_the_centres_of_seq2frame_clips_are_the_frames(frames, clip, stride):
    first_frames = seq2frame_starts(frames, clip, stride)
    assert_array_equal(cut(np.arange(float(frames)), clip, first_frames)[:, clip // 2], np.arange(frames)[::stride])
    assert not padding(first_frames, clip, frames)[:, clip // 2].any()


@given(seeds, st.integers(1, 20))
def test_filling_gaps_is_idempotent_and_stays_between_known_points(seed, frames):
    rng = np.random.default_rng(seed)
    points, known = rng.normal(size=(frames, 5, 2)), rng.random((frames, 5)) < rng.random()
    filled = fill_gaps(points, known)
    assert_array_equal(filled[known], points[known])
    ever = np.broadcast_to(known.any(0), known.shape)
    assert_allclose(fill_gaps(filled, ever), filled)
    for joint in np.flatnonzero(known.any(0)):
        known_points = points[known[:, joint], joint]
        assert (filled[:, joint] >= known_points.min(0) - 1e-12).all()
        assert (filled[:, joint] <= known_points.max(0) + 1e-12).all()
    # Filling commutes with reversing time.
    assert_allclose(fill_gaps(points[::-1], known[::-1])[::-1], filled, atol=1e-12)


@st.composite
def parts(draw) -> dict[str, Any]:
    """Arguments of `PoseSequence` with every combination of optional fields."""
    frames = draw(st.integers(0, 6))
    space = draw(st.sampled_from(["pixels", "normalised", "camera", "world"]))
    axes = 3 if space in ("camera", "world") else 2
    numbers = st.floats(-1e4, 1e4, width=32) | st.just(np.float32(np.nan))
    skeleton = draw(st.sampled_from([H36M_17, COCO_17]))
    steps = draw(st.lists(st.integers(1, 1000), min_size=frames, max_size=frames))
    flags = arrays(bool, frames)
    return {
        "points": draw(arrays(np.float32, (frames, 17, axes), elements=numbers)),
        "skeleton": skeleton,
        "space": space,
        "fps": draw(st.none() | st.floats(0.1, 1000)),
        "scores": draw(st.none() | arrays(np.float32, (frames, 17), elements=st.floats(0, 1, width=32))),
        "valid": draw(st.none() | flags),
        "timestamps": draw(st.none() | st.just(np.cumsum(steps) / 1000)),
        "size": draw(st.none() | st.just((1920, 1080))),
        "kept": draw(st.none() | flags),
        "start": draw(st.just(0.0) | st.floats(-1000, 1000)),
        "pose2d": draw(st.booleans()),
    }


def built(parts: dict[str, Any]) -> PoseSequence:
    """The sequence with these arguments. It is built in the test because strategies must not run shape checks."""
    flat = PoseSequence(np.zeros((len(parts["points"]), 17, 2)), COCO_17, "pixels", fps=30.5, start=2.0)
    return PoseSequence(**parts | {"pose2d": flat if parts["pose2d"] else None})


def assert_same(a: PoseSequence, b: PoseSequence, atol: float = 0) -> None:
    assert (a.skeleton, a.space, a.size) == (b.skeleton, b.space, b.size)
    assert (a.rate, a.start) == pytest.approx((b.rate, b.start), abs=atol)
    for name in ("points", "scores", "valid", "timestamps", "kept"):
        x, y = getattr(a, name), getattr(b, name)
        assert (x is None) == (y is None), name
        if x is not None and y is not None:
            assert_allclose(x, y, rtol=0, atol=atol, err_msg=name)
    assert (a.pose2d is None) == (b.pose2d is None)
    if a.pose2d is not None and b.pose2d is not None:
        assert_same(a.pose2d, b.pose2d, atol)


@given(parts())
def test_files_restore_sequences(tmp_path, parts):
    poses = built(parts)
    if len(poses) and not (poses.confidence > 0).any():
        with pytest.raises(PoseError, match="no joint of"):
            poses.save(tmp_path / "x.npz")
        return
    for suffix, atol in ((".npz", 0.0), (".json", 1e-6)):
        loaded = PoseSequence.load(poses.save(tmp_path / f"x{suffix}"))
        assert_same(loaded, poses, atol=atol)
        assert_allclose(loaded.times, poses.times, rtol=0, atol=atol)


@given(parts(), st.integers(-8, 8), st.integers(-8, 8), st.integers(1, 4))
def test_slicing_follows_the_rules_of_lists(parts, start, stop, step):
    poses = built(parts)
    rows = list(range(len(poses)))[start:stop:step]
    part = poses[start:stop:step]
    assert len(part) == len(rows)
    assert (part.size, part.skeleton, part.space) == (poses.size, poses.skeleton, poses.space)
    assert part.rate == poses.rate / step
    for name in ("points", "scores", "valid", "times", "timestamps", "kept"):
        value, whole = getattr(part, name), getattr(poses, name)
        if whole is None:
            assert value is None, name
        else:
            assert_allclose(value, whole[rows], rtol=0, atol=1e-9, err_msg=name)
    if poses.pose2d is None:
        assert part.pose2d is None
    else:
        assert part.pose2d is not None
        assert_allclose(part.pose2d.times, poses.pose2d.times[rows], rtol=0, atol=1e-9)


@given(parts(), st.integers(0, 6), st.integers(0, 6))
def test_a_slice_of_a_slice_equals_one_slice(parts, first, second):
    poses = built(parts)
    assert_same(poses[first:][second:], poses[first + second :], atol=1e-9)


@given(parts(), st.lists(st.integers(0, 6), max_size=3).map(sorted))
def test_concatenation_undoes_slicing(parts, cuts):
    poses = built(parts)
    pieces = [poses[a:b] for a, b in itertools.pairwise([0, *cuts, len(poses)])]
    assert_same(concatenate(pieces), poses, atol=1e-9)
    durations = [piece.duration for piece in pieces]
    assert poses.timestamps is not None or sum(durations) == pytest.approx(poses.duration)


@given(parts())
def test_changing_the_skeleton_keeps_the_other_fields(parts):
    poses = built(parts)
    converted = poses.to_skeleton(H36M_17)
    assert converted.skeleton == H36M_17
    for name in ("valid", "times", "kept", "size", "rate", "start", "space", "pose2d"):
        assert_array_equal(getattr(converted, name), getattr(poses, name), err_msg=name)
    assert (np.isfinite(converted.points).all(-1) | (converted.confidence == 0)).all()
    assert_same(converted.to_skeleton(H36M_17), converted)


@given(parts(), st.integers(0, 6), st.integers(1, 4))
def test_slicing_commutes_with_changing_the_skeleton(parts, start, step):
    poses = built(parts)
    assert_same(poses[start::step].to_skeleton(), poses.to_skeleton()[start::step])


@given(parts(), st.floats(0.5, 200))
def test_resampling_covers_the_same_time(parts, fps):
    poses = built(parts)
    assume(len(poses) == 0 or np.ptp(poses.times) * fps < 10_000)
    resampled = resample(poses, fps)
    assert (resampled.rate, resampled.timestamps, resampled.kept, resampled.size) == (fps, None, None, poses.size)
    if len(poses):
        assert resampled.times[0] == poses.times[0]
        assert resampled.times[-1] <= poses.times[-1] + 1e-5
        assert resampled.times[-1] + 1 / fps > poses.times[-1] - 1e-5
    if poses.pose2d is not None:
        assert resampled.pose2d is not None
        assert_allclose(resampled.pose2d.times, resampled.times)


@given(st.integers(4, 40), st.integers(0, 10), st.integers(1, 3), seeds)
def test_resampling_to_a_fraction_of_the_rate_is_slicing(frames, start, step, seed):
    points = np.random.default_rng(seed).normal(size=(frames, 17, 3))
    poses = PoseSequence(points, H36M_17, "world", fps=60)[start:]
    assert_same(resample(poses, 60 / step), poses[::step], atol=1e-6)


@given(st.integers(1, 30), st.data(), seeds)
def test_kept_frames_are_sorted_and_as_many_as_requested(frames, data, seed):
    keep = data.draw(st.integers(1, frames))
    always = data.draw(st.none() | st.integers(0, frames - 1))
    # Small integers make equal frames and ties frequent.
    tokens = torch.from_numpy(np.random.default_rng(seed).integers(-2, 3, (2, frames, 3, 2)).astype(np.float32))
    pose2d, received = tokens.repeat(1, 1, 6, 1)[:, :, :17], tokens[:, :, 0, 0]
    for pruner in PRUNERS.values():
        kept = pruner()(tokens, pose2d, keep=keep, always=always, attention=received)
        assert kept.shape == (2, keep)
        assert (kept.diff(dim=1) > 0).all()
        assert (kept >= 0).all()
        assert (kept < frames).all()
        if always is not None:
            assert (kept == always).any(1).all()


@given(st.integers(2, 20), seeds)
def test_density_peaks_do_not_depend_on_an_offset_or_the_order_of_joints(frames, seed):
    rng = np.random.default_rng(seed)
    tokens = torch.from_numpy(rng.integers(-50, 50, (1, frames, 4, 3)).astype(np.float32))
    pose2d = torch.zeros(1, frames, 17, 2)
    kept = DensityPeaks()(tokens, pose2d, keep=frames // 2)
    assert torch.equal(DensityPeaks()(tokens + 1024, pose2d, keep=frames // 2), kept)
    assert torch.equal(DensityPeaks()(tokens[:, :, rng.permutation(4)], pose2d, keep=frames // 2), kept)


@given(st.integers(1, 30), st.data(), seeds)
def test_interpolation_restores_straight_motion(frames, data, seed):
    kept = data.draw(st.sets(st.integers(0, frames - 1), min_size=1).map(sorted))
    slope, start = np.random.default_rng(seed).normal(size=(2, 17, 3))
    line = torch.from_numpy(start + slope * np.arange(frames)[:, None, None])[None]
    full = Interpolate()(line[:, kept], torch.tensor([kept]), frames=frames)
    inside = slice(kept[0], kept[-1] + 1)
    torch.testing.assert_close(full[:, inside], line[:, inside], atol=1e-5, rtol=0)
    assert torch.equal(full[:, kept], line[:, kept])


torch.set_num_threads(1)
torch.manual_seed(0)
BACKBONE = MixSTE(frames=9, dim=8, depth=2, heads=2, inputs=3)
MODELS = {"plain": BACKBONE, "waist": hourglass(BACKBONE, keep=4, at=1)}


@settings(max_examples=20)
@given(
    st.sampled_from(sorted(MODELS)),
    st.lists(st.integers(0, 14), max_size=8),
    st.booleans(),
    st.sampled_from([0.0, 1 / 3, 0.8]),
    seeds,
)
def test_lifting_does_not_depend_on_the_size_of_chunks(name, sizes, flip, overlap, seed):
    rng = np.random.default_rng(seed)
    frames = sum(sizes)
    points, scores = rng.normal(0, 100, (frames, 17, 2)), rng.random((frames, 17)) * (rng.random((frames, 17)) < 0.9)

    def lifted(sizes: list[int]) -> tuple[np.ndarray, np.ndarray]:
        predictor = Predictor(MODELS[name], flip=flip, overlap=overlap)
        ends = list(itertools.accumulate(sizes, initial=0))
        parts = list(predictor.lift(PoseBlock(points[a:b], scores[a:b]) for a, b in itertools.pairwise(ends)))
        return np.concatenate([p.pose3d for p in parts]), np.concatenate([p.kept for p in parts])

    pose3d, kept = lifted([frames])
    assert len(pose3d) == frames
    again, kept_again = lifted(sizes)
    assert pose3d.tobytes() == again.tobytes()
    assert_array_equal(kept, kept_again)


@pytest.mark.parametrize("timestamps", [False, True])
def test_lifting_a_slice_keeps_its_times(walk, timestamps):
    poses = walk.pose2d
    if timestamps:
        poses = PoseSequence(poses.points, H36M_17, "pixels", timestamps=5 + poses.times, size=poses.size)
    part = poses[30:60]
    motion = Lifter(BACKBONE).lift(part)
    assert_array_equal(motion.times, part.times)
    assert (motion.timestamps is None) == (part.timestamps is None)
    assert motion.pose2d is not None
    assert_array_equal(motion.pose2d.times, part.times)
