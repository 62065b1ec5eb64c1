"""One training loop: batches in, the best weights out, and it can be killed at any moment.

Everything a step depends on is in the checkpoint or follows from the seed and the step's number, so that a run that
was interrupted and resumed reaches the same weights as one that was not.
"""

import copy
import csv
import json
import math
import os
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException, spawn

from poseglass import weights
from poseglass._files import writing
from poseglass.data.augment import Sample, Sampler
from poseglass.data.clips import MotionClips
from poseglass.errors import DataError, TrainingError
from poseglass.metrics import mpjpe, p_mpjpe
from poseglass.models import MixSTE
from poseglass.training.initial import lengthened, sinusoidal
from poseglass.training.losses import JOINT_WEIGHTS, PoseLoss
from poseglass.training.muon import Muon
from poseglass.training.recipe import Optim, Recipe
from poseglass.waist import Hourglass, hourglass

__all__ = ["Run", "build", "train"]


def build(recipe: Recipe) -> MixSTE | Hourglass:
    """The recipe's network with fresh weights, the same for the same seed."""
    m = recipe.model
    torch.manual_seed(recipe.run.seed)
    model: MixSTE | Hourglass = MixSTE(
        frames=m.frames, dim=m.dim, depth=m.depth, heads=m.heads, inputs=m.inputs, drop=m.drop
    )
    if m.keep:
        assert isinstance(model, MixSTE)
        model = hourglass(model, keep=m.keep, at=m.at, prune=m.prune, recover=m.recover)
    if m.init == "sinusoidal":
        sinusoidal(model)
    return model


def train(recipe: Recipe, folder: str | PathLike[str], *, init: str | PathLike[str] | None = None) -> Path:
    """Train until the recipe's steps are done, going on from the folder's checkpoint where there is one.

    The folder gets ``checkpoint.safetensors`` (all that is needed to go on), ``best/`` (the weights that were best on
    the validation split), ``metrics.csv``, ``recipe.json`` and TensorBoard events.

    Args:
        recipe: What to train and how; `recipe.data.path` names the motion clips.
        folder: Where to.
        init: Weights to begin with, as :func:`poseglass.load` takes them, instead of fresh ones.

    Returns:
        The folder of the best weights.

    Raises:
        TrainingError: The loss is not finite, or the folder holds a run of another recipe.
        DataError: The clips are missing.
    """
    if not recipe.data.path:
        raise DataError("the recipe names no motion clips; set data.path=clips.npz")
    folder = Path(folder)
    workers = recipe.run.workers
    clips = MotionClips.load(recipe.data.path)
    for split in ("train", "val"):
        clips.split(split)  # what is wrong with the data is better known at once
    if workers == 1:
        _train(0, recipe, folder, init, None)
        return folder / "best"
    with tempfile.TemporaryDirectory() as meeting:
        try:
            spawn(_train, (recipe, folder, init, f"file://{meeting}/workers"), nprocs=workers)
        except (ProcessRaisedException, ProcessExitedException) as problem:
            reason = str(problem).strip().splitlines()[-1]
            raise TrainingError(f"one of {workers} workers ended, so all did: {reason}; start again to go on") from None
    return folder / "best"


def _train(rank: int, recipe: Recipe, folder: Path, init: str | PathLike[str] | None, meeting: str | None) -> None:
    """One worker's part. All workers do the same but for their batches, whose gradients they average."""
    if meeting is not None:
        torch.set_num_threads(max((os.cpu_count() or 1) // recipe.run.workers, 1))
        distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=recipe.run.workers)
    clips = MotionClips.load(recipe.data.path)
    model = build(recipe)
    if init is not None and not (folder / "checkpoint.safetensors").exists():
        weights.load_state(model, lengthened(weights.load(init).state_dict(), model), init)
    run = Run(recipe, model)
    if rank == 0:
        _check_same_run(folder, recipe)
    if (folder / "checkpoint.safetensors").exists():
        run.resume(folder / "checkpoint.safetensors")

    data = recipe.data
    sampler = Sampler(clips.split("train"), model.frames, rehab_share=data.rehab_share, clean=data.clean)
    # Clean and detector-like halves, drawn once: the same for every run of the same recipe.
    half = max(recipe.run.validation_clips // 2, 1)
    judges = {
        name: Sampler(clips.split("val"), model.frames, clean=clean).sample(np.random.default_rng(seed), half)
        for seed, (name, clean) in enumerate((("clean", 1.0), ("detected", 0.0)))
    }
    _loop(run, sampler, judges, folder, rank)
    if meeting is not None:
        distributed.destroy_process_group()


class Run:
    """The state of a run: weights, their running mean, optimisers, and how far it is."""

    def __init__(self, recipe: Recipe, model: MixSTE | Hourglass) -> None:
        self.recipe, self.model = recipe, model
        self.mean = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self.optimisers = optimisers(model, recipe.optim)
        terms = {"position": 1.0, "smoothness": recipe.optim.smoothness, "velocity": recipe.optim.velocity}
        self.loss = PoseLoss(terms, joint_weights=JOINT_WEIGHTS)
        self.step = 0
        self.best = math.inf

    def tensors(self) -> dict[str, Tensor]:
        """All tensors of the state by name."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"mean.{name}": value for name, value in self.mean.items()}
        for number, optimiser in enumerate(self.optimisers):
            for index, state in optimiser.state_dict()["state"].items():
                for name, value in state.items():
                    tensors[f"optim.{number}.{index}.{name}"] = value
        return {name: value.detach().contiguous() for name, value in tensors.items()}

    def save(self, path: Path) -> None:
        """One file, whole or not at all."""
        about = {"step": self.step, "best": self.best}
        with writing(path, TrainingError) as temporary:
            save_file(self.tensors(), temporary, metadata={"poseglass": json.dumps(about)})

    def resume(self, path: Path) -> None:
        """Go on where :meth:`save` was called."""
        try:
            with safe_open(path, "pt") as file:
                about = json.loads(file.metadata()["poseglass"])
                step, best = int(about["step"]), float(about["best"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as problem:
            raise TrainingError(
                f"{path} is not a checkpoint of a training run: {problem}; remove it to start anew"
            ) from None

        def part(prefix: str) -> dict[str, Tensor]:
            return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}

        weights.load_state(self.model, part("model."), path)
        self.mean = part("mean.")
        for number, optimiser in enumerate(self.optimisers):
            states: dict[int, dict[str, Tensor]] = {}
            for name, value in part(f"optim.{number}.").items():
                index, _, key = name.partition(".")
                states.setdefault(int(index), {})[key] = value
            optimiser.load_state_dict({**optimiser.state_dict(), "state": states})
        self.step, self.best = step, best

    def advance(self, sample: Sample) -> float:
        """One step of optimisation; returns the loss."""
        optim = self.recipe.optim
        torch.manual_seed((self.recipe.run.seed << 32) + self.step)  # stochastic depth
        with torch.autocast("cpu", torch.bfloat16, enabled=optim.bf16):
            predicted = self.model(torch.from_numpy(sample.pose2d))
        loss: Tensor = self.loss(predicted, torch.from_numpy(sample.pose3d))
        loss.backward()
        self._average_gradients()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), optim.clip)
        if not (math.isfinite(loss.item()) and math.isfinite(norm.item())):
            raise TrainingError(
                f"the loss is {loss.item()} and the gradient's norm {norm.item()} at step {self.step}; the last "
                f"checkpoint is good: lower optim.lr (now {optim.lr}) or set optim.bf16=false and go on"
            )
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = optim.lr * schedule(self.step, optim)
            optimiser.step()
            optimiser.zero_grad()
        self.step += 1
        decay = min(optim.ema, self.step / (self.step + 10))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                self.mean[name].lerp_(value, 1 - decay)
        return loss.item()

    def _average_gradients(self) -> None:
        if not distributed.is_initialized():
            return
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        flat = nn.utils.parameters_to_vector(gradients)
        distributed.all_reduce(flat)
        nn.utils.vector_to_parameters(flat / self.recipe.run.workers, gradients)

    def averaged(self) -> MixSTE | Hourglass:
        """A network of the mean weights, in evaluation mode."""
        model = copy.deepcopy(self.model)
        weights.load_state(model, self.mean, "the running mean")
        return model.eval()

    def judge(self, judges: dict[str, Sample]) -> dict[str, float]:
        """Errors of the mean weights on the validation batches, in mm."""
        judged = self.averaged()
        errors: dict[str, float] = {}
        for name, sample in judges.items():
            with torch.inference_mode():
                clips = torch.from_numpy(sample.pose2d).split(16)
                predicted = torch.cat([judged(clip) for clip in clips]).numpy()
            errors[f"{name}_mpjpe"] = mpjpe(predicted, sample.pose3d)
            errors[f"{name}_p_mpjpe"] = p_mpjpe(predicted, sample.pose3d)
        return errors


def optimisers(model: nn.Module, optim: Optim) -> list[torch.optim.Optimizer]:
    """AdamW for all, or Muon for the hidden matrices and AdamW for the rest; no weight decay on vectors."""
    vectors = [p for p in model.parameters() if p.ndim != 2]
    matrices = [p for p in model.parameters() if p.ndim == 2]
    edges = [p for p in matrices if min(p.shape) <= 3]  # input and output
    hidden = [p for p in matrices if min(p.shape) > 3]
    groups: list[dict[str, Any]] = [{"params": vectors, "weight_decay": 0.0}, {"params": edges}]
    if optim.name == "muon":
        muon = Muon(hidden, lr=optim.lr, weight_decay=optim.weight_decay)
        return [muon, torch.optim.AdamW(groups, lr=optim.lr, weight_decay=optim.weight_decay)]
    groups.append({"params": hidden})
    return [torch.optim.AdamW(groups, lr=optim.lr, weight_decay=optim.weight_decay)]


def schedule(step: int, optim: Optim) -> float:
    """The share of the learning rate at a step: linear warm-up, constant, linear decay to 0."""
    decaying = max(optim.decay * optim.steps, 1)
    return min(1.0, (step + 1) / max(optim.warmup, 1), (optim.steps - step) / decaying)


class _Metrics(Protocol):
    def add_scalar(self, tag: str, value: float, step: int) -> None: ...
    def close(self) -> None: ...


def _loop(run: Run, sampler: Sampler, judges: dict[str, Sample], folder: Path, rank: int) -> None:
    recipe = run.recipe
    leads = rank == 0
    folder.mkdir(parents=True, exist_ok=True)
    log = _Log(folder, run.step) if leads else None
    columns = (
        TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
    )  # fmt: skip

    def draw(step: int) -> Sample:
        rng = np.random.default_rng([recipe.run.seed, step, rank])
        return sampler.sample(rng, recipe.data.batch // recipe.run.workers)

    with Progress(*columns, disable=not leads) as progress, ThreadPoolExecutor(1) as drawer:
        task = progress.add_task("training", total=recipe.optim.steps, completed=run.step, note="")
        ahead: Future[Sample] = drawer.submit(draw, run.step)
        losses: list[float] = []
        while run.step < recipe.optim.steps:
            sample = ahead.result()
            ahead = drawer.submit(draw, run.step + 1)
            losses.append(run.advance(sample))
            last = run.step == recipe.optim.steps
            if log is not None and (run.step % recipe.run.validate_every == 0 or last):
                errors = run.judge(judges)
                log.add(run.step, {"loss": float(np.mean(losses)), **errors})
                losses.clear()
                score = errors["clean_p_mpjpe"] + errors["detected_p_mpjpe"]
                if score < run.best:
                    run.best = score
                    about = f"step {run.step}, best on the validation split so far"
                    weights.save(run.averaged(), folder / "best", about=about)
                progress.update(task, note=f"P-MPJPE {errors['clean_p_mpjpe']:.1f} mm")
            if leads and (run.step % recipe.run.save_every == 0 or last):
                run.save(folder / "checkpoint.safetensors")
            progress.update(task, completed=run.step)
    if log is not None:
        log.close()


def _check_same_run(folder: Path, recipe: Recipe) -> None:
    """A folder belongs to one recipe; only how long the run is and how often it saves may change."""
    path = folder / "recipe.json"
    settings = recipe.to_dict()
    if path.exists():
        before: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        free = {("optim", "steps"), ("run", "save_every"), ("run", "validate_every"), ("data", "path")}
        changed = [
            f"{section}.{key}"
            for section, values in settings.items()
            for key, value in values.items()
            if (section, key) not in free and before.get(section, {}).get(key) != value
        ]
        if changed:
            raise TrainingError(f"{folder} holds a run with another {', '.join(changed)}; choose another folder")
    with writing(path, TrainingError) as temporary:
        temporary.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


class _Log:
    """metrics.csv, and TensorBoard where it is installed. Rows past the checkpoint are dropped on resuming."""

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / "metrics.csv"
        self.rows: list[dict[str, str]] = []
        if self.path.exists():
            with self.path.open(newline="", encoding="utf-8") as file:
                self.rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]
        self.began = perf_counter() - (float(self.rows[-1].get("seconds") or 0) if self.rows else 0)
        self.board: _Metrics | None = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        self.board = SummaryWriter(folder, purge_step=step)

    def add(self, step: int, values: dict[str, float]) -> None:
        """One row; `seconds` counts the training so far, over all of a run's resumptions."""
        values = {"seconds": perf_counter() - self.began, **values}
        self.rows.append({"step": str(step), **{name: f"{value:.4f}" for name, value in values.items()}})
        with writing(self.path, TrainingError) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(self.rows[-1]))
            writer.writeheader()
            writer.writerows(self.rows)
        if self.board is not None:
            for name, value in values.items():
                self.board.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush the events."""
        if self.board is not None:
            self.board.close()
