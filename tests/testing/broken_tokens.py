"""Pruners and recoverers that keep every rule, and for every rule a class that breaks it."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from poseglass.waist._base import Pruner, Recoverer
from poseglass.waist.select import highest, take


class SoundPruner(Pruner):
    """Keeps the frames with the largest tokens."""

    def forward(self, tokens, pose2d, *, keep, always=None, attention=None):
        return highest(tokens.detach().square().mean((2, 3)), keep, always)


class AttentionPruner(SoundPruner):
    """Scores frames by attention, and declares that it needs attention."""

    needs_attention: ClassVar[bool] = True

    def forward(self, tokens, pose2d, *, keep, always=None, attention=None):
        return highest(attention, keep, always)


class NotCopyablePruner(SoundPruner):
    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Linear(2, 2)(torch.ones(2))


class KeepsOneMore(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward(tokens, pose2d, keep=min(keep + 1, tokens.shape[1]), always=always)


class FloatIndices(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward(tokens, pose2d, keep=keep, always=always).float()


class UnsortedIndices(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward(tokens, pose2d, keep=keep, always=always).flip(1)


class CountsFromOne(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        last = torch.arange(tokens.shape[1] - keep, tokens.shape[1]).expand(len(tokens), -1)
        if keep == tokens.shape[1] or always is not None:
            return super().forward(tokens, pose2d, keep=keep, always=always)
        return last + 1


class CannotKeepAll(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        if keep == tokens.shape[1]:
            raise IndexError("there are no frames left over")
        return super().forward(tokens, pose2d, keep=keep, always=always)


class IgnoresAlwaysPerClip(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward(tokens, pose2d, keep=keep, always=always if isinstance(always, int) else None)


class RandomChoice(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward(torch.rand_like(tokens), pose2d, keep=keep, always=always)


class ComparesClips(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward((tokens - tokens.mean(0)) + tokens / 1e3, pose2d, keep=keep, always=always)


class UsesNumpy(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward(torch.from_numpy(tokens.numpy()), pose2d, keep=keep, always=always)


class DependsOnGradients(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward(-1 / tokens if tokens.requires_grad else tokens, pose2d, keep=keep, always=always)


class NeedsTwoSlots(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward(tokens[:, :, 1:2] + 0 * tokens[:, :, 1, None], pose2d, keep=keep, always=always)


class ChangesTokens(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        with torch.no_grad():
            return super().forward(F.relu(tokens, inplace=not tokens.requires_grad), pose2d, keep=keep, always=always)


BROKEN_PRUNERS = {
    NotCopyablePruner: [("copied", "it raised RuntimeError: Only Tensors")],
    KeepsOneMore: [
        ("form", r"for keep=1 it returned \(3, 2\) instead of \(3, 1\)"),
        ("form", r"for keep=6 it returned \(3, 7\) instead of \(3, 6\)"),
        ("form", r"for keep=11 it returned \(3, 12\) instead of \(3, 11\)"),
    ],
    FloatIndices: [("form", "it returned torch.float32")],
    UnsortedIndices: [
        ("rise", r"for keep=6 it returned \[[\d, ]+\] for the first clip"),
        ("rise", "for keep=11 it returned"),
        ("keeps_all", r"it returned \[11, 10, .*\] for the first clip"),
    ],
    CountsFromOne: [("within", "from 12 frames it chose 7 to 12"), ("within", "from 11 frames it chose 7 to 11")],
    CannotKeepAll: [("keeps_all", "it raised IndexError: there are no frames left over")],
    IgnoresAlwaysPerClip: [("always_kept", r"with keep=1, always=tensor\(\[1, 4, 7\]\) it returned")],
    RandomChoice: [
        ("chooses_again", "two calls chose different frames"),
        ("clips_apart", "a clip keeps different frames alone and in a batch"),
        ("gradients_or_none", "it chooses different frames"),
    ],
    ComparesClips: [("clips_apart", "a clip keeps different frames alone and in a batch")],
    UsesNumpy: [("gradients_or_none", r"it raised RuntimeError: Can't call numpy\(\) on Tensor that requires grad")],
    DependsOnGradients: [("gradients_or_none", "it chooses different frames")],
    NeedsTwoSlots: [("one_slot", "it raised IndexError")],
    ChangesTokens: [("leaves_tokens", "they changed during a call")],
}


class SoundRecoverer(Recoverer):
    """Gives every frame the mean of the kept ones."""

    acts_on = "tokens"

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(1))

    @classmethod
    def for_backbone(cls, backbone):
        return cls()

    def forward(self, x, kept, *, frames):
        return (self.scale * x.mean(1, keepdim=True)).expand(-1, frames, -1, -1)


class NotCopyableRecoverer(SoundRecoverer):
    def __init__(self) -> None:
        super().__init__()
        self.start = self.scale + 1


class ActsOnFrames(SoundRecoverer):
    acts_on = "frames"


class ReturnsOnlyKeptFrames(SoundRecoverer):
    def forward(self, x, kept, *, frames):
        return x * self.scale


class DividesByZero(SoundRecoverer):
    def forward(self, x, kept, *, frames):
        return super().forward(x, kept, frames=frames) / (x.shape[1] - 1)


class RandomRecovery(SoundRecoverer):
    def forward(self, x, kept, *, frames):
        return super().forward(x, kept, frames=frames) * (1 + 1e-4 * torch.rand(1))


class UsesOnlyTheFirstClip(SoundRecoverer):
    def forward(self, x, kept, *, frames):
        rows = kept[:1].expand(len(x), -1).argsort() % 2
        return super().forward(take(x, rows) * kept[0].sum(), kept, frames=frames)


class CutsGradients(SoundRecoverer):
    def forward(self, x, kept, *, frames):
        return super().forward(x, kept, frames=frames).detach()


BROKEN_RECOVERERS = {
    NotCopyableRecoverer: [("copied", "it raised RuntimeError: Only Tensors")],
    ActsOnFrames: [("acts_on", "it is 'frames'")],
    ReturnsOnlyKeptFrames: [
        ("full_length", r"from 1 frames it returned \(3, 1, 17, 16\) instead of \(3, 12, 17, 16\)"),
        ("full_length", "from 6 frames it returned"),
        ("full_length", "from 11 frames it returned"),
    ],
    DividesByZero: [("full_length", "from 1 frames it returned numbers that are not finite")],
    RandomRecovery: [("recovers_again", "two calls returned different results")],
    UsesOnlyTheFirstClip: [("recovers_apart", "alone and in a batch, a clip's frames differ by")],
    CutsGradients: [("passes_gradients", "no gradient reaches the frames, scale")],
}
