"""What a model costs here: FLOPs, time, memory, how far from the floor, and what a waist saves of them.

How it is measured: both models (copies; the ones given stay as they are) run the same random clips in turns, the order
turning with every round, after one round that does not count. Between the runs of a round a large matrix product is
timed: what the executed FLOPs would take at its rate is the floor. Ratios are taken pair by pair, within a round, so
that what else the machine does weighs on both sides; medians are over the rounds.
"""

import copy
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter
from typing import Any, Literal

import torch

from poseglass._shapes import Pose2D
from poseglass.cost.flops import Convention, Flops, count_flops, count_parameters
from poseglass.cost.measuring import Product, peak_memory
from poseglass.errors import ModelError
from poseglass.models import PoseTransformer
from poseglass.waist.bfloat16 import to_bfloat16
from poseglass.waist.hourglass import Funnel, Hourglass, Model, backbone_of

__all__ = ["DTYPES", "Benchmark", "Cost", "bench"]

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
CONVENTIONS: tuple[Convention, ...] = ("paper", "full", "executed")


@dataclass(frozen=True)
class Cost:
    """What one model costs.

    Attributes:
        name: Class and waist.
        parameters: How many numbers are learned.
        frames: Frames of a clip.
        batch: Clips of a forward pass.
        flops: FLOPs of a forward pass of the whole batch.
        seconds: Of a forward pass of the whole batch, in each round.
        floor: Seconds that the executed FLOPs take at the rate of a matrix product, in each round.
        memory: The most bytes that tensors held at once in a forward pass, weights and input among them. Not in it:
            Python and torch themselves, and scratch memory within a kernel.
    """

    name: str
    parameters: int
    frames: int
    batch: int
    flops: Flops
    seconds: tuple[float, ...]
    floor: tuple[float, ...]
    memory: int

    @property
    def latency(self) -> float:
        """Median seconds of a forward pass of the whole batch."""
        return median(self.seconds)

    @property
    def throughput(self) -> float:
        """Frames of input a second, by the median."""
        return self.batch * self.frames / self.latency

    @property
    def over_floor(self) -> float:
        """How many times the floor a forward pass takes: the median of the rounds' ratios."""
        return median(taken / floor for taken, floor in zip(self.seconds, self.floor, strict=True))

    def per_clip(self, convention: Convention) -> float:
        """FLOPs of a clip."""
        return self.flops.of(convention) / self.batch

    def per_frame(self, convention: Convention) -> float:
        """FLOPs of a frame of input."""
        return self.per_clip(convention) / self.frames


@dataclass(frozen=True)
class Benchmark:
    """What a model costs, and another one measured in turns with it.

    ``str()`` is a table to read, :meth:`markdown` one to publish, :meth:`json` a record of everything.

    Attributes:
        model: The model's cost.
        against: The other's.
        threads: Of torch, within an operation.
        dtype: Of the layers' matrix products.
        side: The matrix product that sets the floor is of two matrices of this side.
        rates: FLOPs a second that it reached in each round.
    """

    model: Cost
    against: Cost | None
    threads: int
    dtype: str
    side: int
    rates: tuple[float, ...]

    @property
    def speedup(self) -> float | None:
        """How many times as fast a frame is as in the other model: the median of the rounds' ratios."""
        if self.against is None:
            return None
        pairs = zip(self.model.seconds, self.against.seconds, strict=True)
        return median(other / own for own, other in pairs) * self.model.frames / self.against.frames

    @property
    def time_saved(self) -> float | None:
        """The share of the other model's time for a frame that is saved."""
        return None if self.speedup is None else 1 - 1 / self.speedup

    def flops_saved(self, convention: Convention = "executed") -> float | None:
        """The share of the other model's FLOPs for a frame that is saved."""
        if self.against is None:
            return None
        return 1 - self.model.per_frame(convention) / self.against.per_frame(convention)

    def realised(self, convention: Convention = "executed") -> float | None:
        """How much of what is saved in FLOPs is saved in time: one share by the other, 1 being all of it."""
        saved = self.flops_saved(convention)
        return None if self.time_saved is None or not saved else self.time_saved / saved

    def __str__(self) -> str:
        rows = self._rows()
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = [
            "  ".join(
                cell.ljust(width) if not column else cell.rjust(width) for column, (cell, width) in enumerate(pairs)
            )
            for pairs in (list(zip(row, widths, strict=True)) for row in rows)
        ]
        return "\n".join([*(line.rstrip() for line in lines), "", *self._notes()])

    def markdown(self) -> str:
        """A table in Markdown, and how it was measured."""
        head, *rows = ["| " + " | ".join(row) + " |" for row in self._rows()]
        rule = "|" + "---|" * len(self._rows()[0])
        return "\n".join([head, rule, *rows, "", *self._notes()])

    def json(self) -> str:
        """Everything that was measured, and the figures made of it, as JSON."""
        return json.dumps(self.record(), indent=2)

    def record(self) -> dict[str, Any]:
        """What :meth:`json` writes."""
        figures = ("latency", "throughput", "over_floor")
        costs = {
            key: None if cost is None else asdict(cost) | {figure: getattr(cost, figure) for figure in figures}
            for key, cost in (("model", self.model), ("against", self.against))
        }
        return {
            **costs,
            "speedup": self.speedup,
            "time_saved": self.time_saved,
            "flops_saved": {convention: self.flops_saved(convention) for convention in CONVENTIONS},
            "realised": {convention: self.realised(convention) for convention in CONVENTIONS},
            "threads": self.threads,
            "dtype": self.dtype,
            "rounds": len(self.rates),
            "matrix_product": {"side": self.side, "flops_per_second": list(self.rates)},
            "torch": torch.__version__,
        }

    def _rows(self) -> list[list[str]]:
        costs = [self.model] if self.against is None else [self.model, self.against]

        def saved(share: float | None) -> list[str]:
            return [] if share is None else [f"{100 * share:.1f}%"]

        def against(own: float, other: float) -> list[str]:
            return saved(None if self.against is None else 1 - own / other)

        def row(name: str, values: Sequence[str], last: Sequence[str]) -> list[str]:
            return [name, *values, *(last or [""] * (self.against is not None))]

        m, a = self.model, self.against or self.model
        return [
            row("", [cost.name for cost in costs], ["saved"] * (self.against is not None)),
            row("parameters", [f"{cost.parameters / 1e6:.2f} M" for cost in costs], []),
            *(
                row(
                    f"FLOPs a clip, {convention}",
                    [_amount(cost.per_clip(convention)) for cost in costs],
                    against(m.per_clip(convention), a.per_clip(convention)),
                )
                for convention in CONVENTIONS
            ),
            *(
                row(
                    f"FLOPs a frame, {convention}",
                    [_amount(cost.per_frame(convention)) for cost in costs],
                    saved(self.flops_saved(convention)),
                )
                for convention in CONVENTIONS
            ),
            row("latency, median", [_time(cost.latency) for cost in costs], saved(self.time_saved)),
            row("latency, spread", [f"{_time(min(c.seconds))} to {_time(max(c.seconds))}" for c in costs], []),
            row("throughput", [f"{cost.throughput:.0f} frames/s" for cost in costs], []),
            row("floor", [_time(median(cost.floor)) for cost in costs], []),
            row("over the floor", [f"{cost.over_floor:.2f} x" for cost in costs], []),
            row(
                "peak memory",
                [f"{cost.memory / 1e6:.1f} MB" for cost in costs],
                against(m.memory, a.memory),
            ),
        ]

    def _notes(self) -> list[str]:
        m, rounds = self.model, len(self.rates)
        times = "1 round" if rounds == 1 else f"{rounds} rounds"
        notes = [
            f"Batch {m.batch}, {'1 thread' if self.threads == 1 else f'{self.threads} threads'}, {self.dtype}, "
            f"{m.frames} frames a clip, {times} after one to warm up.",
            "FLOPs: 2 x multiply-adds; paper: Linear and Conv layers, full: every matrix product, both of the "
            "published architecture; executed: every matrix product computed here.",
            f"Floor: the executed FLOPs at the {_amount(median(self.rates))}FLOPs/s that a {self.side} x {self.side} "
            "matrix product reaches between the rounds.",
            "Peak memory: the most that tensors hold at once, weights and input included.",
        ]
        if self.speedup is not None and self.time_saved is not None:
            text = f"In turns, pair by pair: {self.speedup:.2f} x as fast a frame"
            if (realised := self.realised()) is not None and (paper := self.realised("paper")) is not None:
                text += f". Time saved by FLOPs saved: {realised:.2f} (executed), {paper:.2f} (paper); 1 is all of it"
            notes.append(text + ".")
        return notes


def bench(
    model: Model,
    against: Model | None = None,
    *,
    batch: int = 1,
    threads: int | None = None,
    dtype: Literal["float32", "bfloat16"] = "float32",
    rounds: int = 10,
) -> Benchmark:
    """FLOPs, time and memory of a model on the CPU, and beside another's if one is given.

    Args:
        model: A backbone, an hourglass or a funnel. It is copied, and stays as it is.
        against: What to measure it against, in turns: its backbone, say.
        batch: Clips of a forward pass.
        threads: Threads of torch; those it is set to where None.
        dtype: In which every layer multiplies; what bfloat16 leaves alone is said at :func:`poseglass.to_bfloat16`.
        rounds: How many times each is timed.

    Raises:
        ModelError: A number is impossible, or the model is none of this package or has no weights.

    Example:
        >>> import poseglass as pg
        >>> model = pg.create_model("mixste-tiny")
        >>> result = pg.bench(pg.hourglass(model, keep=9, at=1), against=model, threads=1, rounds=3)
        >>> f"{result.flops_saved('paper'):.3f}", result.model.memory > 0
        ('0.388', True)
        >>> print(result)  # doctest: +ELLIPSIS
                                 MixSTE, 9 frames at 1, DensityPeaks, CrossAttention...
    """
    _check(model, against, batch=batch, threads=threads, dtype=dtype, rounds=rounds)
    models = [model] if against is None else [model, against]
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        runs = [_Run(each, batch, DTYPES[dtype]) for each in models]
        product = Product(DTYPES[dtype])
        for number in range(rounds + 1):
            product.time()
            for run in runs if number % 2 else reversed(runs):
                run.time()
        rates = tuple(product.rates[1:])
        costs = [run.cost(each, rates) for run, each in zip(runs, models, strict=True)]
        return Benchmark(
            model=costs[0],
            against=costs[1] if against is not None else None,
            threads=torch.get_num_threads(),
            dtype=dtype,
            side=product.side,
            rates=rates,
        )
    finally:
        torch.set_num_threads(before)


def _check(model: object, against: object, *, batch: int, threads: int | None, dtype: str, rounds: int) -> None:
    for name, value in (("batch", batch), ("threads", 1 if threads is None else threads), ("rounds", rounds)):
        if value < 1:
            raise ModelError(f"{name} must be 1 or more, not {value}")
    if dtype not in DTYPES:
        raise ModelError(f"no dtype to measure in is called {dtype!r}; there are {', '.join(DTYPES)}")
    for each in (model, against):
        if each is None and each is not model:
            continue
        if not isinstance(each, PoseTransformer | Hourglass | Funnel):
            raise ModelError(f"expected a backbone, an hourglass or a funnel to measure, got {type(each).__name__}")
        if any(parameter.is_meta for parameter in each.parameters()):
            raise ModelError(
                "the model lies on the meta device and has no weights to run with; build it on the CPU, or only count "
                "its FLOPs with poseglass.cost.flops.count_flops"
            )


class _Run:
    """A copy of a model, its input, and how long it took."""

    def __init__(self, model: Model, batch: int, dtype: torch.dtype) -> None:
        self.model = to_bfloat16(model, exact=0) if dtype == torch.bfloat16 else copy.deepcopy(model).to(dtype)
        self.model.cpu().eval().requires_grad_(False)
        backbone = backbone_of(self.model)
        clips = torch.randn(
            batch, model.frames, backbone.joints, model.inputs, generator=torch.Generator().manual_seed(0)
        )
        self.pose2d: Pose2D = clips.to(next(backbone.parameters()).dtype)
        self.seconds: list[float] = []

    def time(self) -> None:
        with torch.inference_mode():
            begin = perf_counter()
            self.model(self.pose2d)
            self.seconds.append(perf_counter() - begin)

    def cost(self, model: Model, rates: Sequence[float]) -> Cost:
        """The cost; the first round was to warm up."""
        batch = len(self.pose2d)
        flops = count_flops(model, batch=batch)
        return Cost(
            name=_name(model),
            parameters=count_parameters(model),
            frames=model.frames,
            batch=batch,
            flops=flops,
            seconds=tuple(self.seconds[1:]),
            floor=tuple(flops.executed / rate for rate in rates),
            memory=peak_memory(self.model, self.pose2d),
        )


def _name(model: Model) -> str:
    if isinstance(model, PoseTransformer):
        return type(model).__name__
    stages = ", ".join(f"{keep} frames at {layer}" for layer, keep in model.schedule.items())
    end = type(model.recoverer).__name__ if isinstance(model, Hourglass) else "kept frames only"
    return f"{type(model.backbone).__name__}, {stages}, {type(model.pruner).__name__}, {end}"


def _amount(number: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M")):
        if number >= size:
            return f"{number / size:.2f} {letter}"
    return f"{number / 1e3:.2f} k"


def _time(seconds: float) -> str:
    return f"{seconds:.3f} s" if seconds >= 1 else f"{1000 * seconds:.2f} ms"
