"""The result of :func:`poseglass.cost.benchmark.bench`: measurements, derived figures, and a table of them."""

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import torch

from poseglass.cost.flops import Convention, Flops
from poseglass.files.plain_text import to_json
from poseglass.files.tables import markdown_table, text_table

__all__ = ["Benchmark", "Cost"]

CONVENTIONS: tuple[Convention, ...] = ("paper", "full", "executed")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The cost of one model.

    Attributes:
        name: The model's class and waist.
        parameters: The number of parameters.
        frames: Frames per clip.
        batch: Clips per forward pass.
        flops: FLOPs of a forward pass of the whole batch.
        seconds: Duration of a forward pass of the whole batch, in each round.
        floor: Seconds that the executed FLOPs would take at the rate of a large matrix product, in each round.
        memory: The most bytes that tensors held at once in a forward pass, weights and input included. The memory of
            Python and torch themselves and scratch memory within kernels are not included.
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
        """Median duration in seconds of a forward pass of the whole batch."""
        return median(self.seconds)

    @property
    def throughput(self) -> float:
        """Input frames per second, at the median latency."""
        return self.batch * self.frames / self.latency

    @property
    def over_floor(self) -> float:
        """The duration of a forward pass as a multiple of the floor: the median ratio over the rounds."""
        return median(taken / floor for taken, floor in zip(self.seconds, self.floor, strict=True))

    def per_clip(self, convention: Convention) -> float:
        """FLOPs per clip."""
        flops: int = getattr(self.flops, convention)
        return flops / self.batch

    def per_frame(self, convention: Convention) -> float:
        """FLOPs per input frame."""
        return self.per_clip(convention) / self.frames


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """The cost of a model, and of a second one measured in turns with it.

    ``str()`` gives a table to read, :meth:`markdown` a table to publish, and :meth:`json` all values.

    Attributes:
        model: The model's cost.
        against: The second model's cost, if there is one.
        device: The device's name.
        threads: Torch's threads within an operation on the CPU.
        dtype: The type in which the layers multiply.
        engine: What ran the models, such as ``"torch"``.
        side: Rows and columns of the matrices whose product sets the floor.
        rates: FLOPs per second of that product in each round.
    """

    model: Cost
    against: Cost | None
    device: str
    threads: int
    dtype: str
    side: int
    rates: tuple[float, ...]
    engine: str = "torch"

    @property
    def speedup(self) -> float | None:
        """How many times as fast as the second model this one is per frame: the median ratio over the rounds."""
        if self.against is None:
            return None
        pairs = zip(self.model.seconds, self.against.seconds, strict=True)
        return median(other / own for own, other in pairs) * self.model.frames / self.against.frames

    @property
    def time_saved(self) -> float | None:
        """The share of the second model's time per frame that is saved."""
        return None if self.speedup is None else 1 - 1 / self.speedup

    def flops_saved(self, convention: Convention = "executed") -> float | None:
        """The share of the second model's FLOPs per frame that is saved."""
        if self.against is None:
            return None
        return 1 - self.model.per_frame(convention) / self.against.per_frame(convention)

    def realised(self, convention: Convention = "executed") -> float | None:
        """Time saved divided by FLOPs saved: 1 if time falls as much as FLOPs. None if no FLOPs are saved."""
        saved = self.flops_saved(convention)
        return None if self.time_saved is None or not saved else self.time_saved / saved

    def __str__(self) -> str:
        return "\n".join([text_table(self._cells()), "", *self._notes()])

    def markdown(self) -> str:
        """A Markdown table, and notes on how it was measured."""
        return "\n".join([markdown_table(self._cells()), "", *self._notes()])

    def json(self) -> str:
        """:meth:`record` as JSON."""
        return to_json(self.record(), indent=2)

    def record(self) -> dict[str, Any]:
        """All measurements and derived figures as plain values."""
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
            "device": self.device,
            "threads": self.threads,
            "dtype": self.dtype,
            "engine": self.engine,
            "rounds": len(self.rates),
            "matrix_product": {"side": self.side, "flops_per_second": list(self.rates)},
            "torch": torch.__version__,
        }

    def _cells(self) -> list[list[str]]:
        """The table: a column per model, and one for the savings if there are two."""
        costs = [self.model] if self.against is None else [self.model, self.against]

        def row(label: str, cells: list[str], saved: float | None = None) -> list[str]:
            last = [] if self.against is None else ["" if saved is None else f"{100 * saved:.1f}%"]
            return [label, *cells, *last]

        def flops(label: str, values: list[float]) -> list[str]:
            saved = None if self.against is None else 1 - values[0] / values[1]
            return row(f"FLOPs per {label}", [_amount(value) for value in values], saved)

        heading = ["", *(cost.name for cost in costs), *([] if self.against is None else ["saved"])]
        memory = None if self.against is None else 1 - self.model.memory / self.against.memory
        return [
            heading,
            row("parameters", [f"{cost.parameters / 1e6:.2f} M" for cost in costs]),
            *(flops(f"clip, {each}", [cost.per_clip(each) for cost in costs]) for each in CONVENTIONS),
            *(flops(f"frame, {each}", [cost.per_frame(each) for cost in costs]) for each in CONVENTIONS),
            row("latency, median", [_time(cost.latency) for cost in costs], self.time_saved),
            row("latency, spread", [f"{_time(min(cost.seconds))} to {_time(max(cost.seconds))}" for cost in costs]),
            row("throughput", [f"{cost.throughput:.0f} frames/s" for cost in costs]),
            row("floor", [_time(median(cost.floor)) for cost in costs]),
            row("over the floor", [f"{cost.over_floor:.2f} x" for cost in costs]),
            row("peak memory", [f"{cost.memory / 1e6:.1f} MB" for cost in costs], memory),
        ]

    def _notes(self) -> list[str]:
        place = f"the CPU with {_counted(self.threads, 'thread')}" if self.device == "cpu" else self.device
        if self.engine != "torch":
            place += f", by {self.engine}"
        notes = [
            f"On {place}: batch {self.model.batch}, {self.dtype}, "
            f"{self.model.frames} frames per clip, {_counted(len(self.rates), 'round')} after one to warm up.",
            "FLOPs: 2 x multiply-adds. paper: Linear and Conv layers of the published architecture; full: every matrix "
            "product of it; executed: every matrix product computed here.",
            f"Floor: the executed FLOPs at the {_amount(median(self.rates))}FLOPs/s that a {self.side} x {self.side} "
            "matrix product reaches between rounds.",
            "Peak memory: the most that tensors hold at once, weights and input included.",
        ]
        if self.speedup is not None:
            text = f"Measured in turns, compared within each round: {self.speedup:.2f} x as fast per frame"
            if (realised := self.realised()) is not None and (paper := self.realised("paper")) is not None:
                text += f". Time saved / FLOPs saved: {realised:.2f} (executed), {paper:.2f} (paper)"
            notes.append(text + ".")
        return notes


def _counted(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"


def _amount(number: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M")):
        if number >= size:
            return f"{number / size:.2f} {letter}"
    return f"{number / 1e3:.2f} k"


def _time(seconds: float) -> str:
    return f"{seconds:.3f} s" if seconds >= 1 else f"{1000 * seconds:.2f} ms"
