"""``poseglass data``: prepare, generate and check data for training and evaluation."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from poseglass.errors import DataError
from poseglass.files.writing import check_writable
from poseglass.mocap.formats import READERS

__all__ = ["data"]

data = typer.Typer(help="Prepare, generate and check data for training and evaluation.", no_args_is_help=True)
SHOWN = 12  # warnings printed
log = logging.getLogger(__name__)  # the command line prints it


@data.command()
def mocap(
    source: Annotated[
        Path,
        typer.Argument(
            help=f"A motion file or a folder of them: {' '.join(READERS)} (an .amc needs its .asf). "
            "The folder may hold a motion.toml."
        ),
    ],
    out: Annotated[Path, typer.Argument(help="What to write: NAME.npz for motion clips, a folder for recordings.")],
    about: Annotated[
        Path | None, typer.Option(help="Use this motion.toml: joints, units, splits and cameras of the motion.")
    ] = None,
) -> None:
    """Prepare your own motion for training and evaluation.

    Motion clips are seen by virtual cameras in training. Recordings are the motion as your own cameras saw it. Takes
    with errors are left out; the exit code is then 1.
    """
    suffix = out.suffix.lower()
    if suffix not in ("", ".npz"):
        text = f"give a name that ends in .npz for motion clips, or without a suffix for a folder, not {out}"
        raise typer.BadParameter(text, param_hint="'OUT'")
    check_writable(out if suffix else out / "index.json", DataError)
    from poseglass.data.checks.findings import count
    from poseglass.own.prepare import prepare_clips, prepare_recordings

    if not suffix:
        recordings = prepare_recordings(source, out, about=about, progress=True)
        print(recordings)  # noqa: T201
        if recordings.findings.missing:
            raise typer.Exit(1)
        return
    report = prepare_clips(source, out, about=about, progress=True)
    for problem in report.warnings[:SHOWN]:
        log.info("%s", problem)
    if len(report.warnings) > SHOWN:
        log.info("and %d more warnings; poseglass data check %s lists all", len(report.warnings) - SHOWN, source)
    if str(report.conventions):
        log.info("%s", report.conventions)
    for split in dict.fromkeys(clip.split for clip in report.clips):
        part = report.clips.split(split)
        log.info("%s: %s, %.1f minutes", split, count(len(part), "clip"), part.minutes)
    log.info("%s, %.1f minutes, in %s", count(len(report.clips), "clip"), report.clips.minutes, out)
    for path, reason in report.skipped.items():
        log.info("left out %s: %s", path, reason.removeprefix(f"{path}: "))
    for problem in report.empty_splits:
        log.info("%s", problem)
    if not report.is_complete:
        raise typer.Exit(1)


@data.command()
def check(
    path: Annotated[
        Path, typer.Argument(help="Recordings, motion clips, or motion files that `data mocap` would prepare.")
    ],
    about: Annotated[Path | None, typer.Option(help="Use this motion.toml for motion files.")] = None,
) -> None:
    """List every error and warning in motion data, with its place. The exit code is 1 if there are errors."""
    from poseglass.own.check import check as look

    report = look(path, about=about, progress=True)
    print(report)  # noqa: T201
    if report.errors:
        raise typer.Exit(1)


@data.command()
def generate(
    layout: Annotated[
        str, typer.Argument(help="h36m or 3dhp (the field's npz files), h36m-cdf or 3dhp-mat (the original files).")
    ],
    out: Annotated[Path, typer.Argument(help="The folder to write into.")],
    frames: Annotated[int, typer.Option(help="Frames per take.")] = 300,
    subjects: Annotated[
        list[str] | None, typer.Option("--subject", help="Only this subject, such as S9. May be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed: the same seed gives the same motion.")] = 0,
) -> None:
    """Generate a synthetic data set in a published layout, to try everything without the real one."""
    from poseglass.data.synthetic.generate import generate as write

    for path in write(layout, out, frames=frames, subjects=subjects, seed=seed, progress=True):
        log.info("wrote %s (%.1f MB)", path, path.stat().st_size / 1e6)


@data.command()
def h36m(
    source: Annotated[
        Path,
        typer.Argument(
            help="The folder of your download: data_3d_h36m.npz or Poses_D3_Positions_S*.tgz, and optionally 2D poses."
        ),
    ],
    out: Annotated[Path, typer.Argument(help="The folder of recordings to write.")],
) -> None:
    """Check your copy of Human3.6M and prepare it for training and evaluation."""
    from poseglass.data.h36m.prepare import prepare_h36m

    print(prepare_h36m(source, out, progress=True))  # noqa: T201


@data.command("3dhp")
def mpi_inf_3dhp(
    source: Annotated[
        Path,
        typer.Argument(
            help="The folder of your download: data_train_3dhp.npz or data_test_3dhp.npz, or the original annot*.mat."
        ),
    ],
    out: Annotated[Path, typer.Argument(help="The folder of recordings to write.")],
) -> None:
    """Check your copy of MPI-INF-3DHP and prepare it for training and evaluation."""
    from poseglass.data.threedhp.prepare import prepare_3dhp

    print(prepare_3dhp(source, out, progress=True))  # noqa: T201
