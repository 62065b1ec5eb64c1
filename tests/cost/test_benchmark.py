"""FLOPs against the papers and against arithmetic; times and memory as far as a test can know them."""

import json
from typing import Any

import pytest
import torch
from torch import nn

import poseglass as pg
from poseglass.cost.benchmark import Benchmark, Cost
from poseglass.cost.flops import Flops
from poseglass.cost.measuring import Product
from poseglass.errors import ModelError
from poseglass.models import MODELS, MixSTE, MotionBERT

SMALL = [name for name in MODELS if name.endswith("tiny")]


def sized(name: str, keep: int | None = None, at: int | None = None) -> pg.PoseTransformer:
    """A backbone, its layers made for a waist where that matters."""
    return pg.create_model(name) if keep is None else pg.hourglass(name, keep=keep, at=at).backbone


@pytest.fixture(scope="module")
def tiny() -> MixSTE:
    return MixSTE(frames=9, dim=16, depth=3, heads=2)


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
