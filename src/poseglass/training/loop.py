"""Train a model: batches in, the best weights out. A run may be killed at any moment and resumed.

Everything that a step depends on is in the checkpoint or follows from the seed and the step's number. A run that is
interrupted and resumed therefore reaches the same weights as an uninterrupted one.
"""

from collections.abc import Generator, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from poseglass.clips.sample import Sample
from poseglass.errors import TrainingError
from poseglass.files.writing import folder_lock
from poseglass.models import Card, PoseTransformer, devices
from poseglass.training.batches import Batches, batches
from poseglass.training.build import build
from poseglass.training.compiling import compile_layers
from poseglass.training.metrics_log import MetricsLog
from poseglass.training.provenance import check_same_run, record_environment, record_run
from poseglass.training.recipe import Recipe
from poseglass.training.reporting import Reporter, StepReport, silent
from poseglass.training.starting import start_from
from poseglass.training.state import TrainingState
from poseglass.training.transfer import DeviceBatch
from poseglass.training.workers import OnStep, Worker, check_together, launched, spawn_workers, together
from poseglass.video.ahead import ahead
from poseglass.weights import files as weights

__all__ = ["train"]


def train(
    recipe: Recipe,
    folder: str | PathLike[str],
    *,
    init: str | PathLike[str] | None = None,
    backbone: type[PoseTransformer] | None = None,
    device: devices.Device = None,
    progress: bool = False,
) -> Path:
    """Train until the recipe's steps are done, resuming from the folder's checkpoint if it has one.

    With `recipe.run.workers` above 1, several processes of this machine share each batch. If a launcher such as
    ``torchrun`` has already started several processes, on one or more machines, they share it instead, whatever their
    number in the recipe. Only the first process writes. With several GPUs, each process takes one.

    The folder gets ``checkpoint.safetensors`` (everything that resuming needs), ``best/`` (the weights that were best
    on the validation split), ``metrics.csv``, TensorBoard events, and the provenance: ``recipe.json``, ``data.json``
    and ``environment.json``. The logger ``poseglass`` gets a line for each validation, and at least one every minute.

    Args:
        recipe: All settings; `recipe.data.path` names the data.
        folder: The run's folder.
        init: Weights to start from instead of fresh ones, as :func:`poseglass.load` takes them. Weights of a backbone
            without a waist are loaded into the recipe's backbone; the waist starts fresh.
        backbone: A class of your own that replaces the recipe's `model.name`. It is called with `frames`, `inputs` and
            the recipe's `model.sizes`. To load the weights, pass it again:
            ``pg.load(folder / "best", backbone=MyNet)``.
        device: Replaces the recipe's `run.device`. A run may resume on another device, but is reproducible to the bit
            only on one kind of device.
        progress: Show a progress bar, if there is a terminal.

    Returns:
        The folder of the best weights.

    Raises:
        TrainingError: The loss is not finite, a worker has ended, the folder holds a run with another recipe or other
            data, or one that is still running, or the initial weights were trained on other coordinates or joints
            than those of the data.
        DataError: The data are missing or unfit for training.
        ModelError: There is no such model or device, or the waist does not fit the model.
        RecipeError: The batch cannot be shared by as many workers as were launched.

    Example:
        >>> import poseglass as pg
        >>> recipe = pg.Recipe.read("recipes/balanced-27.toml").override("data.path=clips.npz")  # doctest: +SKIP
        >>> model = pg.load(pg.train(recipe, "runs/balanced-27"))  # doctest: +SKIP
    """
    worker = launched()
    if worker.world > 1:
        recipe = recipe.updated({"run": {"workers": worker.world}})
    if device is not None:
        recipe = recipe.updated({"run": {"device": str(device)}})
    if backbone is not None:  # so that a folder resumes only with the class it was started with
        recipe = recipe.updated({"model": {"name": f"{backbone.__module__}:{backbone.__qualname__}"}})
    job = _Job(recipe, Path(folder), init, backbone)
    workers, source = recipe.run.workers, batches(recipe)  # here too, so that errors in the data appear at once
    spawns = worker.world == 1 and workers > 1
    team = [Worker(rank, workers, rank, workers) for rank in range(workers)] if spawns else [worker]
    names = dict.fromkeys(devices.full_name(each.device(recipe.run.device)) for each in team)
    steps, where = recipe.schedule.length(source.epoch), ", ".join(names)
    with Reporter(steps, bar=progress, device=where) if worker.rank == 0 else nullcontext(silent) as report:
        if spawns:
            spawn_workers(partial(_work, job=job), workers, report, device=recipe.run.device)
        elif worker.world > 1:
            with together("env://", worker, recipe.run.device):
                _work(worker, report, job=job, source=source)
        else:
            _work(worker, report, job=job, source=source)
    return job.folder / "best"


@dataclass(frozen=True)
class _Job:
    """The values that all workers of a run share."""

    recipe: Recipe
    folder: Path
    init: str | PathLike[str] | None
    backbone: type[PoseTransformer] | None


def _work(worker: Worker, report: OnStep, *, job: _Job, source: Batches | None = None) -> None:
    """Run one worker. All workers do the same with different batches, and average their gradients."""
    where = worker.device(job.recipe.run.device)
    with devices.current(where):
        _train(worker, where, report, job, batches(job.recipe) if source is None else source)


def _train(worker: Worker, where: torch.device, report: OnStep, job: _Job, source: Batches) -> None:
    recipe, folder, first = job.recipe, job.folder, worker.rank == 0
    checkpoint = folder / "checkpoint.safetensors"
    card = Card(
        coordinates=source.coordinates,
        keypoints=source.keypoints,
        answers=recipe.loss.frames,
        keeps=recipe.waist.elastic_range,
    )
    model = build(recipe, job.backbone).with_card(card)
    resumes, origin = checkpoint.exists(), source.about()
    if not resumes:
        start_from(model, recipe, job.init, job.backbone)
        origin["init"] = None if job.init is None else str(job.init)
    model.to(where)
    state = TrainingState(recipe, model, epoch=source.epoch, rank=worker.rank)
    with folder_lock(folder, TrainingError) if first else nullcontext():
        check_same_run(folder, recipe, origin)
        if first:
            record_run(folder, recipe, origin)
        if resumes:
            state.resume(checkpoint)
        if recipe.run.compile:
            compile_layers(model)
        check_together(state.step, origin["fingerprint"], where)
        if first:
            device = devices.full_name(where)
            record_environment(folder, step=state.step, workers=recipe.run.workers, device=device)
            _lead(state, source, folder, report)
        else:
            _follow(state, source)


def _drawn(state: TrainingState, source: Batches) -> Generator[DeviceBatch, None, None]:
    """Yield the batches of the coming steps. A thread draws them on the device ahead of time."""

    def draw(step: int) -> DeviceBatch:
        with devices.current(state.device):
            return source.draw_on(state.device, step, state.rank)

    return ahead(draw(step) for step in range(state.step, state.steps))


def _follow(state: TrainingState, source: Batches) -> None:
    """Take the steps, without validating or saving, which the first worker does."""
    drawn = _drawn(state, source)
    with closing(drawn):
        for batch in drawn:
            state.advance(batch)


def _lead(state: TrainingState, source: Batches, folder: Path, report: OnStep) -> None:
    """Take the steps, validate, and save."""
    run, samples = state.recipe.run, source.validation()
    log = MetricsLog(folder, state.step)
    report(StepReport(state.step))
    drawn = _drawn(state, source)
    with closing(log), closing(drawn):
        start, waited = perf_counter(), 0.0
        while state.step < state.steps:
            before = perf_counter()
            batch = next(drawn)
            waited += perf_counter() - before
            loss = state.advance(batch)
            state.losses.append(loss)
            done = StepReport(state.step, loss)
            last = state.step == state.steps
            if state.step % run.validate_every == 0 or last:
                share = waited / (perf_counter() - start)
                done = StepReport(state.step, loss, _validate(state, samples, folder, log, share), share)
                start, waited = perf_counter(), 0.0
            if state.step % run.save_every == 0 or last:
                state.save(folder / "checkpoint.safetensors")
            report(done)


def _validate(state: TrainingState, samples: Mapping[str, Sample], folder: Path, log: MetricsLog, waited: float) -> str:
    """Log the mean weights' errors, save the weights if they are the best so far, and return the error as text."""
    errors = state.validate(samples)
    log.add(state.step, {"loss": float(np.mean(state.losses)), "data_share": waited, **errors})
    state.losses.clear()
    measure = state.recipe.run.judge_by
    score = sum(errors[f"{name}_{measure}"] for name in samples)
    if score < state.best:
        state.best = score
        about = f"step {state.step}, best on the validation split so far"
        weights.save(state.averaged(), folder / "best", about=about)
    return f"{measure.upper().replace('_', '-')} {errors[f'{next(iter(samples))}_{measure}']:.1f} mm"
