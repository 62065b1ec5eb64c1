"""One set of weights with any number of kept frames; tests/contract/test_compiled.py compiles and exports them."""

import copy

import pytest
import torch
from torch import nn

import poseglass as pg
from poseglass.cost.flops import count_flops
from poseglass.models import MixSTE
from poseglass.waist.hourglass import funnel, hourglass
from poseglass.waist.kept_embedding import stretched
from poseglass.waist.prune import PRUNERS
from poseglass.waist.recover import RECOVERERS


def waisted(keep: object = 9, at: int | None = 1, **parts: str) -> pg.Hourglass:
    """A small hourglass of 27 frames, without weights that are zero."""
    torch.manual_seed(0)
    model = hourglass(MixSTE(frames=27, dim=16, depth=3, heads=2), keep=keep, at=at, **parts).eval()
    model.init_sinusoidal()
    for embedding in model.kept_embedding.values():
        nn.init.normal_(embedding)
    return model


CLIP = torch.randn(2, 27, 17, 2, generator=torch.Generator().manual_seed(1))


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

    def test_it_can_be_copied_cast_and_counted(self):
        model = waisted()
        few = model.with_keep(4)
        assert torch.equal(copy.deepcopy(few)(CLIP), few(CLIP))
        assert pg.to_bfloat16(few, exact=0).trace(CLIP).kept[1].shape == (2, 4)
        built = waisted(4)
        assert count_flops(few) == count_flops(built)
        assert count_flops(few).paper < count_flops(model).paper


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
