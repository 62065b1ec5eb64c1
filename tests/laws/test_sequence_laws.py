"""Laws of sequences: cutting, filling, slicing, files, and lifting in any chunks."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from poseglass import COCO_17, H36M_17, PoseSequence
from poseglass.clips.person import fill_gaps
from poseglass.clips.windows import blend_weights, cut, padding, seq2frame_starts, seq2seq_starts, starts, stitch
from poseglass.lifting.predictor import Prediction, Predictor
from poseglass.models import MixSTE
from poseglass.waist.hourglass import hourglass
from poseglass.waist.prune import PRUNERS, DensityPeaks
from poseglass.waist.recover import Interpolate

seeds = st.integers(0, 2**32 - 1)


@given(st.integers(1, 80), st.integers(1, 30), st.floats(0, 0.95), seeds)
def test_stitching_what_was_cut_gives_it_back(frames, clip, overlap, seed):
    x = np.random.default_rng(seed).normal(size=(frames, 4, 3))
    stride = max(round(clip * (1 - overlap)), 1)
    begins = starts(frames, clip, stride)
    clips = cut(x, clip, begins)
    assert clips.shape == (len(begins), clip, 4, 3)
    assert_allclose(stitch(clips, begins, frames, blend_weights(clip, clip - stride)), x, atol=1e-12)


@given(st.integers(1, 300), st.integers(1, 60), st.data())
def test_the_field_s_clips_cover_every_frame_and_pad_both_ends_alike(frames, clip, data):
    stride = data.draw(st.integers(1, clip))
    begins = seq2seq_starts(frames, clip, stride)
    padded = padding(begins, clip, frames)
    places = begins[:, None] + np.arange(clip)
    assert_array_equal(np.unique(places[~padded]), np.arange(frames))
    before, after = -begins[0], begins[-1] + clip - frames
    assert before >= 0
    assert after - before in (0, 1), "an odd one is at the end"
    assert (np.diff(begins) == stride).all()
    assert len(begins) == 1 or before + after < stride, "no clip is too many"
    if stride == clip:
        assert (~padded).sum() == frames, "every frame is in one clip"
        assert len(begins) == -(-frames // clip)


@given(st.integers(1, 120), st.integers(1, 40), seeds)
def test_the_field_s_clips_are_cut_and_stitched(frames, clip, seed):
    x = np.random.default_rng(seed).normal(size=(frames, 2))
    for begins in (seq2seq_starts(frames, clip), seq2frame_starts(frames, clip)):
        clips, padded = cut(x, clip, begins), padding(begins, clip, frames)
        assert_allclose(stitch(clips, begins, frames, np.ones(clip)), x)
        places = begins[:, None] + np.arange(clip)
        assert_array_equal(clips[~padded], x[places[~padded]])
        assert_array_equal(clips[padded], np.where((places < 0)[padded][:, None], x[0], x[-1]))


@given(st.integers(1, 120), st.integers(1, 40), st.integers(1, 9))
def test_the_centres_of_seq2frame_are_the_frames(frames, clip, stride):
    begins = seq2frame_starts(frames, clip, stride)
    assert_array_equal(cut(np.arange(float(frames)), clip, begins)[:, clip // 2], np.arange(frames)[::stride])
    assert not padding(begins, clip, frames)[:, clip // 2].any()


@given(seeds, st.integers(1, 20))
def test_filling_twice_is_filling_once_and_stays_between(seed, frames):
    rng = np.random.default_rng(seed)
    points, known = rng.normal(size=(frames, 5, 2)), rng.random((frames, 5)) < rng.random()
    filled = fill_gaps(points, known)
    assert_array_equal(filled[known], points[known])
    ever = np.broadcast_to(known.any(0), known.shape)
    assert_allclose(fill_gaps(filled, ever), filled)
    for joint in np.flatnonzero(known.any(0)):
        there = points[known[:, joint], joint]
        assert (filled[:, joint] >= there.min(0) - 1e-12).all()
        assert (filled[:, joint] <= there.max(0) + 1e-12).all()
    # Time run backward fills alike.
    assert_allclose(fill_gaps(points[::-1], known[::-1])[::-1], filled, atol=1e-12)


@st.composite
def parts(draw) -> dict[str, Any]:
    """What a sequence is made of."""
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
        "pose2d": draw(st.booleans()),
    }


def made(parts: dict[str, Any]) -> PoseSequence:
    inner = PoseSequence(np.zeros((len(parts["points"]), 17, 2)), COCO_17, "pixels", fps=30.5)
    return PoseSequence(**parts | {"pose2d": inner if parts["pose2d"] else None})


def assert_same(a: PoseSequence, b: PoseSequence, atol: float = 0) -> None:
    assert (a.skeleton, a.space, a.size, a.rate) == (b.skeleton, b.space, b.size, b.rate)
    for name in ("points", "scores", "valid", "timestamps", "kept"):
        x, y = getattr(a, name), getattr(b, name)
        assert (x is None) == (y is None), name
        if x is not None and y is not None:
            assert_allclose(x, y, rtol=0, atol=atol, err_msg=name)
    assert (a.pose2d is None) == (b.pose2d is None)
    if a.pose2d is not None and b.pose2d is not None:
        assert_same(a.pose2d, b.pose2d, atol)


@given(parts())
def test_files_give_sequences_back(tmp_path, parts):
    poses = made(parts)
    assert_same(PoseSequence.load(poses.save(tmp_path / "x.npz")), poses)
    assert_same(PoseSequence.load(poses.save(tmp_path / "x.json")), poses, atol=1e-6)


@given(parts(), st.integers(-8, 8), st.integers(-8, 8), st.integers(1, 4))
def test_slicing_follows_lists(parts, start, stop, step):
    poses = made(parts)
    rows = list(range(len(poses)))[start:stop:step]
    part = poses[start:stop:step]
    assert len(part) == len(rows)
    assert_array_equal(part.points, poses.points[rows])
    assert_array_equal(part.confidence, poses.confidence[rows])
    assert_array_equal(part.validity, poses.validity[rows])
    assert part.rate == poses.rate / step
    if poses.timestamps is not None:
        assert_array_equal(part.times, poses.times[rows])
    if poses.pose2d is not None:
        assert part.pose2d is not None
        assert len(part.pose2d) == len(rows)


@given(parts(), st.integers(0, 6))
def test_two_parts_make_the_whole(parts, cut_at):
    poses = made(parts)
    halves = poses[:cut_at], poses[cut_at:]
    assert_array_equal(np.concatenate([part.points for part in halves]), poses.points)
    assert sum(part.duration for part in halves if poses.timestamps is None) == pytest.approx(
        poses.duration if poses.timestamps is None else 0
    )


@given(parts())
def test_changing_the_skeleton_keeps_the_rest(parts):
    poses = made(parts)
    turned = poses.to_skeleton(H36M_17)
    assert turned.skeleton == H36M_17
    assert len(turned) == len(poses)
    assert_array_equal(turned.validity, poses.validity)
    assert_array_equal(turned.times, poses.times)
    assert (np.isfinite(turned.points).all(-1) | (turned.confidence == 0)).all()
    assert_same(turned.to_skeleton(H36M_17), turned)


@given(st.integers(1, 30), st.data(), seeds)
def test_kept_frames_rise_and_are_as_many_as_promised(frames, data, seed):
    keep = data.draw(st.integers(1, frames))
    always = data.draw(st.none() | st.integers(0, frames - 1))
    # Whole numbers, so that frames are often the same and ties the rule.
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
def test_density_peaks_do_not_depend_on_place_or_on_the_order_of_joints(frames, seed):
    rng = np.random.default_rng(seed)
    tokens = torch.from_numpy(rng.integers(-50, 50, (1, frames, 4, 3)).astype(np.float32))
    pose2d = torch.zeros(1, frames, 17, 2)
    kept = DensityPeaks()(tokens, pose2d, keep=frames // 2)
    assert torch.equal(DensityPeaks()(tokens + 1024, pose2d, keep=frames // 2), kept)
    assert torch.equal(DensityPeaks()(tokens[:, :, rng.permutation(4)], pose2d, keep=frames // 2), kept)


@given(st.integers(1, 30), st.data(), seeds)
def test_straight_motion_survives_interpolation(frames, data, seed):
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
def test_how_frames_are_dealt_out_does_not_change_a_bit(name, sizes, flip, overlap, seed):
    rng = np.random.default_rng(seed)
    frames = sum(sizes)
    points, scores = rng.normal(0, 100, (frames, 17, 2)), rng.random((frames, 17)) * (rng.random((frames, 17)) < 0.9)

    def lifted(sizes: list[int]) -> tuple[np.ndarray, np.ndarray]:
        predictor = Predictor(MODELS[name], flip=flip, overlap=overlap)
        ends = list(itertools.accumulate(sizes, initial=0))
        parts: list[Prediction] = [
            predictor.push(points[a:b], scores[a:b]) for a, b in itertools.pairwise(ends)
        ]  # fmt: skip
        parts.append(predictor.finish())
        return np.concatenate([p.pose3d for p in parts]), np.concatenate([p.kept for p in parts])

    pose3d, kept = lifted([frames])
    assert len(pose3d) == frames
    again, kept_again = lifted(sizes)
    assert pose3d.tobytes() == again.tobytes()
    assert_array_equal(kept, kept_again)
