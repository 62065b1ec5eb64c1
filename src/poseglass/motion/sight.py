"""Where one camera sees a person: a 3D pose fits its 2D joints at one place only."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

__all__ = ["Sight"]

BODY = 1.6  # metres: the size that errors of 2D joints are relative to
SIGMA = 0.012  # standard deviation of a 2D joint and of the pose behind it, as a share of the body's size
TOGETHER = 4.0  # this many joints count as one, because their errors are correlated
CAUCHY = 2.5  # residuals beyond this many standard deviations lose weight
NEAREST = 0.3  # metres: nobody is nearer to the camera
BLOCK = 4096  # frames whose residuals are computed together: those of a long motion would fill the memory


@dataclass(frozen=True, eq=False)
class Sight:
    """Poses relative to the pelvis, and the lines of sight to their joints.

    A joint at ``point + root`` projects to ``flat`` if ``x + X = u (z + Z)`` and ``y + Y = v (z + Z)``, which is linear
    in the root (X, Y, Z).

    Args:
        points: Joints relative to the pelvis in the camera's axes, metres (f j 3).
        flat: Their places in the image, relative to its centre and divided by the focal length (f j 2).
        weights: Confidence of each joint (f j); 0 if unknown.
    """

    points: Float[ndarray, "f j 3"]
    flat: Float[ndarray, "f j 2"]
    weights: Float[ndarray, "f j"]

    def __len__(self) -> int:
        return len(self.points)

    @property
    def visible(self) -> ndarray:
        """Whether enough joints of the frame are known to place the person (f)."""
        enough: ndarray = (self.weights > 0).sum(1) >= 4
        return enough

    def framewise(self) -> Float[ndarray, "f 3"]:
        """The least-squares root of each frame by itself, NaN where the person is not visible."""
        information, vector = self._sums(self.weights)
        spread = np.linalg.eigvalsh(information)
        fits = self.visible & (spread[:, 0] > 1e-9 * spread[:, 2])
        information[~fits] = np.eye(3)
        root = np.linalg.solve(information, vector[..., None])[..., 0]
        return np.where(fits[:, None], root, np.nan)

    def robust(self, root: Float[ndarray, "f 3"]) -> tuple[Float[ndarray, "f 3 3"], Float[ndarray, "f 3"]]:
        """Information matrices and vectors of the root, with Cauchy weights by the residuals at a given root."""
        information, vector = np.empty((len(self), 3, 3)), np.empty((len(self), 3))
        for start in range(0, len(self), BLOCK):
            block = slice(start, start + BLOCK)
            part = Sight(self.points[block], self.flat[block], self.weights[block])
            information[block], vector[block] = part._sums(part._robust_weights(root[block]))
        return information, vector

    def _robust_weights(self, root: Float[ndarray, "f 3"]) -> Float[ndarray, "f j"]:
        depth = np.maximum(root[:, 2:], NEAREST)
        places = self.points + root[:, None]
        residuals = places[..., :2] / np.maximum(places[..., 2:], NEAREST / 3) - self.flat
        sigma = SIGMA * BODY / depth  # f 1
        share = 1 + (np.linalg.norm(residuals, axis=-1) / sigma / CAUCHY) ** 2
        weights: ndarray = self.weights / share / (sigma * depth) ** 2 / TOGETHER
        return weights

    def _sums(self, weights: Float[ndarray, "f j"]) -> tuple[Float[ndarray, "f 3 3"], Float[ndarray, "f 3"]]:
        u, v = self.flat[..., 0], self.flat[..., 1]
        x, y, z = np.moveaxis(self.points, -1, 0)
        right, down = weights * (u * z - x), weights * (v * z - y)
        information = np.zeros((len(self), 3, 3))
        information[:, 0, 0] = information[:, 1, 1] = weights.sum(1)
        information[:, 0, 2] = information[:, 2, 0] = -(weights * u).sum(1)
        information[:, 1, 2] = information[:, 2, 1] = -(weights * v).sum(1)
        information[:, 2, 2] = (weights * (u * u + v * v)).sum(1)
        return information, np.stack([right.sum(1), down.sum(1), -(u * right + v * down).sum(1)], -1)
