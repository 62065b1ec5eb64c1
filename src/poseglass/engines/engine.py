"""Engines: what runs a model in place of PyTorch."""

import logging
from collections.abc import Mapping
from importlib.util import find_spec
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from poseglass._shapes import Indices
from poseglass.engines.runtime import RUNTIMES, Runtime
from poseglass.engines.stored import stored_network
from poseglass.errors import ModelError
from poseglass.files.extras import require
from poseglass.models import devices
from poseglass.waist.hourglass import Funnel, Hourglass, PoseModel, Trace

__all__ = ["ENGINES", "Engine", "chosen_engine", "open_engine"]

log = logging.getLogger("poseglass")

ENGINES = ("torch", *RUNTIMES, "auto")
"""The names that :func:`open_engine` takes."""


@final
class Engine:
    """A model that a program other than PyTorch runs, on the CPU. The poses agree up to rounding.

    The model is written as an ONNX file on first use, which takes 5 to 20 seconds, and kept in the user's cache. It
    computes with as many threads as torch does at the first clip. Later changes to the model's weights have no
    effect. :func:`open_engine` finds an engine by its name.

    Args:
        model: A backbone, an hourglass or a funnel, on the CPU.
        name: The name of the program, a key of :data:`poseglass.engines.runtime.RUNTIMES`.

    Raises:
        ModelError: The program or the extra ``onnx`` is not installed, or the model cannot be written as ONNX.
    """

    def __init__(self, model: PoseModel, *, name: str) -> None:
        self.name = name
        require(RUNTIMES[name].package, "fast", ModelError)
        self._model, self._runtimes = model, dict[bool, Runtime]()
        self._layers = [*model.schedule] if isinstance(model, Hourglass | Funnel) else []
        stored_network(model, given=False)  # its errors come now, not at the first clip

    def trace(self, pose2d: Float[ndarray, "b f j i"], *, kept: Mapping[int, Indices] | None = None) -> Trace:
        """The poses, and the kept frames by layer.

        Args:
            pose2d: Clips (b f j i).
            kept: Frames to keep in place of the pruner's choice (b k), for each layer that is pruned.
        """
        clips = np.ascontiguousarray(pose2d, np.float32)
        if not kept:
            pose3d, *chosen = self._runtime(given=False).run({"pose2d": clips})
            return Trace(
                torch.from_numpy(pose3d), {n: torch.from_numpy(k) for n, k in zip(self._layers, chosen, strict=True)}
            )
        frames = {f"kept_{layer}": indices.cpu().numpy() for layer, indices in kept.items()}
        (pose3d,) = self._runtime(given=True).run({"pose2d": clips} | frames)
        return Trace(torch.from_numpy(pose3d), dict(kept))

    def _runtime(self, *, given: bool) -> Runtime:
        """The program with its file loaded, on first use."""
        if given not in self._runtimes:
            path = stored_network(self._model, given=given)
            self._runtimes[given] = RUNTIMES[self.name](path, threads=torch.get_num_threads())
        return self._runtimes[given]


def chosen_engine(name: str, where: torch.device) -> str:
    """The engine that a name means for a model on a device: ``"torch"`` or a key of :data:`RUNTIMES`.

    Args:
        name: One of :data:`ENGINES`. ``"auto"`` is OpenVINO, or PyTorch, with a line in the log, if OpenVINO is not
            installed or the model is on a GPU.
        where: The model's device.

    Raises:
        ModelError: There is no such engine, or the model is not on the CPU.

    Example:
        >>> chosen_engine("auto", torch.device("cuda"))
        'torch'
    """
    if name not in ENGINES:
        raise ModelError(f"no engine is called {name!r}; choose one of {', '.join(ENGINES)}")
    if name == "auto":
        if where.type != "cpu":
            log.info("torch runs the model, because it is on %s", where)
        elif missing := [package for package in ("openvino", "onnx", "onnxscript") if find_spec(package) is None]:
            log.info("torch runs the model: OpenVINO needs %s; run pip install 'poseglass[fast]'", ", ".join(missing))
        else:
            return "openvino"
        return "torch"
    if name != "torch" and where.type != "cpu":
        raise ModelError(f"{name} runs models on the CPU, but this one is on {where}: use the CPU, or the engine torch")
    return name


def open_engine(name: str, model: PoseModel) -> Engine | None:
    """The engine of a name for a model; None for PyTorch itself.

    Args:
        name: One of :data:`ENGINES`; see :func:`chosen_engine`.
        model: A backbone, an hourglass or a funnel.

    Raises:
        ModelError: There is no such engine, its package is not installed, the model is not on the CPU, or it cannot
            be written as ONNX.

    Example:
        >>> import poseglass as pg
        >>> open_engine("torch", pg.create_model("mixste-tiny")) is None
        True
    """
    chosen = chosen_engine(name, devices.device_of(model))
    return None if chosen == "torch" else Engine(model, name=chosen)
