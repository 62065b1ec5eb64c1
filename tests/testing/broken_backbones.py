"""A backbone that keeps every rule, and for every rule a backbone that breaks it."""

import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from poseglass.models import PoseTransformer


class SoundBackbone(PoseTransformer):
    """Keeps every rule. Each class derived from it below breaks one rule, and those that depend on that rule."""

    dim, frames, depth, inputs, joints, heads = 8, 8, 3, 2, 5, 2

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(2, 8)
        self.mixing = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))
        self.out = nn.Linear(8, 3)

    def embed(self, pose2d: Tensor) -> Tensor:
        return self.project(pose2d)

    def layer(self, index: int, tokens: Tensor, received: list | None = None) -> Tensor:
        share = tokens.mean((2, 3)).softmax(1)
        if received is not None:
            received.append(share)
        return tokens + self.mixing[index](F.gelu(tokens + (share[..., None, None] * tokens).sum(1, keepdim=True)))

    def head(self, tokens: Tensor) -> Tensor:
        return self.out(tokens)


class NotCopyable(SoundBackbone):
    def __init__(self) -> None:
        super().__init__()
        self.start = self.project(torch.ones(2))


class WrongAttributes(SoundBackbone):
    dim, depth, heads, inputs, bias, slots = 8, 2, 3, 2.0, None, "frames"

    def __init__(self) -> None:
        super().__init__()
        self.lengths = (8, 8, 9)


class MissingAttributes(SoundBackbone):
    dim, depth = True, None
    lengths = (8, 8, 4)


class GrowingLengths(SoundBackbone):
    lengths = (8, 4, 5)


class JointlessTokens(SoundBackbone):
    def embed(self, pose2d: Tensor) -> Tensor:
        return super().embed(pose2d).mean(2)


class HalvesFrames(SoundBackbone):
    def layer(self, index: int, tokens: Tensor, received: list | None = None) -> Tensor:
        mixed = super().layer(index, tokens, received)
        return mixed[:, ::2] if index == 1 else mixed / 0 if index == 2 else mixed

    def head(self, tokens: Tensor) -> Tensor:
        return super().head(tokens)[..., :2]


class TimeEmbeddingInEveryLayer(SoundBackbone):
    def __init__(self) -> None:
        super().__init__()
        self.time = nn.Parameter(torch.zeros(8, 1, 8))

    def layer(self, index: int, tokens: Tensor, received: list | None = None) -> Tensor:
        return super().layer(index, tokens + self.time, received)


class SmoothingHead(SoundBackbone):
    def head(self, tokens: Tensor) -> Tensor:
        return super().head(tokens + tokens.roll(1, 1))


class ForwardAddsToItsParts(SoundBackbone):
    def forward(self, pose2d: Tensor) -> Tensor:
        return super().forward(pose2d) - 0.1


class ForwardRoundsDifferently(SoundBackbone):
    def forward(self, pose2d: Tensor) -> Tensor:
        return super().forward(pose2d) * (1 + 1e-6)


class RandomInEvaluation(SoundBackbone):
    def head(self, tokens: Tensor) -> Tensor:
        return super().head(tokens) * (1 + 1e-5 * torch.rand(1))


class SubtractsBatchMean(SoundBackbone):
    def embed(self, pose2d: Tensor) -> Tensor:
        return super().embed(pose2d - pose2d.mean((0, 1)))


class UnregisteredLayers(SoundBackbone):
    def __init__(self) -> None:
        super().__init__()
        layers = [*self.mixing]
        del self.mixing
        self.mixing = layers
        self.out.extra = {"scale": (nn.Parameter(torch.ones(1)),)}


class UnusedParameters(SoundBackbone):
    def __init__(self) -> None:
        super().__init__()
        self.forgotten = nn.Linear(2, 2)

    def embed(self, pose2d: Tensor) -> Tensor:
        return super().embed(pose2d).detach()


class NoGradients(SoundBackbone):
    @torch.no_grad()
    def head(self, tokens: Tensor) -> Tensor:
        return super().head(tokens)


class InfiniteGradients(SoundBackbone):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def head(self, tokens: Tensor) -> Tensor:
        return super().head(tokens) + (self.scale * 0).sqrt()


class CachesInferenceTensor(SoundBackbone):
    """Caches a table; one built in inference mode cannot be saved for the backward pass."""

    table: Tensor | None = None

    def embed(self, pose2d: Tensor) -> Tensor:
        if self.table is None:
            self.table = torch.ones(8)
        return super().embed(pose2d) * self.table


class AcceptsAnyShape(SoundBackbone):
    def check(self, pose2d: Tensor) -> None:
        pass


class UnsavedTensor(SoundBackbone):
    def __init__(self) -> None:
        super().__init__()
        self.config = {}
        self.scale = torch.rand(8) + 1

    def embed(self, pose2d: Tensor) -> Tensor:
        return super().embed(pose2d) * self.scale


class IncompleteStateDict(SoundBackbone):
    def state_dict(self, *args, **kwargs):
        state = super().state_dict(*args, **kwargs)
        state.pop("out.bias")
        return state


class AttentionWithoutShares(SoundBackbone):
    def layer(self, index: int, tokens: Tensor, received: list | None = None) -> Tensor:
        mixed = super().layer(index, tokens)
        if received is not None and index == 1:
            received.append(tokens.mean((2, 3)))
        if received is not None and index == 2:
            received += [torch.ones(tokens.shape[1]), torch.ones(tokens.shape[:2])]
            return mixed + 1
        return mixed


class LayerWithoutReceived(SoundBackbone):
    def layer(self, index: int, tokens: Tensor) -> Tensor:
        return super().layer(index, tokens)


class FixedDtype(SoundBackbone):
    def head(self, tokens: Tensor) -> Tensor:
        pose = super().head(tokens)
        out = torch.zeros(pose.shape)
        out[:, torch.arange(pose.shape[1])] = pose
        return out


class OverflowsInBfloat16(SoundBackbone):
    def head(self, tokens: Tensor) -> Tensor:
        pose = super().head(tokens)
        return pose if pose.dtype == torch.float32 else pose / 0


class ChangesItsInput(SoundBackbone):
    def embed(self, pose2d: Tensor) -> Tensor:
        return super().embed(pose2d.clamp_(-1, 1))


class NoisyBackbone(SoundBackbone):
    """Draws random numbers from torch and Python, and has running statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(8)
        self.gate = nn.Parameter(torch.zeros(1))

    def head(self, tokens: Tensor) -> Tensor:
        normed = self.gate * self.norm(tokens.flatten(0, 2)).view_as(tokens)
        chance = random.random() * np.random.random() / 2  # noqa: NPY002
        return super().head(F.dropout(normed, chance, self.training))


# For each class, all findings in order: the function that checks the rule, and the finding's text.
BROKEN_BACKBONES = {
    NotCopyable: [("copied", "it raised RuntimeError: Only Tensors created explicitly by the user")],
    WrongAttributes: [
        ("attributes", "inputs must be a whole number of 1 or more, not 2.0"),
        ("attributes", "heads = 3 must divide dim = 8"),
        ("attributes", "bias must be True or False, not None"),
        ("attributes", "slots must be 'joints' or 'hypotheses', not 'frames'"),
        ("attributes", r"lengths must have one number for each of 2 layers, first 8, not \[8, 8, 9\]"),
    ],
    MissingAttributes: [
        ("attributes", "dim must be a whole number of 1 or more, not True"),
        ("attributes", "depth must be a whole number of 1 or more, not None"),
    ],
    GrowingLengths: [("attributes", r"lengths must never increase, and the last must be above 0, not \[8, 4, 5\]")],
    JointlessTokens: [("embed", r"for \(3, 8, 5, 2\) it returned \(3, 8, 8\) instead of \(3, 8, slots, 8\)")],
    HalvesFrames: [
        ("layer", r"layer 1 returned \(3, 4, 5, 8\) for \(3, 8, 5, 8\)"),
        ("layer", r"layer 2 returned numbers that are not finite for \(3, 8, 5, 8\)"),
        ("head", r"for \(3, 8, 5, 8\) it returned \(3, 8, 5, 2\) instead of \(3, 8, 5, 3\)"),
    ],
    TimeEmbeddingInEveryLayer: [
        ("fewer_frames", r"layer 1 returned \(3, 8, 5, 8\) for \(3, 1, 5, 8\)"),
        ("fewer_frames", "it raised RuntimeError: The size of tensor a"),
        ("tells_attention", "it raised RuntimeError: The size of tensor a"),
    ],
    SmoothingHead: [
        ("each_frame_alone", r"in another order, the poses of frames differ by [\d.]+ \(of up to [\d.]+\)"),
        ("each_frame_alone", "without half of the others, the poses of frames differ by"),
    ],
    ForwardAddsToItsParts: [
        ("forward_is_its_parts", r"the results differ by 0\.1 "),
        ("waist_that_keeps_all", r"with the schedule \{1: 8\}, the poses change"),
    ],
    ForwardRoundsDifferently: [("waist_that_keeps_all", r"with the schedule \{1: 8\}, the poses change")],
    RandomInEvaluation: [
        ("repeats", r"two passes differ by up to [\d.e-]+ \(is a dropout always on\?\)"),
        ("waist_that_keeps_all", "with the schedule"),
    ],
    SubtractsBatchMean: [("clip_by_clip", "alone and in a batch of 3, a clip's poses differ by")],
    UnregisteredLayers: [
        ("registered", r"mixing holds unregistered parts \(use nn.ModuleList"),
        ("registered", r"out\.extra holds unregistered parts"),
    ],
    UnusedParameters: [
        ("gradients", "no gradient reaches project.weight, project.bias, forgotten.weight, forgotten.bias")
    ],
    NoGradients: [("gradients", "no gradient reaches project.weight, .*mixing.1.bias and 4 others")],
    InfiniteGradients: [("gradients", "the gradients of scale are not finite")],
    CachesInferenceTensor: [("gradients", "it raised RuntimeError: Inference tensors cannot be saved for backward")],
    AcceptsAnyShape: [
        ("refuses", "input without the clip axis (is accepted|raises)"),
        ("refuses", r"input with one frame too many is accepted \(call self.check\(pose2d\) first\)"),
        ("refuses", "input with one joint too many is accepted"),
        ("refuses", "input with one coordinate too many raises RuntimeError"),
        ("refuses", "input with a single joint is accepted"),
    ],
    UnsavedTensor: [("state_dict", "with the same state dict, the poses of a second model differ by")],
    IncompleteStateDict: [("state_dict", "it raised RuntimeError: Error.* in loading state_dict")],
    AttentionWithoutShares: [
        ("tells_attention", "layer 1 appends invalid shares: none may be negative, and each clip's must sum to 1"),
        ("tells_attention", "layer 1 appends invalid shares"),
        ("tells_attention", "with a list `received`, the tokens of layer 2 differ by "),
        ("tells_attention", r"layer 2 appends \(4,\) instead of \(clips, frames\), \(3, 4\)"),
        ("tells_attention", "layer 2 appends invalid shares"),
        ("tells_attention", "with a list `received`, the tokens of layer 2 differ by "),
        ("tells_attention", r"layer 2 appends \(8,\) instead of \(clips, frames\), \(3, 8\)"),
        ("tells_attention", "layer 2 appends invalid shares"),
    ],
    LayerWithoutReceived: [("tells_attention", "it raised TypeError: .*positional argument")],
    FixedDtype: [("autocast", "it raised RuntimeError: Index put requires .*")],
    OverflowsInBfloat16: [("autocast", "the poses are not finite")],
    ChangesItsInput: [("input_untouched", "the 2D poses have changed after a pass")],
}
