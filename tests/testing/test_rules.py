"""The checks of other people's classes: ours pass, and for every rule there is a class that breaks it."""

import pickle
import random
import re
from typing import ClassVar

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from poseglass.errors import ContractError, PoseglassError
from poseglass.models import MHFormer, MixSTE, MotionAGFormer, MotionBERT, PoseTransformer
from poseglass.testing import BACKBONE, PRUNER, RECOVERER, check_backbone, check_pruner, check_recoverer
from poseglass.waist._base import Pruner, Recoverer
from poseglass.waist.prune import PRUNERS
from poseglass.waist.recover import RECOVERERS
from poseglass.waist.select import highest, take

pytestmark = pytest.mark.usefixtures("as_used")  # the checks must find wrong shapes themselves

SMALL = {"frames": 9, "dim": 16, "heads": 4}
SHIPPED = {
    "MixSTE": lambda: MixSTE(**SMALL, depth=3, inputs=3),
    "MotionBERT": lambda: MotionBERT(**SMALL, depth=2, rep=24, mlp_ratio=2, inputs=2),
    "MHFormer": lambda: MHFormer(**SMALL, depth=2, hidden=24, encoder_depth=1, encoder_heads=3),
    "MotionAGFormer": lambda: MotionAGFormer(**SMALL, depth=2, rep=24),
    "MotionAGFormer for a waist": lambda: MotionAGFormer(**SMALL | {"frames": [9, 4]}, depth=2, rep=24),
    "one layer": lambda: MixSTE(**SMALL, depth=1),
    "one frame": lambda: MixSTE(**SMALL | {"frames": 1}, depth=2),
    "float64": lambda: MixSTE(**SMALL, depth=2).double(),
    "frozen": lambda: MixSTE(**SMALL, depth=2).requires_grad_(False),
}


@pytest.mark.parametrize("name", SHIPPED)
def test_our_backbones_pass(name):
    torch.manual_seed(0)
    check_backbone(SHIPPED[name]())


@pytest.mark.parametrize("name", PRUNERS)
def test_our_pruners_pass(name):
    check_pruner(PRUNERS[name]())
    check_pruner(PRUNERS[name](), dim=3, frames=5, joints=4, inputs=3)


@pytest.mark.parametrize("name", RECOVERERS)
def test_our_recoverers_pass(name):
    fits = MixSTE(frames=7, dim=8, depth=1, heads=2)
    check_recoverer(RECOVERERS[name].for_backbone(fits), dim=8, frames=7, joints=3)


class Sound(PoseTransformer):
    """Keeps every rule. Each class derived from it below breaks one, and what follows from that one."""

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


class Uncopied(Sound):
    def __init__(self) -> None:
        super().__init__()
        self.start = self.project(torch.ones(2))


class Misfit(Sound):
    dim, depth, heads, inputs, bias, slots = 8, 2, 3, 2.0, None, "frames"

    def __init__(self) -> None:
        super().__init__()
        self.lengths = (8, 8, 9)


class Nameless(Sound):
    dim, depth = True, None
    lengths = (8, 8, 4)


class Growing(Sound):
    lengths = (8, 4, 5)


class JointlessTokens(Sound):
    def embed(self, pose2d: Tensor) -> Tensor:
        return super().embed(pose2d).mean(2)


class Halving(Sound):
    def layer(self, index: int, tokens: Tensor, received: list | None = None) -> Tensor:
        mixed = super().layer(index, tokens, received)
        return mixed[:, ::2] if index == 1 else mixed / 0 if index == 2 else mixed

    def head(self, tokens: Tensor) -> Tensor:
        return super().head(tokens)[..., :2]


class TimeInEveryLayer(Sound):
    def __init__(self) -> None:
        super().__init__()
        self.time = nn.Parameter(torch.zeros(8, 1, 8))

    def layer(self, index: int, tokens: Tensor, received: list | None = None) -> Tensor:
        return super().layer(index, tokens + self.time, received)


class SmoothingHead(Sound):
    def head(self, tokens: Tensor) -> Tensor:
        return super().head(tokens + tokens.roll(1, 1))


class MoreThanItsParts(Sound):
    def forward(self, pose2d: Tensor) -> Tensor:
        return super().forward(pose2d) - 0.1


class RoundedOtherwise(Sound):
    def forward(self, pose2d: Tensor) -> Tensor:
        return super().forward(pose2d) * (1 + 1e-6)


class AlwaysDropping(Sound):
    def head(self, tokens: Tensor) -> Tensor:
        return super().head(tokens) * (1 + 1e-5 * torch.rand(1))


class LessTheMean(Sound):
    def embed(self, pose2d: Tensor) -> Tensor:
        return super().embed(pose2d - pose2d.mean((0, 1)))


class ListOfLayers(Sound):
    def __init__(self) -> None:
        super().__init__()
        layers = [*self.mixing]
        del self.mixing
        self.mixing = layers
        self.out.extra = {"scale": (nn.Parameter(torch.ones(1)),)}


class Unused(Sound):
    def __init__(self) -> None:
        super().__init__()
        self.forgotten = nn.Linear(2, 2)

    def embed(self, pose2d: Tensor) -> Tensor:
        return super().embed(pose2d).detach()


class NoGradients(Sound):
    @torch.no_grad()
    def head(self, tokens: Tensor) -> Tensor:
        return super().head(tokens)


class WildGradients(Sound):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def head(self, tokens: Tensor) -> Tensor:
        return super().head(tokens) + (self.scale * 0).sqrt()


class Remembers(Sound):
    """A table made in inference mode cannot be saved for the backward pass."""

    table: Tensor | None = None

    def embed(self, pose2d: Tensor) -> Tensor:
        if self.table is None:
            self.table = torch.ones(8)
        return super().embed(pose2d) * self.table


class Unchecked(Sound):
    def check(self, pose2d: Tensor) -> None:
        pass


class Unsaved(Sound):
    def __init__(self) -> None:
        super().__init__()
        self.config = {}
        self.scale = torch.rand(8) + 1

    def embed(self, pose2d: Tensor) -> Tensor:
        return super().embed(pose2d) * self.scale


class HalfSaved(Sound):
    def state_dict(self, *args, **kwargs):
        state = super().state_dict(*args, **kwargs)
        state.pop("out.bias")
        return state


class Logits(Sound):
    def layer(self, index: int, tokens: Tensor, received: list | None = None) -> Tensor:
        mixed = super().layer(index, tokens)
        if received is not None and index == 1:
            received.append(tokens.mean((2, 3)))
        if received is not None and index == 2:
            received += [torch.ones(tokens.shape[1]), torch.ones(tokens.shape[:2])]
            return mixed + 1
        return mixed


class Deaf(Sound):
    def layer(self, index: int, tokens: Tensor) -> Tensor:
        return super().layer(index, tokens)


class OneType(Sound):
    def head(self, tokens: Tensor) -> Tensor:
        pose = super().head(tokens)
        out = torch.zeros(pose.shape)
        out[:, torch.arange(pose.shape[1])] = pose
        return out


class Overflows(Sound):
    def head(self, tokens: Tensor) -> Tensor:
        pose = super().head(tokens)
        return pose if pose.dtype == torch.float32 else pose / 0


class InPlace(Sound):
    def embed(self, pose2d: Tensor) -> Tensor:
        return super().embed(pose2d.clamp_(-1, 1))


# For each class, all findings in order: the function that checks the rule, and what it says.
BROKEN_BACKBONES = {
    Uncopied: [("copied", "it raised RuntimeError: Only Tensors created explicitly by the user")],
    Misfit: [
        ("attributes", "inputs must be a whole number of 1 or more, not 2.0"),
        ("attributes", "heads = 3 must divide dim = 8"),
        ("attributes", "bias must be True or False, not None"),
        ("attributes", "slots must be 'joints' or 'hypotheses', not 'frames'"),
        ("attributes", r"lengths must have one number for each of 2 layers, first 8, not \[8, 8, 9\]"),
    ],
    Nameless: [
        ("attributes", "dim must be a whole number of 1 or more, not True"),
        ("attributes", "depth must be a whole number of 1 or more, not None"),
    ],
    Growing: [("attributes", r"lengths must never increase, and the last must be above 0, not \[8, 4, 5\]")],
    JointlessTokens: [("embed", r"for \(3, 8, 5, 2\) it returned \(3, 8, 8\) instead of \(3, 8, slots, 8\)")],
    Halving: [
        ("layer", r"layer 1 returned \(3, 4, 5, 8\) for \(3, 8, 5, 8\)"),
        ("layer", r"layer 2 returned numbers that are not finite for \(3, 8, 5, 8\)"),
        ("head", r"for \(3, 8, 5, 8\) it returned \(3, 8, 5, 2\) instead of \(3, 8, 5, 3\)"),
    ],
    TimeInEveryLayer: [
        ("fewer_frames", r"layer 1 returned \(3, 8, 5, 8\) for \(3, 1, 5, 8\)"),
        ("fewer_frames", "it raised RuntimeError: The size of tensor a"),
        ("tells_attention", "it raised RuntimeError: The size of tensor a"),
    ],
    SmoothingHead: [
        ("each_frame_alone", r"in another order, the poses of frames differ by [\d.]+ \(of up to [\d.]+\)"),
        ("each_frame_alone", "without half of the others, the poses of frames differ by"),
    ],
    MoreThanItsParts: [
        ("forward_is_its_parts", r"the results differ by 0\.1 "),
        ("waist_that_keeps_all", r"with the schedule \{1: 8\}, the poses change"),
    ],
    RoundedOtherwise: [("waist_that_keeps_all", r"with the schedule \{1: 8\}, the poses change")],
    AlwaysDropping: [
        ("repeats", r"two passes differ by up to [\d.e-]+ \(is a dropout always on\?\)"),
        ("waist_that_keeps_all", "with the schedule"),
    ],
    LessTheMean: [("clip_by_clip", "alone and in a batch of 3, a clip's poses differ by")],
    ListOfLayers: [
        ("registered", r"mixing holds unregistered parts \(use nn.ModuleList"),
        ("registered", r"out\.extra holds unregistered parts"),
    ],
    Unused: [("gradients", "no gradient reaches project.weight, project.bias, forgotten.weight, forgotten.bias")],
    NoGradients: [("gradients", "no gradient reaches project.weight, .*mixing.1.bias and 4 others")],
    WildGradients: [("gradients", "the gradients of scale are not finite")],
    Remembers: [("gradients", "it raised RuntimeError: Inference tensors cannot be saved for backward")],
    Unchecked: [
        ("refuses", "input without the clip axis (is accepted|raises)"),
        ("refuses", r"input with one frame too many is accepted \(call self.check\(pose2d\) first\)"),
        ("refuses", "input with one joint too many is accepted"),
        ("refuses", "input with one coordinate too many raises RuntimeError"),
        ("refuses", "input with a single joint is accepted"),
    ],
    Unsaved: [("state_dict", "with the same state dict, the poses of a second model differ by")],
    HalfSaved: [("state_dict", "it raised RuntimeError: Error.* in loading state_dict")],
    Logits: [
        ("tells_attention", "layer 1 appends invalid shares: none may be negative, and each clip's must sum to 1"),
        ("tells_attention", "layer 1 appends invalid shares"),
        ("tells_attention", "with a list `received`, the tokens of layer 2 differ by "),
        ("tells_attention", r"layer 2 appends \(4,\) instead of \(clips, frames\), \(3, 4\)"),
        ("tells_attention", "layer 2 appends invalid shares"),
        ("tells_attention", "with a list `received`, the tokens of layer 2 differ by "),
        ("tells_attention", r"layer 2 appends \(8,\) instead of \(clips, frames\), \(3, 8\)"),
        ("tells_attention", "layer 2 appends invalid shares"),
    ],
    Deaf: [("tells_attention", "it raised TypeError: .*positional argument")],
    OneType: [("autocast", "it raised RuntimeError: Index put requires .*")],
    Overflows: [("autocast", "the poses are not finite")],
    InPlace: [("input_untouched", "the 2D poses have changed after a pass")],
}


class SoundPruner(Pruner):
    """Keeps the largest tokens."""

    def forward(self, tokens, pose2d, *, keep, always=None, attention=None):
        return highest(tokens.detach().square().mean((2, 3)), keep, always)


class AskedOfSecond(SoundPruner):
    """Its scores are of the attention, which it says that it needs."""

    needs_attention: ClassVar[bool] = True

    def forward(self, tokens, pose2d, *, keep, always=None, attention=None):
        return highest(attention, keep, always)


class UncopiedPruner(SoundPruner):
    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Linear(2, 2)(torch.ones(2))


class OneMore(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward(tokens, pose2d, keep=min(keep + 1, tokens.shape[1]), always=always)


class Floats(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward(tokens, pose2d, keep=keep, always=always).float()


class BestFirst(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward(tokens, pose2d, keep=keep, always=always).flip(1)


class FromOne(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        last = torch.arange(tokens.shape[1] - keep, tokens.shape[1]).expand(len(tokens), -1)
        if keep == tokens.shape[1] or always is not None:
            return super().forward(tokens, pose2d, keep=keep, always=always)
        return last + 1


class ThirdNeighbour(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        if keep == tokens.shape[1]:
            raise IndexError("there are no frames left over")
        return super().forward(tokens, pose2d, keep=keep, always=always)


class Forgetful(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward(tokens, pose2d, keep=keep, always=always if isinstance(always, int) else None)


class Dice(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward(torch.rand_like(tokens), pose2d, keep=keep, always=always)


class OfTheBatch(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward((tokens - tokens.mean(0)) + tokens / 1e3, pose2d, keep=keep, always=always)


class Numpy(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward(torch.from_numpy(tokens.numpy()), pose2d, keep=keep, always=always)


class ByTraining(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward(-1 / tokens if tokens.requires_grad else tokens, pose2d, keep=keep, always=always)


class SecondJoint(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        return super().forward(tokens[:, :, 1:2] + 0 * tokens[:, :, 1, None], pose2d, keep=keep, always=always)


class Normalises(SoundPruner):
    def forward(self, tokens, pose2d, *, keep, always=None):
        with torch.no_grad():
            return super().forward(F.relu(tokens, inplace=not tokens.requires_grad), pose2d, keep=keep, always=always)


BROKEN_PRUNERS = {
    UncopiedPruner: [("copied", "it raised RuntimeError: Only Tensors")],
    OneMore: [
        ("form", r"for keep=1 it returned \(3, 2\) instead of \(3, 1\)"),
        ("form", r"for keep=6 it returned \(3, 7\) instead of \(3, 6\)"),
        ("form", r"for keep=11 it returned \(3, 12\) instead of \(3, 11\)"),
    ],
    Floats: [("form", "it returned torch.float32")],
    BestFirst: [
        ("rise", r"for keep=6 it returned \[[\d, ]+\] for the first clip"),
        ("rise", "for keep=11 it returned"),
        ("keeps_all", r"it returned \[11, 10, .*\] for the first clip"),
    ],
    FromOne: [("within", "from 12 frames it chose 7 to 12"), ("within", "from 11 frames it chose 7 to 11")],
    ThirdNeighbour: [("keeps_all", "it raised IndexError: there are no frames left over")],
    Forgetful: [("always_kept", r"with keep=1, always=tensor\(\[1, 4, 7\]\) it returned")],
    Dice: [
        ("chooses_again", "two calls chose different frames"),
        ("clips_apart", "a clip keeps different frames alone and in a batch"),
        ("gradients_or_none", "it chooses different frames"),
    ],
    OfTheBatch: [("clips_apart", "a clip keeps different frames alone and in a batch")],
    Numpy: [("gradients_or_none", r"it raised RuntimeError: Can't call numpy\(\) on Tensor that requires grad")],
    ByTraining: [("gradients_or_none", "it chooses different frames")],
    SecondJoint: [("one_slot", "it raised IndexError")],
    Normalises: [("leaves_tokens", "they changed during a call")],
}


class SoundRecoverer(Recoverer):
    """Spreads the mean of what was kept over all frames."""

    acts_on = "tokens"

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(1))

    @classmethod
    def for_backbone(cls, backbone):
        return cls()

    def forward(self, x, kept, *, frames):
        return (self.scale * x.mean(1, keepdim=True)).expand(-1, frames, -1, -1)


class UncopiedRecoverer(SoundRecoverer):
    def __init__(self) -> None:
        super().__init__()
        self.start = self.scale + 1


class ActsOnFrames(SoundRecoverer):
    acts_on = "frames"


class OnlyTheKept(SoundRecoverer):
    def forward(self, x, kept, *, frames):
        return x * self.scale


class Divides(SoundRecoverer):
    def forward(self, x, kept, *, frames):
        return super().forward(x, kept, frames=frames) / (x.shape[1] - 1)


class DiceAgain(SoundRecoverer):
    def forward(self, x, kept, *, frames):
        return super().forward(x, kept, frames=frames) * (1 + 1e-4 * torch.rand(1))


class FirstClips(SoundRecoverer):
    def forward(self, x, kept, *, frames):
        rows = kept[:1].expand(len(x), -1).argsort() % 2
        return super().forward(take(x, rows) * kept[0].sum(), kept, frames=frames)


class Cuts(SoundRecoverer):
    def forward(self, x, kept, *, frames):
        return super().forward(x, kept, frames=frames).detach()


BROKEN_RECOVERERS = {
    UncopiedRecoverer: [("copied", "it raised RuntimeError: Only Tensors")],
    ActsOnFrames: [("acts_on", "it is 'frames'")],
    OnlyTheKept: [
        ("full_length", r"from 1 frames it returned \(3, 1, 17, 16\) instead of \(3, 12, 17, 16\)"),
        ("full_length", "from 6 frames it returned"),
        ("full_length", "from 11 frames it returned"),
    ],
    Divides: [("full_length", "from 1 frames it returned numbers that are not finite")],
    DiceAgain: [("recovers_again", "two calls returned different results")],
    FirstClips: [("recovers_apart", "alone and in a batch, a clip's frames differ by")],
    Cuts: [("passes_gradients", "no gradient reaches the frames, scale")],
}
KINDS = [
    pytest.param(check, rules, broken, id=check.__name__)
    for check, rules, broken in (
        (check_backbone, BACKBONE, BROKEN_BACKBONES),
        (check_pruner, PRUNER, BROKEN_PRUNERS),
        (check_recoverer, RECOVERER, BROKEN_RECOVERERS),
    )
]
BREAKERS = [
    pytest.param(check, rules, kind, broken[kind], id=kind.__name__)
    for check, rules, broken in (kind.values for kind in KINDS)
    for kind in broken
]


@pytest.mark.parametrize(
    ("check", "sound"),
    [
        (check_backbone, Sound),
        (check_pruner, SoundPruner),
        (check_pruner, AskedOfSecond),
        (check_recoverer, SoundRecoverer),
    ],
)
def test_the_parents_of_the_broken_classes_pass(check, sound):
    check(sound())


@pytest.mark.parametrize(("check", "rules", "kind", "expected"), BREAKERS)
def test_a_broken_rule_is_reported(check, rules, kind, expected):
    called = {find.__name__: rule for group in rules for rule, find in group.items()}
    torch.manual_seed(0)
    with pytest.raises(ContractError) as caught:
        check(kind())
    findings = caught.value.broken
    assert len(findings) == len(expected), findings
    for sentence, (name, says) in zip(findings, expected, strict=True):
        assert re.match(f"{re.escape(called[name])}: (?:{says})", sentence), sentence
        assert f"\n- {sentence}" in str(caught.value)
    assert str(caught.value).startswith(f"{kind.__name__} breaks the rules of a ")


@pytest.mark.parametrize(("check", "rules", "broken"), KINDS)
def test_every_rule_has_a_class_that_breaks_it(check, rules, broken):
    names = {name for expected in broken.values() for name, _ in expected}
    assert names == {find.__name__ for group in rules for find in group.values()}


def test_rules_that_build_on_a_broken_one_wait():
    with pytest.raises(ContractError, match=r"\(15 other rules depend on these and were not checked\.\)$"):
        check_backbone(JointlessTokens())
    with pytest.raises(ContractError) as caught:
        check_backbone(SmoothingHead())
    assert "other rules" not in str(caught.value)


def test_the_error():
    with pytest.raises(AssertionError) as caught:
        check_backbone(Deaf())
    assert isinstance(caught.value, PoseglassError)
    assert isinstance(caught.value.__cause__, TypeError), "with the traceback of what went wrong"
    back = pickle.loads(pickle.dumps(ContractError("it breaks", ["a", "b"])))
    assert (str(back), back.broken) == ("it breaks", ["a", "b"])


def test_layers_may_be_skipped_at_random():
    class Skipping(Sound):
        def layer(self, index, tokens, received=None):
            return tokens if self.training and random.random() < 0.2 else super().layer(index, tokens, received)

    check_backbone(Skipping())


class Noisy(Sound):
    """Draws random numbers of both kinds, and has running statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(8)
        self.gate = nn.Parameter(torch.zeros(1))

    def head(self, tokens: Tensor) -> Tensor:
        normed = self.gate * self.norm(tokens.flatten(0, 2)).view_as(tokens)
        return super().head(F.dropout(normed, random.random() / 2, self.training))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", [Noisy, Dice])
def test_a_check_leaves_no_trace(kind, training):
    part = kind().train(training)
    if kind is Noisy:
        part.norm.eval()  # flags of parts may differ
    before = {name: value.clone() for name, value in part.state_dict().items()}
    flags = [module.training for module in part.modules()]
    of_torch, of_python = torch.get_rng_state(), random.getstate()
    with torch.inference_mode(kind is Noisy):  # nor does it matter what the caller is about
        if kind is Dice:
            with pytest.raises(ContractError):
                check_pruner(part)
        else:
            check_backbone(part)
    assert torch.equal(torch.get_rng_state(), of_torch)
    assert random.getstate() == of_python
    assert [module.training for module in part.modules()] == flags
    assert all(torch.equal(value, before[name]) for name, value in part.state_dict().items())
    assert all(parameter.grad is None for parameter in part.parameters())
