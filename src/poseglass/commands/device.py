"""The option ``--device`` of commands that run models."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from poseglass.commands.terminal import tell, wrong
from poseglass.errors import ModelError

if TYPE_CHECKING:
    import torch

__all__ = ["DeviceOption", "chosen_device", "cores_left_to_detection", "tell_device"]

DeviceOption = Annotated[
    str,
    typer.Option(
        "--device",
        help="Where the model runs: cpu, cuda, cuda:1, mps, or auto for the first of cuda, mps and cpu that there is.",
    ),
]


def chosen_device(name: str) -> "torch.device":
    """The device that the option names. A device that is missing is refused."""
    from poseglass.models import devices

    try:
        return devices.device(name)
    except ModelError as problem:
        wrong("--device", str(problem))


def tell_device(where: "torch.device | None", engine: str = "torch") -> None:
    """Print which device and engine a command ran on, which it may have chosen itself."""
    from poseglass.models import devices

    name = "cpu" if where is None else devices.full_name(where)
    tell(f"ran on {name}" + ("" if engine == "torch" else f", by {engine}"))


@contextmanager
def cores_left_to_detection() -> Iterator[None]:
    """Lift on two cores fewer during the block, but on at least one, because decoding and detection need them.

    PyTorch's threads wait for each other in every product. If one of them has no core to itself, all of them stand
    still: on two busy cores, lifting with two threads took the whole command from 12 to 20 ms per frame.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(max(threads - 2, 1))
    try:
        yield
    finally:
        torch.set_num_threads(threads)
