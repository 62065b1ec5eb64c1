"""The rules of pruners and recoverers: :data:`PRUNER` and :data:`RECOVERER` list them."""

from typing import Any

import torch
from torch import Tensor

from poseglass.testing._judge import Broken, Rules, apart, copied, judge, noise
from poseglass.waist._base import Pruner, Recoverer

__all__ = ["PRUNER", "RECOVERER", "check_pruner", "check_recoverer"]

CLIPS = 3


def check_pruner(pruner: Pruner, *, dim: int = 16, frames: int = 12, joints: int = 17, inputs: int = 2) -> None:
    """Check that a pruner chooses frames as a waist requires.

    Args:
        pruner: Your pruner. It is not changed.
        dim: Channels of the tokens to test it with.
        frames: Frames of the clips to test it with, at least 4.
        joints: Joints of their poses.
        inputs: Input coordinates of a joint.

    Raises:
        ContractError: It breaks rules; `.broken` lists them.

    Example:
        >>> from poseglass.waist.prune import DensityPeaks
        >>> check_pruner(DensityPeaks())
    """
    pose2d = noise(CLIPS, frames, joints, inputs)
    judge("pruner", pruner, PRUNER, noise(CLIPS, frames, joints, dim), pose2d)


def check_recoverer(recoverer: Recoverer, *, dim: int = 16, frames: int = 12, joints: int = 17) -> None:
    """Check that a recoverer restores frames as a waist requires.

    Args:
        recoverer: Your recoverer. It is not changed.
        dim: Channels of the tokens it is built for, if it acts on tokens.
        frames: Frames of the clips it is built for, at least 4.
        joints: Joints of the poses.

    Raises:
        ContractError: It breaks rules; `.broken` lists them.

    Example:
        >>> from poseglass.waist.recover import Interpolate
        >>> check_recoverer(Interpolate())
    """
    channels = 3 if getattr(recoverer, "acts_on", None) == "poses" else dim
    judge("recoverer", recoverer, RECOVERER, noise(CLIPS, frames, joints, channels))


# The rules of a pruner. Each gets the pruner, and tokens (b f s c) and 2D poses (b f j i) to choose from.


def form(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """It returns exactly as many frames as requested."""
    for keep in _few(tokens):
        kept = _choose(pruner, tokens, pose2d, keep)
        if tuple(kept.shape) != (len(tokens), keep):
            yield f"for keep={keep} it returned {tuple(kept.shape)} instead of {(len(tokens), keep)}"
        elif kept.dtype not in (torch.int64, torch.int32):
            yield f"it returned {kept.dtype}"
            return


def rise(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """It returns each frame once, in temporal order."""
    for keep in _few(tokens):
        kept = _choose(pruner, tokens, pose2d, keep)
        if (kept.diff(dim=1) <= 0).any():
            yield f"for keep={keep} it returned {kept[0].tolist()} for the first clip"


def within(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """It chooses from the whole clip, and from the frames that an earlier stage of a pyramid left."""
    for frames in (tokens.shape[1], tokens.shape[1] - 1):
        kept = _choose(pruner, tokens[:, :frames], pose2d[:, :frames], frames // 2)
        if (kept < 0).any() or (kept >= frames).any():
            yield f"from {frames} frames it chose {int(kept.min())} to {int(kept.max())}"


def keeps_all(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """It keeps every frame if all are requested."""
    kept = _choose(pruner, tokens, pose2d, tokens.shape[1])
    if kept.tolist() != [[*range(tokens.shape[1])]] * len(tokens):
        yield f"it returned {kept[0].tolist()} for the first clip"


def always_kept(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """It keeps the frame `always`, the same in all clips or one per clip, as one of the `keep` frames."""
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
    """Two calls choose the same frames."""
    if not torch.equal(*(_choose(pruner, tokens, pose2d, tokens.shape[1] // 2) for _ in range(2))):
        yield "two calls chose different frames"


def clips_apart(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """A clip keeps the same frames alone and in a batch."""
    keep = tokens.shape[1] // 2
    alone = [_choose(pruner, tokens, pose2d, keep, only=slice(n, n + 1)) for n in range(len(tokens))]
    if not torch.equal(torch.cat(alone), _choose(pruner, tokens, pose2d, keep)):
        yield "a clip keeps different frames alone and in a batch"


def gradients_or_none(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """It makes the same choice in training and in inference mode."""
    keep = tokens.shape[1] // 2
    with torch.enable_grad():
        training = _choose(pruner, tokens.clone().requires_grad_(), pose2d, keep)
    with torch.inference_mode():
        running = _choose(pruner, tokens, pose2d, keep)
    if not torch.equal(training, running):
        yield "it chooses different frames"


def one_slot(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """It takes tokens with one slot, the form in which hypotheses are passed."""
    yield from form(pruner, tokens[:, :, :1], pose2d)


def leaves_tokens(pruner: Pruner, tokens: Tensor, pose2d: Tensor) -> Broken:
    """It does not change the tokens, which the layers still need."""
    before = tokens.clone(), pose2d.clone()
    _choose(pruner, tokens, pose2d, tokens.shape[1] // 2)
    if not (torch.equal(tokens, before[0]) and torch.equal(pose2d, before[1])):
        yield "they changed during a call"


PRUNER: Rules = (
    {"copy.deepcopy must be able to copy it": copied},
    {"it must return whole numbers of shape (clips, keep)": form},
    {
        "the kept indices must be strictly increasing": rise,
        "the kept frames must exist": within,
        "if every frame is requested, it must keep every frame": keeps_all,
        "it must keep the frame `always`, the same in all clips or one per clip": always_kept,
        "the same clips must keep the same frames every time": chooses_again,
        "a clip's frames must not depend on the other clips": clips_apart,
        "it must choose the same with gradients on and in inference mode": gradients_or_none,
        "it must take tokens with a single slot": one_slot,
        "it must leave tokens and poses unchanged": leaves_tokens,
    },
)


# The rules of a recoverer. Each gets the recoverer, and all frames (b f s c) of clips.


def acts_on(recoverer: Recoverer, x: Tensor) -> Broken:
    """It says whether it acts before or after the head."""
    value = getattr(recoverer, "acts_on", None)
    if value not in ("tokens", "poses"):
        yield f"it is {value!r}"


def full_length(recoverer: Recoverer, x: Tensor) -> Broken:
    """It recovers all frames from one, from some, and from all."""
    for keep in (*_few(x), x.shape[1]):
        full = _recover(recoverer, x, keep)
        if full.shape != x.shape:
            yield f"from {keep} frames it returned {tuple(full.shape)} instead of {tuple(x.shape)}"
        elif not full.isfinite().all():
            yield f"from {keep} frames it returned numbers that are not finite"


def recovers_again(recoverer: Recoverer, x: Tensor) -> Broken:
    """Two calls with the same kept frames give the same result."""
    if not torch.equal(*(_recover(recoverer, x, x.shape[1] // 2) for _ in range(2))):
        yield "two calls returned different results"


def recovers_apart(recoverer: Recoverer, x: Tensor) -> Broken:
    """Each clip is recovered from its own kept frames, with the same result alone and in a batch."""
    keep = x.shape[1] // 2
    alone = torch.cat([_recover(recoverer, x, keep, only=slice(n, n + 1)) for n in range(len(x))])
    if by := apart(_recover(recoverer, x, keep), alone):
        yield f"alone and in a batch, a clip's frames differ by {by}"


def passes_gradients(recoverer: Recoverer, x: Tensor) -> Broken:
    """Gradients reach its input and its own parameters."""
    recoverer.zero_grad(set_to_none=True)
    with torch.enable_grad():
        x = x.clone().requires_grad_()
        loss = _recover(recoverer, x, x.shape[1] // 2).square().sum()
        if loss.requires_grad:
            loss.backward()
    wanted = {"the frames": x, **{name: p for name, p in recoverer.named_parameters() if p.requires_grad}}
    if without := [name for name, value in wanted.items() if value.grad is None]:
        yield f"no gradient reaches {', '.join(without)}"


RECOVERER: Rules = (
    {"copy.deepcopy must be able to copy it": copied},
    {"acts_on must be 'tokens' or 'poses'": acts_on},
    {"it must return every frame (clips, frames, slots, channels)": full_length},
    {
        "the same kept frames must give the same result every time": recovers_again,
        "a clip's frames must not depend on the other clips": recovers_apart,
        "gradients must pass through": passes_gradients,
    },
)


def _few(x: Tensor) -> tuple[int, ...]:
    """Numbers of frames to keep: one, half, all but one."""
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
    """The pruner's choice for the clips `only`."""
    extra: dict[str, Any] = {}
    if type(pruner).needs_attention:
        extra["attention"] = noise(*tokens.shape[:2]).softmax(1)[only]
    kept: Tensor = pruner(tokens[only], pose2d[only], keep=keep, always=always, **extra)
    return kept


def _recover(recoverer: Recoverer, x: Tensor, keep: int, *, only: slice = slice(None)) -> Tensor:
    """All frames of the clips `only`, recovered from `keep` frames, different ones in each clip."""
    kept = torch.stack([order.argsort()[:keep].sort().values for order in noise(*x.shape[:2])])
    few = torch.stack([clip[rows] for clip, rows in zip(x, kept, strict=True)])
    full: Tensor = recoverer(few[only], kept[only], frames=x.shape[1])
    return full
