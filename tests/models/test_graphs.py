"""CUDA graphs, with a stand-in for CUDA: what is recorded, when, and what a call returns."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch

from poseglass.errors import ModelError
from poseglass.models import graphs
from poseglass.models.graphs import WARM_UPS, Graphed


class CudaTensor(torch.Tensor):
    """A tensor of the CPU that says it is on CUDA."""

    @property
    def device(self):
        return torch.device("cuda", 0)


def on_cuda(x: torch.Tensor) -> torch.Tensor:
    return x.as_subclass(CudaTensor)


class Network:
    """A function of one tensor that counts its calls and remembers where it read and wrote."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.where = "default stream"

    def __call__(self, x):
        self.calls.append(self.where)
        self.read, self.written = x, (x * 2, {"kept": x + 1})
        return self.written

    def again(self, read, written) -> None:
        """What the recorded kernels do."""
        self.calls.append("replay")
        written[0].copy_(read * 2)
        written[1]["kept"].copy_(read + 1)


@pytest.fixture
def network(monkeypatch) -> Network:
    network = Network()

    @contextmanager
    def place(name):
        network.where = name
        yield
        network.where = "default stream"

    class Graph:
        def replay(self) -> None:
            network.again(*self.bound)

    @contextmanager
    def record(graph, capture_error_mode):
        assert capture_error_mode == "thread_local"
        with place("graph"):
            yield
        graph.bound = network.read, network.written

    stream = SimpleNamespace(wait_stream=lambda other: None)
    monkeypatch.setattr(torch.cuda, "Stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda aside: place("side stream"))
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", record)
    monkeypatch.setattr(graphs.devices, "current", lambda where: place("default stream"))
    return network


def test_a_shape_is_recorded_once_after_warming_up_and_then_replayed(network):
    graphed = Graphed(network)
    first = graphed(on_cuda(torch.ones(2)))
    assert network.calls == ["side stream"] * WARM_UPS + ["graph", "replay"]
    second = graphed(on_cuda(torch.full((2,), 5.0)))
    assert network.calls[WARM_UPS + 1 :] == ["replay", "replay"]
    assert first[0].tolist() == [2, 2], "a later call does not change an earlier result"
    assert second[0].tolist() == [10, 10]
    assert second[1]["kept"].tolist() == [6, 6]
    graphed(on_cuda(torch.ones(3)))
    assert network.calls.count("graph") == 2, "another shape"


def test_the_input_is_left_alone(network):
    x = on_cuda(torch.ones(2))
    graphed = Graphed(network)
    graphed(x)
    graphed(on_cuda(torch.zeros(2)))
    assert x.tolist() == [1, 1]


def test_a_model_that_cannot_be_recorded_is_refused(network, monkeypatch):
    def fails(x):
        if network.where == "graph":
            raise RuntimeError("operation not permitted when stream is capturing")
        return x

    with pytest.raises(ModelError, match=r"cannot be recorded as a CUDA graph .operation not .*without graphs"):
        Graphed(fails)(on_cuda(torch.ones(2)))


def test_tensors_elsewhere_are_refused():
    with pytest.raises(ModelError, match="CUDA graphs need a tensor on CUDA, got one on cpu"):
        Graphed(lambda x: x)(torch.ones(2))
