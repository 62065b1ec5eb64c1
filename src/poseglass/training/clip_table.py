"""The clips of a set of recordings, as two numbers per clip, without poses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from poseglass.clips.windows import seq2frame_starts, seq2seq_starts

__all__ = ["ClipTable"]


@final
@dataclass(frozen=True, eq=False)
class ClipTable:
    """The clips of a set of recordings.

    Args:
        frames: Frames per clip.
        recording: The number of each clip's recording (b).
        start: The recording's frame at which each clip starts (b). It may lie before the first frame.

    Example:
        >>> table = ClipTable.cut([np.ones(12, bool)], 9, 9, by="seq2seq", valid="all")
        >>> len(table), table.start.tolist()
        (2, [-3, 6])
    """

    frames: int
    recording: Int[ndarray, " b"]
    start: Int[ndarray, " b"]

    def __len__(self) -> int:
        return len(self.start)

    @classmethod
    def cut(
        cls,
        recordings: Sequence[Bool[ndarray, " _"]],
        frames: int,
        stride: int,
        *,
        by: Literal["seq2seq", "seq2frame"],
        valid: Literal["all", "centre", "any"],
    ) -> "ClipTable":
        """Cut recordings into clips.

        Args:
            recordings: For each recording, whether each frame is valid (f).
            frames: Frames per clip.
            stride: Frames from one clip to the next.
            by: Cut clips for models that predict all frames, or clips around centre frames
                (:mod:`poseglass.clips.windows`).
            valid: Which frames of a clip must be valid. Other clips are left out.
        """
        recording, start = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
        for number, frame_valid in enumerate(recordings):
            starts = (seq2seq_starts if by == "seq2seq" else seq2frame_starts)(len(frame_valid), frames, stride)
            valid_before = np.append(0, np.cumsum(frame_valid))  # number of valid frames before each frame
            first, end = (np.clip(places, 0, len(frame_valid)) for places in (starts, starts + frames))
            count = valid_before[end] - valid_before[first]
            usable = {
                "all": count == end - first,
                "any": count > 0,
                "centre": frame_valid[np.clip(starts + frames // 2, 0, len(frame_valid) - 1)],
            }[valid]
            # If the stride is longer than a clip, a clip may lie wholly outside the recording.
            starts = starts[usable & (end > first)]
            recording.append(np.full(len(starts), number, np.int32))
            start.append(starts.astype(np.int32))
        return cls(frames, np.concatenate(recording), np.concatenate(start))
