"""Means over the frames that count: each metric as a value a frame, pooled by group in float64."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.judging.metrics import AUC_THRESHOLDS, PCK_THRESHOLD, SCORED_3DHP, joint_errors

__all__ = ["HUMAN36M", "MPI_INF_3DHP", "Metric", "Tally"]

_Poses = Float[ndarray, "b f j 3"]


@dataclass(frozen=True)
class Metric:
    """A metric as a value of each frame, or of each two or three that follow each other.

    Attributes:
        name: As it is printed.
        unit: Of its values.
        values: Predicted poses and the truth (b f j 3) to values (b f - order).
        order: Of the differences in time that it compares.
    """

    name: str
    unit: str
    values: Callable[[_Poses, _Poses], Float[ndarray, "b g"]]
    order: int = 0


def _error(predicted: _Poses, target: _Poses, **how: object) -> Float[ndarray, "b g"]:
    errors: ndarray = joint_errors(predicted, target, **how).mean(-1)  # type: ignore[arg-type]
    return errors


def _correct(predicted: _Poses, target: _Poses, thresholds: Sequence[float]) -> Float[ndarray, "b f"]:
    """Percentage of the frame's 14 scored joints below the thresholds, on average; of what is no number, NaN."""
    errors = joint_errors(predicted, target)[..., list(SCORED_3DHP)]
    below = np.mean([(errors < threshold).mean(-1) for threshold in thresholds], axis=0)
    return np.where(np.isfinite(errors).all(-1), 100 * below, np.nan)


HUMAN36M = (
    Metric("MPJPE", "mm", _error),
    Metric("P-MPJPE", "mm", partial(_error, align_by="similarity")),
    Metric("N-MPJPE", "mm", partial(_error, align_by="scale")),
    Metric("MPJVE", "mm/frame", partial(_error, order=1), order=1),
    Metric("acceleration", "mm/frame^2", partial(_error, order=2), order=2),
)
MPI_INF_3DHP = (
    Metric("MPJPE", "mm", _error),
    Metric("PCK", "%", partial(_correct, thresholds=[PCK_THRESHOLD])),
    Metric("AUC", "%", partial(_correct, thresholds=AUC_THRESHOLDS)),
)


class Tally:
    """Sums of metrics over frames, by group.

    Args:
        metrics: Which.
        joints: How many joints a pose has.

    Example:
        >>> tally = Tally(HUMAN36M, joints=17)
        >>> truth = np.zeros((1, 5, 17, 3))
        >>> tally.add(truth + [0.003, 0, 0], truth, {"Walking": np.ones((1, 5), bool)})
        >>> tally.means("Walking")["MPJPE"], tally.frames("Walking")
        (3.0, 5)
    """

    def __init__(self, metrics: Sequence[Metric], *, joints: int) -> None:
        self.metrics = tuple(metrics)
        self._sums: dict[str, ndarray] = {}  # of a group, for each metric the sum and how many values there are in it
        self._joints = np.zeros((2, joints))

    def add(self, predicted: _Poses, target: _Poses, groups: Mapping[str, Bool[ndarray, "b f"]]) -> None:
        """Add stretches of frames, each on its own: no velocity is between one and the next.

        Args:
            predicted: Poses relative to their root, metres (b f j 3).
            target: The truth (b f j 3).
            groups: Which frames count for which group (b f). A velocity counts where both of its frames do, an
                acceleration where all three do.
        """
        frames = target.shape[1]
        of = [metric.values(predicted, target) if metric.order < frames else None for metric in self.metrics]
        anywhere = np.zeros(target.shape[:2], bool)
        for group, counts in groups.items():
            anywhere |= counts
            sums = self._sums.setdefault(group, np.zeros((len(self.metrics), 2)))
            for row, (metric, values) in enumerate(zip(self.metrics, of, strict=True)):
                if values is not None:
                    some = np.lib.stride_tricks.sliding_window_view(counts, metric.order + 1, axis=1).all(-1)
                    sums[row] += values[some].sum(), some.sum()
        errors = joint_errors(predicted, target)[anywhere]
        self._joints[0] += errors.sum(0)
        self._joints[1] += len(errors)

    def __contains__(self, group: object) -> bool:
        return group in self._sums

    def frames(self, group: str) -> int:
        """How many frames count."""
        return int(self._sums[group][0, 1])

    def means(self, group: str) -> dict[str, float]:
        """The mean of each metric, NaN where there is nothing that it could be measured on."""
        return {
            metric.name: float(total / count) if count else float("nan")
            for metric, (total, count) in zip(self.metrics, self._sums[group], strict=True)
        }

    def by_joint(self) -> list[float]:
        """The mean error of each joint in mm over all frames that count."""
        total, count = self._joints
        return [float(value) for value in total / np.maximum(count, 1)]
