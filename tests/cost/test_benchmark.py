"""FLOPs against the papers and against arithmetic; times and memory as far as a test can know them."""

import json
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import poseglass as pg
from poseglass.cost.benchmark import Benchmark, Cost
from poseglass.cost.flops import AsPublished, Flops, count_flops, count_parameters
from poseglass.cost.measuring import Product, peak_memory
from poseglass.cost.papers import ROWS, Row, table
from poseglass.errors import ModelError
from poseglass.models import MODELS, MHFormer, MixSTE, MotionAGFormer, MotionBERT
from poseglass.models.motionagformer import GraphMixer

SMALL = [name for name in MODELS if name.endswith("tiny")]


def sized(name: str, keep: int | None = None, at: int | None = None) -> pg.PoseTransformer:
    """A backbone, its layers made for a waist where that matters."""
    return pg.create_model(name) if keep is None else pg.hourglass(name, keep=keep, at=at).backbone


@pytest.fixture(scope="module")
def tiny() -> MixSTE:
    return MixSTE(frames=9, dim=16, depth=3, heads=2)


class TestPapers:
    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
    def test_counts_are_the_published_ones(self, row: Row) -> None:
        model = row.build()
        flops = count_flops(model)
        assert count_parameters(model) / 1e6 == pytest.approx(row.parameters, abs=0.0051)
        assert flops.paper / 1e9 == pytest.approx(row.paper, abs=0.0051)
        assert flops.full / 1e9 == pytest.approx(row.full, abs=0.0051)
        assert flops.executed <= flops.full

    def test_the_shared_queries_are_what_is_spared(self) -> None:
        flops = count_flops(ROWS[1].build())
        assert flops.full - flops.executed == 16 * 2 * 243 * 512 * 512, "one product in place of one for each joint"

    def test_the_table_shows_them_side_by_side(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rows = (Row("Tiny", "mixste-tiny", 1, 2, 3), Row("Narrow", "mixste-tiny", 1, 2, 3, keep=9, at=1))
        monkeypatch.setattr("poseglass.cost.papers.ROWS", rows)
        head, rule, whole, waist = table().splitlines()
        assert head.count("|") == rule.count("|") == whole.count("|") == waist.count("|")
        assert whole.startswith("| Tiny (27) | 0.05 | 1.00 |")
        assert "Narrow (9 at 1)" in waist
        assert waist.endswith("38.8% |")

    def test_a_row_of_no_model_or_of_no_waist(self) -> None:
        with pytest.raises(ModelError, match="no model is called 'nothing'"):
            Row("Nothing", "nothing", 1, 2, 3).build()
        with pytest.raises(ModelError, match="before its layers 1 to 2, not 3"):
            Row("Late", "mixste-tiny", 1, 2, 3, keep=9, at=3).build()


class TestCounting:
    def test_a_backbone_by_hand(self, tiny: MixSTE) -> None:
        f, j, c, layers = 9, 17, 16, 3
        tokens = f * j
        block = 2 * tokens * (3 * c * c + c * c + 2 * 2 * c * c)  # qkv, projection, mlp
        paper = 2 * tokens * 2 * c + layers * 2 * block + 2 * tokens * c * 3
        attention = layers * (2 * 2 * f * j * j * c + 2 * 2 * j * f * f * c)
        assert count_flops(tiny) == Flops(paper, paper + attention, paper + attention)

    def test_a_waist_by_hand(self, tiny: MixSTE) -> None:
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
    def test_what_is_executed_is_what_torch_counts(self, name: str, waist: str) -> None:
        model: Any = sized(name, keep=None if waist == "none" else 9, at=1).eval()
        if waist == "funnel":
            model = pg.funnel(model, keep=9, at=1)
        elif waist != "none":
            model = pg.hourglass(model, keep=9, at=1, recover=waist)
        flops = count_flops(model, batch=2)
        counter = FlopCounterMode(display=False)
        with torch.no_grad(), counter, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            model(torch.zeros(2, model.frames, 17, model.inputs))
        assert flops.executed == counter.get_total_flops()
        assert flops.paper < flops.full
        # The queries of TRA are projected once, and graphs scaled without products of matrices.
        assert (flops.executed < flops.full) == (waist == "attention" or name.startswith("motionagformer"))

    def test_clips_cost_alike(self, tiny: MixSTE) -> None:
        fast = pg.hourglass(tiny, keep=3, at=1)
        one, five = count_flops(fast), count_flops(fast, batch=5)
        assert (five.paper, five.full) == (5 * one.paper, 5 * one.full)
        assert five.executed == 5 * one.executed - 4 * 2 * 9 * 16 * 16, "the queries are projected once for all"
        plain = count_flops(tiny)
        assert count_flops(tiny, batch=5) == Flops(*(5 * plain.of(c) for c in ("paper", "full", "executed")))

    def test_a_convolution_is_a_layer(self) -> None:
        one, two = (count_flops(MHFormer(frames=9, dim=16, heads=2, hidden=32, inputs=n)).paper for n in (2, 3))
        encoder = 4 * 2 * 9 * 9 * 8  # of a row, by its four blocks
        assert two - one == 3 * 17 * (encoder + 2 * 9 * 16), "17 rows more for each encoder and embedding"

    def test_the_published_execution_says_the_same(self, tiny: MixSTE) -> None:
        fast = pg.hourglass(tiny, keep=3, at=1)
        nn.init.normal_(fast.recoverer.queries)
        x, kept = torch.randn(2, 3, 17, 16), torch.tensor([[0, 4, 8]] * 2)
        with torch.no_grad():
            torch.testing.assert_close(
                AsPublished(fast.recoverer)(x, kept, frames=9), fast.recoverer(x, kept, frames=9)
            )

    def test_a_backbone_that_looks_at_numbers(self, tiny: MixSTE) -> None:
        class Curious(pg.PoseTransformer):
            """Its layers are torch's own, whose fused kernel has no formula; and it asks for a value."""

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

    def test_graphs_scale_their_links_by_products_as_published(self) -> None:
        model = MotionAGFormer(frames=9, dim=16, depth=3, heads=2)
        flops = count_flops(model)
        # Two products with diagonal matrices for each graph: of 9 frames for 17 joints, of 17 joints for 9 frames.
        assert flops.full - flops.executed == 3 * 2 * 2 * (17 * 9**3 + 9 * 17**3)
        assert any(isinstance(part, GraphMixer) for part in model.modules()), "the model given is not changed"


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small matrix product: how fast it is does not matter here."""
    monkeypatch.setattr(Product, "aim", 0.001)


@pytest.mark.usefixtures("hasty")
class TestMeasuring:
    def test_nothing_changes(self, tiny: MixSTE) -> None:
        fast = pg.hourglass(tiny, keep=3, at=1).train()
        before = {name: value.clone() for name, value in fast.state_dict().items()}
        threads, state = torch.get_num_threads(), torch.random.get_rng_state()
        result = pg.bench(fast, against=tiny, rounds=1, dtype="bfloat16", threads=1)
        assert result.dtype == "bfloat16"
        assert fast.training
        assert tiny.training
        assert all(p.requires_grad and p.grad is None and p.dtype == torch.float32 for p in fast.parameters())
        for name, value in fast.state_dict().items():
            assert torch.equal(value, before[name])
        assert torch.get_num_threads() == threads
        assert torch.equal(torch.random.get_rng_state(), state)

    def test_threads_are_given_back_after_an_error(self, tiny: MixSTE, monkeypatch: pytest.MonkeyPatch) -> None:
        threads = torch.get_num_threads()
        monkeypatch.setattr("poseglass.cost.benchmark.Product", lambda dtype: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            pg.bench(tiny, threads=threads + 1)
        assert torch.get_num_threads() == threads

    @pytest.mark.parametrize("name", SMALL)
    def test_every_kind_of_model(self, name: str) -> None:
        plain, inner = sized(name), sized(name, keep=9, at=1)
        alone = pg.bench(plain, rounds=1, batch=2, threads=1)
        assert alone.against is None
        assert alone.speedup is alone.time_saved is alone.flops_saved() is alone.realised() is None
        for fast in (pg.hourglass(inner, keep=9, at=1, recover="interpolate"), pg.funnel(inner, keep=9, at=1)):
            result = pg.bench(fast, against=plain, rounds=2, threads=1)
            assert result.threads == 1
            assert len(result.model.seconds) == len(result.rates) == 2
            assert 0 < (result.flops_saved() or 0) < 1

    def test_memory_by_hand(self) -> None:
        class Two(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.weight = nn.Parameter(torch.zeros(10))

            def forward(self, x: Tensor) -> Tensor:
                x = x.view(1, 100)[:, None] + 1  # 400 bytes
                x = x * 2  # 400 more, then the first are given back
                x += 1
                return x.repeat(5, 1, 1)  # 2000 more

        x = torch.zeros(1, 10, 5, 2)
        assert peak_memory(Two(), x) == 40 + 400 + 400 + 2000

    def test_memory_grows_with_the_batch(self, tiny: MixSTE) -> None:
        one, ten = (pg.bench(tiny, rounds=1, batch=batch, threads=1).model.memory for batch in (1, 10))
        weights = 4 * count_parameters(tiny)
        assert 9 < (ten - weights) / (one - weights) <= 10.1

    def test_the_matrix_product(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.undo()
        product = Product(torch.float32)
        product.time()
        assert 256 <= product.side <= 4096
        assert product.rates[0] > 1e8


def cost(name: str, seconds: tuple[float, ...], executed: int, frames: int = 10) -> Cost:
    flops = Flops(paper=executed // 2, full=2 * executed, executed=executed)
    return Cost(name, 1_500_000, frames, 1, flops, seconds, tuple(executed / 1e9 for _ in seconds), 3_000_000)


@pytest.fixture
def result() -> Benchmark:
    fast = cost("fast", (1.0, 2.0, 9.0), 500_000_000)
    return Benchmark(fast, cost("slow", (2.0, 4.0, 9.0), 1_000_000_000), 1, "float32", 1024, (1e9, 1e9, 1e9))


class TestTelling:
    def test_the_figures(self, result: Benchmark) -> None:
        assert result.model.latency == 2
        assert result.model.throughput == 5
        assert result.model.over_floor == 4
        assert result.speedup == 2, "pair by pair"
        assert result.time_saved == 0.5
        assert result.flops_saved("paper") == result.flops_saved() == 0.5
        assert result.realised() == 1
        assert result.model.per_frame("full") == 1e8

    def test_clips_of_other_lengths_are_compared_by_the_frame(self) -> None:
        model, against = cost("a", (1.0,), 10**9, frames=20), cost("b", (1.0,), 10**9, frames=10)
        result = Benchmark(model, against, 1, "float32", 1024, (1e9,))
        assert (result.speedup, result.flops_saved()) == (2, 0.5)

    def test_nothing_saved_is_no_share(self) -> None:
        same = cost("a", (1.0,), 10**9)
        result = Benchmark(same, same, 1, "float32", 1024, (1e9,))
        assert result.realised() is None
        assert "1.00 x as fast" in str(result)

    def test_as_text(self, result: Benchmark) -> None:
        text = str(result)
        for words in ("fast", "slow", "500.00 M", "1.00 G", "50.0%", "2.000 s", "5 frames/s", "4.00 x", "1.50 M"):
            assert words in text
        for words in ("Batch 1, 1 thread, float32, 10 frames a clip, 3 rounds", "2.00 x as fast", "1024 x 1024"):
            assert words in text
        assert all(line == line.rstrip() for line in text.splitlines())

    def test_as_markdown(self, result: Benchmark) -> None:
        rows = [line for line in result.markdown().splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) == 1
        assert rows[1] == "|---|---|---|---|"
        assert "| latency, median | 2.000 s | 4.000 s | 50.0% |" in rows
        alone = Benchmark(result.model, None, 1, "float32", 1024, result.rates)
        assert "| latency, median | 2.000 s |" in alone.markdown().splitlines()

    def test_as_json(self, result: Benchmark) -> None:
        record = json.loads(result.json())
        assert record["model"]["seconds"] == [1, 2, 9]
        assert record["model"]["flops"] == {"paper": 250_000_000, "full": 10**9, "executed": 500_000_000}
        assert record["speedup"] == 2
        assert record["realised"]["executed"] == 1
        assert (record["threads"], record["dtype"], record["rounds"]) == (1, "float32", 3)
        assert json.loads(Benchmark(result.model, None, 1, "float32", 1, ()).json())["against"] is None


@pytest.mark.usefixtures("as_used")
class TestMistakes:
    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"batch": 0}, "batch must be 1 or more, not 0"),
            ({"rounds": 0}, "rounds must be 1 or more"),
            ({"threads": 0}, "threads must be 1 or more"),
            ({"dtype": "float16"}, "'float16'; there are float32, bfloat16"),
            ({"against": nn.Linear(1, 1)}, "got Linear"),
        ],
    )
    def test_settings(self, tiny: MixSTE, settings: dict[str, Any], words: str) -> None:
        with pytest.raises(ModelError, match=words):
            pg.bench(tiny, **settings)

    def test_no_model(self) -> None:
        with pytest.raises(ModelError, match="got NoneType"):
            pg.bench(None)  # type: ignore[arg-type]

    def test_a_model_without_weights(self) -> None:
        with torch.device("meta"):
            model = MotionBERT(frames=9, dim=16, rep=16, depth=2, heads=2)
        with pytest.raises(ModelError, match="meta device"):
            pg.bench(model)
