"""The radius around a lifted joint that holds the true position with 90 % probability.

For each joint, the logarithm of the radius is a linear function of a few signs of difficulty that a lifted motion shows
(:data:`SIGNS`). The coefficients come from quantile regression of the errors of given weights on validation takes
(:mod:`poseglass.judging.calibration`) and stand beside those weights, in ``uncertainty.json``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import H36M_17
from poseglass.errors import WeightsError
from poseglass.files.plain_text import parse_json, to_json
from poseglass.files.writing import writing

__all__ = ["SIGNS", "UncertaintyModel", "kind_of", "signs"]

SIGNS = ("missing", "acceleration", "foreshortening", "depth", "reach", "bone length", "disagreement")
"""The signs of difficulty of a joint, in the order of the coefficients:

- missing: 1 minus its score, averaged over 0.3 s;
- acceleration: logarithm of 1 plus its acceleration in m/s^2, averaged over 0.3 s;
- foreshortening: the share of the bone to its parent that points along the line of sight;
- depth: its distance from the pelvis in metres along the line of sight;
- reach: its distance from the pelvis in metres;
- bone length: how far that bone is from its median length, as the logarithm of the ratio;
- disagreement: between the lifted pose and the 2D pose, logarithm of 1 plus the distance in units of 3 cm, averaged
  over 0.3 s.
"""
NEARBY = 0.3  # seconds
ACCELERATION_SECONDS = 1 / 15  # seconds before and after a frame from which its acceleration is computed
LONGEST_GAP = 1.0
"""Seconds from the nearest detection beyond which the radius is unknown. The fitted data have no longer gaps."""
DISAGREEMENT_UNIT, FARTHEST = 0.03, 10.0  # metres
LARGEST = 1.0  # metres: the largest radius
FORMAT = "poseglass uncertainty 1"


@dataclass(frozen=True, eq=False)
class UncertaintyModel:
    """The calibration of one set of weights.

    Args:
        coefficients: For each kind of joint, such as ``"knee"``, the constant and the factor of each sign, in the
            logarithm of metres.
        weights: The SHA-256 of the weights' file.
        coverage: Shares of true positions within the radius, as measured on takes that the fit did not see.
        tensors: A digest of the loaded weights, which shows later whether they have changed. It is not saved.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> model = UncertaintyModel({"knee": np.array([np.log(0.1), 1, 0, 0, 0, 0, 0, 0])})
        >>> walk = pg.PoseSequence(np.ones((9, 17, 3)), pg.H36M_17, "camera", scores=np.full((9, 17), 0.5))
        >>> round(float(model.radius(walk)[4, 2]), 3)  # exp(0.5) times 0.1 m
        0.165
    """

    coefficients: Mapping[str, Float[ndarray, " n"]]
    weights: str = ""
    coverage: Mapping[str, Any] = field(default_factory=dict)
    tensors: str = ""

    def radius(self, motion: PoseSequence) -> Float[ndarray, "f j"]:
        """The radius around each joint in metres (f j), relative to the pelvis, whose own is 0.

        NaN where the nearest detection is more than a second away, and for joints without coefficients.

        Args:
            motion: A lifted motion, as :meth:`poseglass.Lifter.lift` returns it.
        """
        values = np.concatenate([np.ones((*motion.points.shape[:2], 1)), signs(motion)], -1)  # f j n
        result = np.full(motion.points.shape[:2], np.nan)
        for number, joint in enumerate(motion.skeleton.joints):
            if (row := self.coefficients.get(kind_of(joint))) is not None:
                result[:, number] = np.exp(values[:, number] @ row).clip(max=LARGEST)
            elif joint == motion.skeleton.root:
                result[:, number] = 0
        result[~_near_detection(motion)] = np.nan
        return result

    def save(self, path: str | PathLike[str]) -> None:
        """Write ``uncertainty.json``."""
        record = {
            "format": FORMAT,
            "note": "radii that hold 90 % of joints; refit with benchmarks/uncertainty.py",
            "weights": self.weights,
            "coverage": dict(self.coverage),
            "signs": list(SIGNS),
            "coefficients": {kind: [round(float(x), 4) for x in row] for kind, row in self.coefficients.items()},
        }
        with writing(path, WeightsError) as temporary:
            temporary.write_text(to_json(record, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: str | PathLike[str]) -> "UncertaintyModel":
        """Read a file that :meth:`save` wrote.

        Raises:
            WeightsError: The file is missing, damaged or of another format.
        """
        try:
            record = parse_json(Path(path).read_text(encoding="utf-8"))
            if record["format"] != FORMAT or tuple(record["signs"]) != SIGNS:
                raise ValueError(f"expected the format {FORMAT!r} with the signs {', '.join(SIGNS)}")
            rows = {str(kind): np.array(row, float) for kind, row in record["coefficients"].items()}
            if any(row.shape != (1 + len(SIGNS),) or not np.isfinite(row).all() for row in rows.values()):
                raise ValueError(f"expected {1 + len(SIGNS)} finite coefficients per kind of joint")
            return cls(rows, str(record["weights"]), record["coverage"])
        except (OSError, AttributeError, KeyError, TypeError, ValueError) as problem:
            raise WeightsError(f"{path} is not a calibration of uncertainty: {problem}") from None


def kind_of(joint: str) -> str:
    """A joint without its side: the left and the right share their coefficients.

    Example:
        >>> kind_of("left_knee"), kind_of("thorax")
        ('knee', 'thorax')
    """
    return joint.removeprefix("left_").removeprefix("right_")


def signs(motion: PoseSequence) -> Float[ndarray, "f j n"]:
    """The :data:`SIGNS` of each joint in each frame, (f j n). They do not depend on the frame rate.

    Args:
        motion: A lifted motion of Human3.6M's joints. Without `pose2d`, disagreement is 0.
    """
    points = motion.points.astype(float)
    frames, joints, _ = points.shape
    bones, ratios = np.zeros((2, frames, joints))
    for child, parent in enumerate(motion.skeleton.parents):
        if parent >= 0 and frames:
            bone = points[:, child] - points[:, parent]
            length = np.maximum(np.linalg.norm(bone, axis=-1), 1e-3)
            bones[:, child] = np.abs(bone[:, 2]) / length
            ratios[:, child] = np.abs(np.log(length / np.median(length)))
    nearby = [
        _nearby(1 - motion.confidence, motion.rate),
        np.log1p(_nearby(_acceleration(points, motion.rate), motion.rate)),
        np.log1p(_nearby(_disagreement(motion), motion.rate) / DISAGREEMENT_UNIT),
    ]
    columns = [*nearby[:2], bones, np.abs(points[..., 2]), np.linalg.norm(points, axis=-1), ratios, nearby[2]]
    return np.stack(columns, -1)


def _acceleration(points: Float[ndarray, "f j 3"], rate: float) -> Float[ndarray, "f j"]:
    """The size of each joint's acceleration in m/s^2. Beyond its ends, the motion stands still."""
    step = max(round(rate * ACCELERATION_SECONDS), 1)
    if not len(points):
        return np.zeros(points.shape[:2])
    longer = np.pad(points, ((step, step), (0, 0), (0, 0)), mode="edge")
    second = longer[2 * step :] - 2 * points + longer[: -2 * step]
    size: ndarray = np.linalg.norm(second, axis=-1) * (rate / step) ** 2
    return size


def _disagreement(motion: PoseSequence) -> Float[ndarray, "f j"]:
    """The distance of each joint from its 2D position in metres, after fitting scale and place in each frame."""
    points = motion.points.astype(float)
    if motion.pose2d is None or not len(points):
        return np.zeros(points.shape[:2])
    pose2d = motion.pose2d.to_skeleton(H36M_17)
    weight = np.where(pose2d.confidence > 0, pose2d.confidence, 0)[..., None].astype(float)  # f j 1
    pixels = np.where(weight > 0, pose2d.points, 0)
    total = np.maximum(weight.sum(1, keepdims=True), 1e-6)
    flat = points[..., :2] - (weight * points[..., :2]).sum(1, keepdims=True) / total
    pixels = pixels - (weight * pixels).sum(1, keepdims=True) / total
    scale = (weight * flat * pixels).sum((1, 2)) / np.maximum((weight * flat**2).sum((1, 2)), 1e-6)
    scale = np.maximum(scale, 1e-6)[:, None]  # pixels per metre, f 1
    distance = np.linalg.norm(pixels - scale[..., None] * flat, axis=-1) / scale
    return np.where(weight[..., 0] > 0, distance, 0).clip(max=FARTHEST)


def _nearby(values: Float[ndarray, "f j"], rate: float) -> Float[ndarray, "f j"]:
    """The mean over a third of a second around each frame. The ends are repeated."""
    from scipy.ndimage import uniform_filter1d

    window = 2 * int(NEARBY * rate / 2 + 1e-3) + 1
    return np.asarray(uniform_filter1d(values.astype(float), window, axis=0, mode="nearest")) if len(values) else values


def _near_detection(motion: PoseSequence) -> ndarray:
    """Whether each frame is within a second of a frame with a detected joint, (f)."""
    times = motion.times
    detected = times[(motion.confidence > 0).any(-1)]
    if not len(detected):
        return np.zeros(len(times), bool)
    after = np.searchsorted(detected, times).clip(max=len(detected) - 1)
    before = np.maximum(after - 1, 0)
    gap = np.minimum(np.abs(detected[after] - times), np.abs(times - detected[before]))
    near: ndarray = gap <= LONGEST_GAP + 1e-6
    return near
