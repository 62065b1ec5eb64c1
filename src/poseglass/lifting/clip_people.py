"""`ClipPeople`: everybody in a video, tracked while it is detected; who is the most prominent is known at its end."""

from collections.abc import Iterable, Iterator

from poseglass.body.pose import PoseSequence
from poseglass.lifting.skipped import filled
from poseglass.lifting.stream import Crowd, Film
from poseglass.people.tracks import Tracks

__all__ = ["ClipPeople"]


class ClipPeople:
    """The people of a video. Their 2D poses are kept, about 1.5 MB per person and minute.

    Args:
        film: What all frames share.

    Attributes:
        times: The time of each frame so far, in seconds.
        followed: The number of the person whom :meth:`follow` follows; None until somebody is detected.
    """

    def __init__(self, film: Film) -> None:
        self.times: list[float] = []
        self.followed: int | None = None
        self._film, self._tracks = film, Tracks(film.size)
        self._skipped: list[bool] = []

    def add(self, crowds: Iterable[Crowd]) -> None:
        """Add the next frames."""
        for crowd in crowds:
            if crowd.people is not None:
                self._tracks.add(len(self.times), crowd.seconds, crowd.people)
            self.times.append(crowd.seconds)
            self._skipped.append(crowd.people is None)

    def ranked(self) -> list[int]:
        """The numbers of all people so far, the most prominent first; empty if nobody was detected."""
        return self._tracks.numbers()

    def poses(self, number: int | None, first: int = 0) -> PoseSequence:
        """The 2D poses of a person from a frame on, one row per frame; all invalid if the number is None."""
        person = {} if number is None else self._tracks.person(number)
        start = first
        while start < len(self.times) and self._skipped[start]:  # then the detection before it is needed, too
            start -= 1
        rows = [person.get(t) for t in range(start, len(self.times))]
        rows = filled(self.times[start:], rows, self._skipped[start:])
        return self._film.poses(self.times[first:], rows[first - start :])

    def follow(self, chunks: Iterable[list[Crowd]]) -> Iterator[PoseSequence]:
        """Add chunk by chunk, and yield the 2D poses of the person `followed` in each.

        It is the most prominent person of the first frames that show anybody, who may not be that of the whole clip.
        """
        for chunk in chunks:
            first = len(self.times)
            self.add(chunk)
            if self.followed is None:
                self.followed = next(iter(self.ranked()), None)
            yield self.poses(self.followed, first)
