"""Which devices a machine has, which one a name means, and models moved to one. No test needs a GPU."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from poseglass.errors import ModelError
from poseglass.models import create_model, devices


@pytest.fixture
def machine(monkeypatch):
    """Make torch report a machine with some GPUs."""

    def build(*, cuda: int = 0, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return build


class TestDevice:
    @pytest.mark.parametrize(
        ("gpus", "chosen"),
        [
            ({}, "cpu"),
            ({"cuda": 1}, "cuda:0"),
            ({"mps": True}, "mps:0"),
            ({"cuda": 2, "mps": True}, "cuda:0"),
        ],
    )
    def test_auto_prefers_cuda_then_mps_then_the_cpu(self, machine, gpus, chosen):
        machine(**gpus)
        assert str(devices.device("auto")) == chosen

    @pytest.mark.parametrize(
        ("name", "chosen"),
        [
            (None, "cpu"),
            ("cpu", "cpu"),
            ("cpu:0", "cpu"),
            ("cuda", "cuda:0"),
            ("cuda:1", "cuda:1"),
            (torch.device("cuda", 1), "cuda:1"),
            ("mps", "mps:0"),
            ("mps:0", "mps:0"),
            ("meta", "meta"),
        ],
    )
    def test_a_name_means_the_device_that_tensors_show(self, machine, name, chosen):
        machine(cuda=2, mps=True)
        assert str(devices.device(name)) == chosen

    def test_cuda_means_the_current_gpu(self, machine, monkeypatch):
        machine(cuda=2)
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
        assert str(devices.device("cuda")) == "cuda:1"

    def test_the_cpu_and_meta_compare_equal_to_the_device_of_tensors(self):
        assert devices.device("cpu") == torch.zeros(1).device
        assert devices.device("meta") == torch.zeros(1, device="meta").device

    @pytest.mark.parametrize("name", ["cuda:7", "mps", "xpu", "cuda:2"])
    def test_a_missing_device_is_an_error_that_lists_those_there_are(self, machine, name):
        machine(cuda=2)
        with pytest.raises(ModelError, match=rf"no device {name} .*choose auto or one of cpu, cuda:0, cuda:1$"):
            devices.device(name)

    def test_a_name_that_means_nothing_is_an_error(self):
        with pytest.raises(ModelError, match=r"no device is called 'gpu'; choose auto or one of cpu"):
            devices.device("gpu")

    def test_all_devices_are_listed(self, machine):
        machine(cuda=2, mps=True)
        assert devices.available() == ["cpu", "cuda:0", "cuda:1", "mps"]


def test_a_gpu_is_described_by_its_model(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda where: f"GPU number {where.index}")
    assert devices.full_name(torch.device("cuda", 1)) == "cuda:1 (GPU number 1)"
    assert devices.full_name(torch.device("mps", 0)) == "mps"


def test_a_model_is_where_its_weights_are():
    assert devices.device_of(nn.Linear(1, 1, device="meta")).type == "meta"
    assert devices.device_of(nn.BatchNorm1d(1, affine=False, device="meta")).type == "meta"
    assert devices.device_of(nn.ReLU()).type == "cpu"


class TestOnDevice:
    def test_a_model_that_is_there_already_is_not_copied(self):
        model = create_model("mixste-tiny")
        assert devices.on_device(model, None) is devices.on_device(model, "cpu") is model

    def test_a_model_elsewhere_is_copied_whole_and_stays_where_it_is(self):
        model = create_model("motionagformer-tiny").eval()
        model.get_parameter("joint_embedding").requires_grad_(False)
        twin = devices.on_device(model, "meta")
        assert {tensor.device.type for tensor in (*twin.parameters(), *twin.buffers())} == {"meta"}
        assert {tensor.device.type for tensor in (*model.parameters(), *model.buffers())} == {"cpu"}
        assert [weight.requires_grad for weight in twin.parameters()] == [w.requires_grad for w in model.parameters()]
        assert twin.state_dict().keys() == model.state_dict().keys()
        assert not twin.training

    def test_shared_weights_stay_shared(self):
        first, second = nn.Linear(2, 2), nn.Linear(2, 2)
        second.weight = first.weight
        twin = devices.on_device(nn.Sequential(first, second), "meta")
        assert twin[0].weight is twin[1].weight

    def test_the_copy_can_be_trained_even_if_it_is_made_in_inference_mode(self):
        with torch.inference_mode():
            twin = devices.on_device(nn.Linear(1, 1), "meta")
        assert not twin.weight.is_inference()


def test_synchronising_waits_for_the_device_only(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    monkeypatch.setattr(torch, "mps", SimpleNamespace(synchronize=lambda: waited.append("mps")))
    devices.synchronise(torch.device("cpu"))
    assert waited == []
    devices.synchronise(torch.device("cuda", 1))
    devices.synchronise(torch.device("mps", 0))
    assert waited == [torch.device("cuda", 1), "mps"]


@pytest.mark.parametrize("name", ["cpu", "meta"])
def test_autocast_is_switched_off_within_the_block(name):
    with torch.autocast("cpu", torch.bfloat16), devices.autocast(torch.device(name), enabled=False):
        assert not devices.autocast_enabled(torch.device(name))
        assert (torch.zeros(2, 2) @ torch.zeros(2, 2)).dtype == torch.float32


@pytest.mark.parametrize("name", ["cpu", "meta"])
def test_autocast_is_switched_on_within_the_block(name):
    with devices.autocast(torch.device(name), enabled=True):
        assert devices.autocast_enabled(torch.device(name))
        assert (torch.zeros(2, 2) @ torch.zeros(2, 2)).dtype == torch.bfloat16


def test_autocast_of_one_device_leaves_the_others_alone():
    with torch.autocast("cpu", torch.bfloat16):
        assert not devices.autocast_enabled(torch.device("cuda"))
        assert not devices.autocast_enabled(torch.device("mps"))


def test_without_a_gpu_the_current_device_does_not_change():
    with devices.current(torch.device("cpu")) as nothing:
        assert nothing is None


def test_only_apples_gpus_lack_float64():
    names = ("cpu", "cuda", "mps", "meta")
    assert [devices.has_float64(torch.device(name)) for name in names] == [True, True, False, True]
