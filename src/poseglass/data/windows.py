"""What a model sees of a sequence: gaps filled, measured in body sizes, cut into clips; and clips stitched back.

`cut` and `stitch` are each other's inverse. Training and inference both come through here.
"""

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray

from poseglass.skeleton import H36M_17

__all__ = [
    "blend_weights",
    "cut",
    "fill_gaps",
    "padding",
    "pelvis_path",
    "person_coordinates",
    "seq2frame_starts",
    "seq2seq_starts",
    "starts",
    "stitch",
]

ROOT = H36M_17.index("pelvis")


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


def fill_gaps(points: Float[ndarray, "*b f j d"], known: ndarray) -> Float[ndarray, "*b f j d"]:
    """The points with unknown ones interpolated in time between the joint's known neighbours, ends held.

    Args:
        points: (... f j d); unknown ones may hold anything, NaN too.
        known: Which are known, boolean (... f j). A joint that is never known becomes 0.
    """
    frames = points.shape[-3]
    time = np.arange(frames)[:, None]
    before = np.maximum.accumulate(np.where(known, time, -1), axis=-2)
    after = np.flip(np.minimum.accumulate(np.flip(np.where(known, time, frames), -2), axis=-2), -2)
    before, after = np.where(before < 0, after, before), np.where(after >= frames, before, after)
    share = (time - before) / np.maximum(after - before, 1)
    points = np.where(known[..., None], points, 0)
    first = np.take_along_axis(points, np.clip(before, 0, frames - 1)[..., None], axis=-3)
    last = np.take_along_axis(points, np.clip(after, 0, frames - 1)[..., None], axis=-3)
    ever = np.any(known, axis=-2, keepdims=True)
    return np.where(ever[..., None], first + share[..., None] * (last - first), 0)


def _pelvis(points: Float[ndarray, "*b f 17 2"], ever: ndarray) -> Float[ndarray, "*b f 1 2"]:
    """The pelvis of filled points; where it is never known, the mean of the joints that are."""
    mean = (points * ever).sum(-2, keepdims=True) / np.maximum(ever.sum(-2, keepdims=True), 1)
    return np.where(ever[..., ROOT : ROOT + 1, :], points[..., ROOT : ROOT + 1, :], mean)


def pelvis_path(points: Float[ndarray, "*b f 17 2"], scores: Float[ndarray, "*b f 17"]) -> Float[ndarray, "*b f 2"]:
    """Where the person is in every frame (... f 2): the origin of :func:`person_coordinates`.

    NaN throughout a clip in which nothing is known.
    """
    known = scores > 0
    ever = np.any(known, axis=-2, keepdims=True)[..., None]
    path = _pelvis(fill_gaps(points, known), ever)[..., 0, :]
    return np.where(ever.any((-3, -2, -1))[..., None, None], path, np.nan)


def person_coordinates(
    points: Float[ndarray, "*b f 17 2"], scores: Float[ndarray, "*b f 17"]
) -> Float[ndarray, "*b f 17 3"]:
    """What a poseglass model sees of clips of 2D poses: x, y, score, (... f 17 3) float32.

    Pixels say little: the same motion may be small or large, left or right in the image. So joints are taken relative
    to the pelvis of their frame, the pelvis relative to its median over the clip, both in units of the body's size in
    the image (the clip's median of the joints' root mean square distance from the pelvis). Nothing of the motion is
    lost; where in the image it happens, and how large, is.

    Args:
        points: Human3.6M joints, in pixels or any other unit, (... f 17 2).
        scores: Their confidence, (... f 17). Joints of score 0 are filled in between their neighbours in time.
    """
    known = scores > 0
    ever = np.any(known, axis=-2, keepdims=True)[..., None]  # ... 1 j 1
    points = fill_gaps(points, known)
    pelvis = _pelvis(points, ever)
    body = np.where(ever, points - pelvis, 0)
    spread = np.sqrt((body**2).sum((-1, -2)) / np.maximum(ever.sum((-1, -2)), 1))
    size = np.maximum(np.median(spread, axis=-1), 1e-9)[..., None, None, None]
    body[..., ROOT : ROOT + 1, :] = pelvis - np.median(pelvis, axis=-3, keepdims=True)
    return np.concatenate([np.clip(body / size, -30, 30), scores[..., None]], -1).astype(np.float32)
