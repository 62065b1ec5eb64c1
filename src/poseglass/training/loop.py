"""One training loop: batches in, the best weights out, and it can be killed at any moment.

Everything a step depends on is in the checkpoint or follows from the seed and the step's number, so that a run that
was interrupted and resumed reaches the same weights as one that was not.
"""

import copy
import json
import math
import os
import re
import tempfile
from collections.abc import Callable
from contextlib import closing, nullcontext
from functools import partial
from os import PathLike
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException, spawn

from poseglass import errors as kinds
from poseglass._shapes import Pose2D, Pose3D
from poseglass.body.geometry import root_relative
from poseglass.clips.sample import Sample
from poseglass.errors import TrainingError
from poseglass.files.writing import alone, writing
from poseglass.judging.metrics import mpjpe, p_mpjpe
from poseglass.models import Card
from poseglass.training.batches import Batches, batches
from poseglass.training.build import build
from poseglass.training.log import Log
from poseglass.training.losses import PoseLoss
from poseglass.training.optimisers import optimisers, rate
from poseglass.training.provenance import check_same_run, record_environment
from poseglass.training.recipe import Recipe
from poseglass.training.workers import averaged, check_together, end_with_parent, launched, together
from poseglass.video.ahead import ahead
from poseglass.waist.hourglass import Funnel, Hourglass, Model, backbone_of
from poseglass.waist.select import take
from poseglass.weights import files as weights
from poseglass.weights.lengths import lengthened

__all__ = ["Run", "answered", "train"]


def train(
    recipe: Recipe, folder: str | PathLike[str], *, init: str | PathLike[str] | None = None, progress: bool = False
) -> Path:
    """Train until the recipe's steps are done, going on from the folder's checkpoint where there is one.

    With `recipe.run.workers` above 1, processes of this machine share each batch. Where a launcher such as ``torchrun``
    has started several already, on this machine or on others, those do (as many as it says, whatever the recipe says);
    the first of them alone writes.

    The folder gets ``checkpoint.safetensors`` (all that is needed to go on), ``best/`` (the weights that were best on
    the validation split), ``metrics.csv``, TensorBoard events, and what the run was made from: ``recipe.json``,
    ``data.json`` and ``environment.json``.

    Args:
        recipe: What to train and how; `recipe.data.path` names the data.
        folder: Where to.
        init: Weights to begin with, as :func:`poseglass.load` takes them, instead of fresh ones. Those of a backbone
            without a waist are taken into the recipe's backbone; its waist stays fresh.
        progress: Show a progress bar.

    Returns:
        The folder of the best weights.

    Raises:
        TrainingError: The loss is not finite, a worker has ended, the folder holds a run of another recipe or with
            other data, or one that is still going, or the weights to begin with were trained on other coordinates or
            joints than the data give.
        DataError: The data are missing, or not what training needs.
        ModelError: There is no such model, or the waist does not fit it.
        RecipeError: The batch cannot be shared by as many workers as were launched.
    """
    folder = Path(folder)
    work = partial(_train, folder=folder, init=init, progress=progress)
    rank, world = launched()
    if world > 1:
        recipe = recipe.updated({"run": {"workers": world}})
    workers, source = recipe.run.workers, batches(recipe)  # what is wrong with the data is better known at once
    if world > 1:
        with together("env://", rank, world):
            work(rank, recipe=recipe, source=source)
        return folder / "best"
    if workers == 1:
        work(0, recipe=recipe, source=source)
        return folder / "best"
    with tempfile.TemporaryDirectory() as meeting:
        try:
            spawn(partial(_spawned, recipe=recipe, work=work, meeting=f"file://{meeting}/workers"), nprocs=workers)
        except (ProcessRaisedException, ProcessExitedException) as problem:
            reason = str(problem).strip().splitlines()[-1]
            told = re.match(r"poseglass\.errors\.(\w+): (?!another worker)(.*)", reason)
            if told:  # what is wrong with the input is no worker's fault, and starting again would not help
                raise getattr(kinds, told[1])(told[2]) from None
            raise TrainingError(f"one of {workers} workers ended, so all did: {reason}; start again to go on") from None
    return folder / "best"


def _spawned(rank: int, *, recipe: Recipe, work: Callable[..., None], meeting: str) -> None:
    """A worker on this machine, with its share of the cores."""
    end_with_parent()
    torch.set_num_threads(max((os.cpu_count() or 1) // recipe.run.workers, 1))
    source = batches(recipe)
    with together(meeting, rank, recipe.run.workers):
        work(rank, recipe=recipe, source=source)


def _train(
    rank: int, *, recipe: Recipe, source: Batches, folder: Path, init: str | PathLike[str] | None, progress: bool
) -> None:
    """One worker's part. All workers do the same but for their batches, whose gradients they average."""
    checkpoint = folder / "checkpoint.safetensors"
    model = build(recipe)
    card = Card(coordinates=source.coordinates, keypoints=source.keypoints, answers=recipe.loss.frames)
    model = model.with_card(card)
    goes_on, made_from = checkpoint.exists(), source.about()
    if not goes_on:
        _begin(model, recipe, init)
        made_from["init"] = None if init is None else str(init)
    run = Run(recipe, model, epoch=source.epoch)
    with alone(folder, TrainingError) if rank == 0 else nullcontext():
        if rank == 0:
            check_same_run(folder, recipe, made_from)
        if goes_on:
            run.resume(checkpoint)
        check_together(run.step, made_from["fingerprint"])
        if rank == 0:
            record_environment(folder, step=run.step, workers=recipe.run.workers)
        _loop(run, source, folder, rank, progress=progress)


def _begin(model: Model, recipe: Recipe, init: str | PathLike[str] | None) -> None:
    """Fill a fresh model with the weights that a run begins with, if there are any."""
    if init is None:
        if recipe.optim.trains == "waist":
            raise TrainingError(
                "optim.trains=waist leaves the backbone as it is, so it needs weights that are worth it: "
                "give init (--init)"
            )
        return
    loaded, backbone = weights.load(init), backbone_of(model)
    for what, trained, given in (
        ("{} coordinates", loaded.card.coordinates, model.card.coordinates),
        ("the joints of {}", loaded.card.skeleton, model.card.skeleton),
    ):
        if trained != given:
            raise TrainingError(
                f"{init} was trained on {what.format(trained)} and the data give {what.format(given)}, which mean "
                "nothing to it; begin with weights of the same kind, or with fresh ones"
            )
    if isinstance(loaded, Hourglass):
        weights.load_state(model, lengthened(loaded.state_dict(), model), init)
    else:  # a backbone, or a funnel, which has no weights of its own
        weights.load_state(backbone, lengthened(backbone_of(loaded).state_dict(), backbone), init)


def answered(model: Model, pose2d: Pose2D, target: Pose3D, *, centre: bool) -> tuple[Tensor, Tensor]:
    """What a model makes of clips, and the truth of the same frames: two (b k j 3).

    Args:
        model: Answers for all frames, or for those that it keeps.
        pose2d: Clips (b f j i).
        target: Their truth (b f j 3).
        centre: Of the centre frame alone (of a funnel, the one it always keeps).

    Example:
        >>> import torch, poseglass as pg
        >>> clips = torch.zeros(1, 27, 17, 2), torch.zeros(1, 27, 17, 3)
        >>> [len(poses[0]) for poses in answered(pg.funnel("mixste-tiny", keep=9, at=1), *clips, centre=False)]
        [9, 9]
    """
    if isinstance(model, Funnel):
        trace = model.trace(pose2d)
        kept = trace.kept[max(trace.kept)]
        predicted, target = trace.pose3d, take(target, kept)
        middle = (kept == model.always).int().argmax(1, keepdim=True)
    else:
        predicted = model(pose2d)
        middle = torch.full((target.shape[0], 1), target.shape[1] // 2)
    return (take(predicted, middle), take(target, middle)) if centre else (predicted, target)


class Run:
    """The state of a run: weights, their running mean, optimisers, and how far it is.

    Args:
        recipe: What to train and how.
        model: The network, which learns.
        epoch: Steps in which the data are seen once, where the recipe counts epochs.
    """

    def __init__(self, recipe: Recipe, model: Model, *, epoch: int = 1) -> None:
        self.recipe, self.model, self.epoch = recipe, model, epoch
        if recipe.optim.trains == "waist":
            backbone_of(model).eval().requires_grad_(False)  # neither gradients nor dropout disturb it
        self.steps = recipe.schedule.epochs * epoch or recipe.schedule.steps
        self.mean = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self.optimisers = optimisers(model, recipe.optim)
        self.loss = PoseLoss(recipe.loss.terms(), joint_weights=recipe.loss.joint_weights)
        self.step = 0
        self.best = math.inf
        self.losses: list[float] = []  # since the last row of figures

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
        about = {"step": self.step, "best": self.best, "losses": self.losses}
        with writing(path, TrainingError) as temporary:
            try:
                save_file(self.tensors(), temporary, metadata={"poseglass": json.dumps(about)})
            except SafetensorError as problem:  # of the system's errors, such as a full disk, it tells the number
                number = re.search(r"os error (\d+)", str(problem))
                raise OSError(*((int(number[1]), os.strerror(int(number[1]))) if number else (str(problem),))) from None

    def resume(self, path: Path) -> None:
        """Go on where :meth:`save` was called."""
        try:
            with safe_open(path, "pt") as file:
                about = json.loads(file.metadata()["poseglass"])
                step, best, losses = int(about["step"]), float(about["best"]), [*map(float, about.get("losses", []))]
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
        self.step, self.best, self.losses = step, best, losses

    def advance(self, sample: Sample) -> float:
        """One step of optimisation; returns the loss."""
        optim = self.recipe.optim
        torch.manual_seed((self.recipe.run.seed << 32) + self.step)  # stochastic depth
        pose2d, pose3d = torch.from_numpy(sample.pose2d), torch.from_numpy(sample.pose3d)
        with torch.autocast("cpu", torch.bfloat16, enabled=optim.bf16):
            predicted, target = answered(self.model, pose2d, pose3d, centre=self.recipe.loss.frames == "centre")
        loss: Tensor = self.loss(predicted, target)
        loss.backward()
        mean = averaged(loss, self.model.parameters())
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), optim.clip or math.inf)
        if not (math.isfinite(mean) and math.isfinite(norm.item())):
            raise TrainingError(
                f"the loss is {mean} and the gradient's norm {norm.item()} at step {self.step}; the last "
                f"checkpoint is good: lower optim.lr (now {optim.lr}) or set optim.bf16=false and go on"
            )
        share = rate(self.step, self.recipe.schedule, steps=self.steps, epoch=self.epoch)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = optim.lr * share
            optimiser.step()
            optimiser.zero_grad()
        self.step += 1
        decay = min(optim.ema, self.step / (self.step + 10))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                if value.is_floating_point():
                    self.mean[name].lerp_(value, 1 - decay)
                else:  # such as how many batches a norm has seen
                    self.mean[name].copy_(value)
        return mean

    def averaged(self) -> Model:
        """A network of the mean weights, in evaluation mode."""
        model = copy.deepcopy(self.model)
        weights.load_state(model, self.mean, "the running mean")
        return model.eval()

    def judge(self, judges: dict[str, Sample]) -> dict[str, float]:
        """Errors of the mean weights on the validation batches, in mm."""
        judged = self.averaged()
        centre = isinstance(judged, Funnel) or self.recipe.loss.frames == "centre"
        errors: dict[str, float] = {}
        for name, sample in judges.items():
            clips = zip(
                torch.from_numpy(sample.pose2d).split(16), torch.from_numpy(sample.pose3d).split(16), strict=True
            )
            with torch.inference_mode():
                pairs = [answered(judged, *clip, centre=centre) for clip in clips]
            predicted, target = (root_relative(torch.cat(poses)).numpy() for poses in zip(*pairs, strict=True))
            if sample.counts is not None and not centre:
                predicted, target = predicted[sample.counts], target[sample.counts]
            errors[f"{name}_mpjpe"] = mpjpe(predicted, target)
            errors[f"{name}_p_mpjpe"] = p_mpjpe(predicted, target)
        return errors


def _loop(run: Run, source: Batches, folder: Path, rank: int, *, progress: bool) -> None:
    recipe = run.recipe
    leads = rank == 0
    judges = source.judges() if leads else {}
    folder.mkdir(parents=True, exist_ok=True)
    log = Log(folder, run.step) if leads else None
    columns = (
        TextColumn("[bold]{task.description}"), BarColumn(6), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
    )  # fmt: skip

    drawn = ahead(source.draw(step, rank) for step in range(run.step, run.steps))
    with Progress(*columns, disable=not (leads and progress)) as bar, closing(drawn):
        task = bar.add_task("training", total=run.steps, completed=run.step, note="")
        began, waited = perf_counter(), 0.0
        while run.step < run.steps:
            asked = perf_counter()
            sample = next(drawn)
            waited += perf_counter() - asked
            loss = run.advance(sample)
            if leads:
                run.losses.append(loss)
            last = run.step == run.steps
            if log is not None and (run.step % recipe.run.validate_every == 0 or last):
                share = waited / (perf_counter() - began)
                errors = run.judge(judges)
                log.add(run.step, {"loss": float(np.mean(run.losses)), "data_share": share, **errors})
                run.losses.clear()
                score = sum(errors[f"{name}_{recipe.run.judge_by}"] for name in judges)
                if score < run.best:
                    run.best = score
                    about = f"step {run.step}, best on the validation split so far"
                    weights.save(run.averaged(), folder / "best", about=about)
                judge = recipe.run.judge_by
                error = errors[f"{next(iter(judges))}_{judge}"]
                told = f"{judge.upper().replace('_', '-')} {error:.1f} mm, waited {100 * share:.0f} %"
                bar.update(task, note=told)  # short: there are 80 columns
                began, waited = perf_counter(), 0.0
            if leads and (run.step % recipe.run.save_every == 0 or last):
                run.save(folder / "checkpoint.safetensors")
            bar.update(task, completed=run.step)
    if log is not None:
        log.close()
