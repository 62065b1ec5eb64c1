"""Published checkpoints: read without running their code, and recognised by their keys.

They are pickles. Torch's weights-only unpickler reads them without running any code in them.
"""

import inspect
import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as read_safetensors
from torch import Tensor

from poseglass.errors import WeightsError
from poseglass.files.quiet import without_warnings
from poseglass.models import BACKBONES, Card, PoseTransformer
from poseglass.models.published import Published
from poseglass.waist.hourglass import Hourglass, hourglass
from poseglass.weights.state import check_state, load_state

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


class Ignored:
    """Stand-in for numpy objects in a checkpoint; it discards their content."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass


# Training scripts store numpy numbers beside the weights, such as MotionBERT's `min_loss`, under the names of numpy 1
# and 2. They are skipped. Numpy's own code is never called, because it would trust the pickle.
IGNORED: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    (Ignored, name) for name in ("numpy.dtype", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
]

# torch's list of ignored names belongs to the whole process, like the warning filters: in `without_warnings`, threads
# that read take turns. A weights-only load by other code meanwhile ignores the same three names, which runs nothing
# either.


def load_checkpoint(path: Path, *, at: int | None = None, settings: Mapping[str, int]) -> PoseTransformer | Hourglass:
    """Load a published checkpoint. The keys tell its architecture, the tensors its sizes.

    Args:
        path: A ``.safetensors`` file, or a pickle in any of the published layouts.
        at: The layer before which HoT's waist prunes. If None, it is read from the layers' lengths, or else taken as
            published.
        settings: Arguments of the backbone that its tensors do not show, if they differ from the published ones.

    Raises:
        WeightsError: The file cannot be read without running code, or it is not a checkpoint of a known architecture.
        ModelError: `at` or `settings` are invalid.
    """
    state = _read(path)
    backbone, published = _recognised(state, path)
    published.check(state, path)
    if unknown := settings.keys() - inspect.signature(backbone).parameters.keys():
        raise WeightsError(
            f"{path} holds a {backbone.__name__}, which has no setting {', '.join(sorted(unknown))}: leave it out"
        )

    def build() -> PoseTransformer | Hourglass:
        card = Card(coordinates="screen", answers=published.answers, units=published.units)
        plain = backbone(**{**published.sizes(state), **settings}).with_card(card)
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


def _read(path: Path) -> dict[str, Tensor]:
    """Read the state dict of a published checkpoint in any of the published layouts."""
    try:
        if path.suffix == ".safetensors":
            content: Any = read_safetensors(path.read_bytes())
        else:
            _check_start(path)
            # torch warns of pickles that torch did not write.
            with without_warnings(), torch.serialization.safe_globals(IGNORED):
                content = torch.load(path, map_location="cpu", weights_only=True)
    except WeightsError:
        raise
    except Exception as problem:
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        if isinstance(problem, pickle.UnpicklingError):  # torch's own message advises running the file's code
            odd = re.search(r"GLOBAL (\S+)|but got (.+)", str(problem))
            reason = "it holds something other than named tensors" + (f": {odd[odd.lastindex or 0]}" if odd else "")
            if "Unsupported operand" in str(problem):
                reason = "it was written by pickle, not by torch.save"
        raise WeightsError(
            f"{path} cannot be read as a checkpoint: {reason} (pickled code is never run; "
            "if you trust the file, save its state dict alone with torch.save or safetensors)"
        ) from None
    for key in ("model_pos", "model", "state_dict"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not content:
        got = "none" if isinstance(content, dict) else type(content).__name__
        raise WeightsError(f"{path} holds no state dict: expected named tensors, got {got}")
    others = [f"{key!r} ({type(value).__name__})" for key, value in content.items() if not isinstance(value, Tensor)]
    if others:
        rest = f" and {len(others) - 5} more" if len(others) > 5 else ""
        raise WeightsError(
            f"{path} holds no state dict: expected named tensors and nothing else, got {', '.join(others[:5])}{rest}"
        )
    return {str(key).removeprefix("module."): value for key, value in content.items()}


def _check_start(path: Path) -> None:
    """Raise a `WeightsError` if the file does not start as torch.save's files do: as a zip archive or a pickle."""
    with path.open("rb") as file:
        start = file.read(40)
    if not start.startswith((b"PK\x03\x04", b"\x80")):
        shown = f"it starts with {start!r}" if start else "it is empty"
        raise WeightsError(
            f"{path} is not a PyTorch checkpoint: {shown}; expected a file written by torch.save, or .safetensors"
        )


def _recognised(state: Mapping[str, Tensor], path: Path) -> tuple[type[PoseTransformer], Published]:
    """Find the architecture whose keys the state dict has."""
    known = {name: kind.published for name, kind in BACKBONES.items() if kind.published is not None}
    for name, published in known.items():
        if published.matches(state):
            return BACKBONES[name], published
    raise WeightsError(
        f"{path} is not a checkpoint of a known architecture ({', '.join(known)}, with or without HoT's waist); its "
        f"first keys are {', '.join(sorted(state)[:5])}; for weights that poseglass saved, give their folder"
    )


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
