"""The state of a run, which steps change and checkpoints hold."""

import copy
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from poseglass.clips.sample import Sample
from poseglass.errors import TrainingError
from poseglass.files.plain_text import parse_json, to_json
from poseglass.files.writing import writing
from poseglass.models import devices
from poseglass.training.elastic import at_ends, for_step
from poseglass.training.losses import PoseLoss
from poseglass.training.optimisers import optimisers, rate
from poseglass.training.recipe import Recipe
from poseglass.training.seeds import mixed, seeded
from poseglass.training.transfer import DeviceBatch, transferred
from poseglass.training.validation import predictions_and_targets, validation_errors
from poseglass.training.workers import averaged
from poseglass.waist.hourglass import Funnel, PoseModel, backbone_of
from poseglass.weights import files as weights

__all__ = ["TrainingState"]


@final
class TrainingState:
    """Weights, their running mean, optimisers, and the number of steps taken.

    Args:
        recipe: The run's recipe.
        model: The network to train, on its device. All tensors of the state are there, too.
        epoch: Steps per epoch.
        rank: The number of this worker. Each worker has its own stream of random numbers for dropout.

    Example:
        >>> import numpy as np
        >>> from poseglass.training.build import build
        >>> recipe = Recipe().override("model.name=mixste-tiny", "model.frames=9")
        >>> state = TrainingState(recipe, build(recipe))
        >>> poses = np.zeros((2, 9, 17, 3), np.float32)
        >>> loss = state.advance(Sample(poses, poses))
        >>> state.step
        1
    """

    def __init__(self, recipe: Recipe, model: PoseModel, *, epoch: int = 1, rank: int = 0) -> None:
        self.recipe, self.model, self.epoch, self.rank = recipe, model, epoch, rank
        self.device = devices.device_of(model)
        if recipe.optim.trains == "waist":
            backbone_of(model).eval().requires_grad_(False)  # neither gradients nor dropout
        self.steps = recipe.schedule.length(epoch)
        self.mean = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self.optimisers = optimisers(model, recipe.optim)
        self.loss = PoseLoss(recipe.loss.terms(), joint_weights=recipe.loss.joint_weights).to(self.device)
        self.step = 0
        self.best = math.inf
        self.losses: list[float] = []  # since the last validation

    def advance(self, batch: Sample | DeviceBatch) -> float:
        """Take one optimisation step on a batch, and return the loss. Reading it is the only wait for a GPU.

        Its random numbers depend only on seed, step and rank. torch's own generators keep their state.

        Args:
            batch: The clips, on the model's device already or not.

        Raises:
            TrainingError: The loss or its gradient is not finite.
        """
        optim = self.recipe.optim
        pose2d, pose3d = transferred(batch, self.device) if isinstance(batch, Sample) else batch
        with (
            seeded(mixed(self.recipe.run.seed, self.step, self.rank), self.device),  # dropout and stochastic depth
            devices.autocast(self.device, enabled=optim.bf16),
        ):
            model = for_step(self.model, self.recipe, self.step)
            predicted, target = predictions_and_targets(model, pose2d, pose3d, centre=self._centre)
        loss: Tensor = self.loss(predicted, target)
        loss.backward()
        total = averaged(loss, self.model.parameters())
        length = nn.utils.clip_grad_norm_(self.model.parameters(), optim.clip or math.inf)
        mean, norm = torch.stack([total.float(), length.float()]).tolist()
        if not (math.isfinite(mean) and math.isfinite(norm)):
            raise TrainingError(
                f"the loss is {mean} and the gradient's norm {norm} at step {self.step}; lower optim.lr (now "
                f"{optim.lr}) or set optim.bf16=false, and resume from the last checkpoint, which is good"
            )
        share = rate(self.step, self.recipe.schedule, steps=self.steps, epoch=self.epoch)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = optim.lr * share
            optimiser.step()
            optimiser.zero_grad()
        self.step += 1
        self._update_mean()
        return float(mean)

    def _update_mean(self) -> None:
        decay = min(self.recipe.optim.ema, self.step / (self.step + 10))  # at first, the mean follows closely
        values = self.model.state_dict()
        numbers = [name for name, value in values.items() if value.is_floating_point()]
        with torch.no_grad():
            # All at once, which on a GPU takes a few kernels instead of one for each weight.
            torch._foreach_lerp_([self.mean[name] for name in numbers], [values[name] for name in numbers], 1 - decay)
            for name in values.keys() - {*numbers}:  # integers, such as batch norm's count of batches
                self.mean[name].copy_(values[name])

    @property
    def _centre(self) -> bool:
        return self.recipe.loss.frames == "centre"

    def averaged(self) -> PoseModel:
        """A copy of the network with the mean weights, in evaluation mode."""
        model = copy.deepcopy(self.model)
        weights.load_state(model, self.mean, "the running mean")
        return model.eval()

    def validate(self, samples: Mapping[str, Sample]) -> dict[str, float]:
        """Errors of the mean weights in mm. A funnel is judged by the centre frame.

        In elastic training, errors at the ends of the range follow, as ``NAME_mpjpe_keep8``.
        """
        model = self.averaged()
        centre = self._centre or isinstance(model, Funnel)
        errors = validation_errors(model, samples, centre=centre)
        for keep, twin in at_ends(model, self.recipe).items():
            at_keep = validation_errors(twin, samples, centre=centre)
            errors |= {f"{name}_keep{keep}": value for name, value in at_keep.items()}
        return errors

    def tensors(self) -> dict[str, Tensor]:
        """All tensors of the state by name, on the CPU."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"mean.{name}": value for name, value in self.mean.items()}
        for number, optimiser in enumerate(self.optimisers):
            for index, state in optimiser.state_dict()["state"].items():
                for name, value in state.items():
                    tensors[f"optim.{number}.{index}.{name}"] = value
        return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}

    def save(self, path: Path) -> None:
        """Write a checkpoint, atomically.

        Raises:
            TrainingError: The file cannot be written.
        """
        progress = {"step": self.step, "best": self.best, "losses": self.losses}
        with writing(path, TrainingError) as temporary:
            try:
                save_file(self.tensors(), temporary, metadata={"poseglass": to_json(progress)})
            except SafetensorError as problem:  # gives only the number of a system error, such as a full disk
                number = re.search(r"os error (\d+)", str(problem))
                raise OSError(*((int(number[1]), os.strerror(int(number[1]))) if number else (str(problem),))) from None

    def resume(self, path: Path) -> None:
        """Restore the state of a checkpoint, on the model's device.

        Raises:
            TrainingError: The file is not a checkpoint.
        """
        try:
            with safe_open(path, "pt") as file:
                progress = parse_json(file.metadata()["poseglass"])
                step, best = int(progress["step"]), math.inf if progress["best"] is None else float(progress["best"])
                losses = [*map(float, progress.get("losses", []))]
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as problem:
            raise TrainingError(
                f"{path} is not a checkpoint of a training run: {problem}; remove it to start again"
            ) from None

        def part(prefix: str) -> dict[str, Tensor]:
            return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}

        weights.load_state(self.model, part("model."), path)
        self.mean = {name: value.to(self.device) for name, value in part("mean.").items()}
        for number, optimiser in enumerate(self.optimisers):
            states: dict[int, dict[str, Tensor]] = {}
            for name, value in part(f"optim.{number}.").items():
                index, _, key = name.partition(".")
                states.setdefault(int(index), {})[key] = value
            optimiser.load_state_dict({**optimiser.state_dict(), "state": states})
        self.step, self.best, self.losses = step, best, losses
