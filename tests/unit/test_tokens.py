"""Pruning and recovering against plain loops, ties and degenerate clips included."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from oracle import tokens as oracle
from poseglass.tokens import PRUNERS, CrossAttention, DensityPeaks, Interpolate, Uniform
from poseglass.tokens.select import highest, take


def peaks(tokens: np.ndarray, keep: int, always: int | None = None) -> list[int]:
    clip = torch.from_numpy(tokens)[None]
    return DensityPeaks()(clip, torch.zeros(1, len(tokens), 17, 2), keep=keep, always=always)[0].tolist()


def walk(seed: int, frames: int = 27, slots: int = 5, channels: int = 6) -> np.ndarray:
    """Tokens that wander, as those of motion do."""
    steps = np.random.default_rng(seed).normal(size=(frames, slots, channels))
    return np.cumsum(steps, 0).astype(np.float32)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("keep", [1, 2, 9, 26, 27])
def test_density_peaks_are_those_of_plain_loops(seed, keep):
    tokens = walk(seed)
    assert peaks(tokens, keep) == oracle.density_peaks(tokens, keep)


@pytest.mark.parametrize("always", [0, 13, 26])
def test_the_frame_that_is_always_kept_counts_and_still_takes_part(always):
    for seed in range(4):
        kept = peaks(walk(seed), 6, always)
        assert kept == oracle.density_peaks(walk(seed), 6, always)
        assert always in kept


def test_each_clip_may_keep_a_frame_of_its_own():
    always = [20, 0, 13]
    tokens = np.stack([walk(seed) for seed in range(3)])
    for pruner in (DensityPeaks(), Uniform()):
        poses = torch.zeros(3, 27, 17, 2)
        together = pruner(torch.from_numpy(tokens), poses, keep=6, always=torch.tensor(always)).tolist()
        for clip, frame, kept in zip(tokens, always, together, strict=True):
            assert kept == pruner(torch.from_numpy(clip)[None], poses[:1], keep=6, always=frame)[0].tolist()
            assert frame in kept


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_tokens_of_any_size(scale):
    # At 1e3 the densities of most frames are 0 and tie; at 1e-3 they are all but 1.
    tokens = walk(3) * np.float32(scale)
    assert peaks(tokens, 9) == oracle.density_peaks(tokens, 9)


def test_more_than_25_frames_take_no_matrix_product():
    # torch.cdist's default above 25 rows: a large common offset drowns the differences.
    tokens = walk(5, frames=60) + np.float32(4096)
    assert peaks(tokens, 20) == oracle.density_peaks(tokens, 20)


def test_a_clip_that_stands_still_keeps_its_first_frames():
    assert peaks(np.ones((9, 17, 4), np.float32), 4) == [0, 1, 2, 3]


def test_repeated_frames_tie_and_break_by_index():
    rng = np.random.default_rng(0)
    for _ in range(20):
        distinct = rng.integers(-2, 3, (4, 1, 2)).astype(np.float32)
        tokens = distinct[rng.integers(0, 4, 16)]
        assert peaks(tokens, 6) == oracle.density_peaks(tokens, 6)


def test_mutual_neighbours_tie_exactly():
    # On a line at 0, 1 | 10, 11 | 20, 21: three pairs of equal density; each pair's first frame is the denser.
    places = np.array([0, 1, 10, 11, 20, 21], np.float32).reshape(-1, 1, 1)
    assert peaks(places, 3) == oracle.density_peaks(places, 3) == [0, 2, 4]


def test_the_mirrored_order_of_equal_frames_is_not_a_mirrored_choice():
    # Equal scores: the earlier frame. Reversing time must not simply reverse the choice among twins.
    twins = np.array([0, 0, 5, 5], np.float32).reshape(-1, 1, 1)
    assert peaks(twins, 2) == peaks(twins[::-1].copy(), 2) == [0, 2]


def test_each_clip_of_a_batch_is_chosen_on_its_own():
    clips = np.stack([walk(seed) for seed in range(4)])
    together = DensityPeaks()(torch.from_numpy(clips), torch.zeros(4, 27, 17, 2), keep=9)
    assert together.tolist() == [peaks(clip, 9) for clip in clips]


def test_the_choice_lets_no_gradient_through():
    tokens = torch.from_numpy(walk(0))[None].requires_grad_()
    kept = DensityPeaks()(tokens, torch.zeros(1, 27, 17, 2), keep=9)
    assert not kept.requires_grad


def test_more_neighbours():
    tokens = walk(1)
    fast = DensityPeaks(neighbours=5)(torch.from_numpy(tokens)[None], torch.zeros(1, 27, 17, 2), keep=9)
    assert fast[0].tolist() == oracle.density_peaks(tokens, 9, neighbours=5)
    few = DensityPeaks(neighbours=5)(torch.from_numpy(tokens[:3])[None], torch.zeros(1, 3, 17, 2), keep=2)
    assert few[0].tolist() == oracle.density_peaks(tokens[:3], 2, neighbours=3)


def test_highest_keeps_the_earlier_of_equals():
    scores = torch.tensor([[1.0, 3.0, 3.0, 0.0, 3.0]])
    assert highest(scores, 2).tolist() == [[1, 2]]
    assert highest(scores, 2, always=3).tolist() == [[1, 3]]
    assert scores[0, 3] == 0, "the scores that were given are left as they were"


def test_take_picks_frames_clip_by_clip():
    x = torch.arange(2 * 4 * 3).reshape(2, 4, 3)
    taken = take(x, torch.tensor([[0, 3], [1, 2]]))
    assert torch.equal(taken, torch.stack([x[0, [0, 3]], x[1, [1, 2]]]))


def uniform(frames: int, keep: int, always: int | None = None) -> list[int]:
    return Uniform()(torch.zeros(2, frames, 1, 1), torch.zeros(2, frames, 17, 2), keep=keep, always=always)[1].tolist()


def test_uniform_sampling_is_exact_for_every_length():
    for frames in (*range(1, 40), 81, 243, 351):
        for keep in {1, 2, 3, frames // 3, frames // 2, frames - 1, frames} - {0, -1}:
            if keep <= frames:
                assert uniform(frames, keep) == oracle.uniform(frames, keep), (frames, keep)


def test_uniform_sampling_with_a_frame_that_stays():
    for always in range(27):
        kept = uniform(27, 5, always)
        assert always in kept
        assert len(set(kept)) == 5
        assert kept == sorted(kept)
        assert len(set(kept) - set(uniform(27, 5))) <= 1, "only the nearest one gives way"


def test_every_pruner_in_the_table_says_so():
    assert {name: kind.__name__ for name, kind in PRUNERS.items()} == {"density": "DensityPeaks", "uniform": "Uniform"}


@pytest.mark.parametrize("kept", [[0, 8], [0, 3, 4, 8], [2, 5], [4], [0], [8], list(range(9))])
def test_interpolation_is_that_of_plain_loops(kept):
    poses = np.random.default_rng(1).normal(size=(len(kept), 17, 3)).astype(np.float32)
    full = Interpolate()(torch.from_numpy(poses)[None], torch.tensor([kept]), frames=9)[0].numpy()
    assert_allclose(full, oracle.interpolate(poses, kept, 9), atol=1e-6)
    assert np.array_equal(full[kept], poses), "kept poses come through bit for bit"


def test_interpolation_of_a_batch_whose_clips_kept_different_frames():
    rng = np.random.default_rng(2)
    kept = [sorted(rng.choice(27, 6, replace=False).tolist()) for _ in range(3)]
    poses = rng.normal(size=(3, 6, 17, 3)).astype(np.float32)
    full = Interpolate()(torch.from_numpy(poses), torch.tensor(kept), frames=27).numpy()
    for clip in range(3):
        assert_allclose(full[clip], oracle.interpolate(poses[clip], kept[clip], 27), atol=1e-6)


@pytest.mark.parametrize(("heads", "joints"), [(1, 2), (4, 3)])
def test_recovering_attention_is_that_of_plain_loops(heads, joints):
    torch.manual_seed(3)
    recoverer = CrossAttention(dim=8, frames=9, heads=heads).double()
    torch.nn.init.normal_(recoverer.queries)
    tokens = torch.randn(2, 4, joints, 8, dtype=torch.double)
    with torch.no_grad():
        fast = recoverer(tokens, torch.tensor([[0, 1, 2, 3], [0, 2, 4, 8]]), frames=9)
    weights = {name: value.numpy() for name, value in recoverer.attention.state_dict().items()}
    for clip in range(2):
        slow = oracle.recover(tokens[clip].numpy(), recoverer.queries[0].detach().numpy(), weights, heads)
        assert_allclose(fast[clip].numpy(), slow, atol=1e-12)


def test_recovering_starts_from_queries_of_zero():
    assert not CrossAttention(dim=8, frames=9).queries.any()
