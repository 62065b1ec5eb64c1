"""``poseglass reproduce``: the papers' tables beside what is measured here."""

from pathlib import Path
from typing import Annotated

import typer

from poseglass.files.writing import check_place, writing

__all__ = ["reproduce"]


def reproduce(
    table: Annotated[str, typer.Argument(help="h36m or 3dhp.")],
    *,
    data: Annotated[Path, typer.Option(help="The data set, as `poseglass data h36m` or `data 3dhp` write it.")],
    weights: Annotated[
        Path | None, typer.Option(help="A folder with the rows' weights, named like their recipes or rows.")
    ] = None,
    protocol: Annotated[
        str, typer.Option(help="published (repeated end frames count too) or ours (every frame counts once).")
    ] = "published",
    flip: Annotated[
        bool, typer.Option("--flip/--no-flip", help="Average with the mirrored pass, as published.")
    ] = True,
    batch: Annotated[int, typer.Option(help="Clips of a forward pass.")] = 16,
    json: Annotated[Path | None, typer.Option(help="Also write everything as JSON.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
) -> None:
    """The rows of a published table, and what your weights reach on your copy of the data set.

    The exit code is 1 if there are weights that could not be measured.
    """
    if protocol not in ("ours", "published"):
        raise typer.BadParameter(f"it is ours or published, not {protocol!r}", param_hint="'--protocol'")
    if json is not None:
        check_place(json)
    from poseglass.data.recordings.store import Recordings
    from poseglass.judging.reproduction import reproduce as measure

    counting = "ours" if protocol == "ours" else "published"
    recordings = Recordings.open(data)
    done = measure(table, recordings, weights, counting=counting, flip=flip, batch=batch, progress=True)  # type: ignore[arg-type]
    print(done.markdown() if markdown else done)  # noqa: T201
    if json is not None:
        with writing(json) as temporary:
            temporary.write_text(done.json() + "\n", encoding="utf-8")
    if done.problems:
        raise typer.Exit(1)
