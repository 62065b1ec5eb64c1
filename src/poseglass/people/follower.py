"""`Follower`: follows one person through frames that come one by one, in bounded memory."""

from collections.abc import Sequence

import numpy as np

from poseglass.people.detection import DetectedPerson, strength
from poseglass.people.tracker import Tracker

__all__ = ["Follower"]


class Follower:
    """Follows one person in a stream, whose end is unknown.

    It starts with the most prominent person in sight (large, with high scores) and stays with them, as long as
    :class:`poseglass.people.tracker.Tracker` remembers them: for three seconds out of sight. Then it starts again.

    Args:
        size: Width and height of the image, if known.

    Example:
        >>> left, right = (DetectedPerson(np.array([[x, 0.0], [x + 50, 100]]), np.ones(2)) for x in (0, 400))
        >>> follower = Follower()
        >>> [follower.choose(n / 30, people) for n, people in enumerate(([left], [right, left], [left, right]))]
        [0, 1, 0]
    """

    def __init__(self, size: tuple[int, int] | None = None) -> None:
        self._tracker = Tracker(size)
        self._followed: int | None = None

    @property
    def people(self) -> int:
        """The number of people so far."""
        return self._tracker.people

    @property
    def followed(self) -> int | None:
        """The tracker's number of the followed person; None while nobody is followed."""
        return self._followed

    def choose(self, seconds: float, people: Sequence[DetectedPerson]) -> int | None:
        """The index of the followed person in the next frame; None if they are out of sight."""
        numbers = self._tracker.update(seconds, people)
        if self._followed not in self._tracker.remembered:
            self._followed = None
        if self._followed is None and any(number is not None for number in numbers):
            strengths = [
                strength(person) if number is not None else -np.inf
                for person, number in zip(people, numbers, strict=True)
            ]
            self._followed = numbers[int(np.argmax(strengths))]
        return numbers.index(self._followed) if self._followed in numbers and self._followed is not None else None
