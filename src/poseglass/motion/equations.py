"""The least-squares problem of a path over time, which is banded, so an hour takes a second."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

__all__ = ["PathEquations"]

BAND = 8  # diagonals above the main one: positions couple over two frames, with three coordinates each


class PathEquations:
    """Normal equations of a path (f 3), summed up term by term and solved in time and memory linear in the frames.

    Args:
        times: Time of each frame in seconds, strictly increasing (f).

    Example:
        >>> equations = PathEquations(np.arange(5.0))
        >>> equations.add_positions(np.eye(3) * np.array([1, 0, 0, 0, 1])[:, None, None], np.arange(1, 6.0)[:, None])
        >>> equations.add_accelerations(np.ones((3, 3)))
        >>> equations.solve()[:, 0].round(6).tolist()
        [1.0, 2.0, 3.0, 4.0, 5.0]
    """

    def __init__(self, times: Float[ndarray, " f"]) -> None:
        frames = len(times)
        self._times = times
        # Couplings of each frame with itself, the next one, and the one after that.
        self._blocks = [np.zeros((max(frames - apart, 0), 3, 3)) for apart in range(3)]
        self._right = np.zeros((frames, 3))

    def add_positions(self, information: Float[ndarray, "f 3 3"], target: Float[ndarray, "f _"]) -> None:
        """Add ``(position - target)' information (position - target)`` for each frame.

        Args:
            information: Symmetric and positive semidefinite; 0 where nothing is known.
            target: Positions (f 3), or one coordinate for all three axes (f 1).
        """
        target = np.broadcast_to(target, self._right.shape)
        self.add_information(information, np.einsum("fab,fb->fa", information, target))

    def add_information(self, information: Float[ndarray, "f 3 3"], vector: Float[ndarray, "f 3"]) -> None:
        """Add ``position' information position - 2 vector' position`` for each frame."""
        self._blocks[0] += information
        self._right += vector

    def add_steps(self, information: Float[ndarray, "_ 3 3"], target: Float[ndarray, "_ 3"]) -> None:
        """Add terms on the step from each frame to the next, in metres.

        Args:
            information: One matrix per step (f - 1).
            target: The expected steps (f - 1).
        """
        pull = np.einsum("fab,fb->fa", information, target)
        self._blocks[0][:-1] += information
        self._blocks[0][1:] += information
        self._blocks[1] -= information
        self._right[1:] += pull
        self._right[:-1] -= pull

    def add_accelerations(self, weights: Float[ndarray, "_ 3"], target: Float[ndarray, "_ 3"] | None = None) -> None:
        """Add terms on the acceleration at each frame but the first and the last, in metres per second squared.

        Args:
            weights: One per frame and axis (f - 2).
            target: The expected accelerations (f - 2). Default: 0.
        """
        if len(self._times) < 3:
            return
        before, after = np.diff(self._times)[:-1], np.diff(self._times)[1:]
        share = 2 / (before + after)
        factors = (share / before, -share * (1 / before + 1 / after), share / after)
        count = len(before)
        axes = np.arange(3)
        for one, first in enumerate(factors):
            if target is not None:
                self._right[one : one + count] += first[:, None] * weights * target
            for other in range(one, 3):
                values = (first * factors[other])[:, None] * weights
                self._blocks[other - one][one : one + count, axes, axes] += values

    def solve(self) -> Float[ndarray, "f 3"]:
        """The path with the least sum of all terms.

        Raises:
            numpy.linalg.LinAlgError: The terms do not determine every position.
        """
        from scipy.linalg import solveh_banded

        frames = len(self._times)
        if not frames:
            return np.zeros((0, 3))
        band = np.zeros((BAND + 1, 3 * frames))  # scipy's upper form
        for apart, blocks in enumerate(self._blocks):
            for row in range(3):
                for column in range(3):
                    above = 3 * apart + column - row
                    if above >= 0 and len(blocks):
                        band[BAND - above, 3 * apart + column :: 3] = blocks[:, row, column]
        size = min(BAND, 3 * frames - 1)
        path: ndarray = solveh_banded(band[BAND - size :], self._right.reshape(-1), check_finite=False)
        return path.reshape(frames, 3)
