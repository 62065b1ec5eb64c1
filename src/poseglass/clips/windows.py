"""What a model sees of a sequence: gaps filled, measured in body sizes, cut into clips; and clips stitched back.

`cut` and `stitch` are each other's inverse. Training and inference both come through here.
"""

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray

__all__ = ["blend_weights", "cut", "padding", "seq2frame_starts", "seq2seq_starts", "starts", "stitch"]


def starts(frames: int, clip: int, stride: int) -> Int[ndarray, " n"]:
    """Where clips of `clip` frames begin so that they cover `frames` frames, `stride` apart but for the last.

    A sequence shorter than a clip has one clip, which begins at 0.
    """
    last = max(frames - clip, 0)
    return np.append(np.arange(0, last, stride), last)


def seq2seq_starts(frames: int, clip: int, stride: int | None = None) -> Int[ndarray, " n"]:
    """Where the field's clips begin that answer for all of their frames: what they lack is shared by both ends.

    So the first may begin before frame 0, and the last may end past the last frame; :func:`padding` says which frames
    those are. Human3.6M is evaluated so, and trained (Pavllo et al. 2019).

    Args:
        frames: Of the sequence.
        clip: Frames of a clip.
        stride: From one clip to the next; `clip` where None, so that every frame is in one clip.

    Example:
        >>> seq2seq_starts(12, 9).tolist()
        [-3, 6]
    """
    stride = clip if stride is None else stride
    count = 1 + max(-(-(frames - clip) // stride), 0)
    missing = clip + (count - 1) * stride - frames
    return stride * np.arange(count) - missing // 2


def seq2frame_starts(frames: int, clip: int, stride: int = 1) -> Int[ndarray, " n"]:
    """Where the clips begin whose centres (`clip` // 2) are every `stride`-th frame, from the first on.

    Example:
        >>> seq2frame_starts(4, 9).tolist()
        [-4, -3, -2, -1]
    """
    return np.arange(0, frames, stride) - clip // 2


def padding(begins: Int[ndarray, " n"], clip: int, frames: int) -> Bool[ndarray, "n clip"]:
    """Which frames of clips (n clip) are not of the sequence: repetitions of its first or its last frame.

    Published figures of seq2seq models count them, as all frames of every clip; ours do not, unless asked.

    Example:
        >>> padding(seq2seq_starts(12, 9), 9, 12).sum(1).tolist()
        [3, 3]
    """
    places = begins[:, None] + np.arange(clip)
    return (places < 0) | (places >= frames)


def cut(x: Shaped[ndarray, "f *rest"], clip: int, begins: Int[ndarray, " n"]) -> Shaped[ndarray, "n clip *rest"]:
    """Clips of `clip` frames (n clip ...) that begin at the given frames; beyond its ends a sequence repeats them."""
    return x[np.clip(begins[:, None] + np.arange(clip), 0, len(x) - 1)]


def blend_weights(clip: int, overlap: int) -> Float[ndarray, " clip"]:
    """A weight for each frame of a clip (clip), falling smoothly to both ends over `overlap` frames, never to 0."""
    ramp = np.minimum(np.arange(1, clip + 1), np.arange(clip, 0, -1)) / (overlap + 1)
    return np.sin(np.pi / 2 * np.clip(ramp, 0, 1)) ** 2


def stitch(
    clips: Float[ndarray, "n clip *rest"], begins: Int[ndarray, " n"], frames: int, weights: Float[ndarray, " clip"]
) -> Float[ndarray, "f *rest"]:
    """One sequence of `frames` frames from clips, averaged by `weights` where they overlap, without their padding."""
    total = np.zeros((frames, *clips.shape[2:]))
    weight = np.zeros((frames, *(1,) * (clips.ndim - 2)))
    for begin, clip in zip(begins, clips, strict=True):
        first, end = max(begin, 0), min(begin + clips.shape[1], frames)
        share = weights[first - begin : end - begin].reshape(-1, *(1,) * (clips.ndim - 2))
        total[first:end] += share * clip[first - begin : end - begin]
        weight[first:end] += share
    return total / weight
