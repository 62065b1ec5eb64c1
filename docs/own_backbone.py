"""A custom backbone, from the class to the exported program: the code of docs/own-backbone.md.

python docs/own_backbone.py [STEPS]
"""

import sys
import tempfile
from time import process_time

import numpy as np
import torch
from torch import Tensor, nn

import poseglass as pg
from poseglass.data.clips import MotionClip
from poseglass.data.virtual.sampler import Sampler
from poseglass.judging.metrics import p_mpjpe
from poseglass.models import MODELS, Size
from poseglass.models.time_code import time_code
from poseglass.testing import check_backbone
from poseglass.training.losses import JOINT_WEIGHTS, PoseLoss


class Block(nn.Module):
    """Mixes joints by a matrix, frames by a convolution and channels by an MLP, without attention."""

    def __init__(self, dim: int, joints: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(3))
        self.joints = nn.Linear(joints, joints)
        self.frames = nn.Conv1d(dim, dim, 5, padding=2, groups=dim)
        self.channels = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:  # clips, frames, joints, channels
        first, second, third = self.norms
        x = x + self.joints(first(x).mT).mT
        time_last = second(x).permute(0, 2, 3, 1)
        x = x + self.frames(time_last.flatten(0, 1)).view_as(time_last).permute(0, 3, 1, 2)
        return x + self.channels(third(x))


class ConvMixer(pg.PoseTransformer):
    def __init__(self, *, frames: int = 27, dim: int = 48, depth: int = 4, inputs: int = 3) -> None:
        super().__init__()
        self.frames, self.dim, self.depth, self.inputs = frames, dim, depth, inputs
        self.config = {"frames": frames, "dim": dim, "depth": depth, "inputs": inputs}
        self.project = nn.Linear(inputs, dim)
        self.joint = nn.Parameter(0.5 * torch.randn(self.joints, dim))
        self.time = nn.Parameter(time_code(frames, dim)[0, :, None])
        self.blocks = nn.ModuleList(Block(dim, self.joints) for _ in range(depth))
        self.out = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 3))

    def embed(self, pose2d: Tensor) -> Tensor:
        return self.project(pose2d) + self.joint + self.time

    def layer(self, index: int, tokens: Tensor, received: list[Tensor] | None = None) -> Tensor:
        return self.blocks[index](tokens)

    def head(self, tokens: Tensor) -> Tensor:
        return self.out(tokens)


def synthetic_clips(takes: int = 40, frames: int = 240) -> pg.MotionClips:
    """Clips of synthetic people: each bone of a standing body swings at random, at its own pace."""
    rng = np.random.default_rng(0)
    rest = np.zeros((17, 3))  # the bone from each joint's parent to it, in metres: x to the left, y up, z ahead
    rest[[1, 4], 0] = -0.13, 0.13
    rest[[2, 3, 5, 6], 1] = -0.44
    rest[[7, 8, 9, 10], 1] = 0.24, 0.25, 0.12, 0.12
    rest[[11, 14], 0] = 0.15, -0.15
    rest[[12, 13, 15, 16], 1] = -0.28, -0.25, -0.28, -0.25
    clips = []
    for take in range(takes):
        time = np.arange(frames)[:, None] / 60
        angles = rng.uniform(0.1, 0.9, (17, 3)) * np.sin(
            2 * np.pi * rng.uniform(0.2, 1.2, (17, 3)) * time[..., None] + rng.uniform(0, 6, (17, 3))
        )
        points = np.zeros((frames, 17, 3))
        for joint, parent in enumerate(pg.H36M_17.parents):
            if parent >= 0:
                bone = np.broadcast_to(rest[joint], (frames, 3)) + np.cross(angles[:, joint], rest[joint])
                bone = bone / np.linalg.norm(bone, axis=-1, keepdims=True) * np.linalg.norm(rest[joint])
                points[:, joint] = points[:, parent] + bone
        split = "val" if take % 5 == 0 else "train"
        clips.append(MotionClip(f"take{take}", points, f"nobody{take}", split))
    return pg.MotionClips(tuple(clips), fps=60.0)


def train(model: nn.Module, parameters: list[nn.Parameter], clips: pg.MotionClips, steps: int, rate: float) -> None:
    sampler, generator = Sampler(clips.split("train"), 27, clean=1.0), torch.Generator().manual_seed(1)
    optimiser = torch.optim.AdamW(parameters, lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    loss_of = PoseLoss({"position": 1.0, "smoothness": 0.5, "velocity": 2.0}, joint_weights=JOINT_WEIGHTS)
    model.train()
    for _ in range(steps):
        batch = sampler.sample(generator, 16)
        loss = loss_of(model(batch.pose2d), batch.pose3d)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    model.eval()


@torch.inference_mode()
def judge(name: str, model: nn.Module, clips: pg.MotionClips) -> None:
    batch = Sampler(clips.split("val"), 27, clean=1.0).sample(torch.Generator().manual_seed(2), 64)
    start = process_time()
    pose3d = model(batch.pose2d)
    milliseconds = 1000 * (process_time() - start) / 64
    print(f"{name:24}  P-MPJPE {p_mpjpe(pose3d.numpy(), batch.pose3d.numpy()):5.1f} mm, {milliseconds:.1f} ms per clip")


def main(steps: int = 200) -> None:
    torch.manual_seed(0)
    model = ConvMixer()
    check_backbone(model)
    print("ConvMixer follows every rule")

    clips = synthetic_clips()
    train(model, list(model.parameters()), clips, steps, rate=4e-3)
    judge("plain", model, clips)

    fast = pg.hourglass(model, keep=9, at=1, recover="interpolate").eval()
    judge("with a waist, untrained", fast, clips)
    train(fast, list(fast.parameters()), clips, steps, rate=1e-3)
    judge("with a waist, trained", fast, clips)

    print(pg.bench(fast, against=model, batch=16, rounds=3))

    clip = Sampler(clips, 27).sample(torch.Generator().manual_seed(3), 1).pose2d
    exported = torch.export.export(fast, (clip,))
    with torch.inference_mode():
        difference = (exported.module()(clip) - fast(clip)).abs().max().item()
    print(f"exported: {len(exported.graph.nodes)} nodes, largest difference {difference:.1g} m")

    with tempfile.TemporaryDirectory() as folder:
        pg.save(fast, folder, about="trained on synthetic people")
        again = pg.load(folder, backbone=ConvMixer)
    print(f"loaded: a {type(again).__name__} around a {type(again.backbone).__name__}")

    MODELS["convmixer"] = Size(ConvMixer, "4 layers of 48 channels")
    recipe = pg.Recipe().override("model.name=convmixer", "model.frames=27")
    print(f"recipe: {recipe.model.name}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*map(int, sys.argv[1:]))
