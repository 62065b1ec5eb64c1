"""`LiftReport`: what was lifted, in numbers."""

from dataclasses import dataclass, replace

from poseglass.body.pose import PoseSequence

__all__ = ["LiftReport"]


@dataclass(frozen=True)
class LiftReport:
    """Counts of a lifted video or keypoint sequence. If several people were lifted, those of the most prominent one.

    Attributes:
        frames: Number of frames lifted.
        valid: Number of frames in which the person was detected.
        kept: Number of frames that the model kept in its middle layers.
        people: Number of people in the whole source; 1 for a `PoseSequence`.
        filled: Glitches of the 2D detector that were filled in, one for each joint and frame.
        engine: What ran the model, such as ``"torch"``.
        problem: What is wrong with the video, if anything.
    """

    frames: int = 0
    valid: int = 0
    kept: int = 0
    people: int = 0
    filled: int = 0
    engine: str = "torch"
    problem: str | None = None

    def plus(self, chunk: PoseSequence) -> "LiftReport":
        """The report with another chunk of motion added."""
        return replace(
            self,
            frames=self.frames + len(chunk),
            valid=self.valid + int(chunk.validity.sum()),
            kept=self.kept + (0 if chunk.kept is None else int(chunk.kept.sum())),
        )
