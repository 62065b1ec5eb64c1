"""``poseglass data``: motion data for training, from what one has downloaded, or made up."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from poseglass.errors import DataError
from poseglass.files.writing import check_place

__all__ = ["data"]

data = typer.Typer(help="Prepare, make up and check data to train and judge on.", no_args_is_help=True)
SHOWN = 12  # warnings that are shown
log = logging.getLogger(__name__)  # which the command line shows


@data.command()
def mocap(
    source: Annotated[
        Path,
        typer.Argument(
            help="A folder or file: .bvh .amc+.asf .c3d .trc .csv .npy .npz, with a motion.toml or without."
        ),
    ],
    out: Annotated[Path, typer.Argument(help="The .npz of motion clips, or the folder of recordings, to write.")],
    about: Annotated[
        Path | None, typer.Option(help="A motion.toml that stands elsewhere: joints, units, splits, cameras.")
    ] = None,
) -> None:
    """Prepare your own motion, of any kind, for training.

    A name in .npz gets motion clips, seen by virtual cameras; a folder gets what your own cameras saw.
    """
    suffix = out.suffix.lower()
    if suffix not in ("", ".npz"):
        text = f"cannot write motion into {out}: end the name in .npz for clips, or in nothing for a folder"
        raise typer.BadParameter(text, param_hint="'OUT'")
    check_place(out if suffix else out / "index.json", DataError)
    from poseglass.own.prepare import prepare_clips, prepare_recordings

    if not suffix:
        print(prepare_recordings(source, out, about=about, progress=True))  # noqa: T201
        return
    made = prepare_clips(source, out, about=about, progress=True)
    for path, reason in made.skipped.items():
        log.info("skipped %s: %s", path, reason.removeprefix(f"{path}: "))
    for problem in made.warnings[:SHOWN]:
        log.info("%s", problem)
    if len(made.warnings) > SHOWN:
        log.info("and %d more warnings: see poseglass data check %s", len(made.warnings) - SHOWN, source)
    if str(made.conventions):
        log.info("%s", made.conventions)
    for split in dict.fromkeys(clip.split for clip in made.clips):
        part = made.clips.split(split)
        log.info("%s: %d clips, %.1f minutes", split, len(part), part.minutes)
    log.info("%d clips, %.1f minutes, in %s", len(made.clips), made.clips.minutes, out)


@data.command()
def check(
    path: Annotated[Path, typer.Argument(help="Recordings, motion clips, or whatever `data mocap` takes.")],
    about: Annotated[Path | None, typer.Option(help="A motion.toml that stands elsewhere.")] = None,
) -> None:
    """Say everything that is wrong or odd with motion, and where; exit code 1 if there are errors."""
    from poseglass.own.check import check as look

    report = look(path, about=about, progress=True)
    print(report)  # noqa: T201
    if report.errors:
        raise typer.Exit(1)


@data.command()
def generate(
    layout: Annotated[str, typer.Argument(help="h36m (the field's npz), h36m-cdf (original), 3dhp (npz), 3dhp-mat.")],
    out: Annotated[Path, typer.Argument(help="The folder to write into.")],
    frames: Annotated[int, typer.Option(help="Frames of each take.")] = 300,
    subjects: Annotated[list[str] | None, typer.Option("--subject", help="Who (may be repeated); all of them.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same motion.")] = 0,
) -> None:
    """Make up a data set in a published layout, to try everything before you register for the real one."""
    from poseglass.data.synthetic.generate import generate as make

    for path in make(layout, out, frames=frames, subjects=subjects, seed=seed, progress=True):
        log.info("wrote %s (%.1f MB)", path, path.stat().st_size / 1e6)


@data.command()
def h36m(
    source: Annotated[Path, typer.Argument(help="Your copy: data_3d_h36m.npz or Poses_D3_Positions_S*.tgz, and 2D.")],
    out: Annotated[Path, typer.Argument(help="The folder to write.")],
) -> None:
    """Prepare your own copy of Human3.6M for training and evaluation; checks it and reports what is missing or odd."""
    from poseglass.data.h36m.prepare import prepare_h36m

    print(prepare_h36m(source, out, progress=True))  # noqa: T201


@data.command("3dhp")
def mpi_inf_3dhp(
    source: Annotated[Path, typer.Argument(help="Your copy: data_train_3dhp.npz, data_test_3dhp.npz, or annot*.mat.")],
    out: Annotated[Path, typer.Argument(help="The folder to write.")],
) -> None:
    """Prepare your own copy of MPI-INF-3DHP for training and evaluation; checks it and reports what is odd."""
    from poseglass.data.threedhp.prepare import prepare_3dhp

    print(prepare_3dhp(source, out, progress=True))  # noqa: T201
