"""Measure a model on a device: FLOPs, time, memory, distance from the floor, and the savings of a waist.

Copies of both models run the same random clips in turns. The order alternates from round to round, and the first round
does not count. Before each round, a large matrix product is timed. The *floor* is the time that the executed FLOPs
would take at its rate. Ratios are taken within a round, so that other work on the machine affects both sides equally;
figures are medians over the rounds.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Literal

import torch

from poseglass._shapes import Pose2D
from poseglass.cost.flops import count_flops, count_parameters
from poseglass.cost.measuring import Product, elapsed, peak_memory
from poseglass.cost.result import Benchmark, Cost
from poseglass.engines.engine import chosen_engine, open_engine
from poseglass.errors import ModelError
from poseglass.models import PoseTransformer, devices
from poseglass.models.graphs import Graphed
from poseglass.waist.bfloat16 import to_bfloat16
from poseglass.waist.hourglass import Funnel, Hourglass, PoseModel, backbone_of

__all__ = ["DTYPES", "bench"]

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@torch.inference_mode(False)
def bench(
    model: PoseModel,
    against: PoseModel | None = None,
    *,
    batch: int = 1,
    threads: int | None = None,
    dtype: Literal["float32", "bfloat16"] = "float32",
    rounds: int = 10,
    device: devices.Device = None,
    graphs: bool = False,
    engine: str = "torch",
) -> Benchmark:
    """Measure FLOPs, time and memory of a model on a device, in turns with a second model if there is one.

    The models are copied, not changed. Torch's number of threads is restored.

    Args:
        model: A backbone, an hourglass or a funnel.
        against: The model to compare it with, such as its backbone.
        batch: Clips per forward pass.
        threads: Torch's number of threads; the current number if None.
        dtype: The type in which layers multiply; see :func:`poseglass.to_bfloat16`.
        rounds: How many times each model is timed.
        device: Where the models run: ``"auto"``, ``"cpu"``, ``"cuda:0"``, ``"mps"``, ...; where `model` is if None.
        graphs: Replay each forward pass as a CUDA graph (:class:`poseglass.models.graphs.Graphed`).
        engine: What runs the models; see :func:`poseglass.engines.engine.open_engine`. The memory is that of PyTorch.

    Raises:
        ModelError: A number is below 1, the dtype is unknown, this machine has no such device, `graphs` is given for
            another device than CUDA, the engine cannot run the model, or a model has no weights or is not a backbone,
            an hourglass or a funnel.

    Example:
        >>> import poseglass as pg
        >>> model = pg.create_model("mixste-tiny")
        >>> result = pg.bench(pg.hourglass(model, keep=9, at=1), against=model, threads=1, rounds=3)
        >>> f"{result.flops_saved('paper'):.3f}", result.model.memory > 0
        ('0.388', True)
        >>> print(result)  # doctest: +ELLIPSIS
                                  MixSTE, 9 frames at 1, DensityPeaks, RecoveringAttention...
    """
    _check_models(model, against)
    _check_settings(batch=batch, threads=threads, dtype=dtype, rounds=rounds)
    models = [model] if against is None else [model, against]
    where = devices.device_of(model) if device is None else devices.device(device)
    if where.type == "meta":
        raise ModelError("the meta device computes no values, so nothing can be timed there; choose another device")
    if graphs and where.type != "cuda":
        raise ModelError(f"CUDA graphs need a device of CUDA, not {where}: leave out graphs")
    engine = chosen_engine(engine, where)
    if engine != "torch" and dtype != "float32":
        raise ModelError(f"{engine} computes in float32, not in {dtype}: leave out the dtype, or the engine")
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        with devices.current(where), devices.autocast(where, enabled=False):  # every layer multiplies in `dtype`
            timed = [_TimedModel(each, batch, DTYPES[dtype], where, graphs=graphs, engine=engine) for each in models]
            product = Product(DTYPES[dtype], where)
            for number in range(rounds + 1):
                product.time()
                for each in timed if number % 2 else reversed(timed):
                    each.time()
            rates = tuple(product.rates[1:])
            costs = [each.cost(rates) for each in timed]
        return Benchmark(
            model=costs[0],
            against=costs[1] if against is not None else None,
            device=devices.full_name(where) + (", as CUDA graphs" if graphs else ""),
            threads=torch.get_num_threads(),
            dtype=dtype,
            engine=engine,
            side=product.side,
            rates=rates,
        )
    finally:
        torch.set_num_threads(before)


def _check_models(model: object, against: object) -> None:
    for each in [model] if against is None else [model, against]:
        if not isinstance(each, PoseTransformer | Hourglass | Funnel):
            raise ModelError(f"expected a backbone, an hourglass or a funnel to measure, got {type(each).__name__}")
        if any(parameter.is_meta for parameter in each.parameters()):
            raise ModelError(
                "the model is on the meta device, so it has no weights to run with; build it on the CPU, or count only "
                "its FLOPs with poseglass.cost.flops.count_flops"
            )


def _check_settings(*, batch: int, threads: int | None, dtype: str, rounds: int) -> None:
    for name, value in (("batch", batch), ("threads", 1 if threads is None else threads), ("rounds", rounds)):
        if value < 1:
            raise ModelError(f"{name} must be 1 or more, not {value}")
    if dtype not in DTYPES:
        raise ModelError(f"dtype must be one of {', '.join(DTYPES)}, not {dtype!r}")


class _TimedModel:
    """A copy of a model, its input, and the seconds of each forward pass."""

    def __init__(
        self, model: PoseModel, batch: int, dtype: torch.dtype, where: torch.device, *, graphs: bool, engine: str
    ) -> None:
        self.original = model
        self.copy = to_bfloat16(model, exact=0) if dtype == torch.bfloat16 else copy.deepcopy(model).to(dtype)
        self.copy.to(where).eval().requires_grad_(False)
        runner = open_engine(engine, self.copy)
        self.run: Callable[[Pose2D], object] = Graphed(self.copy) if graphs else self.copy
        if runner is not None:
            self.run = lambda pose2d: runner.trace(pose2d.cpu().numpy())
        backbone = backbone_of(self.copy)
        noise = torch.Generator().manual_seed(0)
        clips = torch.randn(batch, model.frames, backbone.joints, model.inputs, generator=noise)
        self.pose2d: Pose2D = clips.to(where, next(backbone.parameters()).dtype)
        self.seconds: list[float] = []

    def time(self) -> None:
        with torch.inference_mode():
            self.seconds.append(elapsed(lambda: self.run(self.pose2d), self.pose2d.device))

    def cost(self, rates: Sequence[float]) -> Cost:
        """The cost without the first round, which is a warm-up."""
        batch = len(self.pose2d)
        flops = count_flops(self.original, batch=batch)
        return Cost(
            name=_name(self.original),
            parameters=count_parameters(self.original),
            frames=self.original.frames,
            batch=batch,
            flops=flops,
            seconds=tuple(self.seconds[1:]),
            floor=tuple(flops.executed / rate for rate in rates),
            memory=peak_memory(self.copy, self.pose2d),
        )


def _name(model: PoseModel) -> str:
    if isinstance(model, PoseTransformer):
        return type(model).__name__
    stages = ", ".join(f"{keep} frames at {layer}" for layer, keep in model.schedule.items())
    recoverer = type(model.recoverer).__name__ if isinstance(model, Hourglass) else "kept frames only"
    return f"{type(model.backbone).__name__}, {stages}, {type(model.pruner).__name__}, {recoverer}"
