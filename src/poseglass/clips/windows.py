"""Cut a sequence into clips, and stitch clips back into a sequence.

:func:`stitch` is the inverse of :func:`cut`. Training, evaluation and lifting all use this file.
"""

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray

__all__ = ["blend_weights", "cut", "padding", "seq2frame_starts", "seq2seq_starts", "starts", "stitch"]


def starts(frames: int, clip: int, stride: int) -> Int[ndarray, " b"]:
    """The first frames (b) of clips that cover a sequence, `stride` frames apart except for the last.

    A sequence shorter than a clip has one clip, which starts at 0.

    Args:
        frames: Frames of the sequence.
        clip: Frames of a clip.
        stride: Frames from one clip to the next.

    Example:
        >>> starts(12, 9, 2).tolist()
        [0, 2, 3]
    """
    last = max(frames - clip, 0)
    return np.append(np.arange(0, last, stride), last)


def seq2seq_starts(frames: int, clip: int, stride: int | None = None) -> Int[ndarray, " b"]:
    """The first frames (b) of seq2seq clips as the field cuts them: padding is divided between both ends.

    The first clip may therefore start before frame 0, and the last may end after the last frame; :func:`padding` marks
    those frames. The field trains and evaluates on Human3.6M this way (Pavllo et al. 2019).

    Args:
        frames: Frames of the sequence.
        clip: Frames of a clip.
        stride: Frames from one clip to the next; `clip` if None, so that every frame is in one clip.

    Example:
        >>> seq2seq_starts(12, 9).tolist()
        [-3, 6]
    """
    stride = clip if stride is None else stride
    count = 1 + max(-(-(frames - clip) // stride), 0)
    missing = clip + (count - 1) * stride - frames
    return stride * np.arange(count) - missing // 2


def seq2frame_starts(frames: int, clip: int, stride: int = 1) -> Int[ndarray, " b"]:
    """The first frames (b) of seq2frame clips: their centres, frame `clip` // 2, are every `stride`-th frame.

    Args:
        frames: Frames of the sequence.
        clip: Frames of a clip.
        stride: Frames from one centre to the next.

    Example:
        >>> seq2frame_starts(4, 9).tolist()
        [-4, -3, -2, -1]
    """
    return np.arange(0, frames, stride) - clip // 2


def padding(starts: Int[ndarray, " b"], clip: int, frames: int) -> Bool[ndarray, "b f"]:
    """Which frames of clips (b f) lie outside the sequence, where its first or last frame is repeated.

    Published figures of seq2seq models count them. Ours count them only with ``counting="published"``
    (:class:`poseglass.judging.protocol.Protocol`).

    Args:
        starts: Where the clips start (b).
        clip: Frames of a clip.
        frames: Frames of the sequence.

    Example:
        >>> padding(seq2seq_starts(12, 9), 9, 12).sum(1).tolist()
        [3, 3]
    """
    places = starts[:, None] + np.arange(clip)
    return (places < 0) | (places >= frames)


def cut(x: Shaped[ndarray, "_ ..."], clip: int, starts: Int[ndarray, " b"]) -> Shaped[ndarray, "b f ..."]:
    """Cut a sequence into clips (b f ...). Beyond its ends, the first or last frame is repeated.

    Args:
        x: The sequence, frames first.
        clip: Frames of a clip.
        starts: Where the clips start (b).

    Example:
        >>> cut(np.arange(4), 3, np.array([-1, 2])).tolist()
        [[0, 0, 1], [2, 3, 3]]
    """
    return x[np.clip(starts[:, None] + np.arange(clip), 0, len(x) - 1)]


def blend_weights(clip: int, overlap: int) -> Float[ndarray, " f"]:
    """The weight of each frame of a clip (f). It falls smoothly over `overlap` frames towards each end, never to 0.

    Example:
        >>> blend_weights(5, 1).round(2).tolist()
        [0.5, 1.0, 1.0, 1.0, 0.5]
    """
    ramp = np.minimum(np.arange(1, clip + 1), np.arange(clip, 0, -1)) / (overlap + 1)
    return np.sin(np.pi / 2 * np.clip(ramp, 0, 1)) ** 2


def stitch(
    clips: Float[ndarray, "b f ..."], starts: Int[ndarray, " b"], frames: int, weights: Float[ndarray, " f"]
) -> Float[ndarray, "_ ..."]:
    """Stitch clips into a sequence, without their padding. Where they overlap, it is their weighted mean.

    Args:
        clips: The clips (b f ...). Together they must cover the sequence.
        starts: Where the clips start (b).
        frames: Frames of the sequence.
        weights: The weight of each frame of a clip (f), such as :func:`blend_weights`.

    Example:
        >>> places = starts(12, 9, 2)
        >>> stitch(cut(np.arange(12.0), 9, places), places, 12, blend_weights(9, 7)).round(9).tolist()[-2:]
        [10.0, 11.0]
    """
    total = np.zeros((frames, *clips.shape[2:]))
    weight = np.zeros((frames, *(1,) * (clips.ndim - 2)))
    for start, clip in zip(starts, clips, strict=True):
        first, end = max(start, 0), min(start + clips.shape[1], frames)
        share = weights[first - start : end - start].reshape(-1, *(1,) * (clips.ndim - 2))
        total[first:end] += share * clip[first - start : end - start]
        weight[first:end] += share
    return total / weight
