"""``poseglass evaluate``: a model's errors, on prepared recordings or on motion clips."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from poseglass.commands.device import DeviceOption, chosen_device, tell_device
from poseglass.commands.engine import EngineOption, engine_for
from poseglass.commands.keep import FORMS, parse_keep
from poseglass.commands.terminal import wrong
from poseglass.errors import DataError
from poseglass.files.writing import check_writable, writing

if TYPE_CHECKING:
    import torch

    from poseglass.data.clips import MotionClips
    from poseglass.data.recordings.store import Recordings
    from poseglass.judging.protocol import Protocol
    from poseglass.judging.report import ClipReport, EvaluationReport, RecordingReport, WorldReport
    from poseglass.waist.hourglass import PoseModel
    from poseglass.waist.schedule import Keep

__all__ = ["evaluate"]


def evaluate(
    model: Annotated[str, typer.Argument(help="A bundled model, a folder of weights, or a checkpoint file.")],
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Required: a folder of recordings from `poseglass data h36m`, `3dhp` or `mocap`, or a file of motion "
            "clips (.npz)."
        ),
    ] = None,
    keep: Annotated[
        str | None, typer.Option(help=f"Frames that the model's middle layers keep: {FORMS}. Default: as trained.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="train, val or test. Default: test.")] = None,
    flip: Annotated[bool, typer.Option("--flip", help="Average with the mirrored pass.")] = False,
    keypoints: Annotated[
        str | None,
        typer.Option(help="Recordings: which 2D poses, such as cpn or gt. Default: those the model was trained on."),
    ] = None,
    subjects: Annotated[
        str | None, typer.Option(help="Recordings: which subjects, such as S9,S11. Default: all in the split.")
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="Recordings: ours (each frame counts once) or published (repeated end frames also count). "
            "Motion clips: 1, or 2 with a detector's errors as measured on real video. Default: ours, 1."
        ),
    ] = None,
    centre: Annotated[
        bool | None,
        typer.Option(
            "--centre/--all-frames",
            help="Recordings: evaluate the centre of one clip per frame, or all frames of consecutive clips. "
            "Default: as the model was trained.",
        ),
    ] = None,
    world: Annotated[
        bool,
        typer.Option(
            "--world",
            help="Motion clips: measure motions in the world: the person's path, standing feet, the direction up.",
        ),
    ] = False,
    takes: Annotated[
        int | None, typer.Option(min=1, help="With --world: use only so many takes, evenly spaced. Default: all.")
    ] = None,
    skeleton: Annotated[
        str | None,
        typer.Option(help="Recordings: the model's joints, such as h36m17. Default: those stored with the weights."),
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Recordings: clips per forward pass. Default: 16.")] = None,
    device: DeviceOption = "auto",
    engine: EngineOption = "torch",
    json: Annotated[Path | None, typer.Option(help="Also write the full report to this JSON file.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Also write the table to this CSV file.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
    plots: Annotated[
        Path | None, typer.Option(help="Recordings: also draw the error per joint and per action into this folder.")
    ] = None,
    mat: Annotated[
        Path | None,
        typer.Option(help="MPI-INF-3DHP: also write the poses for its MATLAB scorer, such as inference_data.mat."),
    ] = None,
) -> None:
    """Print a model's errors on recordings or motion clips."""
    if model.lower().endswith(".npz") and Path(model).is_file():
        example = f"poseglass evaluate balanced --data {model}"
        wrong("MODEL", f"{model} is a file of motion clips, not a model; type: {example}")
    if data is None:
        wrong("--data", "give a folder of recordings or a file of motion clips (.npz)")
    kept = None if keep is None else parse_keep(keep)
    for path in (json, csv, mat, None if plots is None else plots / "error-per-joint.png"):
        if path is not None:
            check_writable(path)
    for_recordings: dict[str, object] = {
        "--keypoints": keypoints, "--subjects": subjects, "--centre": centre,
        "--skeleton": skeleton, "--batch": batch, "--plots": plots, "--mat": mat,
    }  # fmt: skip
    if takes is not None and not world:
        wrong("--takes", "it is only for --world")
    where = chosen_device(device)
    engine = engine_for(engine, where)
    if not data.is_dir():
        for option, value in for_recordings.items():
            if value is not None:
                wrong(option, f"it is for a folder of recordings, but {data} is not a folder")
        if protocol not in (None, "1", "2"):
            wrong("--protocol", f"{protocol!r} is for a folder of recordings; motion clips have 1 and 2")
        clips, network = _loaded(model, data, where, keep=kept)
        report = _on_clips(
            network,
            clips,
            split=split or "test",
            flip=flip,
            protocol=int(protocol or 1),
            world=world,
            takes=takes,
            engine=engine,
        )
        _show(report, json, csv, markdown=markdown)
        tell_device(where, engine)
        return
    if world:
        wrong("--world", f"it is for a file of motion clips (.npz), but {data} is a folder")
    if protocol not in (None, "ours", "published"):
        wrong("--protocol", f"choose ours or published for recordings, not {protocol!r}")
    from poseglass.body.skeleton import get_skeleton
    from poseglass.judging.protocol import Protocol

    how = Protocol(
        keypoints=keypoints,
        subjects=None if subjects is None else tuple(name.strip() for name in subjects.split(",")),
        counting="published" if protocol == "published" else "ours",
        flip=flip,
        centre=centre,
        split=split,
        skeleton=None if skeleton is None else get_skeleton(skeleton),
        batch=16 if batch is None else batch,
    )
    measured, poses = _on_recordings(
        model, data, how, where, keep=kept, plots=plots is not None, mat=mat is not None, engine=engine
    )
    _show(measured, json, csv, markdown=markdown)
    tell_device(where, engine)
    if plots is not None:
        from poseglass.judging.plots import draw_report

        draw_report(measured, plots)
    if mat is not None:
        from poseglass.data.threedhp.inference_mat import write_inference

        write_inference(mat, poses)


def _loaded(model: str, data: Path, device: "torch.device", *, keep: "Keep | None") -> "tuple[MotionClips, PoseModel]":
    from poseglass.data.clips import MotionClips
    from poseglass.weights import files as weights

    return MotionClips.load(data), weights.load(model, keep=keep, device=device)


def _on_clips(
    model: "PoseModel",
    clips: "MotionClips",
    *,
    split: str,
    flip: bool,
    protocol: int,
    world: bool,
    takes: int | None,
    engine: str,
) -> "ClipReport | WorldReport":
    from poseglass.judging.in_the_world import evaluate_world
    from poseglass.judging.on_clips import evaluate_clips

    if world:
        return evaluate_world(
            model, clips, split=split, flip=flip, protocol=protocol, takes=takes, progress=True, engine=engine
        )
    return evaluate_clips(model, clips, split=split, flip=flip, protocol=protocol, progress=True, engine=engine)


def _on_recordings(
    model: str,
    data: Path,
    how: "Protocol",
    device: "torch.device",
    *,
    keep: "Keep | None",
    plots: bool,
    mat: bool,
    engine: str,
) -> "tuple[RecordingReport, dict[str, Any]]":
    """The report, and with `mat` the poses of each test sequence. Options are checked first."""
    from poseglass.data.recordings.store import Recordings
    from poseglass.judging.on_recordings import evaluate_recordings
    from poseglass.judging.plots import plotting
    from poseglass.weights import files as weights

    if plots:
        plotting()
    recordings = Recordings.open(data)
    poses: dict[str, Any] = {}
    if mat:
        _check_mat(recordings, how)
    report = evaluate_recordings(
        weights.load(model, keep=keep, device=device),
        recordings,
        how,
        name=_name(model),
        each=(lambda recording, lifted: poses.update({recording.subject: lifted})) if mat else None,
        progress=True,
        engine=engine,
    )
    return report, poses


def _show(report: "EvaluationReport", json: Path | None, csv: Path | None, *, markdown: bool) -> None:
    print(report.markdown() if markdown else report)  # noqa: T201
    for path, text in ((json, report.json() + "\n"), (csv, report.csv())):
        if path is not None:
            with writing(path) as temporary:
                temporary.write_text(text, encoding="utf-8")


def _name(model: str) -> str:
    """A short name for the report: ``hot-mixste/best`` for ``runs/hot-mixste/best``."""
    path = Path(model)
    if not path.exists():
        return model
    return f"{path.absolute().parent.name}/best" if path.name == "best" else path.resolve().name


def _check_mat(recordings: "Recordings", how: "Protocol") -> None:
    """Raise a `DataError` if the evaluation would not give a complete ``inference_data.mat``."""
    from poseglass.body.skeleton import MPI_INF_3DHP_17
    from poseglass.data.threedhp.facts import TEST

    if recordings.skeleton != MPI_INF_3DHP_17:
        raise DataError(
            f"inference_data.mat is for MPI-INF-3DHP, but {recordings.folder} holds {recordings.dataset}: "
            "leave out --mat"
        )
    if how.split not in (None, "test"):
        raise DataError(
            f"inference_data.mat is for the test sequences, not for the split {how.split}: use --split test"
        )
    subjects = {recording.subject for recording in recordings}
    if how.subjects is not None:
        subjects &= {*how.subjects}
    if how.subjects is not None and (others := sorted({*how.subjects} - {*TEST})):
        raise DataError(f"inference_data.mat is only for the test sequences {', '.join(TEST)}: leave out {others}")
    if missing := [name for name in TEST if name not in subjects]:
        raise DataError(f"inference_data.mat needs all six test sequences; {', '.join(missing)} would be missing")
