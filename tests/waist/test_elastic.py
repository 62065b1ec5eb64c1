"""One set of weights with any number of kept frames."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import poseglass as pg
from poseglass.errors import ModelError
from poseglass.models import MixSTE, create_model
from poseglass.waist.hourglass import funnel, hourglass
from poseglass.waist.kept_embedding import stretched
from poseglass.waist.prune import PRUNERS
from poseglass.waist.recover import RECOVERERS
from poseglass.waist.schedule import rescheduled


def waisted(keep: object = 9, at: int | None = 1, **parts: str) -> pg.Hourglass:
    """A small hourglass of 27 frames, without weights that are zero."""
    torch.manual_seed(0)
    model = hourglass(MixSTE(frames=27, dim=16, depth=3, heads=2), keep=keep, at=at, **parts).eval()
    model.init_sinusoidal()
    for embedding in model.kept_embedding.values():
        nn.init.normal_(embedding)
    return model


CLIP = torch.randn(2, 27, 17, 2, generator=torch.Generator().manual_seed(1))


class TestStretchedEmbedding:
    @pytest.mark.parametrize(("rows", "keep"), [(9, 4), (9, 9), (9, 27), (2, 81), (81, 8), (27, 26), (1, 5)])
    def test_every_channel_is_interpolated_between_its_ends(self, rows, keep):
        embedding = torch.randn(1, rows, 1, 4, generator=torch.Generator().manual_seed(rows))
        expected = np.stack(
            [np.interp(np.linspace(0, rows - 1, keep), range(rows), channel) for channel in embedding[0, :, 0].mT], 1
        )
        np.testing.assert_allclose(stretched(embedding, keep)[0, :, 0], expected, atol=1e-5)

    def test_one_frame_gets_the_middle(self):
        assert stretched(torch.tensor([1.0, 2.0, 6.0])[None, :, None], 1).flatten().tolist() == [2.0]
        assert stretched(torch.tensor([1.0, 2.0])[None, :, None], 1).flatten().tolist() == [1.5]

    def test_an_embedding_that_fits_is_the_same_object(self):
        embedding = torch.randn(1, 9, 1, 4)
        assert stretched(embedding, 9) is embedding

    def test_the_dtype_stays_and_places_are_exact_in_bfloat16(self):
        embedding = torch.arange(200.0).bfloat16()[None, :, None, None]  # rows 0 to 199, exact up to 256
        rows = stretched(embedding, 399)
        assert rows.dtype == torch.bfloat16
        assert rows.flatten()[::2].equal(embedding.flatten())

    def test_the_gradient_reaches_every_row(self):
        embedding = torch.randn(1, 9, 1, 4, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda rows: stretched(rows, 14), embedding)


class TestSchedule:
    @pytest.mark.parametrize(
        ("schedule", "keep", "expected"),
        [
            ({1: 9}, 4, {1: 4}),
            ({1: 9}, 1, {1: 1}),
            ({1: 9}, 1.0, {1: 27}),
            ({1: 9}, 0.2, {1: 5}),
            ({1: 9}, {1: 0.5}, {1: 14}),
            ({1: 18, 2: 9}, 9, {1: 9, 2: 4}),
            ({1: 18, 2: 9}, 1.0, {1: 27, 2: 14}),
            ({1: 18, 2: 6}, 1, {1: 1, 2: 1}),
            ({1: 18, 2: 9}, {2: 3, 1: 0.5}, {1: 14, 2: 3}),
        ],
    )
    def test_the_first_stage_keeps_what_is_given_and_later_ones_their_proportion(self, schedule, keep, expected):
        changed = rescheduled(schedule, keep, create_model("mixste-tiny", frames=27))
        assert changed == expected
        assert [*changed] == [*expected], "layers stay in order"

    @pytest.mark.parametrize(
        ("keep", "words"),
        [
            (0, "layer 1 can keep 1 to 27 frames, not 0"),
            (28, "layer 1 can keep 1 to 27 frames, not 28"),
            (-3, "not -3"),
            (0.001, "not 0"),
            (1.5, "share of the clip must be above 0 and at most 1, not 1.5"),
            (float("nan"), "not nan"),
            ({2: 9}, r"prunes before layers \[1\], so keep must name these, not \[2\]"),
            ({1: 9, 2: 3}, r"must name these, not \[1, 2\]"),
            ({}, r"must name these, not \[\]"),
        ],
    )
    def test_numbers_out_of_range_and_other_layers_are_refused(self, keep, words):
        for model in (waisted(), funnel("mixste-tiny", keep=9, at=1)):
            with pytest.raises(ModelError, match=words):
                model.with_keep(keep)

    def test_a_stage_may_not_keep_more_than_the_one_before(self):
        with pytest.raises(ModelError, match="layer 2 can keep 1 to 5 frames, not 6"):
            waisted({1: 18, 2: 9}, None).with_keep({1: 5, 2: 6})

    def test_layers_built_for_fixed_numbers_of_frames_are_refused(self):
        model = hourglass("motionagformer-tiny", keep=9, at=1)
        assert model.with_keep(9).schedule == {1: 9}
        words = r"layers of this MotionAGFormer are built for fixed numbers of frames, \{1: 9\}.*cannot keep \{1: 5\}"
        with pytest.raises(ModelError, match=words):
            model.with_keep(5)


class TestOtherKeep:
    @pytest.mark.parametrize("recover", RECOVERERS)
    @pytest.mark.parametrize("prune", PRUNERS)
    def test_no_pruner_or_recoverer_has_weights_that_depend_on_the_number(self, prune, recover):
        model = waisted(prune=prune, recover=recover)
        other = waisted(4, prune=prune, recover=recover)
        for part in ("pruner", "recoverer"):
            shapes = [{k: v.shape for k, v in getattr(each, part).state_dict().items()} for each in (model, other)]
            assert shapes[0] == shapes[1]
        for keep in (1, 4, 20, 27):
            trace = model.with_keep(keep).trace(CLIP)
            assert trace.pose3d.shape == (2, 27, 17, 3)
            assert trace.kept[1].shape == (2, keep)

    @pytest.mark.parametrize("keep", [4, 20])
    def test_it_computes_what_a_model_built_with_that_number_would(self, keep):
        model, built = waisted(), waisted(keep)
        built.backbone, built.recoverer = model.backbone, model.recoverer
        with torch.no_grad():
            built.kept_embedding["1"].copy_(stretched(model.kept_embedding["1"], keep))
        assert torch.equal(model.with_keep(keep)(CLIP), built(CLIP))

    def test_the_original_is_unchanged_and_shares_its_weights(self):
        model = waisted({1: 18, 2: 9}, None).with_card(pg.Card(keypoints="cpn"))
        before, poses = copy.deepcopy(model.state_dict()), model(CLIP)
        other = model.with_keep(0.5)
        assert (other.schedule, model.schedule, other.card) == ({1: 14, 2: 7}, {1: 18, 2: 9}, model.card)
        assert other.backbone is model.backbone
        assert all(a is b for a, b in zip(model.parameters(), other.parameters(), strict=True))
        assert not torch.equal(other(CLIP), poses)
        assert torch.equal(model(CLIP), poses)
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())

    def test_the_way_back_is_exact(self):
        """Proportions of a pyramid follow from its original numbers, so rounding does not add up."""
        model = waisted({1: 18, 2: 7}, None)
        back = model.with_keep(2).with_keep(18)
        assert back.schedule == model.schedule
        assert torch.equal(back(CLIP), model(CLIP))

    def test_training_and_evaluation_mode_are_kept(self):
        assert waisted().train().with_keep(4).training
        assert not waisted().eval().with_keep(4).training

    def test_gradients_reach_the_shared_weights(self):
        model = waisted()
        model.with_keep(20)(CLIP).square().mean().backward()
        assert all(parameter.grad is not None for parameter in model.parameters())
        assert model.kept_embedding["1"].grad.abs().sum(-1).all(), "every row of the embedding"

    def test_a_funnel_keeps_its_frame_at_any_number(self):
        short = funnel("mixste-tiny", frames=27, keep=9, at=1, always=5)
        for keep in (1, 4, 27):
            trace = short.with_keep(keep).trace(CLIP)
            assert trace.pose3d.shape == (2, keep, 17, 3)
            assert (trace.kept[1] == 5).any(1).all()
        assert short.schedule == {1: 9}

    def test_a_mirrored_pass_keeps_the_same_frames(self):
        other = waisted().with_keep(4)
        kept = other.trace(CLIP).kept
        assert torch.equal(other.trace(CLIP.flip(3), kept=kept).kept[1], kept[1])


class TestAllFrames:
    """At keep=1.0 nothing is pruned, and the recoverer still runs."""

    def test_the_pruner_is_not_called(self, monkeypatch):
        model = waisted().with_keep(1.0)
        monkeypatch.setattr(type(model.pruner), "forward", None)
        assert model.trace(CLIP).kept[1].tolist() == [[*range(27)]] * 2

    @pytest.mark.parametrize("prune", PRUNERS)
    def test_pruners_that_are_called_would_keep_all(self, prune):
        tokens, attention = torch.randn(2, 27, 17, 8), torch.randn(2, 27).softmax(1)
        extra = {"attention": attention} if prune == "attention" else {}
        assert PRUNERS[prune]()(tokens, CLIP, keep=27, **extra).tolist() == [[*range(27)]] * 2

    @pytest.mark.parametrize("recover", ["interpolate", "nearest"])
    def test_without_learned_weights_it_equals_the_backbone(self, recover):
        model = waisted(recover=recover).with_keep(1.0)
        nn.init.zeros_(model.kept_embedding["1"])
        assert torch.equal(model(CLIP), model.backbone(CLIP))

    def test_the_head_gets_recovered_tokens(self):
        model = waisted().with_keep(1.0)
        tokens = model.backbone.embed(CLIP)
        tokens = model.backbone.layer(0, tokens) + stretched(model.kept_embedding["1"], 27)
        tokens = model.backbone.layer(2, model.backbone.layer(1, tokens))
        everything = torch.arange(27).expand(2, -1)
        expected = model.backbone.head(model.recoverer(tokens, everything, frames=27))
        torch.testing.assert_close(model(CLIP), expected)

    def test_a_pyramid_may_prune_later(self):
        trace = waisted({1: 18, 2: 9}, None).with_keep({1: 1.0, 2: 3}).trace(CLIP)
        assert trace.kept[1].tolist() == [[*range(27)]] * 2
        assert trace.kept[2].shape == (2, 3)
