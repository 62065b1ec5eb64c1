"""``poseglass reproduce``: the papers' tables beside the results of your weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from poseglass.commands.device import DeviceOption, chosen_device, tell_device
from poseglass.commands.terminal import wrong
from poseglass.files.writing import check_writable, writing

if TYPE_CHECKING:
    from poseglass.judging.protocol import Counting

__all__ = ["reproduce"]


def reproduce(
    table: Annotated[str, typer.Argument(help="The table: h36m or 3dhp.")],
    *,
    data: Annotated[Path, typer.Option(help="The prepared data set, from `poseglass data h36m` or `data 3dhp`.")],
    weights: Annotated[
        Path | None,
        typer.Option(help="A folder of weights and checkpoints, each named like its recipe or its row of the table."),
    ] = None,
    protocol: Annotated[
        str, typer.Option(help="published (repeated end frames also count) or ours (each frame counts once).")
    ] = "published",
    flip: Annotated[
        bool, typer.Option("--flip/--no-flip", help="Average with the mirrored pass, as published.")
    ] = True,
    batch: Annotated[int, typer.Option(help="Clips per forward pass.")] = 16,
    device: DeviceOption = "auto",
    json: Annotated[Path | None, typer.Option(help="Also write the full report to this JSON file.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
) -> None:
    """Print a published table beside the results of your weights.

    The exit code is 1 if some weights cannot be evaluated.
    """
    if protocol not in ("ours", "published"):
        wrong("--protocol", f"choose ours or published, not {protocol!r}")
    if json is not None:
        check_writable(json)
    from poseglass.data.recordings.store import Recordings
    from poseglass.judging.reproduction import reproduce as measure

    counting: Counting = "ours" if protocol == "ours" else "published"
    where = chosen_device(device)
    recordings = Recordings.open(data)
    result = measure(
        table, recordings, weights, counting=counting, flip=flip, batch=batch, device=where, progress=True
    )  # fmt: skip
    print(result.markdown() if markdown else result)  # noqa: T201
    tell_device(where)
    if json is not None:
        with writing(json) as temporary:
            temporary.write_text(result.json() + "\n", encoding="utf-8")
    if result.problems:
        raise typer.Exit(1)
