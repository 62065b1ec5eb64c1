"""Weights are found wherever training scripts and frameworks put them."""

import logging
import tracemalloc
from collections import OrderedDict
from contextlib import suppress

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from oracle import mhformer, motionbert, published
from poseglass.errors import WeightsError
from poseglass.models import BACKBONES, MixSTE
from poseglass.waist.hourglass import Hourglass, backbone_of
from poseglass.weights import files as weights
from poseglass.weights.state_dict import find_weights

SHAPES = {
    "MixSTE": published.mixste_shapes(frames=9, dim=16, depth=4),
    "HoT": published.mixste_shapes(frames=9, dim=16, depth=4, keep=3),
    "MotionBERT": motionbert.shapes(frames=9, dim=16, hidden=64, rep=24, depth=2),
    "MotionAGFormer": published.motionagformer_shapes(lengths=(9, 9), dim=16),
    "MHFormer": mhformer.shapes(frames=9, dim=16, hidden=24, blocks=1),
}
STATES = {
    name: {key: torch.from_numpy(value) for key, value in published.filled(shapes).items()}
    for name, shapes in SHAPES.items()
}


def named(state: dict, prefix: str) -> dict:
    return {f"{prefix}{key}": value for key, value in state.items()}


def other(state: dict) -> dict:
    return {key: value + 1 for key, value in state.items()}


WRAPPINGS = {
    "MixSTE's run.py": lambda s: {
        "epoch": 60, "lr": 1e-5, "random_state": np.random.RandomState(0),
        "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{"params": [0]}]},
        "model_pos": named(s, "module."),
    },
    "MHFormer, HoT": lambda s: named(s, "module."),
    "MotionAGFormer": lambda s: {"epoch": 3, "min_mpjpe": np.float64(38.4), "model": named(s, "module.")},
    "Lightning": lambda s: {
        "epoch": 3, "global_step": 9, "pytorch-lightning_version": "2.5.0", "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {"ModelCheckpoint{'monitor': 'mpjpe'}": {"best_model_score": torch.tensor(40.0)}},
        "hyper_parameters": OrderedDict(lr=1e-3, model="mixste"), "lr_schedulers": [{"last_epoch": 3}],
        "state_dict": {**named(s, "model."), "loss.weight": torch.ones(17)},
    },
    "Lightning, compiled": lambda s: {"state_dict": named(s, "model._orig_mod.")},
    "torch.compile": lambda s: named(s, "_orig_mod."),
    "torch.compile of DataParallel": lambda s: named(s, "_orig_mod.module."),
    "DataParallel of torch.compile": lambda s: named(s, "module._orig_mod."),
    "compiled blocks": lambda s: {key.replace("blocks.1.", "blocks.1._orig_mod."): v for key, v in s.items()},
    "checkpointed blocks": lambda s: {
        key.replace("blocks.1.", "blocks.1._checkpoint_wrapped_module."): v for key, v in s.items()
    },
    "AveragedModel": lambda s: {"n_averaged": torch.tensor(7), **named(s, "module.")},
    "its running mean beside the model": lambda s: {"model": other(s), "model_ema": s},
    "timm": lambda s: {"arch": "mixste", "state_dict": other(s), "state_dict_ema": named(s, "module.")},
    "mean within the same dictionary": lambda s: {
        "state_dict": {
            **named(other(s), "model."), **named(s, "ema_model.module."), "ema_model.n_averaged": torch.tensor(1),
        }
    },
    "Lightning's callback": lambda s: {
        "state_dict": named(other(s), "net."), "callbacks": {"EMA": {"ema_weights": named(s, "net.")}},
    },
    "Accelerate": lambda s: {"step": 3, "network": s, "generator": torch.get_rng_state()},
}  # fmt: skip


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before 1.6"])
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_every_wrapping_gives_the_same_weights(tmp_path, wrapping, zipped):
    torch.save(STATES["HoT"], tmp_path / "bare.pth")
    torch.save(WRAPPINGS[wrapping](STATES["HoT"]), tmp_path / "x.ckpt", _use_new_zipfile_serialization=zipped)
    bare, wrapped = weights.load(tmp_path / "bare.pth"), weights.load(tmp_path / "x.ckpt")
    assert isinstance(wrapped, Hourglass)
    state = wrapped.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in bare.state_dict().items())


@pytest.mark.parametrize("name", STATES)
def test_every_architecture_is_found_behind_a_prefix(tmp_path, name):
    torch.save({"state_dict": named(STATES[name], "model._orig_mod.")}, tmp_path / "x.ckpt")
    kind = type(backbone_of(weights.load(tmp_path / "x.ckpt")))
    assert kind.__name__ == {"HoT": "MixSTE"}.get(name, name)
    candidates = find_weights(STATES[name], "x")
    assert (candidates.place, candidates.backbone) == ("", kind)
    assert candidates.backbone in BACKBONES.values()


def test_safetensors_with_prefixes_are_read(tmp_path):
    from safetensors.torch import save_file

    save_file(named(STATES["MixSTE"], "model."), tmp_path / "x.safetensors")
    assert isinstance(weights.load(tmp_path / "x.safetensors"), MixSTE)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.compile imports torch.jit
def test_what_frameworks_write_is_read(tmp_path):
    class Published(nn.Module):
        """Parameters under published names, like a researcher's network."""

        def __init__(self) -> None:
            super().__init__()
            for key, value in STATES["MixSTE"].items():
                *path, last = key.split(".")
                module: nn.Module = self
                for part in path:
                    if not hasattr(module, part):
                        module.add_module(part, nn.Module())
                    module = getattr(module, part)
                module.register_parameter(last, nn.Parameter(value))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    network = Published()
    truth = find_weights(network.state_dict(), "x").tensors
    for wrapped in (AveragedModel(network), torch.compile(network), nn.DataParallel(network)):
        torch.save({"model": wrapped.state_dict()}, tmp_path / "x.pth")
        loaded = weights.load(tmp_path / "x.pth")
        assert torch.equal(loaded.time_embedding, truth["Temporal_pos_embed"])


def test_the_running_mean_is_logged(tmp_path, caplog):
    torch.save(WRAPPINGS["timm"](STATES["MixSTE"]), tmp_path / "x.pth")
    with caplog.at_level(logging.INFO, "poseglass"):
        weights.load(tmp_path / "x.pth")
    assert "x.pth holds the weights of 2 networks, at " in caplog.text
    assert "the running mean is taken" in caplog.text


def test_several_networks_are_refused(tmp_path):
    state = STATES["MixSTE"]
    torch.save({**named(state, "student."), **named(state, "teacher.")}, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=r"2 networks, at student\., teacher\.: save one of them alone"):
        weights.load(tmp_path / "x.pth")
    torch.save({"last": state, "best": state}, tmp_path / "same.pth")
    assert isinstance(weights.load(tmp_path / "same.pth"), MixSTE), "the same dictionary twice is one"


def test_keys_of_the_network_are_never_dropped(tmp_path):
    state = named(STATES["MixSTE"], "model.")
    torch.save({"state_dict": {**state, "model.extra": torch.ones(1)}}, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=r"1 left over: extra$"):
        weights.load(tmp_path / "x.pth")
    half = {(key if "TTE" in key else f"model.{key}"): value for key, value in STATES["MixSTE"].items()}
    torch.save(half, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=r"missing: TTEblocks\.0"):
        weights.load(tmp_path / "x.pth")


def test_the_same_weights_under_two_names_are_refused(tmp_path):
    state = STATES["MixSTE"]
    torch.save({**state, "_orig_mod.Temporal_norm.weight": torch.zeros(16)}, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=r"both with and without torch\.compile's prefix"):
        weights.load(tmp_path / "x.pth")


def test_a_pickled_network_is_refused_with_its_class(tmp_path):
    torch.save({"model": nn.Linear(2, 2)}, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=r"no state dict.*not read: torch\.nn\.modules\.linear\.Linear"):
        weights.load(tmp_path / "x.pth")


def test_a_key_with_a_large_number_does_not_make_a_large_model(tmp_path):
    torch.save({**STATES["MixSTE"], "STEblocks.999999999.norm1.weight": torch.ones(16)}, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=r"left over: STEblocks\.999999999"):
        weights.load(tmp_path / "x.pth")


@pytest.mark.parametrize("key", ["STEblocks.{}.norm1.weight", "TTEblocks.{}.norm1.weight"])
def test_many_layers_are_not_built(tmp_path, key):
    many = {key.format(number): torch.ones(16) for number in range(1001)}
    torch.save({**STATES["MixSTE"], **many}, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match="describes a MixSTE of 1001 layers" if "STE" in key[:3] else "left over"):
        weights.load(tmp_path / "x.pth")


def test_many_networks_are_refused_quickly(tmp_path):
    marks = {key: torch.ones(1) for key in MixSTE.published.marks}
    torch.save(
        {key: value for number in range(3000) for key, value in named(marks, f"{number}.").items()}, tmp_path / "x"
    )
    with pytest.raises(WeightsError, match="the weights of 16 networks"):
        weights.load(tmp_path / "x")


def test_dictionaries_that_hold_themselves_end(tmp_path):
    content: dict = {"model": STATES["MixSTE"]}
    content["self"] = content
    torch.save(content, tmp_path / "x.pth")
    assert isinstance(weights.load(tmp_path / "x.pth"), MixSTE)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_of_a_diverged_training_are_refused(tmp_path, value):
    state = {key: tensor.clone() for key, tensor in STATES["HoT"].items()}
    state["head.1.bias"][2] = value
    torch.save({"model_pos": named(state, "module.")}, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=r"NaN or infinite \(head\.1\.bias\).*earlier epoch"):
        weights.load(tmp_path / "x.pth")


def peak(content: object) -> int:
    """Bytes that the search for weights allocates."""
    tracemalloc.start()
    with suppress(WeightsError):
        find_weights(content, "x")
    allocated = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return allocated


def test_long_keys_do_not_multiply():
    assert peak({"a" * 100_000: {str(number): None for number in range(1000)}}) < 5 << 20
    assert peak({"a" * 900: {str(number): None for number in range(50_000)}}) < 20 << 20


def test_networks_within_each_other_do_not_multiply():
    marks = dict.fromkeys(MixSTE.published.marks, torch.ones(1))
    content = {key: value for depth in range(16) for key, value in named(marks, "a." * depth).items()}
    content |= dict.fromkeys((f"{'a.' * 16}{number}" for number in range(20_000)), torch.ones(1))
    assert peak(content) < 15 << 20


def test_keys_longer_than_any_name_are_skipped():
    with pytest.raises(WeightsError, match="holds no state dict"):
        find_weights(named(STATES["MixSTE"], "a" * 250 + "."), "x")
    assert find_weights(named(STATES["MixSTE"], "a" * 200 + "."), "x").backbone is MixSTE


def test_a_checkpoint_of_too_many_dictionaries_is_refused():
    leaf: dict = {}
    wide = {str(number): leaf for number in range(10_001)}
    with pytest.raises(WeightsError, match="x has more than 10000 dictionaries"):
        find_weights(wide, "x")
    assert find_weights({**STATES["MixSTE"], "optimizer": {"state": {n: {} for n in range(20_000)}}}, "x").place == ""
