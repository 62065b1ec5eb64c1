"""`CausalPath`: the path of the pelvis in front of a camera, frame by frame, for live use."""

from collections import deque

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.motion.contact import ANKLES, still_feet
from poseglass.motion.root_path import ABSENT, ACCELERATION, FARTHEST, NEAREST, RATE, SLIPPING, STANDING
from poseglass.motion.sight import Sight

__all__ = ["CausalPath"]

ROUNDS = 3  # of reweighting: the prediction is near, so fewer than offline suffice
SPEED = 1.5  # sigma of the velocity at the start, metres per second
RESTING = 0.5  # seconds: time constant with which the velocity falls while the person is not visible
FEET, MOST = 0.25, 128  # seconds of joints that are held, to tell how fast the feet are, and frames at most
UNKNOWN = 5.0  # metres in front of the camera: where a person is taken to be before any frame places them
SURE = 1e-9  # information per metre squared that keeps the equations solvable


class CausalPath:
    """Where the pelvis is and which feet stand, from this frame and those before it.

    A Kalman filter of position and velocity. It has the same terms as the solve over a whole track
    (:func:`poseglass.motion.root_path.root_path`), with the same sigmas: lines of sight with Cauchy weights, a random
    acceleration, and standing feet that do not move. It differs in three ways: no later frame corrects it, contact
    comes from the speed of the ankles alone (:func:`poseglass.motion.contact.still_feet`), and flight is unknown.

    Example:
        >>> points = np.random.default_rng(0).normal(0, 0.5, (20, 17, 3))
        >>> places = points + [1.0, 0.5, 4.0]
        >>> path = CausalPath()
        >>> for n in range(20):
        ...     sight = Sight(points[n, None], (places[..., :2] / places[..., 2:])[n, None], np.ones((1, 17)))
        ...     root, contact = path.push(n / 30, sight)
        >>> root.round(2).tolist(), contact.shape
        ([1.0, 0.5, 4.0], (2,))
    """

    def __init__(self) -> None:
        self._time: float | None = None
        self._state = np.array([0, 0, UNKNOWN, 0, 0, 0])  # position, velocity
        self._covariance: Float[ndarray, "6 6"] = np.eye(6)
        self._placed = False  # whether a frame has placed the person
        self._contact = np.full(2, 0.5)
        self._places: deque[Float[ndarray, "17 3"]] = deque(maxlen=MOST)  # joints of the last frames

        self._times: deque[float] = deque(maxlen=MOST)
        self._feet = np.zeros((2, 3))  # relative to the pelvis, in the last frame

    def push(self, time: float, sight: Sight) -> tuple[Float[ndarray, " 3"], Float[ndarray, " 2"]]:
        """The pelvis in the camera's axes in metres, and the probabilities that the left and the right foot stand.

        Args:
            time: Seconds, later than before.
            sight: The pose of the next frame and its lines of sight, one frame.
        """
        elapsed = 0.0 if self._time is None else time - self._time
        visible, feet = bool(sight.visible[0]), sight.points[0, ANKLES]
        if not self._placed:
            self._start(sight)
        else:
            self._predict(elapsed, visible)
        if self._placed and visible:
            self._see(sight, min(elapsed * RATE, 1.0) if elapsed else 1.0)
            self._hold(feet, elapsed)
        self._state[2] = max(self._state[2], NEAREST)
        self._stand(time, sight.points[0] + self._state[:3])
        self._time, self._feet = time, feet
        return self._state[:3].copy(), self._contact.copy()

    def _start(self, sight: Sight) -> None:
        """Start where the first frame that shows the person places them."""
        own = sight.framewise()[0]
        if np.isfinite(own).all() and NEAREST < own[2] < FARTHEST:
            self._placed = True
            self._state = np.concatenate([own, np.zeros(3)])
            self._covariance = np.diag([UNKNOWN**2] * 3 + [SPEED**2] * 3)

    def _predict(self, elapsed: float, visible: bool) -> None:
        step = np.eye(6)
        rest = 1.0 if visible else float(np.exp(-elapsed / RESTING))
        step[:3, 3:], step[3:, 3:] = np.eye(3) * elapsed, np.eye(3) * rest
        spectrum = (ACCELERATION * RATE**2) ** 2 / RATE  # of the acceleration, m²/s³
        noise = np.array([[elapsed**3 / 3, elapsed**2 / 2], [elapsed**2 / 2, elapsed]]) * spectrum
        if not visible:
            noise[0, 0] += (ABSENT * RATE) ** 2 / RATE * elapsed
        self._state = step @ self._state
        self._covariance = step @ self._covariance @ step.T + np.kron(noise, np.eye(3))

    def _see(self, sight: Sight, weight: float) -> None:
        """Correct the prediction by the lines of sight."""
        prior = np.linalg.inv(self._covariance)
        state = self._state
        for _ in range(ROUNDS):
            information, vector = sight.robust(state[None, :3])
            posterior = prior + SURE * np.eye(6)
            posterior[:3, :3] += information[0] * weight
            right = prior @ self._state
            right[:3] += vector[0] * weight
            state = np.linalg.solve(posterior, right)
        self._state, self._covariance = state, np.linalg.inv(posterior)

    def _hold(self, feet: Float[ndarray, "2 3"], elapsed: float) -> None:
        """Correct the velocity by the feet that stood in the last frame: the pelvis moves against them."""
        if not elapsed:
            return
        frames, sigma = elapsed * RATE, STANDING * RATE
        for foot in range(2):
            still = (self._feet[foot] - feet[foot]) / elapsed
            slip = float(np.linalg.norm(self._state[3:] - still)) / sigma
            weight = self._contact[foot] ** 2 * frames / sigma**2 / (1 + (slip / SLIPPING) ** 2)
            if weight > SURE:
                gain = self._covariance[:, 3:] @ np.linalg.inv(self._covariance[3:, 3:] + np.eye(3) / weight)
                self._state = self._state + gain @ (still - self._state[3:])
                self._covariance = self._covariance - gain @ self._covariance[3:]

    def _stand(self, time: float, places: Float[ndarray, "17 3"]) -> None:
        """Tell which feet stand from how fast they have been."""
        self._places.append(places)
        self._times.append(time)
        while len(self._times) > 2 and self._times[1] <= time - FEET:
            self._places.popleft()
            self._times.popleft()
        self._contact = still_feet(np.stack(self._places), np.array(self._times))[-1]
