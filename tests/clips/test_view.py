"""The model's view of 2D poses, which training, evaluation and lifting share."""

import numpy as np
import torch
from numpy.testing import assert_allclose, assert_array_equal

from oracle import bodies
from oracle import motion as oracle
from poseglass import H36M_17, create_model
from poseglass.clips.view import person_view
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.data.virtual.detector import DetectorNoise
from poseglass.data.virtual.sampler import Sampler
from poseglass.lifting.predictor import predict


def clips(batch: int = 6, frames: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Motion with gaps, noise and spells of exchanged sides."""
    rng = np.random.default_rng(0)
    points = np.stack([250 * bodies.motion(frames, H36M_17.joints, seed)[..., :2] + 600 for seed in range(batch)])
    points += rng.normal(0, 2, points.shape)
    scores = rng.uniform(0.3, 1, (batch, frames, 17)) * (rng.random((batch, frames, 17)) < 0.9)
    for clip in range(1, batch):
        for t in range(5, 5 + 3 * clip):
            points[clip, t] = oracle.with_sides(points[clip, t], clip % 2, 1)
            scores[clip, t] = oracle.with_sides(scores[clip, t], clip % 2, 1)
    points[scores == 0] = np.nan
    return points, scores


def test_clips_in_a_batch_and_alone_give_the_same_view():
    points, scores = clips()
    pose2d, rotation = person_view(points, scores, size=(1280, 720), focal=900.0)
    for clip, (p, s) in enumerate(zip(points, scores, strict=True)):
        assert_allclose(pose2d[clip], oracle.person_coordinates(*oracle.steady_sides(p, s)), atol=1e-5)
        alone, turn = person_view(p, s, size=(1280, 720), focal=900.0)
        assert_array_equal(alone, pose2d[clip])
        assert_array_equal(turn, rotation[clip])
    assert person_view(points, scores)[1] is None


def test_a_clip_without_people_gives_zeros_and_no_rotation():
    pose2d, rotation = person_view(np.full((2, 9, 17, 2), np.nan), np.zeros((2, 9, 17)), size=(640, 480))
    assert not pose2d.any()
    assert_array_equal(rotation, np.broadcast_to(np.eye(3), (2, 9, 3, 3)))


def test_exchanged_sides_in_training_clips_are_repaired():
    """Exchanging left and right in every clip changes only a few of the model's views.

    In most of those, the spell covers more than half of the clip. Without repair, 97 % change.
    """
    takes = [MotionClip(f"take{seed}", bodies.motion(200, H36M_17.joints, seed), f"{seed}") for seed in range(4)]

    def drawn(swaps: float) -> np.ndarray:
        noise = DetectorNoise(jitter=(1e-4, 2e-4), bias=0, outliers=0, swaps=swaps, gaps=0, blackouts=0)
        sampler = Sampler(MotionClips(tuple(takes), 60.0), 81, noise=noise, clean=0.0)
        return sampler.sample(torch.Generator().manual_seed(1), 64).pose2d.numpy()

    apart = np.abs(drawn(1.0) - drawn(0.0))[..., :2].max((1, 2, 3))  # b
    assert (apart > 0.1).mean() < 0.3


def test_lifting_and_training_give_the_model_the_same_view():
    points, scores = (part[3] for part in clips())
    model = create_model("mixste-tiny", frames=30, inputs=3)
    received = []
    model.register_forward_pre_hook(lambda _, inputs: received.append(inputs[0].numpy()))
    predict(model, points, scores)
    assert_array_equal(received[0][0], person_view(points, scores)[0])
