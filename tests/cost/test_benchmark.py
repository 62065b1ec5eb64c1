"""`bench` leaves models and process as they were, and refuses wrong arguments. No test measures speed."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import poseglass as pg
from poseglass.errors import ModelError
from poseglass.models import MODELS, MixSTE, MotionBERT

pytestmark = pytest.mark.usefixtures("small_product")
SMALL = [name for name in MODELS if name.endswith("tiny")]


@pytest.fixture(scope="module")
def tiny() -> MixSTE:
    return MixSTE(frames=9, dim=16, depth=3, heads=2)


def test_models_and_process_stay_as_they_were(tiny: MixSTE) -> None:
    fast = pg.hourglass(tiny, keep=3, at=1).train()
    tiny.project.eval()
    modes = [part.training for part in fast.modules()]
    before = {name: value.clone() for name, value in fast.state_dict().items()}
    threads, state, dtype = torch.get_num_threads(), torch.random.get_rng_state(), torch.get_default_dtype()
    result = pg.bench(fast, against=tiny, rounds=1, dtype="bfloat16", threads=threads + 1)
    assert (result.dtype, result.threads) == ("bfloat16", threads + 1)
    assert [part.training for part in fast.modules()] == modes
    assert all(p.requires_grad and p.grad is None and p.dtype == torch.float32 for p in fast.parameters())
    for name, value in fast.state_dict().items():
        assert torch.equal(value, before[name])
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_default_dtype() == dtype
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("caller", [torch.inference_mode, lambda: torch.autocast("cpu", torch.bfloat16)])
def test_the_mode_of_the_caller_changes_nothing(tiny: MixSTE, caller: Callable[[], Any]) -> None:
    expected = pg.bench(tiny, rounds=1).model
    with caller():
        result = pg.bench(tiny, rounds=1).model
    assert (result.flops, result.memory) == (expected.flops, expected.memory)


@pytest.mark.parametrize("name", [None, "cpu", torch.device("cpu")])
def test_the_device_is_reported(tiny: MixSTE, name: str | torch.device | None) -> None:
    result = pg.bench(tiny, rounds=1, device=name)
    assert result.device == result.record()["device"] == "cpu"


def test_threads_are_restored_after_an_error(tiny: MixSTE, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = torch.get_num_threads()
    monkeypatch.setattr("poseglass.cost.benchmark.Product", lambda dtype, where: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pg.bench(tiny, threads=threads + 1)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("name", SMALL)
def test_every_model_is_measured_with_and_without_a_waist(name: str) -> None:
    plain, inner = pg.create_model(name), pg.hourglass(name, keep=9, at=1).backbone
    alone = pg.bench(plain, rounds=1, batch=2, threads=1)
    assert alone.against is None
    assert alone.speedup is alone.time_saved is alone.flops_saved() is alone.realised() is None
    for fast in (pg.hourglass(inner, keep=9, at=1, recover="interpolate"), pg.funnel(inner, keep=9, at=1)):
        result = pg.bench(fast, against=plain, rounds=2, threads=1)
        assert result.threads == 1
        assert len(result.model.seconds) == len(result.model.floor) == len(result.rates) == 2
        assert 0 < (result.flops_saved() or 0) < 1


def test_the_floor_is_the_executed_flops_at_the_product_rate(tiny: MixSTE) -> None:
    result = pg.bench(tiny, rounds=3, batch=2, threads=1)
    executed = result.model.flops.executed
    assert result.model.floor == pytest.approx([executed / rate for rate in result.rates])


@pytest.mark.usefixtures("as_used")
class TestMistakes:
    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"batch": 0}, "batch must be 1 or more, not 0"),
            ({"rounds": 0}, "rounds must be 1 or more"),
            ({"threads": 0}, "threads must be 1 or more"),
            ({"dtype": "float16"}, "dtype must be one of float32, bfloat16, not 'float16'"),
            ({"against": nn.Linear(1, 1)}, "got Linear"),
            ({"graphs": True}, "CUDA graphs need a device of CUDA, not cpu"),
            ({"device": "meta"}, "the meta device computes no values"),
            ({"device": "cuda:99"}, "this machine has no device cuda:99"),
        ],
    )
    def test_impossible_settings_are_refused(self, tiny: MixSTE, settings: dict[str, Any], words: str) -> None:
        with pytest.raises(ModelError, match=words):
            pg.bench(tiny, **settings)

    def test_something_that_is_not_a_model_is_refused(self) -> None:
        with pytest.raises(ModelError, match="got NoneType"):
            pg.bench(None)  # type: ignore[arg-type]

    def test_a_model_on_the_meta_device_is_refused(self) -> None:
        with torch.device("meta"):
            model = MotionBERT(frames=9, dim=16, rep=16, depth=2, heads=2)
        with pytest.raises(ModelError, match="meta device"):
            pg.bench(model)
