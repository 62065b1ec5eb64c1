"""Write a model as an ONNX file, which other programs and engines run."""

import contextlib
import io
import logging
import os
from collections.abc import Iterator
from typing import Any

import torch

from poseglass.engines.network import ExportNetwork
from poseglass.errors import ModelError
from poseglass.files.extras import require
from poseglass.files.quiet import without_warnings
from poseglass.files.writing import check_writable, writing
from poseglass.models.devices import on_device
from poseglass.models.mode import in_eval_mode
from poseglass.waist.hourglass import Hourglass, PoseModel
from poseglass.waist.schedule import Keep

__all__ = ["export", "write_network"]


def export(model: PoseModel, path: str | os.PathLike[str], *, keep: Keep | None = None, pixels: bool = False) -> None:
    """Write a model as an ONNX file of opset 18, with 32-bit floats.

    Its input ``pose2d`` (b f j i) has any number of clips, prepared as for the model itself: the coordinates of its
    card. Its output ``pose3d`` is the model's. ``kept_LAYER`` (b k) holds the indices of the frames kept from each
    pruning layer on. A model with an elastic waist (:attr:`poseglass.Card.keeps`) also has an input ``keep``, a whole
    number in an array of one. The metadata entry ``poseglass`` describes all of it in JSON
    (:meth:`poseglass.engines.network.ExportNetwork.about`).

    Args:
        model: A backbone, an hourglass or a funnel. It is not changed.
        path: The file to write, ending in ``.onnx``.
        keep: Keep this number of frames (see :meth:`Hourglass.with_keep`), in place of an input ``keep``.
        pixels: Pixels in, metres out. In place of ``pose2d``, the inputs are ``points`` (b f 17 2), Human3.6M's joints
            in pixels; ``scores`` (b f 17), 0 for unknown joints; and ``camera`` (3), the width and height of the image
            and the focal length in pixels, 0 if unknown. The poses are in camera space, relative to the pelvis.

    Raises:
        ModelError: The file cannot be written, a package of the extra ``onnx`` is missing, the model cannot keep that
            many frames, `pixels` is given for a model of screen coordinates, or it uses operations that ONNX cannot
            express.

    Example:
        >>> import poseglass as pg
        >>> pg.export(pg.load("balanced"), "balanced.onnx")  # doctest: +SKIP
    """
    if not os.fspath(path).lower().endswith(".onnx"):
        raise ModelError(f"expected a file name that ends in .onnx, got {os.fspath(path)}")
    check_writable(path, ModelError)
    require("onnx", "onnx", ModelError)
    if pixels and model.card.coordinates != "person":
        raise ModelError(
            "pixels need a model of person coordinates; this one takes screen coordinates: leave out pixels"
        )
    if keep is not None:
        if not isinstance(model, Hourglass):
            raise ModelError(f"keep needs a model with an hourglass; this is a {type(model).__name__}")
        model = model.with_keep(keep)
    elastic = keep is None and isinstance(model, Hourglass) and bool(model.card.keeps) and len(model.schedule) == 1
    write_network(ExportNetwork(in_eval_mode(on_device(model, "cpu")), elastic=elastic, pixels=pixels).eval(), path)


def write_network(network: ExportNetwork, path: str | os.PathLike[str]) -> None:
    """Write a network on the CPU, in evaluation mode; see :func:`export`.

    Raises:
        ModelError: The file cannot be written, a package of the extra ``onnx`` is missing, or the model uses operations
            that ONNX cannot express.
    """
    onnx = require("onnx", "onnx", ModelError)
    proto = _translated(network)
    if network.keeps is not None:
        _take_a_number(proto, onnx)
    onnx.helper.set_model_props(proto, {"poseglass": network.about()})
    onnx.checker.check_model(proto)
    with writing(path, ModelError) as temporary:
        onnx.save(proto, temporary)


def _translated(network: ExportNetwork) -> Any:
    """The network as an ONNX model."""
    require("onnxscript", "onnx", ModelError)
    from poseglass.engines.translation import OPSET, TRANSLATIONS

    try:
        with _quiet(), torch.no_grad():
            network(*network.example())  # constants that are cached on first use must not be made while it is traced
            program = torch.onnx.export(
                network,
                network.example(),
                dynamo=True,
                opset_version=OPSET,
                input_names=network.inputs,
                output_names=network.outputs,
                dynamic_shapes=network.dynamic(),
                custom_translation_table=TRANSLATIONS,
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as problem:
        cause = str(problem.__cause__ or problem).strip().splitlines()[0]
        raise ModelError(f"this {type(network.model).__name__} cannot be written as ONNX: {cause}") from problem
    assert program is not None
    return program.model_proto


def _take_a_number(proto: Any, onnx: Any) -> None:
    """Replace the input ``keep``, a tensor whose length counts, by the number itself."""
    old = next(value for value in proto.graph.input if value.name == "keep")
    old.name = "keep_slots"
    for node in proto.graph.node:
        node.input[:] = ["keep_slots" if name == "keep" else name for name in node.input]
    proto.graph.input.remove(old)
    proto.graph.input.append(onnx.helper.make_tensor_value_info("keep", onnx.TensorProto.INT64, [1]))
    proto.graph.node.insert(0, onnx.helper.make_node("ConstantOfShape", ["keep"], ["keep_slots"]))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's progress and its warnings, which concern packages that are not used here."""
    levels = {name: logging.getLogger(name).level for name in ("torch.onnx", "onnxscript", "onnx_ir")}
    try:
        for name in levels:
            logging.getLogger(name).setLevel(logging.ERROR)
        with without_warnings(), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
