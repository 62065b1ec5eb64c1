"""Prove on a GPU, in at most four minutes, that everything runs there and gives what the CPU gives.

    python benchmarks/gpu_check.py [--device auto|cpu|cuda|mps]

On the CPU, it checks itself with tiny models. It prints a line for each check, with figures, and fails if one fails.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from safetensors.torch import load_file

import poseglass as pg
from poseglass.clips.sample import Sample
from poseglass.cost.flops import count_flops
from poseglass.cost.measuring import Product, elapsed
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.data.h36m.prepare import prepare_h36m
from poseglass.data.synthetic.generate import generate
from poseglass.data.synthetic.people import STYLES, move
from poseglass.data.virtual.sampler import Sampler
from poseglass.lifting.blocks import PoseBlock
from poseglass.lifting.predictor import Predictor
from poseglass.models import MODELS, devices
from poseglass.training.build import build
from poseglass.training.recipe import Recipe
from poseglass.training.state import TrainingState
from poseglass.training.transfer import transferred
from poseglass.waist.hourglass import PoseModel, hourglass

# The largest difference from the CPU, as a share of the largest output. cuDNN may compute MHFormer's convolutions in
# TF32, which torch allows by default.
CLOSE, CLOSE_IN_TF32 = 1e-3, 2e-2
# Trains like `poseglass train`, and kills itself with SIGKILL in the seventh step.
KILLED = """
import json, os, signal, sys
from poseglass.training import loop
from poseglass.training.recipe import Recipe
from poseglass.training.state import TrainingState
step = TrainingState.advance
def advance(state, batch):
    if state.step == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(state, batch)
TrainingState.advance = advance
loop.train(Recipe().updated(json.loads(sys.argv[1])), sys.argv[2])
"""
Check = Callable[["Machine"], Iterator[str]]


@dataclass(frozen=True)
class Machine:
    """The device to check, and whether it is worth full-size models."""

    device: torch.device

    @property
    def full(self) -> bool:
        """Whether models have their full size."""
        return self.device.type != "cpu"

    def sizes(self) -> list[str]:
        """The named sizes to compare with the CPU."""
        return [name for name in MODELS if self.full or name.endswith("tiny")]

    def backbone(self) -> str:
        """The backbone whose training is timed."""
        return "mixste" if self.full else "mixste-tiny"

    def clips(self, model: PoseModel, count: int) -> torch.Tensor:
        """Random clips for a model, on the CPU."""
        noise = torch.Generator().manual_seed(0)
        return 0.3 * torch.randn(count, model.frames, 17, model.inputs, generator=noise)


def waisted(name: str) -> pg.Hourglass:
    frames = MODELS[name]().frames
    return hourglass(name, keep=frames // 3, at=1)


def parity(machine: Machine) -> Iterator[str]:
    """Every model, plain and with a waist, keeps the same frames and gives the same poses as on the CPU."""
    for name in machine.sizes():
        torch.manual_seed(0)
        tolerance = CLOSE_IN_TF32 if name.startswith("mhformer") else CLOSE
        words = []
        for model in (MODELS[name]().eval(), waisted(name).eval()):
            clips = machine.clips(model, 2)
            moved = devices.on_device(model, machine.device)
            with torch.inference_mode():
                if isinstance(model, pg.Hourglass):
                    expected, given = model.trace(clips), moved.trace(clips.to(machine.device))
                    same = float((expected.kept[1] == given.kept[1].cpu()).float().mean())
                    # Poses are compared with the same frames kept: a near tie may be broken by rounding.
                    given = moved.trace(clips.to(machine.device), kept={1: expected.kept[1].to(machine.device)})
                    expected, given = expected.pose3d, given.pose3d.cpu()
                    words.append(f"{same:.1%} of the kept frames are the same")
                    assert same > 0.9, words[-1]
                else:
                    expected, given = model(clips), moved(clips.to(machine.device)).cpu()
            error = float((expected - given).abs().max() / expected.abs().max())
            words.append(f"{'with' if words else 'without'} a waist {error:.1e}")
            assert error < tolerance, words[-1]
        yield f"{name}: {', '.join(words)}"


def steps(machine: Machine) -> Iterator[str]:
    """The first step of every architecture has the loss of the CPU, in float32 and, nearly, in bfloat16."""
    names = ("mixste", "motionbert-lite", "mhformer", "motionagformer-b")
    for name in names if machine.full else (f"{name.split('-')[0]}-tiny" for name in names):
        settings = (
            ("loss.frames=centre", "loss.smoothness=0.0", "loss.velocity=0.0") if name.startswith("mhformer") else ()
        )
        if "drop" in MODELS[name].names():  # each device has random numbers of its own
            settings += ("model.sizes.drop=0.0",)
        frames, tolerance = 27, CLOSE_IN_TF32 if name.startswith("mhformer") else CLOSE
        losses = {}
        for where, bf16 in ((torch.device("cpu"), False), (machine.device, False), (machine.device, True)):
            recipe = Recipe().override(
                f"model.name={name}", f"model.frames={frames}", "waist.keep={1 = 9}", f"optim.bf16={str(bf16).lower()}",
                *settings,
            )  # fmt: skip
            state = TrainingState(recipe, build(recipe).to(where))
            losses[where.type, bf16] = [state.advance(noise(2, frames)) for _ in range(2)]
        exact = losses["cpu", False]
        for (kind, bf16), values in losses.items():
            error = max(abs(value / first - 1) for value, first in zip(values, exact, strict=True))
            assert error < (0.05 if bf16 else tolerance), f"{name} on {kind}: losses {values}, on the CPU {exact}"
        words = ", ".join(f"{value:.5f}" for values in losses.values() for value in values)
        yield f"{name}: losses {words} (CPU, this device, this device in bfloat16; two steps each)"


def noise(clips: int, frames: int) -> Sample:
    rng = np.random.default_rng(0)
    return Sample(*(rng.normal(0, 0.3, (clips, frames, 17, 3)).astype(np.float32) for _ in range(2)))


def resuming(machine: Machine) -> Iterator[str]:
    """A run that is killed with SIGKILL resumes, on the device, to the weights of a run that is not."""
    with tempfile.TemporaryDirectory() as folder:
        source, prepared = Path(folder, "source"), Path(folder, "prepared")
        generate("h36m", source, frames=60, subjects=["S1", "S9"])
        prepare_h36m(source, prepared)
        recipe = Recipe().override(
            "model.name=mixste-tiny", "model.frames=27", "model.inputs=2", "model.sizes.drop=0.3", "waist.keep={1 = 9}",
            f"data.path={prepared}", "data.keypoints=cpn", "schedule.steps=9", "run.save_every=3",
            "run.validate_every=9", "run.validation_clips=4", f"run.device={machine.device}",
        )  # fmt: skip
        for name in ("whole", "again"):
            pg.train(recipe, Path(folder, name))
        command = [sys.executable, "-c", KILLED, json.dumps(recipe.to_dict()), str(Path(folder, "killed"))]
        killed = subprocess.run(command, capture_output=True, text=True, check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        pg.train(recipe, Path(folder, "killed"))
        whole, again, resumed = (
            load_file(Path(folder, name, "checkpoint.safetensors")) for name in ("whole", "again", "killed")
        )
        errors = [
            max(float((whole[name] - other[name]).abs().max()) for name in whole) for other in (again, resumed)
        ]  # fmt: skip
        assert errors[1] <= max(2 * errors[0], 1e-5), f"resumed weights differ by {errors[1]}"
        yield f"difference of a second run {errors[0]:.1e}, of a killed and resumed one {errors[1]:.1e} (0: every bit)"


def benching(machine: Machine) -> Iterator[str]:
    """`pg.bench` measures HoT against its backbone: eager, as CUDA graphs, and a large batch in bfloat16."""
    fast = waisted("mixste-tiny") if not machine.full else hourglass("mixste", keep=81, at=3)
    ways = [{}, {"batch": 16 if machine.full else 2, "dtype": "bfloat16"}]
    if machine.device.type == "cuda":
        ways.insert(1, {"graphs": True})
    for way in ways:
        result = pg.bench(fast, against=fast.backbone, rounds=5, device=machine.device, **way)
        assert result.model.latency > 0
        yield (
            f"{way or 'batch 1, float32'}: {1000 * result.against.latency:.2f} ms plain, "
            f"{1000 * result.model.latency:.2f} ms HoT, {result.time_saved:.0%} saved, {result.model.throughput:.0f} "
            f"frames/s, {result.model.over_floor:.1f} x the floor, {result.model.memory / 1e6:.0f} MB, {result.device}"
        )


def lifting(machine: Machine) -> Iterator[str]:
    """A long sequence gives the same motion in batches of windows as one by one on the CPU."""
    rng, frames = np.random.default_rng(0), 3000 if machine.full else 300
    points = rng.normal(0, 80, (frames, 17, 2)).cumsum(0) / 20 + [900, 500] + rng.normal(0, 80, (17, 2))
    block, model = PoseBlock(points, np.ones((frames, 17))), pg.load("balanced")
    poses, seconds = [], []
    for predictor in (Predictor(model), Predictor(devices.on_device(model, machine.device), batch=16)):
        start = perf_counter()
        parts = list(predictor.lift([block], size=(1920, 1080)))
        seconds.append(perf_counter() - start)
        poses.append(np.concatenate([part.pose3d for part in parts]))
    errors = 1000 * np.linalg.norm(poses[0] - poses[1], axis=-1)
    # A near tie may keep another frame, which changes a window by millimetres.
    assert np.median(errors) < 0.1, f"{np.median(errors)} mm"
    yield (
        f"{frames} frames: {seconds[0]:.2f} s on the CPU, {seconds[1]:.2f} s in batches here; they differ by "
        f"{np.median(errors):.1e} mm in the median, {errors.max():.1e} mm at most"
    )


def training_rate(machine: Machine) -> Iterator[str]:
    """Clips per second of training MixSTE, plain and as HoT, in bfloat16 where it is fast."""
    frames, keep, count = (243, 81, 16) if machine.full else (27, 9, 2)
    product = Product(torch.bfloat16 if machine.full else torch.float32, machine.device)
    product.time()
    for words, waist in (("plain", "{}"), ("HoT", f"{{3 = {keep}}}" if machine.full else f"{{1 = {keep}}}")):
        recipe = Recipe().override(
            f"model.name={machine.backbone()}", f"model.frames={frames}", f"waist.keep={waist}",
            f"optim.bf16={str(machine.full).lower()}",
        )  # fmt: skip
        state = TrainingState(recipe, build(recipe).to(machine.device))
        batch = transferred(noise(count, frames), machine.device)
        seconds = median(elapsed(partial(state.advance, batch), machine.device) for _ in range(8))
        flops = 3 * count_flops(state.model, batch=count).executed
        share = flops / seconds / product.rates[0]
        yield f"{words}: {count / seconds:.1f} clips/s, {share:.0%} of the rate of a product of side {product.side}"


def clips(machine: Machine) -> Iterator[str]:
    """Training clips made on the device have the distribution of those made on the CPU."""
    rng, frames, count = np.random.default_rng(0), 81, 512 if machine.full else 64
    takes = [
        MotionClip(f"take {number}", move(rng, style, 300)[..., [1, 2, 0]], f"person {number}")
        for number, style in enumerate(STYLES.values())
    ]
    sampler = Sampler(MotionClips(tuple(takes), fps=50.0), frames)
    moments = []
    for where in (torch.device("cpu"), machine.device):
        generator = torch.Generator(where).manual_seed(0)
        batch = sampler.sample(generator, count)
        numbers = torch.stack([poses.float().cpu().flatten(0, 1).std(0) for poses in batch])
        moments.append(numbers)
        assert bool(torch.isfinite(numbers).all())
    seconds = median(elapsed(partial(sampler.sample, generator, count), machine.device) for _ in range(3))
    difference = float((moments[0] - moments[1]).abs().mean() / moments[0].mean())
    assert difference < 0.25, f"standard deviations differ by {difference:.0%}"
    yield f"{count / seconds:.0f} clips of {frames} frames/s; standard deviations differ by {difference:.1%}"


CHECKS: dict[str, Check] = {
    "parity": parity,
    "training steps": steps,
    "killed and resumed": resuming,
    "clips": clips,
    "bench": benching,
    "lifting": lifting,
    "training rate": training_rate,
}


def main(name: str) -> int:
    machine = Machine(devices.device(name))
    print(f"torch {torch.__version__} on {devices.full_name(machine.device)}; {os.cpu_count()} CPU cores")
    if not machine.full:
        print("no GPU is used: this only tries the checks themselves, with tiny models on the CPU")
    start, failed = perf_counter(), []
    for title, check in CHECKS.items():
        before = perf_counter()
        try:
            for line in check(machine):
                print(f"{title} | {line}", flush=True)
        except Exception as problem:
            failed.append(title)
            print(f"{title} | FAILED: {type(problem).__name__}: {problem}", flush=True)
        print(f"{title} | {perf_counter() - before:.0f} s", flush=True)
    print(f"{len(CHECKS) - len(failed)} of {len(CHECKS)} checks passed in {perf_counter() - start:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    sys.exit(main(parser.parse_args().device))
