"""Lifting a window per frame, against a plain loop over windows."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from poseglass.lifting.blocks import PoseBlock, Prediction
from poseglass.lifting.frame_by_frame import FrameByFrame


def mixed(points: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """A pose that depends on the place of every frame in the window."""
    weights = np.arange(1, points.shape[1] + 1)[None, :, None, None] ** 2
    flat = (weights * np.concatenate([points, scores[..., None]], -1)).sum(1, keepdims=True)
    return flat.astype(np.float32)


def sequence(frames: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(frames)
    return rng.normal(size=(frames, 17, 2)), rng.uniform(0.1, 1, (frames, 17))


def lifted(points: np.ndarray, scores: np.ndarray, blocks: list[int], **sizes: int) -> list[Prediction]:
    frames = FrameByFrame(mixed, **sizes)
    edges = [0, *np.cumsum(blocks).tolist(), len(points)]
    parts = [PoseBlock(points[a:b], scores[a:b]) for a, b in pairwise(edges)]
    return [*(frames.push(part) for part in parts), frames.finish()]


@pytest.mark.parametrize(("clip", "answered"), [(9, 4), (8, 4), (9, 8), (9, 0), (1, 0), (5, 1)])
@pytest.mark.parametrize("frames", [1, 2, 4, 5, 9, 23])
def test_each_frame_has_the_pose_of_its_own_window(frames, clip, answered):
    points, scores = sequence(frames)
    parts = lifted(points, scores, [frames // 3, frames // 2], clip=clip, answered=answered)
    poses = np.concatenate([part.pose3d for part in parts])
    assert poses.shape == (frames, 17, 3)
    for t in range(frames):
        rows = [min(max(t - answered + i, 0), frames - 1) for i in range(clip)]
        assert_array_equal(poses[t], mixed(points[rows][None], scores[rows][None])[0, 0])
    assert all(part.kept.all() and len(part.kept) == len(part.pose3d) for part in parts)


@pytest.mark.parametrize("blocks", [[], [1] * 22, [16], [3, 0, 9]])
def test_the_division_into_blocks_does_not_matter(blocks):
    points, scores = sequence(23)
    whole, parts = (
        np.concatenate([part.pose3d for part in lifted(points, scores, sizes, clip=9, answered=4)])
        for sizes in ([], blocks)
    )
    assert_array_equal(parts, whole)


def test_a_frame_comes_out_as_soon_as_its_window_is_complete():
    points, scores = sequence(30)
    frames = FrameByFrame(mixed, clip=9, answered=6)
    for t in range(30):
        settled = len(frames.push(PoseBlock(points[t : t + 1], scores[t : t + 1])).pose3d)
        assert settled == (t >= 2)
        assert len(frames._points) <= 9
    assert len(frames.finish().pose3d) == 2


def test_the_last_pose_is_held_while_no_person_is_in_view():
    points, scores = sequence(40)
    scores[10:30] = 0
    poses = np.concatenate([part.pose3d for part in lifted(points, scores, [7, 7, 7], clip=9, answered=4)])
    for t in range(40):
        if 14 <= t < 26:
            assert_array_equal(poses[t], poses[13])
        else:
            assert not np.array_equal(poses[t], poses[t - 1])


@pytest.mark.parametrize("batch", [2, 5, 100])
def test_windows_in_batches_give_the_same_poses(batch):
    points, scores = sequence(40)
    scores[10:30] = 0  # windows without people, in the middle of a batch
    one, many = (lifted(points, scores, [20, 13], clip=9, answered=4, batch=size) for size in (1, batch))
    for alone, together in zip(one, many, strict=True):
        assert_array_equal(together.pose3d, alone.pose3d)


def test_no_frames_give_no_poses():
    frames = FrameByFrame(mixed, clip=9, answered=4)
    assert frames.push(PoseBlock(np.zeros((0, 17, 2)), np.zeros((0, 17)))).pose3d.shape == (0, 17, 3)
    assert frames.finish().pose3d.shape == (0, 17, 3)
