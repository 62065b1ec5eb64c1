"""The rules of a backbone: :data:`BACKBONE` lists them."""

import copy
from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from poseglass.errors import ModelError
from poseglass.models import PoseTransformer
from poseglass.testing._judge import Broken, Rules, apart, copied, judge, noise
from poseglass.waist.hourglass import Hourglass, hourglass
from poseglass.waist.select import take

__all__ = ["BACKBONE", "check_backbone"]

CLIPS = 3


def check_backbone(model: PoseTransformer) -> None:
    """Check that a backbone can be given a waist, trained and run like those of this package.

    In the checked copy, parameters that are zero or almost zero get random numbers, so that no branch is switched off.
    The check makes about thirty passes over three clips, so use a small model.

    Args:
        model: Your backbone, in any mode and on any device. It is not changed.

    Raises:
        ContractError: It breaks rules; `.broken` lists them. Rules that depend on a broken one are not checked.

    Example:
        >>> from poseglass import MixSTE
        >>> check_backbone(MixSTE(frames=9, dim=16, depth=2, heads=2))
    """
    judge("backbone", model, BACKBONE)


# The rules of a backbone. Each gets a copy in evaluation mode, with gradients off.


def attributes(model: PoseTransformer) -> Broken:
    """The attributes are valid and consistent."""
    whole = {}
    for name in ("dim", "frames", "depth", "inputs", "joints", "heads"):
        value = getattr(model, name, None)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            whole[name] = value
        else:
            yield f"{name} must be a whole number of 1 or more, not {value!r}"
    if whole.get("dim", 0) % whole.get("heads", 1):
        yield f"heads = {model.heads} must divide dim = {model.dim}"
    if not isinstance(model.bias, bool):
        yield f"bias must be True or False, not {model.bias!r}"
    if model.slots not in ("joints", "hypotheses"):
        yield f"slots must be 'joints' or 'hypotheses', not {model.slots!r}"
    if model.lengths is not None and {"frames", "depth"} <= whole.keys():
        lengths = [*model.lengths]
        if len(lengths) != model.depth or lengths[0] != model.frames:
            yield f"lengths must have one number for each of {model.depth} layers, first {model.frames}, not {lengths}"
        elif lengths[-1] < 1 or any(after > before for before, after in pairwise(lengths)):
            yield f"lengths must never increase, and the last must be above 0, not {lengths}"


def embed(model: PoseTransformer) -> Broken:
    """Tokens have the clip's frames and the model's channels."""
    x = _clips(model)
    tokens = model.embed(x)
    if tokens.ndim != 4 or (len(tokens), tokens.shape[1], tokens.shape[3]) != (CLIPS, model.frames, model.dim):
        due = f"({CLIPS}, {model.frames}, slots, {model.dim})"
        yield f"for {tuple(x.shape)} it returned {tuple(tokens.shape)} instead of {due}"


def layer(model: PoseTransformer) -> Broken:
    """A layer returns as many tokens as it gets."""
    for index in range(model.depth):
        yield from _layer_keeps(model, index, _tokens(model, _length(model, index)))


def head(model: PoseTransformer) -> Broken:
    """Each frame gets a pose."""
    tokens = _tokens(model, model.frames)
    pose, due = model.head(tokens), (CLIPS, model.frames, model.joints, 3)
    if tuple(pose.shape) != due:
        yield f"for {tuple(tokens.shape)} it returned {tuple(pose.shape)} instead of {due}"


def fewer_frames(model: PoseTransformer) -> Broken:
    """Layers take one frame, half of them, and all but one, with different frames in each clip."""
    if model.lengths is None:
        for index in range(1, model.depth):
            for count in sorted({1, model.frames // 2, model.frames - 1} - {0}):
                yield from _layer_keeps(model, index, _tokens(model, count))


def each_frame_alone(model: PoseTransformer) -> Broken:
    """A frame gets the same pose if frames are reordered or left out."""
    tokens = _tokens(model, model.frames)
    order = torch.randperm(model.frames, generator=torch.Generator().manual_seed(1)).expand(CLIPS, -1).to(tokens.device)
    for what, frames in (("in another order", order), ("without half of the others", order[:, ::2].sort().values)):
        if by := apart(model.head(take(tokens, frames)), take(model.head(tokens), frames)):
            yield f"{what}, the poses of frames differ by {by}"


def forward_is_its_parts(model: PoseTransformer) -> Broken:
    """The method forward does only what embed, the layers and head do."""
    if not _narrows(model):
        x = _clips(model)
        tokens = model.embed(x)
        for index in range(model.depth):
            tokens = model.layer(index, tokens)
        if by := apart(model(x), model.head(tokens)):
            yield f"the results differ by {by}"


def repeats(model: PoseTransformer) -> Broken:
    """Two passes over the same clips give the same poses."""
    run, x = _whole(model), _clips(model)
    first, second = run(x), run(x)
    if not torch.equal(first, second):
        yield f"two passes differ by up to {(first - second).abs().max():.2g} (is a dropout always on?)"


def clip_by_clip(model: PoseTransformer) -> Broken:
    """A clip gets the same poses alone and in a batch."""
    run, x = _whole(model), _clips(model)
    together, alone = run(x), torch.cat([run(clip[None]) for clip in x])
    if by := apart(together, alone):
        yield f"alone and in a batch of {CLIPS}, a clip's poses differ by {by}"


def waist_that_keeps_all(model: PoseTransformer) -> Broken:
    """A waist that keeps every frame changes nothing, with one stage and with as many as possible."""
    if model.depth > 1 and not _narrows(model):
        x = _clips(model)
        for schedule in ({1: model.frames}, dict.fromkeys(range(1, model.depth), model.frames)):
            wide = hourglass(model, keep=schedule, prune="uniform", recover="interpolate").eval()
            if not torch.equal(wide(x), model(x)):
                yield f"with the schedule {schedule}, the poses change (does forward do more than its parts?)"
                return


def registered(model: PoseTransformer) -> Broken:
    """No module is in a plain list, where it would not be trained, saved or moved."""
    known = {id(part) for part in (*model.modules(), *model.parameters())}
    for name, module in model.named_modules():
        for attribute, value in vars(module).items():
            if attribute not in ("_parameters", "_modules") and any(id(part) not in known for part in _parts(value)):
                path = f"{name}.{attribute}".lstrip(".")
                yield f"{path} holds unregistered parts (use nn.ModuleList, nn.ModuleDict or nn.ParameterList)"


def gradients(model: PoseTransformer) -> Broken:
    """Gradients flow in training, even after an evaluation, which may leave cached tensors."""
    run, x = _whole(model), _clips(model)
    with torch.inference_mode():
        run(x)
    model.train().zero_grad(set_to_none=True)
    wanted = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    without = [*wanted]
    with torch.enable_grad():
        for _ in range(4 if wanted else 0):  # stochastic depth may skip a layer
            loss = run(x).square().sum()
            if loss.requires_grad:
                loss.backward()
            without = [name for name, parameter in wanted.items() if parameter.grad is None]
            if not without:
                break
    if without:
        yield f"no gradient reaches {_listed(without)}"
    if wild := [name for name, p in wanted.items() if p.grad is not None and not p.grad.isfinite().all()]:
        yield f"the gradients of {_listed(wild)} are not finite"


def refuses(model: PoseTransformer) -> Broken:
    """Wrong shapes are refused; otherwise they would fail somewhere inside or, worse, be broadcast."""
    x = _clips(model)[:1]
    wrong = {
        "without the clip axis": x[0],
        "with one frame too many": torch.cat([x, x[:, :1]], 1),
        "with one joint too many": torch.cat([x, x[:, :, :1]], 2),
        "with one coordinate too many": torch.cat([x, x[..., :1]], 3),
    }
    if model.joints > 1:
        wrong["with a single joint"] = x[:, :, :1]
    for what, clip in wrong.items():
        try:
            model(clip)
        except ModelError:
            continue
        except Exception as problem:
            yield f"input {what} raises {type(problem).__name__} (call self.check(pose2d) first)"
        else:
            yield f"input {what} is accepted (call self.check(pose2d) first)"


def state_dict(model: PoseTransformer) -> Broken:
    """A second model with the same state dict gives the same poses. It is built from `config` if there is one."""
    config = getattr(model, "config", None)
    twin = copy.deepcopy(model) if config is None else type(model)(**config)
    x = _clips(model)
    for value in twin.state_dict().values():
        if value.is_floating_point():
            value.copy_(noise(*value.shape))
    twin.to(x).eval().load_state_dict(model.state_dict())
    if by := apart(_whole(twin)(x), _whole(model)(x)):
        yield f"with the same state dict, the poses of a second model differ by {by}"


def tells_attention(model: PoseTransformer) -> Broken:
    """Layers report attention as shares, over all frames and, if they take fewer, over half of them."""
    for index in range(model.depth):
        few = {max(model.frames // 2, 1)} if index and model.lengths is None else set()
        for count in sorted(few | {_length(model, index)}):
            tokens, received = _tokens(model, count), list[Tensor]()
            if by := apart(model.layer(index, tokens, received), model.layer(index, tokens)):
                yield f"with a list `received`, the tokens of layer {index} differ by {by}"
            for share in received:
                if tuple(share.shape) != (CLIPS, count):
                    yield f"layer {index} appends {tuple(share.shape)} instead of (clips, frames), {(CLIPS, count)}"
                elif not bool((share >= 0).all() and ((share.float().sum(1) - 1).abs() < 1e-3).all()):
                    yield f"layer {index} appends invalid shares: none may be negative, and each clip's must sum to 1"


def autocast(model: PoseTransformer) -> Broken:
    """The model runs under autocast on its device."""
    x = _clips(model)
    if x.dtype != torch.float64:
        with torch.autocast(x.device.type, torch.bfloat16):
            pose = _whole(model)(x)
        if not pose.isfinite().all():
            yield "the poses are not finite"


def input_untouched(model: PoseTransformer) -> Broken:
    """The input is not changed in place."""
    x = _clips(model)
    before = x.clone()
    _whole(model)(x)
    if not torch.equal(x, before):
        yield "the 2D poses have changed after a pass"


# Groups of rules, each rule with the function that checks it. Each group depends on the groups before it.
BACKBONE: Rules = (
    {"copy.deepcopy must be able to copy it": copied},
    {"its attributes must be valid and consistent": attributes},
    {"embed must return tokens (clips, frames, slots, dim)": embed},
    {
        "a layer must return finite tokens of the shape it gets": layer,
        "head must return poses (clips, frames, joints, 3)": head,
    },
    {
        "from layer 1 on, layers must take any subset of the frames": fewer_frames,
        "head must treat each frame independently": each_frame_alone,
        "forward must be embed, then every layer in order, then head": forward_is_its_parts,
        "evaluation must be repeatable bit for bit": repeats,
        "a clip's poses must not depend on the other clips": clip_by_clip,
        "a waist that keeps every frame must not change the poses": waist_that_keeps_all,
        "every parameter and module must be registered": registered,
        "gradients must reach every parameter": gradients,
        "input of a wrong shape must be refused with ModelError": refuses,
        "the state dict must contain everything that the poses depend on": state_dict,
        "a layer must append to `received` each frame's share of the attention": tells_attention,
        "it must run under bfloat16 autocast": autocast,
        "it must leave its input unchanged": input_untouched,
    },
)


def _narrows(model: PoseTransformer) -> bool:
    """Whether the model's layers were built for a waist and cannot run without one."""
    return model.lengths is not None and model.lengths[-1] < model.frames


def _whole(model: PoseTransformer) -> PoseTransformer | Hourglass:
    """The model, in the waist it was built for, if any."""
    if not _narrows(model) or model.lengths is None:
        return model
    drops = {i: now for i, (before, now) in enumerate(pairwise(model.lengths), start=1) if now < before}
    return hourglass(model, keep=drops, prune="uniform", recover="interpolate").eval()


def _clips(model: PoseTransformer) -> Tensor:
    """Random clips (b f j i) on the model's device, the same on every call, with scores from 0 to 1."""
    like = next((p for p in model.parameters() if p.is_floating_point()), torch.zeros(()))
    clips = noise(CLIPS, model.frames, model.joints, model.inputs)
    clips[..., 2:] = clips[..., 2:].sigmoid()
    return clips.to(like)


def _tokens(model: PoseTransformer, count: int) -> Tensor:
    """Tokens (b k s c) of `count` frames of each clip, different frames in each clip."""
    chance = torch.Generator().manual_seed(1)
    kept = torch.stack([torch.randperm(model.frames, generator=chance)[:count].sort().values for _ in range(CLIPS)])
    tokens = model.embed(_clips(model))
    return take(tokens, kept.to(tokens.device))


def _length(model: PoseTransformer, index: int) -> int:
    """The largest number of frames that a layer takes."""
    return model.frames if model.lengths is None else model.lengths[index]


def _layer_keeps(model: PoseTransformer, index: int, tokens: Tensor) -> Broken:
    mixed = model.layer(index, tokens)
    if mixed.shape != tokens.shape:
        yield f"layer {index} returned {tuple(mixed.shape)} for {tuple(tokens.shape)}"
    elif not mixed.isfinite().all():
        yield f"layer {index} returned numbers that are not finite for {tuple(tokens.shape)}"


def _parts(value: object) -> Iterator[nn.Module | nn.Parameter]:
    """Modules and parameters in lists, tuples and dictionaries."""
    if isinstance(value, nn.Module | nn.Parameter):
        yield value
    elif isinstance(value, dict):
        yield from _parts([*value.values()])
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _parts(part)


def _listed(names: list[str]) -> str:
    """The first six names of a list, and the number of others."""
    return ", ".join(names[:6]) + (f" and {len(names) - 6} others" if len(names) > 6 else "")
