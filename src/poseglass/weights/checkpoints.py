"""Published checkpoints, and those of training scripts: recognised by their keys, built from their tensors."""

import inspect
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_safetensors
from torch import Tensor

from poseglass.errors import WeightsError
from poseglass.models import Card, PoseTransformer
from poseglass.models.published import Published
from poseglass.waist.hourglass import Hourglass, hourglass
from poseglass.weights.state import check_state, load_state
from poseglass.weights.state_dict import find_weights
from poseglass.weights.torch_file import TorchFile

__all__ = ["load_checkpoint"]

# HoT's waist tensors have the same names with every backbone. Each pair holds a pattern for our name, and the published
# text that replaces it.
WAIST = (
    (r"kept_embedding\.\d+", "pos_embed_token"),
    (r"recoverer\.queries", "x_token"),
    (r"recoverer\.attention\.query\.", "cross_attention.linear_q."),
    (r"recoverer\.attention\.key\.", "cross_attention.linear_k."),
    (r"recoverer\.attention\.value\.", "cross_attention.linear_v."),
    (r"recoverer\.attention\.proj\.", "cross_attention.proj."),
)


MOST_LAYERS = 1000
"""Published models have up to 26. Building a layer takes memory, even without its weights."""


def load_checkpoint(path: Path, *, at: int | None = None, settings: Mapping[str, int]) -> PoseTransformer | Hourglass:
    """Load a published checkpoint. The keys tell its architecture, the tensors its sizes.

    Args:
        path: A ``.safetensors`` file, or one that ``torch.save`` wrote (:mod:`poseglass.weights.torch_file`), in any
            layout (:mod:`poseglass.weights.state_dict`).
        at: The layer before which HoT's waist prunes. If None, it is read from the layers' lengths, or else taken as
            published.
        settings: Arguments of the backbone that its tensors do not show, if they differ from the published ones.

    Raises:
        WeightsError: The file cannot be read, it is not a checkpoint of a known architecture, or its weights are not
            finite.
        ModelError: `at` or `settings` are invalid.
    """
    state, backbone, published = _read(path)
    if empty := sorted(key for key, value in state.items() if not value.numel()):
        raise WeightsError(f"{path}: {empty[0]} has no elements; its shape is {tuple(state[empty[0]].shape)}")
    published.check(state, path)
    if unknown := settings.keys() - inspect.signature(backbone).parameters.keys():
        raise WeightsError(
            f"{path} holds a {backbone.__name__}, which has no setting {', '.join(sorted(unknown))}: leave it out"
        )

    sizes = {**published.sizes(state), **settings}
    if (layers := max(sizes.get("depth", 0), sizes.get("encoder_depth", 0))) > MOST_LAYERS:
        raise WeightsError(f"{path} describes a {backbone.__name__} of {layers} layers; expected {MOST_LAYERS} at most")

    def build() -> PoseTransformer | Hourglass:
        card = Card(coordinates="screen", answers=published.answers, units=published.units)
        plain = backbone(**sizes).with_card(card)
        if (waist := state.get("pos_embed_token")) is None:
            return plain
        if waist.ndim != 3:
            raise WeightsError(f"{path}: pos_embed_token should have 3 axes, but its shape is {tuple(waist.shape)}")
        keep = waist.shape[1]
        return hourglass(plain, keep=keep, at=_layer_of_waist(plain, keep, published.at, at, path))

    try:
        with torch.device("meta"):  # sizes only, so that a file that does not fit never makes us allocate its model
            outline = build()
    except RuntimeError as problem:  # such as a size that overflows
        raise WeightsError(f"{path} describes a {backbone.__name__} that cannot be built: {problem}") from None
    own = outline.state_dict()
    names = {name: _published_name(published, name) for name in own}
    ours = {published: name for name, published in names.items()}
    renamed = {ours.get(key, key): _reshaped(value, own.get(ours.get(key, key))) for key, value in state.items()}
    check_state(outline, renamed, path, names=names)
    with torch.random.fork_rng(devices=[]):  # initial weights, replaced below, must not advance the caller's generator
        model = build()
    load_state(model, renamed, path, names=names)
    return model.eval()


def _read(path: Path) -> tuple[dict[str, Tensor], type[PoseTransformer], Published]:
    """Read a network's tensors by their published names, and recognise its architecture."""
    if path.suffix == ".safetensors":
        try:
            content = read_safetensors(path.read_bytes())
        except (OSError, SafetensorError) as problem:
            raise WeightsError(f"{path} cannot be read as a checkpoint: {problem}") from None
        _, tensors, backbone, published = find_weights(content, path)
        return dict(tensors), backbone, published  # type: ignore[arg-type]  # tensors of safetensors are read already
    file = TorchFile(path)
    try:
        _, tensors, backbone, published = find_weights(file.content, path)
    except WeightsError as problem:
        names = ", ".join(name[:80] for name in file.skipped[:5])
        raise WeightsError(
            f"{problem} (objects of other classes are not read: {names})" if names else problem
        ) from None
    return file.tensors(tensors), backbone, published  # type: ignore[arg-type]


def _published_name(published: Published, own: str) -> str:
    """The published name of one of our tensors, with or without a waist around the backbone."""
    inner = own.removeprefix("backbone.")
    for pattern, text in WAIST:
        if match := re.match(pattern, inner):
            return text + inner[match.end() :]
    return published.name(inner)


def _layer_of_waist(backbone: PoseTransformer, keep: int, published: int, chosen: int | None, path: Path) -> int:
    """The layer before which a published waist prunes. If layers take fixed numbers of frames, those tell it."""
    at = published if chosen is None else chosen
    if backbone.lengths is None:
        return at
    shown = next((index for index, frames in enumerate(backbone.lengths) if frames != backbone.frames), at)
    if chosen not in (None, shown):
        raise WeightsError(
            f"{path} prunes before layer {shown}, as its layers' lengths show, not {chosen}: leave out at="
        )
    if {*backbone.lengths[shown:], backbone.lengths[-1]} != {keep}:
        raise WeightsError(
            f"{path}: pos_embed_token is for {keep} frames, but the layers from {shown} on are for "
            f"{backbone.lengths[shown:]}"
        )
    return shown


def _reshaped(value: Tensor, own: Tensor | None) -> Tensor:
    """The tensor in our shape if the two differ only by axes of length 1; otherwise the tensor itself."""
    if own is not None and [n for n in value.shape if n > 1] == [n for n in own.shape if n > 1]:
        return value.reshape(own.shape)
    return value
