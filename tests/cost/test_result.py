"""Figures derived from measured times, against values calculated by hand, and their tables."""

import json
from dataclasses import replace

import pytest

from poseglass.cost.flops import Flops
from poseglass.cost.result import Benchmark, Cost


def cost(name: str, seconds: tuple[float, ...], executed: int, frames: int = 10, batch: int = 1) -> Cost:
    return Cost(
        name=name,
        parameters=1_500_000,
        frames=frames,
        batch=batch,
        flops=Flops(paper=executed // 2, full=2 * executed, executed=executed),
        seconds=seconds,
        floor=tuple(executed / 1e9 for _ in seconds),
        memory=3_000_000 if name == "fast" else 4_000_000,
    )


def benchmark(model: Cost, against: Cost | None = None) -> Benchmark:
    rates = tuple(1e9 for _ in model.seconds)
    return Benchmark(
        model=model, against=against, device="cpu", threads=1, dtype="float32", side=1024, rates=rates
    )  # fmt: skip


@pytest.fixture
def result() -> Benchmark:
    return benchmark(cost("fast", (1.0, 2.0, 9.0), 500_000_000), cost("slow", (2.0, 4.0, 9.0), 1_000_000_000))


def test_figures_follow_from_the_measured_times(result: Benchmark) -> None:
    assert result.model.latency == 2
    assert result.model.throughput == 5
    assert result.model.over_floor == 4
    assert result.speedup == 2, "the median of the pairwise ratios"
    assert result.time_saved == 0.5
    assert result.flops_saved("paper") == result.flops_saved() == 0.5
    assert result.realised() == 1
    assert result.model.per_clip("full") == 1e9
    assert result.model.per_frame("full") == 1e8


def test_clips_of_different_lengths_are_compared_per_frame() -> None:
    result = benchmark(cost("a", (1.0,), 10**9, frames=20), cost("b", (1.0,), 10**9, frames=10))
    assert (result.speedup, result.flops_saved()) == (2, 0.5)


def test_figures_per_clip_and_frame_divide_those_of_the_batch() -> None:
    whole = cost("a", (2.0,), 8_000, frames=10, batch=4)
    assert (whole.per_clip("executed"), whole.per_frame("executed"), whole.throughput) == (2000, 200, 20)
    rows = [line.split() for line in str(benchmark(whole)).splitlines()]
    assert ["FLOPs", "per", "clip,", "executed", "2.00", "k"] in rows


def test_without_a_saving_there_is_no_realised_share() -> None:
    same = cost("a", (1.0,), 10**9)
    result = benchmark(same, same)
    assert result.realised() is None
    assert "1.00 x as fast" in str(result)


def test_the_text_is_a_table_with_notes(result: Benchmark) -> None:
    table, notes = str(result).split("\n\n")
    assert [line.split() for line in table.splitlines()] == [
        ["fast", "slow", "saved"],
        ["parameters", "1.50", "M", "1.50", "M"],
        ["FLOPs", "per", "clip,", "paper", "250.00", "M", "500.00", "M", "50.0%"],
        ["FLOPs", "per", "clip,", "full", "1.00", "G", "2.00", "G", "50.0%"],
        ["FLOPs", "per", "clip,", "executed", "500.00", "M", "1.00", "G", "50.0%"],
        ["FLOPs", "per", "frame,", "paper", "25.00", "M", "50.00", "M", "50.0%"],
        ["FLOPs", "per", "frame,", "full", "100.00", "M", "200.00", "M", "50.0%"],
        ["FLOPs", "per", "frame,", "executed", "50.00", "M", "100.00", "M", "50.0%"],
        ["latency,", "median", "2.000", "s", "4.000", "s", "50.0%"],
        ["latency,", "spread", "1.000", "s", "to", "9.000", "s", "2.000", "s", "to", "9.000", "s"],
        ["throughput", "5", "frames/s", "2", "frames/s"],
        ["floor", "500.00", "ms", "1.000", "s"],
        ["over", "the", "floor", "4.00", "x", "4.00", "x"],
        ["peak", "memory", "3.0", "MB", "4.0", "MB", "25.0%"],
    ]
    assert notes.startswith(
        "On the CPU with 1 thread: batch 1, float32, 10 frames per clip, 3 rounds after one to warm up."
    )
    for words in ("2.00 x as fast per frame", "1024 x 1024", "at the 1.00 GFLOPs/s", "1.00 (executed), 1.00 (paper)"):
        assert words in notes


def test_the_notes_name_the_gpu(result: Benchmark) -> None:
    notes = str(replace(result, device="cuda:0 (NVIDIA H100)")).split("\n\n")[1]
    assert notes.startswith("On cuda:0 (NVIDIA H100): batch 1, float32,"), "threads do not matter there"


def test_markdown_has_a_row_per_figure(result: Benchmark) -> None:
    rows = [line for line in result.markdown().splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1
    assert rows[1] == "|---|---|---|---|"
    assert "| latency, median | 2.000 s | 4.000 s | 50.0% |" in rows
    assert "| latency, median | 2.000 s |" in benchmark(result.model).markdown().splitlines()


def test_json_has_every_figure(result: Benchmark) -> None:
    record = json.loads(result.json())
    assert record["model"]["seconds"] == [1, 2, 9]
    assert record["model"]["flops"] == {"paper": 250_000_000, "full": 10**9, "executed": 500_000_000}
    assert (record["model"]["latency"], record["model"]["throughput"], record["model"]["over_floor"]) == (2, 5, 4)
    assert record["speedup"] == 2
    assert record["time_saved"] == record["flops_saved"]["paper"] == 0.5
    assert record["realised"]["executed"] == 1
    assert (record["threads"], record["dtype"], record["rounds"]) == (1, "float32", 3)
    assert record["matrix_product"] == {"side": 1024, "flops_per_second": [1e9] * 3}
    assert json.loads(benchmark(result.model).json())["against"] is None
