"""The option ``--engine`` of commands that run models."""

from typing import TYPE_CHECKING, Annotated

import typer

from poseglass.commands.terminal import wrong
from poseglass.errors import ModelError

if TYPE_CHECKING:
    import torch

__all__ = ["EngineOption", "engine_for"]

EngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        help="What runs the model: torch, openvino or onnxruntime (both on the CPU), or auto for OpenVINO if it is "
        "installed.",
    ),
]


def engine_for(name: str, where: "torch.device | None") -> str:
    """The engine that the option names, for a model on a device (None: the CPU). Impossible ones are refused."""
    if name == "torch":
        return name
    import torch

    from poseglass.engines.engine import chosen_engine

    try:
        return chosen_engine(name, where or torch.device("cpu"))
    except ModelError as problem:
        wrong("--engine", str(problem))
