"""Predictions of a model for batches with known poses, and their errors."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from poseglass._shapes import Pose2D, Pose3D
from poseglass.body.geometry import root_relative
from poseglass.clips.sample import Sample
from poseglass.judging.metrics import mpjpe, p_mpjpe
from poseglass.models import devices
from poseglass.training.transfer import transferred
from poseglass.waist.hourglass import Funnel, PoseModel
from poseglass.waist.select import take

__all__ = ["predictions_and_targets", "validation_errors"]

BATCH = 16  # clips per forward pass


def predictions_and_targets(
    model: PoseModel, pose2d: Pose2D, target: Pose3D, *, centre: bool
) -> tuple[Float[Tensor, "b _ j 3"], Float[Tensor, "b _ j 3"]]:
    """A model's poses for clips, and the true poses of the same frames, both (b k j 3).

    Args:
        model: A backbone or hourglass, which predicts all frames, or a funnel, which predicts those that it keeps.
        pose2d: Clips (b f j i).
        target: The clips' true poses (b f j 3).
        centre: Return the centre frame only; for a funnel, the frame that it always keeps.

    Example:
        >>> import torch, poseglass as pg
        >>> clips = torch.zeros(1, 27, 17, 2), torch.zeros(1, 27, 17, 3)
        >>> funnel = pg.funnel("mixste-tiny", keep=9, at=1)
        >>> [len(poses[0]) for poses in predictions_and_targets(funnel, *clips, centre=False)]
        [9, 9]
    """
    predicted: Tensor
    if isinstance(model, Funnel):
        trace = model.trace(pose2d)
        kept = trace.kept[max(trace.kept)]
        predicted, target = trace.pose3d, take(target, kept)  # b k j 3
        middle = (kept == model.always).int().argmax(1, keepdim=True)
    else:
        predicted = model(pose2d)
        middle = torch.full((target.shape[0], 1), target.shape[1] // 2, device=target.device)
    return (take(predicted, middle), take(target, middle)) if centre else (predicted, target)


def validation_errors(model: PoseModel, samples: Mapping[str, Sample], *, centre: bool) -> dict[str, float]:
    """MPJPE and P-MPJPE of root-relative poses in mm, as ``NAME_mpjpe`` and ``NAME_p_mpjpe`` for each sample.

    Args:
        model: A model in evaluation mode, on any device.
        samples: Validation batches by name. Frames that do not count are left out.
        centre: Count centre frames only, as for a funnel.
    """
    errors: dict[str, float] = {}
    for name, sample in samples.items():
        batch = transferred(sample, devices.device_of(model))
        clips = zip(batch.pose2d.split(BATCH), batch.pose3d.split(BATCH), strict=True)
        with torch.inference_mode():
            pairs = [predictions_and_targets(model, *clip, centre=centre) for clip in clips]
        predicted, target = (root_relative(torch.cat(poses)).cpu().numpy() for poses in zip(*pairs, strict=True))
        if sample.counts is not None and not centre:
            predicted, target = predicted[sample.counts], target[sample.counts]  # n j 3
        errors[f"{name}_mpjpe"] = mpjpe(predicted, target)
        errors[f"{name}_p_mpjpe"] = p_mpjpe(predicted, target)
    return errors
