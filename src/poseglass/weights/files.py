"""Save and load weights: our own folders, the bundled ones, and published checkpoints.

Only one file of a folder counts, ``weights.safetensors``. It holds the tensors and, in its metadata, a description of
the model and a checksum of the file. It is written under a temporary name and renamed, so a folder is always complete.
``config.json`` beside it shows people the same description; loading does not use it. In format 1, ``config.json`` held
the description and the checksum of ``weights.safetensors``. Folders of format 1 still load. ``uncertainty.json``, if
present, says how far the poses may be from the truth (:mod:`poseglass.motion.uncertainty`).
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_safetensors
from safetensors.torch import save as write_safetensors
from torch import Tensor, nn

from poseglass.errors import ModelError, WeightsError
from poseglass.files.plain_text import parse_json, to_json
from poseglass.files.writing import writing
from poseglass.models import PoseTransformer, devices
from poseglass.models.finite import not_finite
from poseglass.motion.uncertainty import UncertaintyModel
from poseglass.waist.hourglass import PoseModel, backbone_of
from poseglass.waist.schedule import Keep
from poseglass.weights.checkpoints import load_checkpoint
from poseglass.weights.description import build, check_layers, description_of, from_format_1
from poseglass.weights.keeping import keeping
from poseglass.weights.state import check_state, load_state

__all__ = ["BUNDLED", "WEIGHTS", "load", "load_state", "save"]

log = logging.getLogger("poseglass")

ASSETS = Path(__file__).with_name("bundled")
BUNDLED = ("fast", "balanced")
WEIGHTS, UNCERTAINTY = "weights.safetensors", "uncertainty.json"
FORMATS = ("poseglass weights 1", "poseglass weights 2")
METADATA = "poseglass"  # the key of our description in the file's metadata
UNKNOWN = "0" * 64  # the placeholder for the checksum while it is computed


def save(model: nn.Module, folder: str | PathLike[str], *, half: bool = False, about: str = "") -> Path:
    """Write a model's weights into a folder, from which :func:`load` rebuilds the model.

    A backbone class outside this package is saved by its import path and its `config`, the dictionary of its
    constructor's arguments. To load it, pass the class to :func:`load`. The calibration of the uncertainty is saved
    too, unless the weights have changed since they were loaded, which is logged.

    Args:
        model: A backbone, an hourglass or a funnel.
        folder: The folder to write; it is created if necessary. Weights already in it are replaced in one step.
        half: Store the weights as float16.
        about: A sentence on where the weights come from.

    Returns:
        The folder.

    Raises:
        WeightsError: The model cannot be described, has weights that are not finite, or the folder cannot be written.

    Example:
        >>> import poseglass as pg
        >>> folder = pg.save(pg.create_model("mixste-tiny"), "tiny", about="fresh")
        >>> pg.load(folder).depth
        3
    """
    folder = Path(folder)
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    if half:
        tensors = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    if diverged := not_finite(tensors):
        raise WeightsError(
            f"these weights are not saved, because some are NaN or infinite{' as float16' if half else ''}: "
            f"{', '.join(diverged[:4])}"
        )
    description = {"format": FORMATS[-1], "about": about, "model": description_of(model)}
    content = write_safetensors(tensors, metadata={METADATA: to_json({"sha256": UNKNOWN, **description})})
    start = _header_end(content)
    header = content[:start].replace(_statement(UNKNOWN), _statement(_checksum(content, UNKNOWN)), 1)
    with writing(folder / WEIGHTS, WeightsError) as temporary, temporary.open("wb") as file:
        file.write(header)
        file.write(memoryview(content)[start:])
    if isinstance(model, PoseModel):  # anything else has no description
        _save_uncertainty(backbone_of(model).uncertainty, tensors, folder)
    with writing(folder / "config.json", WeightsError) as temporary:
        note = f"for people to read; the description that counts is in {WEIGHTS}"
        temporary.write_text(to_json({"note": note, **description}, indent=2) + "\n", encoding="utf-8")
    return folder


def load(
    source: str | PathLike[str],
    *,
    keep: Keep | None = None,
    heads: int | None = None,
    at: int | None = None,
    neighbours: int | None = None,
    backbone: type[PoseTransformer] | None = None,
    device: devices.Device = None,
) -> PoseModel:
    """Load a model in evaluation mode: bundled weights by name, a folder that :func:`save` wrote, or a checkpoint.

    Args:
        source: ``"balanced"``, a folder, or a checkpoint's file: a published one, or one that a training script wrote,
            with whatever it has beside the weights.
        keep: Frames that the waist keeps instead of the stored number: a count, a share of the clip (a float up to
            1.0), or a pyramid ``{layer: count or share}``; see :meth:`poseglass.Hourglass.with_keep`. A warning is
            logged if the weights were not trained for it.
        heads: Attention heads of a published checkpoint, which its tensors do not show; as published if None.
        at: The layer before which a published HoT checkpoint prunes; not used if the checkpoint has no waist. If None,
            it is read from the layers' lengths, or else taken as published.
        neighbours: Temporal neighbours in the graph of a published MotionAGFormer; as published if None.
        backbone: The backbone's class, if the folder holds weights of a class outside this package. Its module and name
            must be those it was saved with. A file cannot make this function import anything.

    Raises:
        WeightsError: The source is missing or damaged, its checksum differs, tensors are missing, left over or not
            finite, it needs `backbone`, or it cannot be read without running code.
        ModelError: `heads`, `at` or `neighbours` is invalid, `keep` does not fit the model, or this machine has no such
            device.

    Example:
        >>> import poseglass as pg
        >>> pg.load("balanced").frames >= 27
        True
        >>> pg.load("balanced", keep=0.2).schedule
        {1: 16}
    """
    where, settings = devices.device(device), {"heads": heads, "neighbours": neighbours}
    path = ASSETS / str(source) if str(source) in BUNDLED else Path(source)
    if path.is_dir():
        if chosen := [name for name, value in {**settings, "at": at}.items() if value is not None]:
            raise WeightsError(
                f"{path} is a folder, whose description already gives {' and '.join(chosen)}: leave that out"
            )
        loaded = _load_folder(path, backbone)
        return (loaded if keep is None else keeping(loaded, keep, source)).to(where)
    if not path.is_file():
        raise WeightsError(
            f"there are no weights {source}: give a folder, a checkpoint file or one of {', '.join(BUNDLED)}"
        )
    if backbone is not None:
        raise WeightsError(
            f"backbone= is only for a folder that poseglass.save wrote, but {path} is a file: leave it out"
        )
    given = {name: value for name, value in settings.items() if value is not None}
    loaded = load_checkpoint(path, at=at, settings=given)
    return (loaded if keep is None else keeping(loaded, keep, source)).to(where)


def _load_folder(folder: Path, backbone: type[PoseTransformer] | None) -> PoseModel:
    try:
        content = (folder / WEIGHTS).read_bytes()
        description, checksum = _description(content, folder)
    except (OSError, ValueError, SafetensorError) as problem:
        reason = f"{problem.strerror}, {problem.filename}" if isinstance(problem, OSError) else problem
        raise WeightsError(f"{folder} is not a folder of weights: {reason}{_hint(folder)}") from None
    if checksum != description.get("sha256"):
        raise WeightsError(
            f"{folder / WEIGHTS} has the checksum {checksum} and should have {description.get('sha256')}: the file is "
            "damaged or was replaced; get it again"
        )
    try:
        described = description["model"]
        if description["format"] == FORMATS[0]:
            described = from_format_1(described)
        state = read_safetensors(content)
        check_layers(described, len(state))
        # Our own classes are first built without memory, so that a file that does not fit never makes us allocate it.
        with _keeps_generator(), nullcontext() if backbone else torch.device("meta"):
            model = build(described, backbone)
    except (ModelError, WeightsError) as problem:
        raise WeightsError(f"{folder} cannot be loaded: {problem}") from None
    except (ArithmeticError, AttributeError, KeyError, RuntimeError, TypeError, ValueError, SafetensorError) as problem:
        raise WeightsError(
            f"{folder} cannot be loaded, because its description fits no model: {problem!r}"
        ) from problem
    if backbone is None:
        check_state(model, state, folder)
        with _keeps_generator():
            model = build(described)
    load_state(model, state, folder)
    if (calibration := _uncertainty(folder, hashlib.sha256(content).hexdigest())) is not None:
        backbone_of(model).uncertainty = replace(calibration, tensors=_digest(model.state_dict()))
    return model.eval()


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """A SHA-256 of tensors by name, as float32."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()


def _save_uncertainty(calibration: UncertaintyModel | None, tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Write the calibration beside new weights, if they are those that it was fitted to; else log that it is left out.

    Without that check, weights that were trained further would keep radii that no longer hold.
    """
    if calibration is None:
        return
    if calibration.tensors != _digest(tensors):
        log.warning(
            "the weights have changed since the uncertainty was fitted to them, so %s has none; fit it again with "
            "benchmarks/uncertainty.py",
            folder,
        )
        return
    digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    replace(calibration, weights=digest).save(folder / UNCERTAINTY)


def _uncertainty(folder: Path, digest: str) -> UncertaintyModel | None:
    """The calibration beside weights with this SHA-256; None if there is none, or if it is that of other weights."""
    path = folder / UNCERTAINTY
    if not path.is_file():
        return None
    calibration = UncertaintyModel.read(path)
    if calibration.weights != digest:
        log.warning("%s was fitted to other weights and is not used: fit it again", path)
        return None
    return calibration


def _keeps_generator() -> AbstractContextManager[None]:
    """Restore torch's global generator afterwards; initial weights draw from it."""
    return torch.random.fork_rng(devices=[])


def _description(content: bytes, folder: Path) -> tuple[dict[str, Any], str]:
    """The description of the weights, and their computed checksum."""
    metadata = parse_json(content[8 : _header_end(content)]).get("__metadata__") or {}
    if METADATA not in metadata:  # format 1
        description = parse_json((folder / "config.json").read_text(encoding="utf-8"))
        due, checksum = FORMATS[0], hashlib.sha256(content).hexdigest()
    else:
        description = parse_json(metadata[METADATA])
        due, checksum = FORMATS[1], _checksum(content, str(description.get("sha256")))
    if not isinstance(description, dict) or description.get("format") != due:
        raise ValueError(f"its description should have the format {due!r}; if a newer poseglass wrote it, update")
    return description, checksum


def _header_end(content: bytes) -> int:
    """Where the header of a safetensors file ends. The file starts with the header's length in 8 bytes."""
    end = 8 + int.from_bytes(content[:8], "little")
    if not 8 < end <= len(content):
        raise ValueError(f"{WEIGHTS} is truncated or not a safetensors file")
    return end


def _checksum(content: bytes, digest: str) -> str:
    """The SHA-256 of a file that states `digest` as its checksum, computed with zeros in place of that digest."""
    end = _header_end(content)
    checksum = hashlib.sha256(content[:end].replace(_statement(digest), _statement(UNKNOWN), 1))
    checksum.update(memoryview(content)[end:])
    return checksum.hexdigest()


def _statement(digest: str) -> bytes:
    """The checksum as the metadata contain it: JSON within JSON."""
    return json.dumps(json.dumps({"sha256": digest}))[2:-2].encode()


def _hint(folder: Path) -> str:
    best = folder / "best"  # written by poseglass train
    return f"; its best weights are in {best}" if (best / WEIGHTS).is_file() else ""
