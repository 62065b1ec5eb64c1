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
    """Passes if a backbone can be given a waist, trained and run like those of this package.

    Parameters that are zero, or all but, are filled with random numbers in the copy that is checked, so that no branch
    is switched off. The time is that of some thirty passes over three clips: build the model small.

    Args:
        model: Yours, in any mode and on any device. It is not changed.

    Raises:
        ContractError: It breaks rules; `.broken` says which. Later rules wait for those that they build on.

    Example:
        >>> from poseglass import MixSTE
        >>> check_backbone(MixSTE(frames=9, dim=16, depth=2, heads=2))
    """
    judge("backbone", model, BACKBONE)


# What rules say of a backbone. They get a copy of it in evaluation mode, and no gradients are on.


def attributes(model: PoseTransformer) -> Broken:
    """Numbers that are whole and positive, and fit together."""
    whole = {}
    for name in ("dim", "frames", "depth", "inputs", "joints", "heads"):
        value = getattr(model, name, None)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            whole[name] = value
        else:
            yield f"{name} must be a whole number from 1 on, not {value!r}"
    if whole.get("dim", 0) % whole.get("heads", 1):
        yield f"heads = {model.heads} must divide dim = {model.dim}"
    if not isinstance(model.bias, bool):
        yield f"bias must be True or False, not {model.bias!r}"
    if model.slots not in ("joints", "hypotheses"):
        yield f"slots must be 'joints' or 'hypotheses', not {model.slots!r}"
    if model.lengths is not None and {"frames", "depth"} <= whole.keys():
        lengths = [*model.lengths]
        if len(lengths) != model.depth or lengths[0] != model.frames:
            yield f"lengths must name the frames of {model.depth} layers, the first {model.frames}, not {lengths}"
        elif lengths[-1] < 1 or any(after > before for before, after in pairwise(lengths)):
            yield f"lengths must fall or stay and end above 0, not be {lengths}"


def embed(model: PoseTransformer) -> Broken:
    """Tokens of the clip's frames and the model's channels."""
    x = _clips(model)
    tokens = model.embed(x)
    if tokens.ndim != 4 or (len(tokens), tokens.shape[1], tokens.shape[3]) != (CLIPS, model.frames, model.dim):
        due = f"({CLIPS}, {model.frames}, slots, {model.dim})"
        yield f"of {tuple(x.shape)} it made {tuple(tokens.shape)} instead of {due}"


def layer(model: PoseTransformer) -> Broken:
    """As many tokens out as in."""
    for index in range(model.depth):
        yield from _layer_keeps(model, index, _tokens(model, _length(model, index)))


def head(model: PoseTransformer) -> Broken:
    """A pose for each frame."""
    tokens = _tokens(model, model.frames)
    pose, due = model.head(tokens), (CLIPS, model.frames, model.joints, 3)
    if tuple(pose.shape) != due:
        yield f"of {tuple(tokens.shape)} it made {tuple(pose.shape)} instead of {due}"


def fewer_frames(model: PoseTransformer) -> Broken:
    """One frame, some, and all but one; which they are differs from clip to clip."""
    if model.lengths is None:
        for index in range(1, model.depth):
            for count in sorted({1, model.frames // 2, model.frames - 1} - {0}):
                yield from _layer_keeps(model, index, _tokens(model, count))


def each_frame_alone(model: PoseTransformer) -> Broken:
    """Frames in another order, or fewer of them, have the same poses."""
    tokens = _tokens(model, model.frames)
    order = torch.randperm(model.frames, generator=torch.Generator().manual_seed(1)).expand(CLIPS, -1).to(tokens.device)
    for what, frames in (("in another order", order), ("without half of the others", order[:, ::2].sort().values)):
        if by := apart(model.head(take(tokens, frames)), take(model.head(tokens), frames)):
            yield f"{what}, frames have other poses, by {by}"


def forward_is_its_parts(model: PoseTransformer) -> Broken:
    """Nothing happens between embed, the layers and head."""
    if not _narrows(model):
        x = _clips(model)
        tokens = model.embed(x)
        for index in range(model.depth):
            tokens = model.layer(index, tokens)
        if by := apart(model(x), model.head(tokens)):
            yield f"the results differ by {by}"


def repeats(model: PoseTransformer) -> Broken:
    """The same clips twice."""
    run, x = _whole(model), _clips(model)
    first, second = run(x), run(x)
    if not torch.equal(first, second):
        yield f"two passes differ by up to {(first - second).abs().max():.2g} (is a dropout always on?)"


def clip_by_clip(model: PoseTransformer) -> Broken:
    """Each clip alone, and all together."""
    run, x = _whole(model), _clips(model)
    together, alone = run(x), torch.cat([run(clip[None]) for clip in x])
    if by := apart(together, alone):
        yield f"alone and in a batch of {CLIPS} the same clip's poses differ by {by}"


def waist_that_keeps_all(model: PoseTransformer) -> Broken:
    """One stage, and as many as there can be."""
    if model.depth > 1 and not _narrows(model):
        x = _clips(model)
        for schedule in ({1: model.frames}, dict.fromkeys(range(1, model.depth), model.frames)):
            wide = hourglass(model, keep=schedule, prune="uniform", recover="interpolate").eval()
            if not torch.equal(wide(x), model(x)):
                yield f"with the schedule {schedule} it does (does forward do more than embed, layer and head?)"
                return


def registered(model: PoseTransformer) -> Broken:
    """Modules in plain lists are neither trained, nor saved, nor moved."""
    known = {id(part) for part in (*model.modules(), *model.parameters())}
    for name, module in model.named_modules():
        for attribute, value in vars(module).items():
            if attribute not in ("_parameters", "_modules") and any(id(part) not in known for part in _parts(value)):
                path = f"{name}.{attribute}".lstrip(".")
                yield f"{path} holds some that are not (use nn.ModuleList, nn.ModuleDict or nn.ParameterList)"


def gradients(model: PoseTransformer) -> Broken:
    """In training, and after an evaluation, whose leftovers must not be in the way."""
    run, x = _whole(model), _clips(model)
    with torch.inference_mode():
        run(x)
    model.train().zero_grad(set_to_none=True)
    wanted = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    without = [*wanted]
    with torch.enable_grad():
        for _ in range(4 if wanted else 0):  # stochastic depth may leave a layer out
            loss = run(x).square().sum()
            if loss.requires_grad:
                loss.backward()
            without = [name for name, parameter in wanted.items() if parameter.grad is None]
            if not without:
                break
    if without:
        yield f"none reaches {_listed(without)}"
    if wild := [name for name, p in wanted.items() if p.grad is not None and not p.grad.isfinite().all()]:
        yield f"those of {_listed(wild)} are not finite"


def refuses(model: PoseTransformer) -> Broken:
    """Shapes that would break somewhere inside, or worse, be spread."""
    x = _clips(model)[:1]
    wrong = {
        "without the axis of clips": x[0],
        "of one frame too many": torch.cat([x, x[:, :1]], 1),
        "of one joint too many": torch.cat([x, x[:, :, :1]], 2),
        "of one coordinate too many": torch.cat([x, x[..., :1]], 3),
    }
    if model.joints > 1:
        wrong["of a single joint"] = x[:, :, :1]
    for what, clip in wrong.items():
        try:
            model(clip)
        except ModelError:
            continue
        except Exception as problem:
            yield f"poses {what} lead to {type(problem).__name__} (call self.check(pose2d) first)"
        else:
            yield f"poses {what} are taken (call self.check(pose2d) first)"


def state_dict(model: PoseTransformer) -> Broken:
    """Another model with the same state: one built of `config`, where there is one."""
    config = getattr(model, "config", None)
    twin = copy.deepcopy(model) if config is None else type(model)(**config)
    x = _clips(model)
    for value in twin.state_dict().values():
        if value.is_floating_point():
            value.copy_(noise(*value.shape))
    twin.to(x).eval().load_state_dict(model.state_dict())
    if by := apart(_whole(twin)(x), _whole(model)(x)):
        yield f"with the same state dict another one makes other poses, by {by}"


def tells_attention(model: PoseTransformer) -> Broken:
    """Of all frames and, where a layer takes them, of few."""
    for index in range(model.depth):
        few = {max(model.frames // 2, 1)} if index and model.lengths is None else set()
        for count in sorted(few | {_length(model, index)}):
            tokens, told = _tokens(model, count), list[Tensor]()
            if by := apart(model.layer(index, tokens, told), model.layer(index, tokens)):
                yield f"layer {index} makes other tokens, by {by}, when it is given a list"
            for share in told:
                if tuple(share.shape) != (CLIPS, count):
                    yield f"layer {index} adds {tuple(share.shape)} where (clips, frames) is {(CLIPS, count)}"
                elif not bool((share >= 0).all() and ((share.float().sum(1) - 1).abs() < 1e-3).all()):
                    yield f"what layer {index} adds is no share: none may be negative, and a clip's must sum to 1"


def autocast(model: PoseTransformer) -> Broken:
    """On the device where the model is."""
    x = _clips(model)
    if x.dtype != torch.float64:
        with torch.autocast(x.device.type, torch.bfloat16):
            pose = _whole(model)(x)
        if not pose.isfinite().all():
            yield "the poses are not finite"


def input_untouched(model: PoseTransformer) -> Broken:
    """Nothing is done in place to what belongs to others."""
    x = _clips(model)
    before = x.clone()
    _whole(model)(x)
    if not torch.equal(x, before):
        yield "the 2D poses are others after a pass"


# Rules, and what tells whether they are kept. A later group builds on the earlier ones.
BACKBONE: Rules = (
    {"copy.deepcopy must be able to copy it": copied},
    {"its attributes must say what it is": attributes},
    {"embed must make tokens (clips, frames, slots, dim)": embed},
    {
        "a layer must return tokens of the shape it got, all finite": layer,
        "head must make poses (clips, frames, joints, 3)": head,
    },
    {
        "from layer 1 on, layers must take fewer frames, whichever they are": fewer_frames,
        "head must work on each frame on its own": each_frame_alone,
        "forward must be embed, every layer in turn, head": forward_is_its_parts,
        "evaluation must repeat itself bit for bit": repeats,
        "a clip's poses must not depend on the other clips": clip_by_clip,
        "a waist that keeps every frame must not change a bit": waist_that_keeps_all,
        "every parameter and module must be registered": registered,
        "gradients must reach every parameter": gradients,
        "input of another shape must be refused with ModelError": refuses,
        "the state dict must hold all that was learned": state_dict,
        "what a layer adds to `received` must be each frame's share of the attention": tells_attention,
        "it must run under bfloat16 autocast": autocast,
        "it must leave its input as it was": input_untouched,
    },
)


def _narrows(model: PoseTransformer) -> bool:
    """Whether the model's layers were made for a waist and cannot do without."""
    return model.lengths is not None and model.lengths[-1] < model.frames


def _whole(model: PoseTransformer) -> PoseTransformer | Hourglass:
    """The model, with the waist that it was made for, if it was made for one."""
    if not _narrows(model) or model.lengths is None:
        return model
    drops = {i: now for i, (before, now) in enumerate(pairwise(model.lengths), start=1) if now < before}
    return hourglass(model, keep=drops, prune="uniform", recover="interpolate").eval()


def _clips(model: PoseTransformer) -> Tensor:
    """The same random clips (b f j i) each time, where the model is; a score is from 0 to 1."""
    like = next((p for p in model.parameters() if p.is_floating_point()), torch.zeros(()))
    clips = noise(CLIPS, model.frames, model.joints, model.inputs)
    clips[..., 2:] = clips[..., 2:].sigmoid()
    return clips.to(like)


def _tokens(model: PoseTransformer, count: int) -> Tensor:
    """Tokens of so many frames of each clip (b k s c), other ones of each, with every frame of the clip at the most."""
    chance = torch.Generator().manual_seed(1)
    kept = torch.stack([torch.randperm(model.frames, generator=chance)[:count].sort().values for _ in range(CLIPS)])
    tokens = model.embed(_clips(model))
    return take(tokens, kept.to(tokens.device))


def _length(model: PoseTransformer, index: int) -> int:
    """The most frames that a layer takes."""
    return model.frames if model.lengths is None else model.lengths[index]


def _layer_keeps(model: PoseTransformer, index: int, tokens: Tensor) -> Broken:
    mixed = model.layer(index, tokens)
    if mixed.shape != tokens.shape:
        yield f"layer {index} made {tuple(mixed.shape)} of {tuple(tokens.shape)}"
    elif not mixed.isfinite().all():
        yield f"layer {index} made numbers that are not finite of {tuple(tokens.shape)}"


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
    """The first of many."""
    return ", ".join(names[:6]) + (f" and {len(names) - 6} others" if len(names) > 6 else "")
