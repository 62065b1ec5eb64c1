"""The rules of pruners and recoverers: :data:`PRUNER` and :data:`RECOVERER` list them."""

from typing import Any

import torch
from torch import Tensor

from poseglass.testing._judge import Broken, Rules, apart, copied, judge, noise
from poseglass.waist._base import Pruner, Recoverer

__all__ = ["PRUNER", "RECOVERER", "check_pruner", "check_recoverer"]

CLIPS = 3


def check_pruner(pruner: Pruner, *, dim: int = 16, frames: int = 12, joints: int = 17, inputs: int = 2) -> None:
    """Passes if a pruner chooses frames as a waist needs it.

    Args:
        pruner: Yours; it is not changed.
        dim: Channels of the tokens that it is shown.
        frames: Frames of the clips that it is shown, at least 4.
        joints: Joints of their poses.
        inputs: Coordinates of a joint.

    Raises:
        ContractError: It breaks rules; `.broken` says which.

    Example:
        >>> from poseglass.waist.prune import DensityPeaks
        >>> check_pruner(DensityPeaks())
    """
    pose2d = noise(CLIPS, frames, joints, inputs)
    judge("pruner", pruner, PRUNER, noise(CLIPS, frames, joints, dim), pose2d)


def check_recoverer(recoverer: Recoverer, *, dim: int = 16, frames: int = 12, joints: int = 17) -> None:
    """Passes if a recoverer brings frames back as a waist needs it.

    Args:
        recoverer: Yours; it is not changed.
        dim: Channels of the tokens that it is made for, if it acts on tokens.
        frames: Frames of the clips that it is made for, at least 4.
        joints: Joints of the poses.

    Raises:
        ContractError: It breaks rules; `.broken` says which.

    Example:
        >>> from poseglass.waist.recover import Interpolate
        >>> check_recoverer(Interpolate())
    """
    channels = 3 if getattr(recoverer, "acts_on", None) == "poses" else dim
    judge("recoverer", recoverer, RECOVERER, noise(CLIPS, frames, joints, channels))


# What rules say of a pruner: they get it, tokens (b f s c) and 2D poses (b f j i) to choose from.


def form(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """Exactly as many as asked for."""
    for keep in _few(tokens):
        kept = _choose(pruner, tokens, pose2d, keep)
        if tuple(kept.shape) != (len(tokens), keep):
            yield f"asked for {keep} it returned {tuple(kept.shape)} instead of {(len(tokens), keep)}"
        elif kept.dtype not in (torch.int64, torch.int32):
            yield f"it returned {kept.dtype}"
            return


def rise(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """Each once, in the order of time."""
    for keep in _few(tokens):
        kept = _choose(pruner, tokens, pose2d, keep)
        if (kept.diff(dim=1) <= 0).any():
            yield f"asked for {keep} it returned {kept[0].tolist()} for the first of the clips"


def within(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """Of the whole clip, and of those that an earlier stage of a pyramid left."""
    for frames in (tokens.shape[1], tokens.shape[1] - 1):
        kept = _choose(pruner, tokens[:, :frames], pose2d[:, :frames], frames // 2)
        if (kept < 0).any() or (kept >= frames).any():
            yield f"of {frames} frames it chose {int(kept.min())} to {int(kept.max())}"


def keeps_all(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """Every frame when asked for every frame."""
    kept = _choose(pruner, tokens, pose2d, tokens.shape[1])
    if kept.tolist() != [[*range(tokens.shape[1])]] * len(tokens):
        yield f"it returned {kept[0].tolist()} for the first of the clips"


def always_kept(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """The same frame of all clips, and one of each clip; `keep` counts it."""
    frames = tokens.shape[1]
    places: list[int | Tensor] = [*range(frames), (3 * torch.arange(len(tokens)) + 1) % frames]
    for always in places:
        for keep in _few(tokens):
            kept = _choose(pruner, tokens, pose2d, keep, always)
            place = always[:, None] if isinstance(always, Tensor) else always
            if tuple(kept.shape) != (len(tokens), keep) or not (kept == place).any(1).all():
                yield f"with keep={keep}, always={always} it returned {kept.tolist()}"
                return


def chooses_again(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """The same clips twice."""
    if not torch.equal(*(_choose(pruner, tokens, pose2d, tokens.shape[1] // 2) for _ in range(2))):
        yield "two calls chose differently"


def clips_apart(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """Each clip alone, and all together."""
    keep = tokens.shape[1] // 2
    alone = [_choose(pruner, tokens, pose2d, keep, only=slice(n, n + 1)) for n in range(len(tokens))]
    if not torch.equal(torch.cat(alone), _choose(pruner, tokens, pose2d, keep)):
        yield "alone and in a batch the same clip keeps different frames"


def gradients_or_none(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """While a model trains, and in inference mode."""
    keep = tokens.shape[1] // 2
    with torch.enable_grad():
        training = _choose(pruner, tokens.clone().requires_grad_(), pose2d, keep)
    with torch.inference_mode():
        running = _choose(pruner, tokens, pose2d, keep)
    if not torch.equal(training, running):
        yield "it chooses differently"


def one_slot(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """As tokens of hypotheses come."""
    yield from form(pruner, tokens[:, :, :1], pose2d)


def leaves_tokens(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """They go on through the layers."""
    before = tokens.clone(), pose2d.clone()
    _choose(pruner, tokens, pose2d, tokens.shape[1] // 2)
    if not (torch.equal(tokens, before[0]) and torch.equal(pose2d, before[1])):
        yield "they are others after a call"


PRUNER: Rules = (
    {"copy.deepcopy must be able to copy it": copied},
    {"it must return whole numbers (clips, keep)": form},
    {
        "kept frames must rise, none of them twice": rise,
        "kept frames must be among the frames there are": within,
        "asked for every frame it must keep every frame": keeps_all,
        "the frame `always`, one or one for each clip, must be kept": always_kept,
        "the same clips must keep the same frames again": chooses_again,
        "a clip's frames must not depend on the other clips": clips_apart,
        "it must work with gradients on, and in inference mode": gradients_or_none,
        "it must work with tokens of a single slot": one_slot,
        "it must leave tokens and poses as they were": leaves_tokens,
    },
)


# What rules say of a recoverer: they get it, and as many frames (b f s c) as it is to bring back.


def acts_on(recoverer: Recoverer, x: Tensor) -> Broken:
    """So that the waist knows where to ask it."""
    said = getattr(recoverer, "acts_on", None)
    if said not in ("tokens", "poses"):
        yield f"it is {said!r}"


def full_length(recoverer: Recoverer, x: Tensor) -> Broken:
    """Of one frame, of some, of all."""
    for keep in (*_few(x), x.shape[1]):
        full = _recover(recoverer, x, keep)
        if full.shape != x.shape:
            yield f"of {keep} frames it made {tuple(full.shape)} instead of {tuple(x.shape)}"
        elif not full.isfinite().all():
            yield f"of {keep} frames it made numbers that are not finite"


def recovers_again(recoverer: Recoverer, x: Tensor) -> Broken:
    """The same frames twice."""
    if not torch.equal(*(_recover(recoverer, x, x.shape[1] // 2) for _ in range(2))):
        yield "two calls differ"


def recovers_apart(recoverer: Recoverer, x: Tensor) -> Broken:
    """Each clip alone, and all together, each with kept frames of its own."""
    keep = x.shape[1] // 2
    alone = torch.cat([_recover(recoverer, x, keep, only=slice(n, n + 1)) for n in range(len(x))])
    if by := apart(_recover(recoverer, x, keep), alone):
        yield f"alone and in a batch the same clip's frames differ by {by}"


def passes_gradients(recoverer: Recoverer, x: Tensor) -> Broken:
    """To the layers before, and to what it learns itself."""
    recoverer.zero_grad(set_to_none=True)
    with torch.enable_grad():
        x = x.clone().requires_grad_()
        loss = _recover(recoverer, x, x.shape[1] // 2).square().sum()
        if loss.requires_grad:
            loss.backward()
    wanted = {"the frames": x, **{name: p for name, p in recoverer.named_parameters() if p.requires_grad}}
    if without := [name for name, value in wanted.items() if value.grad is None]:
        yield f"none reaches {', '.join(without)}"


RECOVERER: Rules = (
    {"copy.deepcopy must be able to copy it": copied},
    {"acts_on must be 'tokens' or 'poses'": acts_on},
    {"it must return every frame (clips, frames, slots, channels)": full_length},
    {
        "the same kept frames must give the same frames again": recovers_again,
        "a clip's frames must not depend on the other clips": recovers_apart,
        "gradients must pass through": passes_gradients,
    },
)


def _few(x: Tensor) -> tuple[int, ...]:
    """How many of the frames to ask for: one, some, all but one."""
    return 1, x.shape[1] // 2, x.shape[1] - 1


def _choose(
    pruner: Pruner,
    tokens: Tensor,
    pose2d: Tensor,
    keep: int,
    always: int | Tensor | None = None,
    *,
    only: slice = slice(None),
) -> Tensor:
    """What the pruner keeps of some of the clips."""
    asked: dict[str, Any] = {}
    if type(pruner).needs_attention:
        asked["attention"] = noise(*tokens.shape[:2]).softmax(1)[only]
    kept: Tensor = pruner(tokens[only], pose2d[only], keep=keep, always=always, **asked)
    return kept


def _recover(recoverer: Recoverer, x: Tensor, keep: int, *, only: slice = slice(None)) -> Tensor:
    """Full length from `keep` of the frames, other ones in each clip, of some of the clips."""
    kept = torch.stack([order.argsort()[:keep].sort().values for order in noise(*x.shape[:2])])
    few = torch.stack([clip[rows] for clip, rows in zip(x, kept, strict=True)])
    full: Tensor = recoverer(few[only], kept[only], frames=x.shape[1])
    return full
