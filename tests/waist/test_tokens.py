"""Pruners and recoverers against plain loops, including ties and degenerate clips."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from oracle import mixste, published
from oracle import tokens as oracle
from poseglass._shapes import Pose2D, Pose3D, Received, Tokens
from poseglass.errors import ModelError
from poseglass.models import MHFormer, MixSTE, MotionBERT, PoseTransformer
from poseglass.models.layers import attention_received
from poseglass.waist.hourglass import funnel, hourglass
from poseglass.waist.prune import PRUNERS, AttentionScore, DensityPeaks, Motion, Uniform
from poseglass.waist.recover import RECOVERERS, Interpolate, Nearest, RecoveringAttention
from poseglass.waist.select import highest, take
from poseglass.weights import files as weights


def peaks(tokens: np.ndarray, keep: int, always: int | None = None) -> list[int]:
    clip = torch.from_numpy(tokens)[None]
    return DensityPeaks()(clip, torch.zeros(1, len(tokens), 17, 2), keep=keep, always=always)[0].tolist()


def walk(seed: int, frames: int = 27, slots: int = 5, channels: int = 6) -> np.ndarray:
    """Tokens that change gradually, like those of motion."""
    steps = np.random.default_rng(seed).normal(size=(frames, slots, channels))
    return np.cumsum(steps, 0).astype(np.float32)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("keep", [1, 2, 9, 26, 27])
def test_density_peaks_match_plain_loops(seed, keep):
    tokens = walk(seed)
    assert peaks(tokens, keep) == oracle.density_peaks(tokens, keep)


@pytest.mark.parametrize("always", [0, 13, 26])
def test_the_frame_always_kept_is_one_of_the_kept_frames(always):
    for seed in range(4):
        kept = peaks(walk(seed), 6, always)
        assert kept == oracle.density_peaks(walk(seed), 6, always)
        assert always in kept


def test_each_clip_may_have_its_own_frame_to_keep():
    always = [20, 0, 13]
    tokens = np.stack([walk(seed) for seed in range(3)])
    for pruner in (DensityPeaks(), Uniform()):
        poses = torch.zeros(3, 27, 17, 2)
        together = pruner(torch.from_numpy(tokens), poses, keep=6, always=torch.tensor(always)).tolist()
        for clip, frame, kept in zip(tokens, always, together, strict=True):
            assert kept == pruner(torch.from_numpy(clip)[None], poses[:1], keep=6, always=frame)[0].tolist()
            assert frame in kept


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_tokens_of_any_scale_match_plain_loops(scale):
    # At 1e3 the densities of most frames are 0 and tie; at 1e-3 they are nearly 1.
    tokens = walk(3) * np.float32(scale)
    assert peaks(tokens, 9) == oracle.density_peaks(tokens, 9)


def test_a_large_offset_does_not_hide_differences():
    # Above 25 rows, torch.cdist uses a matrix product by default, which loses differences under a large offset.
    tokens = walk(5, frames=60) + np.float32(4096)
    assert peaks(tokens, 20) == oracle.density_peaks(tokens, 20)


def test_a_clip_without_motion_keeps_its_first_frames():
    assert peaks(np.ones((9, 17, 4), np.float32), 4) == [0, 1, 2, 3]


def test_repeated_frames_tie_and_the_earlier_wins():
    rng = np.random.default_rng(0)
    for _ in range(20):
        distinct = rng.integers(-2, 3, (4, 1, 2)).astype(np.float32)
        tokens = distinct[rng.integers(0, 4, 16)]
        assert peaks(tokens, 6) == oracle.density_peaks(tokens, 6)


def test_mutual_neighbours_tie_exactly():
    # On a line at 0, 1 | 10, 11 | 20, 21 are three pairs of equal density; the first frame of each pair is denser.
    places = np.array([0, 1, 10, 11, 20, 21], np.float32).reshape(-1, 1, 1)
    assert peaks(places, 3) == oracle.density_peaks(places, 3) == [0, 2, 4]


def test_reversing_time_does_not_mirror_the_choice_among_equal_frames():
    # Among equal scores the earlier frame wins, so reversing time does not simply mirror the choice.
    twins = np.array([0, 0, 5, 5], np.float32).reshape(-1, 1, 1)
    assert peaks(twins, 2) == peaks(twins[::-1].copy(), 2) == [0, 2]


def test_each_clip_of_a_batch_is_chosen_independently():
    clips = np.stack([walk(seed) for seed in range(4)])
    together = DensityPeaks()(torch.from_numpy(clips), torch.zeros(4, 27, 17, 2), keep=9)
    assert together.tolist() == [peaks(clip, 9) for clip in clips]


def test_no_gradient_passes_through_the_choice():
    tokens = torch.from_numpy(walk(0))[None].requires_grad_()
    kept = DensityPeaks()(tokens, torch.zeros(1, 27, 17, 2), keep=9)
    assert not kept.requires_grad


@pytest.mark.parametrize("neighbours", [1, 2, 5, 27, 40])
def test_any_number_of_neighbours_matches_plain_loops(neighbours):
    tokens = walk(1)
    fast = DensityPeaks(neighbours=neighbours)(torch.from_numpy(tokens)[None], torch.zeros(1, 27, 17, 2), keep=9)
    assert fast[0].tolist() == oracle.density_peaks(tokens, 9, neighbours=neighbours)
    few = DensityPeaks(neighbours=5)(torch.from_numpy(tokens[:3])[None], torch.zeros(1, 3, 17, 2), keep=2)
    assert few[0].tolist() == oracle.density_peaks(tokens[:3], 2, neighbours=3)


def test_highest_keeps_the_earlier_of_equal_scores():
    scores = torch.tensor([[1.0, 3.0, 3.0, 0.0, 3.0]])
    assert highest(scores, 2).tolist() == [[1, 2]]
    assert highest(scores, 2, always=3).tolist() == [[1, 3]]
    assert scores[0, 3] == 0, "the given scores are unchanged"


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


def test_uniform_sampling_with_a_frame_kept_always_matches_plain_loops():
    for frames, keep in ((27, 5), (27, 3), (27, 2), (27, 1), (9, 8), (9, 9), (8, 5), (81, 27)):
        for always in range(frames):
            kept = uniform(frames, keep, always)
            assert kept == oracle.uniform(frames, keep, always), (frames, keep, always)
            if keep > 2:
                assert (kept[0], kept[-1]) == (0, frames - 1), "the ends stay"


def test_a_density_needs_at_least_one_neighbour():
    with pytest.raises(ModelError, match="neighbours should be 1 or more"):
        DensityPeaks(neighbours=0)


def by_attention(scores: np.ndarray, keep: int, always: int | None = None) -> list[int]:
    received = torch.from_numpy(np.asarray(scores, np.float32))[None]
    tokens = torch.zeros(1, received.shape[1], 1, 1)
    return AttentionScore()(tokens, torch.zeros(*received.shape, 17, 2), keep=keep, always=always, attention=received)[
        0
    ].tolist()


class TestAttentionScore:
    @pytest.mark.parametrize("seed", range(4))
    def test_the_mean_of_attention_maps_matches_plain_loops(self, seed):
        rng = np.random.default_rng(seed)
        query, key = rng.normal(size=(2, 5, 7, 8))  # 5 slots, 7 frames, 8 channels
        maps = mixste.attention_maps(query, key, 2)
        fast = attention_received(torch.from_numpy(query), torch.from_numpy(key), 2).mean(0)
        assert_allclose(fast.numpy(), oracle.attention_scores([maps]), atol=1e-14)
        assert by_attention(fast.numpy(), 3) == oracle.best(oracle.attention_scores([maps]), 3)

    def test_frames_kept_by_a_mixste_match_its_attention_maps(self, tmp_path):
        shapes = published.mixste_shapes(frames=9, dim=16, depth=4, keep=4)
        state = published.filled(shapes)
        torch.save({name: torch.from_numpy(value) for name, value in state.items()}, tmp_path / "hot.pth")
        for at in (1, 2, 3):
            model = weights.load(tmp_path / "hot.pth", heads=4, at=at)
            model.pruner = AttentionScore()
            for seed in range(3):
                clip = np.random.default_rng(seed).normal(size=(9, 17, 2)).astype(np.float32)
                with torch.inference_mode():
                    trace = model.trace(torch.from_numpy(clip)[None])
                right, kept = mixste.Published(state, heads=4, at=at)(clip, by_attention=True)
                assert trace.kept[at][0].tolist() == kept
                assert np.abs(trace.pose3d[0].numpy() - right).max() < 1e-4

    @pytest.mark.parametrize("make", [MixSTE, MotionBERT, MHFormer])
    def test_the_score_is_the_mean_of_the_attentions_in_the_layer_before(self, make):
        torch.manual_seed(0)
        model = make(frames=9, dim=16, heads=4, depth=3).eval()
        fast = funnel(model, keep={1: 6, 2: 4}, prune="attention", always=0)
        pose2d = torch.randn(2, 9, 17, model.inputs)
        with torch.inference_mode():
            trace = fast.trace(pose2d)
            first, second = [], []
            tokens = take(model.layer(0, model.embed(pose2d), first), trace.kept[1])
            model.layer(1, tokens, second)
        for clip in range(2):
            scores = sum(received[clip].double() for received in first).tolist()
            assert trace.kept[1][clip].tolist() == oracle.best(scores, 6, 0)
            among = sum(received[clip].double() for received in second).tolist()
            assert trace.kept[2][clip].tolist() == trace.kept[1][clip][oracle.best(among, 4, 0)].tolist()

    def test_among_equal_scores_the_earlier_frame_wins(self):
        assert by_attention(np.full(9, 1 / 9), 4) == [0, 1, 2, 3]
        assert by_attention([0.1, 0.3, 0.3, 0, 0.3], 2) == [1, 2]
        assert by_attention([0.1, 0.3, 0.3, 0, 0.3], 2, always=3) == [1, 3]

    def test_one_frame_or_all_frames_can_be_kept(self):
        assert by_attention([1.0], 1) == [0]
        assert by_attention([0.2, 0.5, 0.3], 1) == [1]
        assert by_attention([0.2, 0.5, 0.3], 1, always=0) == [0]
        assert by_attention([0.2, 0.5, 0.3], 3) == [0, 1, 2]

    def test_scores_have_no_gradient_and_at_least_float32_precision(self):
        query, key = torch.randn(2, 3, 7, 8, requires_grad=True)
        received = attention_received(query, key, 2)
        assert not received.requires_grad
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(attention_received(query, key, 2), received)
            assert attention_received(query.bfloat16(), key.bfloat16(), 2).dtype == torch.float32

    def test_a_layer_that_reports_no_attention_is_refused(self):
        class Silent(PoseTransformer):
            """A backbone whose first layer has no temporal attention."""

            def __init__(self) -> None:
                super().__init__()
                self.dim, self.frames, self.depth, self.inputs = 2, 5, 3, 2

            def embed(self, pose2d: Pose2D) -> Tokens:
                return pose2d

            def layer(self, index: int, tokens: Tokens, received: Received | None = None) -> Tokens:
                if index and received is not None:
                    received.append(tokens.mean((2, 3)))
                return tokens

            def head(self, tokens: Tokens) -> Pose3D:
                return torch.nn.functional.pad(tokens, (0, 1))

        pose2d = torch.randn(1, 5, 17, 2)
        assert hourglass(Silent(), keep=2, at=2, prune="attention", recover="nearest")(pose2d).shape == (1, 5, 17, 3)
        silent = hourglass(Silent(), keep=2, at=1, prune="attention", recover="nearest")
        with pytest.raises(ModelError, match=r"needs the attention of layer 0, but that layer of Silent reports none"):
            silent(pose2d)

    def test_the_attention_must_be_given(self):
        with pytest.raises(ModelError, match="pass it as attention="):
            AttentionScore()(torch.zeros(1, 5, 1, 1), torch.zeros(1, 5, 17, 2), keep=2)


def moving(poses: np.ndarray, keep: int, always: int | None = None) -> list[int]:
    clip = torch.from_numpy(poses)[None]
    return Motion()(torch.zeros(1, len(poses), 1, 1), clip, keep=keep, always=always)[0].tolist()


class TestMotion:
    @pytest.mark.parametrize("inputs", [2, 3])
    @pytest.mark.parametrize("keep", [1, 2, 9, 26, 27])
    def test_motion_scores_match_plain_loops(self, inputs, keep):
        for seed in range(4):
            poses = walk(seed, slots=17, channels=inputs)
            assert moving(poses, keep) == oracle.best(oracle.motion_scores(poses), keep)
            assert moving(poses, keep, 13) == oracle.best(oracle.motion_scores(poses), keep, 13)

    def test_scores_of_keypoints_do_not_count_as_motion(self):
        poses = walk(0, slots=17, channels=3)
        other = poses.copy()
        other[..., 2] = np.random.default_rng(1).random(other.shape[:2])
        assert moving(other, 9) == moving(poses, 9)

    def test_among_equal_scores_the_earlier_frame_wins(self):
        assert moving(np.ones((9, 17, 2), np.float32), 4) == [0, 1, 2, 3]
        steady = np.arange(9, dtype=np.float32)[:, None, None] * np.ones((17, 2), np.float32)
        assert moving(steady, 4) == [1, 2, 3, 4], "all frames but the first move equally"
        assert moving(steady, 4, always=8) == [1, 2, 3, 8]
        assert moving(steady, 9) == list(range(9))
        assert moving(steady[:1], 1) == [0]

    def test_later_stages_compare_only_the_remaining_frames(self):
        model = MixSTE(frames=8, dim=8, depth=3, heads=2).eval()
        place = torch.tensor([0, 0, 9, 9, 10, 10, 15, 15.5])
        pose2d = place[None, :, None, None].expand(1, 8, 17, 2)
        kept = hourglass(model, keep={1: 4, 2: 2}, prune="motion", recover="nearest").trace(pose2d).kept
        assert kept[1].tolist() == [[2, 4, 6, 7]]
        # Of the positions 9, 10, 15, 15.5, the first no longer counts as moving: the frame before it was dropped.
        assert kept[2].tolist() == [[4, 6]]

    def test_no_gradient_passes_through_the_choice(self):
        pose2d = torch.randn(1, 5, 17, 2, requires_grad=True)
        assert not Motion()(torch.zeros(1, 5, 1, 1), pose2d, keep=2).requires_grad


@pytest.mark.parametrize("waist", ["hourglass", "funnel"])
def test_an_exported_program_takes_any_number_of_clips(waist, as_used):
    torch.manual_seed(0)
    if waist == "funnel":
        model = funnel(MotionBERT(frames=9, dim=8, rep=8, depth=2, heads=2), keep=4, at=1, always=2).eval()
    else:
        model = hourglass(
            "motionagformer-tiny", keep=4, at=1, prune="attention", recover="interpolate", frames=9
        ).eval()
    clips = torch.randn(5, 9, 17, 3)
    any_number = {"pose2d": {0: torch.export.Dim("clips")}}
    run = torch.export.export(model, (clips[:2],), dynamic_shapes=any_number).module()
    with torch.no_grad():
        for count in (1, 2, 5):
            assert_allclose(run(clips[:count]), model(clips[:count]), atol=1e-6)


def test_the_tables_list_pruners_and_recoverers():
    pruners = {"density": DensityPeaks, "attention": AttentionScore, "motion": Motion, "uniform": Uniform}
    recoverers = {"attention": RecoveringAttention, "interpolate": Interpolate, "nearest": Nearest}
    assert (pruners, recoverers) == (PRUNERS, RECOVERERS)
    fits = RecoveringAttention.for_backbone(MixSTE(frames=9, dim=8, heads=2))
    assert (fits.queries.shape, fits.attention.heads) == ((1, 9, 8), 2)


WIDENING = pytest.mark.parametrize(
    ("recover", "slow", "tolerance"), [(Nearest(), oracle.nearest, 0), (Interpolate(), oracle.interpolate, 1e-6)]
)


@WIDENING
@pytest.mark.parametrize("kept", [[0, 8], [0, 3, 4, 8], [2, 5], [2, 6], [4], [0], [8], list(range(9))])
def test_nearest_and_interpolation_match_plain_loops(recover, slow, tolerance, kept):
    poses = np.random.default_rng(1).normal(size=(len(kept), 17, 3)).astype(np.float32)
    full = recover(torch.from_numpy(poses)[None], torch.tensor([kept]), frames=9)[0].numpy()
    assert_allclose(full, slow(poses, kept, 9), rtol=0, atol=tolerance)
    assert np.array_equal(full[kept], poses), "kept poses are unchanged to the bit"


@WIDENING
def test_nearest_and_interpolation_work_for_clips_with_different_kept_frames(recover, slow, tolerance):
    rng = np.random.default_rng(2)
    kept = [sorted(rng.choice(27, 6, replace=False).tolist()) for _ in range(8)]
    poses = rng.normal(size=(8, 6, 17, 3)).astype(np.float32)
    full = recover(torch.from_numpy(poses), torch.tensor(kept), frames=27).numpy()
    for clip in range(8):
        assert_allclose(full[clip], slow(poses[clip], kept[clip], 27), rtol=0, atol=tolerance)


@pytest.mark.parametrize(("heads", "joints"), [(1, 2), (4, 3)])
def test_recovering_attention_matches_plain_loops(heads, joints):
    torch.manual_seed(3)
    recoverer = RecoveringAttention(dim=8, frames=9, heads=heads).double()
    torch.nn.init.normal_(recoverer.queries)
    tokens = torch.randn(2, 4, joints, 8, dtype=torch.double)
    with torch.no_grad():
        fast = recoverer(tokens, torch.tensor([[0, 1, 2, 3], [0, 2, 4, 8]]), frames=9)
    weights = {name: value.numpy() for name, value in recoverer.attention.state_dict().items()}
    for clip in range(2):
        slow = oracle.recover(tokens[clip].numpy(), recoverer.queries[0].detach().numpy(), weights, heads)
        assert_allclose(fast[clip].numpy(), slow, atol=1e-12)


def test_recovering_attention_starts_from_queries_of_zero():
    assert not RecoveringAttention(dim=8, frames=9).queries.any()
