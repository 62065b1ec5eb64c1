"""Train the network that tells when feet stand: python benchmarks/fit_contact.py CLIPS OUT.npz.

Takes of the training split are seen by random cameras through both simulated detectors, lifted and placed. Prints the
F1 of the network and of the rule it replaces, pooled over frames, on the validation split.
"""

import sys
import zlib
from collections.abc import Iterator

import numpy as np
import torch

import poseglass as pg
from poseglass.body.geometry import Camera, look_at
from poseglass.data.clips import MotionClips
from poseglass.data.virtual.draws import NumpyDraws
from poseglass.data.virtual.face import face, to_nose
from poseglass.judging.viewpoints import DETECTORS, SIZE, at_rate
from poseglass.lifting.predictor import predict
from poseglass.motion.contact import ANKLES, contact_features, still_feet
from poseglass.motion.placing import place

LONGEST, SHORTEST = 900, 60  # frames at 30 per second
FAST, HIGH = 0.15, 0.05  # metres per second, metres: beyond that a foot does not stand
HIDDEN, STEPS, BATCH = 32, 4000, 2048


def placed_takes(
    clips: MotionClips, split: str, rng: np.random.Generator
) -> Iterator[tuple[pg.PoseSequence, np.ndarray]]:
    """Each take as it is lifted and placed, and its true contact."""
    model = pg.load("balanced")
    for number, take in enumerate(clips.split(split)):
        points = at_rate(take.points, clips.fps)[:LONGEST]
        if len(points) < SHORTEST:
            continue
        joints = torch.from_numpy(points)
        features = face(joints)
        world = torch.cat([to_nose(joints, features), features], 1).numpy()
        camera = camera_for(points, rng)
        draws = NumpyDraws(np.random.default_rng(zlib.crc32(take.name.encode())))
        pixels, scores = DETECTORS[1 + number % 2](draws, camera, world)
        focal = float(camera.focal[0])
        lifted = predict(model, pixels, scores, size=SIZE, focal=focal).pose3d
        pose2d = pg.PoseSequence(pixels, pg.H36M_17, "pixels", scores=scores, fps=30, size=SIZE)
        motion = pg.PoseSequence(lifted, pg.H36M_17, "camera", fps=30, size=SIZE, pose2d=pose2d)
        yield place(motion, focal=focal), true_contact(points)


def camera_for(points: np.ndarray, rng: np.random.Generator) -> Camera:
    """A random camera that looks at the middle of the path."""
    yaw, pitch = np.radians(rng.uniform(0, 360)), np.radians(rng.uniform(-15, 35))
    distance, focal = rng.uniform(3, 8), rng.uniform(0.7, 1.8)
    middle = (points[:, 0].min(0) + points[:, 0].max(0)) / 2
    toward = np.array([np.cos(pitch) * np.sin(yaw), np.sin(pitch), np.cos(pitch) * np.cos(yaw)])
    reach = np.linalg.norm(points - middle, axis=-1).max()
    position = middle + max(distance, reach + 1) * toward
    return Camera(look_at(-toward), position, focal=np.full(2, focal * SIZE[0]), centre=np.array(SIZE) / 2)


def true_contact(points: np.ndarray) -> np.ndarray:
    """Whether the left and the right foot stand (f 2)."""
    ankles = points[:, ANKLES]
    speed = np.linalg.norm(np.gradient(ankles, axis=0), axis=-1) * 30
    return (speed < FAST) & (ankles[..., 1] < ankles[..., 1].min(0) + HIGH)


def inputs(motion: pg.PoseSequence) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The network's inputs (f 2 inputs), and the probabilities of the rule and of the bundled network (f 2)."""
    places = motion.points.astype(float) + motion.root[:, None]
    up = motion.trajectory.to_world[1, :3]
    features = contact_features(places, up, motion.times, slice(None))
    return features, still_feet(places, motion.times), motion.contact


def f1(probability: np.ndarray, truth: np.ndarray) -> float:
    """The harmonic mean of precision and recall at probability 1/2."""
    positive = probability > 0.5
    return float(2 * (positive & truth).sum() / (positive.sum() + truth.sum()))


def main() -> None:
    """Train, judge, write."""
    clips, rng = MotionClips.load(sys.argv[1]), np.random.default_rng(1)
    data = {}
    for split in ("train", "val"):
        rows = [(*inputs(motion), truth) for motion, truth in placed_takes(clips, split, rng)]
        data[split] = [np.concatenate(part) for part in zip(*rows, strict=True)]
    features, _, _, truth = data["train"]
    x = torch.from_numpy(features.reshape(-1, features.shape[-1])).float()
    y = torch.from_numpy(truth.reshape(-1)).float()
    generator = torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(x.shape[1], HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, 1))
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for _ in range(STEPS):
        batch = torch.randint(0, len(x), (BATCH,), generator=generator)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(net(x[batch])[:, 0], y[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    names = ("hidden", "hidden_bias", "out", "out_bias")
    parts = (net[0].weight.T, net[0].bias, net[2].weight[0], net[2].bias[0])
    arrays = {name: part.detach().numpy().astype(np.float32) for name, part in zip(names, parts, strict=True)}
    np.savez(sys.argv[2], **arrays)
    features, rule, bundled, truth = data["val"]
    with torch.no_grad():
        learned = torch.sigmoid(net(torch.from_numpy(features).float())[..., 0]).numpy()
    scores = {"this network": learned, "the bundled one": bundled, "the rule": rule}
    print("validation, F1: " + ", ".join(f"{name} {f1(values, truth):.3f}" for name, values in scores.items()))


if __name__ == "__main__":
    main()
