"""The ONNX files of engines, in the user's cache: writing one takes longer than lifting a short video."""

import hashlib
import inspect
import logging
from dataclasses import asdict
from pathlib import Path

import torch

import poseglass.engines
import poseglass.models
import poseglass.waist
from poseglass.engines.network import ExportNetwork
from poseglass.engines.onnx_file import write_network
from poseglass.errors import ModelError
from poseglass.files.cache import cache_folder
from poseglass.models.mode import in_eval_mode
from poseglass.waist.hourglass import Funnel, Hourglass, PoseModel

__all__ = ["stored_network"]

log = logging.getLogger("poseglass")

FILES = 16
"""How many files are kept, those used last."""


def stored_network(model: PoseModel, *, given: bool) -> Path:
    """The ONNX file of a model for a fixed number of kept frames, written on first use.

    Its name is a hash of the weights and the code, so a changed model gets another file.

    Args:
        model: A backbone, an hourglass or a funnel.
        given: Whether the kept frames are inputs; see :class:`ExportNetwork`.

    Raises:
        ModelError: The file cannot be written, the extra ``onnx`` is missing, or ONNX cannot express the model.
    """
    path = cache_folder() / "engines" / f"{_fingerprint(model, given=given)}.onnx"
    if path.is_file():
        path.touch()
        return path
    log.info("writing the model as ONNX, once, into %s: this takes 5 to 20 seconds", path.parent)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise ModelError(f"cannot write {path}: {problem.strerror}; set POSEGLASS_CACHE to another folder") from None
    write_network(ExportNetwork(in_eval_mode(model), given=given).eval(), path)
    for old in sorted(path.parent.glob("*.onnx"), key=lambda file: -file.stat().st_mtime)[FILES:]:
        old.unlink(missing_ok=True)
    return path


def _fingerprint(model: PoseModel, *, given: bool) -> str:
    """A hash of all that a model's ONNX file depends on."""
    waist = model if isinstance(model, Hourglass | Funnel) else None
    backbone = model if waist is None else waist.backbone
    facts = [given, torch.__version__, type(model).__name__, backbone.config, asdict(model.card)]
    if waist is not None:
        facts += [waist.schedule, waist.nominal, waist.pruner.config]
        facts += [waist.recoverer.config] if isinstance(waist, Hourglass) else [waist.always]
    digest = hashlib.sha256(repr(facts).encode())
    rooms = (poseglass.engines, poseglass.models, poseglass.waist)
    sources = {path for room in rooms for path in Path(room.__path__[0]).glob("*.py")}
    sources |= {Path(inspect.getfile(type(module))) for module in model.modules()}  # also of other people's classes
    for path in sorted(sources):
        digest.update(path.read_bytes())
    for name, tensor in sorted((*model.named_parameters(), *model.named_buffers()), key=lambda pair: pair[0]):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().contiguous().view(torch.uint8).cpu().numpy().tobytes())
    return digest.hexdigest()
