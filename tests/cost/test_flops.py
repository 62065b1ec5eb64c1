"""FLOPs against arithmetic and against torch's own counter."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import poseglass as pg
from poseglass.cost.flops import AsPublished, Flops, count_flops
from poseglass.models import MODELS, MHFormer, MixSTE, MotionAGFormer
from poseglass.models.motionagformer import GraphMixer

SMALL = [name for name in MODELS if name.endswith("tiny")]


def sized(name: str, keep: int | None = None, at: int | None = None) -> pg.PoseTransformer:
    """A backbone, with layers built for a waist if one is given."""
    return pg.create_model(name) if keep is None else pg.hourglass(name, keep=keep, at=at).backbone


@pytest.fixture(scope="module")
def tiny() -> MixSTE:
    return MixSTE(frames=9, dim=16, depth=3, heads=2)


def test_flops_of_a_backbone_match_a_count_by_hand(tiny: MixSTE) -> None:
    f, j, c, layers = 9, 17, 16, 3
    tokens = f * j
    block = 2 * tokens * (3 * c * c + c * c + 2 * 2 * c * c)  # qkv, projection, mlp
    paper = 2 * tokens * 2 * c + layers * 2 * block + 2 * tokens * c * 3
    attention = layers * (2 * 2 * f * j * j * c + 2 * 2 * j * f * f * c)
    assert count_flops(tiny) == Flops(paper, paper + attention, paper + attention)


def test_flops_of_a_waist_match_a_count_by_hand(tiny: MixSTE) -> None:
    f, k, j, c = 9, 3, 17, 16

    def block(frames: int) -> int:
        return 2 * frames * j * 8 * c * c

    paper = 2 * f * j * 2 * c + 2 * block(f) + 4 * block(k) + 2 * f * j * c * 3
    queries, rest = 2 * f * c * c, 2 * j * c * c * (2 * k + f)  # keys, values; projection
    attention = sum(2 * 2 * n * j * j * c + 2 * 2 * j * n * n * c for n in (f, k, k)) + 2 * 2 * j * f * k * c
    flops = count_flops(pg.hourglass(tiny, keep=3, at=1))
    assert flops.paper == paper + j * queries + rest
    assert flops.full == flops.paper + attention
    assert flops.executed == paper + queries + rest + attention


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("waist", ["none", "attention", "interpolate", "funnel"])
def test_executed_flops_match_the_count_of_torch(name: str, waist: str) -> None:
    model: Any = sized(name, keep=None if waist == "none" else 9, at=1).eval()
    if waist == "funnel":
        model = pg.funnel(model, keep=9, at=1)
    elif waist != "none":
        model = pg.hourglass(model, keep=9, at=1, recover=waist)
    flops = count_flops(model, batch=2)
    # With gradients, because the fast kernels without them fuse streams in half the products.
    counter = FlopCounterMode(display=False)
    with counter, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        model(torch.zeros(2, model.frames, 17, model.inputs))
    assert flops.executed == counter.get_total_flops()
    assert flops.paper < flops.full
    # TRA projects its queries once, and graphs are scaled without matrix products.
    assert (flops.executed < flops.full) == (waist == "attention" or name.startswith("motionagformer"))


def test_shared_queries_are_projected_once() -> None:
    with torch.device("meta"):
        flops = count_flops(pg.hourglass("mixste", keep=81, at=3))
    assert flops.full - flops.executed == 16 * 2 * 243 * 512 * 512, "one product instead of one per joint"


def test_additional_clips_cost_the_same_except_for_shared_queries(tiny: MixSTE) -> None:
    fast = pg.hourglass(tiny, keep=3, at=1)
    one, five = count_flops(fast), count_flops(fast, batch=5)
    assert (five.paper, five.full) == (5 * one.paper, 5 * one.full)
    assert five.executed == 5 * one.executed - 4 * 2 * 9 * 16 * 16, "all clips share one projection of the queries"
    plain = count_flops(tiny)
    assert count_flops(tiny, batch=5) == Flops(*(5 * plain.count(c) for c in ("paper", "full", "executed")))


def test_a_convolution_counts_as_a_layer() -> None:
    one, two = (count_flops(MHFormer(frames=9, dim=16, heads=2, hidden=32, inputs=n)).paper for n in (2, 3))
    encoder = 4 * 2 * 9 * 9 * 8  # a row, through four blocks
    assert two - one == 3 * 17 * (encoder + 2 * 9 * 16), "17 rows more for each encoder and embedding"


def test_the_published_form_gives_the_same_result(tiny: MixSTE) -> None:
    fast = pg.hourglass(tiny, keep=3, at=1)
    nn.init.normal_(fast.recoverer.queries)
    x, kept = torch.randn(2, 3, 17, 16), torch.tensor([[0, 4, 8]] * 2)
    with torch.no_grad():
        torch.testing.assert_close(AsPublished(fast.recoverer)(x, kept, frames=9), fast.recoverer(x, kept, frames=9))


def test_a_custom_backbone_that_reads_values_is_counted(tiny: MixSTE) -> None:
    class Curious(pg.PoseTransformer):
        """Built from torch's own layers, whose fused kernel has no FLOPs formula; it also reads a value."""

        def __init__(self) -> None:
            super().__init__()
            self.dim, self.frames, self.depth, self.inputs = 8, 9, 1, 2
            self.project = nn.Linear(2, 8)
            self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
            self.out = nn.Linear(8, 3)

        def embed(self, pose2d: Tensor) -> Tensor:
            assert float(pose2d.sum()) == 0
            return self.project(pose2d)

        def layer(self, index: int, tokens: Tensor, received: Any = None) -> Tensor:
            return self.block(tokens.flatten(0, 1)).unflatten(0, (len(tokens), -1))

        def head(self, tokens: Tensor) -> Tensor:
            return self.out(tokens)

    flops = count_flops(Curious().eval())
    assert flops.paper == 2 * 153 * (2 * 8 + 3 * 64 + 64 + 2 * 128 + 24)
    assert flops.full - flops.paper == 9 * 2 * 2 * 17 * 17 * 8
    assert torch.backends.mha.get_fastpath_enabled()


def test_published_graphs_scale_their_links_by_products() -> None:
    model = MotionAGFormer(frames=9, dim=16, depth=3, heads=2)
    flops = count_flops(model)
    # Two products with diagonal matrices per graph: 9 x 9 for each of 17 joints, 17 x 17 for each of 9 frames.
    assert flops.full - flops.executed == 3 * 2 * 2 * (17 * 9**3 + 9 * 17**3)
    assert any(isinstance(part, GraphMixer) for part in model.modules()), "the caller's model is unchanged"


@pytest.mark.parametrize("name", SMALL)
def test_pruning_by_attention_is_counted_on_the_meta_device(name: str) -> None:
    with torch.device("meta"):
        model = pg.hourglass(name, keep=9, at=1, prune="attention")
    assert count_flops(model).paper == count_flops(pg.hourglass(name, keep=9, at=1)).paper


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("caller", [torch.inference_mode, lambda: torch.autocast("cpu", torch.bfloat16)])
def test_the_count_does_not_depend_on_the_mode_of_the_caller(name: str, caller: Callable[[], Any]) -> None:
    with torch.device("meta"):
        model = pg.hourglass(name, keep=9, at=1, prune="attention")
    expected = count_flops(model)
    assert expected.executed > 0
    with caller():
        assert count_flops(model) == expected
        assert count_flops(pg.hourglass(name, keep=9, at=1, prune="attention")) == expected
