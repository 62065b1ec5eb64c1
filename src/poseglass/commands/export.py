"""``poseglass export``: write a model as an ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from poseglass.commands.keep import FORMS, parse_keep
from poseglass.commands.terminal import amount, tell

__all__ = ["export"]


def export(
    model: Annotated[str, typer.Argument(help="A bundled model, a folder of weights, or a checkpoint file.")],
    out: Annotated[Path, typer.Argument(help="The file to write, ending in .onnx.")],
    *,
    keep: Annotated[
        str | None,
        typer.Option(help=f"Frames to keep: {FORMS}. Default: an input of the file, if the model allows it."),
    ] = None,
    pixels: Annotated[
        bool,
        typer.Option("--pixels", help="The file takes joints in pixels, and returns poses in metres in camera space."),
    ] = False,
) -> None:
    """Write a model as an ONNX file for other programs."""
    from poseglass.engines import onnx_file
    from poseglass.weights.files import load

    onnx_file.export(load(model), out, keep=None if keep is None else parse_keep(keep), pixels=pixels)
    tell(f"wrote {out} ({amount(out.stat().st_size)})")
