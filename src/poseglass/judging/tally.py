"""Running means of metrics by group, over the frames that count, in float64."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.judging.metrics import Metric, joint_errors

__all__ = ["Tally"]

_Poses = Float[ndarray, "b f j 3"]


class Tally:
    """Sums of metrics over frames, by group.

    Args:
        metrics: The metrics to measure, by name.
        joints: The number of joints of a pose.

    Example:
        >>> from poseglass.judging.metrics import metrics_for
        >>> tally = Tally(metrics_for("recordings"), joints=17)
        >>> truth = np.zeros((1, 5, 17, 3))
        >>> tally.add(truth + [0.003, 0, 0], truth, {"Walking": np.ones((1, 5), bool)})
        >>> tally.means("Walking")["MPJPE"], tally.frames("Walking")
        (3.0, 5)
    """

    def __init__(self, metrics: Mapping[str, Metric], *, joints: int) -> None:
        self.metrics = dict(metrics)
        self._sums: dict[str, ndarray] = {}  # per group and metric: the sum, and the number of values in it
        self._frames: dict[str, int] = {}
        self._joints = np.zeros((2, joints))

    def add(self, predicted: _Poses, target: _Poses, groups: Mapping[str, Bool[ndarray, "b f"]]) -> None:
        """Add batches of consecutive frames. They are independent: no velocity spans two of them.

        Args:
            predicted: Root-relative poses in metres (b f j 3).
            target: The true poses (b f j 3).
            groups: For each group, the frames that count (b f). A velocity counts if both of its frames do, an
                acceleration if all three do.
        """
        frames = target.shape[1]
        values = [
            metric.values(predicted, target) if metric.order < frames else None for metric in self.metrics.values()
        ]
        anywhere = np.zeros(target.shape[:2], bool)
        for group, counts in groups.items():
            anywhere |= counts
            self._frames[group] = self._frames.get(group, 0) + int(counts.sum())
            sums = self._sums.setdefault(group, np.zeros((len(self.metrics), 2)))
            for number, metric in enumerate(self.metrics.values()):
                if (each := values[number]) is not None:
                    complete = np.lib.stride_tricks.sliding_window_view(counts, metric.order + 1, axis=1).all(-1)
                    sums[number] += each[complete].sum(), complete.sum()
        errors = joint_errors(predicted, target)[anywhere]
        self._joints[0] += errors.sum(0)
        self._joints[1] += len(errors)

    def __contains__(self, group: object) -> bool:
        return group in self._sums

    def frames(self, group: str) -> int:
        """The number of frames that count for a group."""
        return self._frames[group]

    def means(self, group: str) -> dict[str, float]:
        """The mean of each metric by name; NaN if no frame of the group could be measured."""
        return {
            name: float(total / count) if count else float("nan")
            for name, (total, count) in zip(self.metrics, self._sums[group], strict=True)
        }

    def by_joint(self) -> list[float]:
        """The mean error of each joint in mm over all frames that count; NaN if none does."""
        total, count = self._joints
        return [float(value) for value in np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)]
