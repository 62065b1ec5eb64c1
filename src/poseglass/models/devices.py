"""Devices: which ones this machine has, which one a name means, and how to put a model on one.

A *device* is the CPU, an NVIDIA GPU (``cuda:0``, ``cuda:1``, ...) or Apple's GPU (``mps``). Tensors follow the model:
input goes to the device of its parameters.
"""

import copy
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import torch
from torch import nn

from poseglass.errors import ModelError

__all__ = [
    "Device",
    "autocast",
    "autocast_enabled",
    "available",
    "current",
    "device",
    "device_of",
    "full_name",
    "has_float64",
    "on_device",
    "synchronise",
]

Device = str | torch.device | None
"""A device or its name. What None means depends on the function; usually the device that the model is on."""

SINGLE = ("mps",)  # the types of devices without float64

Model = TypeVar("Model", bound=nn.Module)


def available() -> list[str]:
    """The names of this machine's devices, the CPU first.

    Example:
        >>> available()[0]
        'cpu'
    """
    names = ["cpu"]
    if torch.cuda.is_available():
        names += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return names


def device(name: Device = None) -> torch.device:
    """The device that a name means.

    Args:
        name: ``"auto"`` for the first of CUDA, MPS and CPU that this machine has; ``"cpu"``, ``"cuda"`` (the current
            GPU), ``"cuda:1"``, ``"mps"`` or ``"meta"`` (shapes without values); None for the CPU.

    Returns:
        The device as the ``device`` attribute of tensors shows it, so that the two compare equal.

    Raises:
        ModelError: This machine has no such device. The message lists those it has.

    Example:
        >>> device("cpu"), device(None) == torch.zeros(1).device
        (device(type='cpu'), True)
    """
    text, names = "cpu" if name is None else str(name), available()
    kinds = [each.partition(":")[0] for each in names]
    if text == "auto":
        text = next(kind for kind in ("cuda", "mps", "cpu") if kind in kinds)
    try:
        wanted = torch.device(text)
    except RuntimeError:
        raise ModelError(f"no device is called {text!r}; choose auto or one of {', '.join(names)}") from None
    if wanted.type in ("cpu", "meta"):
        return torch.device(wanted.type)
    if wanted.type == "cuda" and wanted.index is None:
        # Without CUDA's start, which takes memory on the GPU, the current GPU is the first.
        wanted = torch.device("cuda", torch.cuda.current_device() if torch.cuda.is_initialized() else 0)
    if wanted.type == "mps":
        wanted = torch.device("mps", 0)
    if ("mps" if wanted.type == "mps" else str(wanted)) not in names:
        raise ModelError(
            f"this machine has no device {text} that torch {torch.__version__} can use; choose auto or one of "
            f"{', '.join(names)}"
        )
    return wanted


def full_name(where: torch.device) -> str:
    """The device's name, and the GPU's model.

    Example:
        >>> full_name(torch.device("cpu"))
        'cpu'
    """
    if where.type == "cuda":
        return f"{where} ({torch.cuda.get_device_name(where)})"
    return where.type


def device_of(model: nn.Module) -> torch.device:
    """The device of a model's weights; the CPU if it has none.

    Example:
        >>> device_of(nn.Linear(1, 1, device="meta"))
        device(type='meta')
    """
    tensors = (*model.parameters(), *model.buffers())
    return tensors[0].device if tensors else torch.device("cpu")


def has_float64(where: torch.device) -> bool:
    """Whether a device computes in float64; Apple's GPUs do not."""
    return where.type not in SINGLE


@torch.inference_mode(False)  # in which the copy's weights could never be trained
def on_device(model: Model, name: Device) -> Model:
    """The model on a device: itself if it is there already or the name is None, otherwise a copy.

    Example:
        >>> model = nn.Linear(1, 1)
        >>> on_device(model, "cpu") is model, on_device(model, "meta").weight.device.type, model.weight.device.type
        (True, 'meta', 'cpu')
    """
    if name is None:
        return model
    where = device(name)
    if all(tensor.device == where for tensor in (*model.parameters(), *model.buffers())):
        return model
    moved: dict[int, object] = {
        id(weight): nn.Parameter(weight.detach().to(where), requires_grad=weight.requires_grad)
        for weight in model.parameters()
    }
    moved |= {id(buffer): buffer.detach().to(where) for buffer in model.buffers()}
    return copy.deepcopy(model, moved)


def synchronise(where: torch.device) -> None:
    """Wait until a GPU has finished its work. On the CPU there is nothing to wait for."""
    if where.type == "cuda":
        torch.cuda.synchronize(where)
    elif where.type == "mps":
        torch.mps.synchronize()


def current(where: torch.device) -> AbstractContextManager[object]:
    """Make a GPU this thread's current one within a block, so that nothing is allocated on another by default."""
    return torch.cuda.device(where) if where.type == "cuda" else nullcontext()


def autocast(where: torch.device, *, enabled: bool) -> AbstractContextManager[object]:
    """Autocast to bfloat16 on a device within a block, or switch autocast off there."""
    return torch.autocast(_autocast_type(where), torch.bfloat16, enabled=enabled)


def autocast_enabled(where: torch.device) -> bool:
    """Whether autocast is on for a device."""
    return torch.is_autocast_enabled(_autocast_type(where))


def _autocast_type(where: torch.device) -> str:
    """The device's type. Autocast has no meta device, so it counts as the CPU."""
    return "cpu" if where.type == "meta" else where.type
