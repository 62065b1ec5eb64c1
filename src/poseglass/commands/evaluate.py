"""``poseglass evaluate``: a model's errors, on prepared recordings or on motion clips."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from poseglass.commands.terminal import wrong
from poseglass.errors import DataError
from poseglass.files.writing import check_place, writing

if TYPE_CHECKING:
    from poseglass.data.recordings.store import Recordings
    from poseglass.judging.on_recordings import Protocol

__all__ = ["evaluate"]


def evaluate(
    model: Annotated[str, typer.Argument(help="A model's name, a folder of weights or a checkpoint.")],
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            help="A folder of recordings, as `poseglass data h36m`, `3dhp` and `mocap` write, or motion clips (.npz)."
        ),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Which takes: train, val or test. Default: test.")] = None,
    flip: Annotated[bool, typer.Option("--flip", help="Average with the mirrored pass.")] = False,
    keypoints: Annotated[
        str | None, typer.Option(help="Recordings: the 2D poses, such as cpn or gt; those the model was trained on.")
    ] = None,
    subjects: Annotated[
        str | None, typer.Option(help="Recordings: whose, such as S9,S11. Default: everybody in the split.")
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="Recordings: ours (every frame counts once) or published (repeated end frames count too). "
            "Default: ours."
        ),
    ] = None,
    centre: Annotated[
        bool | None,
        typer.Option(
            "--centre/--all-frames",
            help="Recordings: the model answers for a clip's centre, or for all frames; as the model says.",
        ),
    ] = None,
    skeleton: Annotated[
        str | None, typer.Option(help="Recordings: which joint is which in the model, such as h36m17; as it says.")
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Recordings: clips of a forward pass. Default: 16.")] = None,
    json: Annotated[Path | None, typer.Option(help="Also write everything as JSON.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Recordings: also write the table as CSV.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Recordings: print the table as Markdown.")] = False,
    plots: Annotated[
        Path | None, typer.Option(help="Recordings: also draw the error per joint and per action into this folder.")
    ] = None,
    mat: Annotated[
        Path | None, typer.Option(help="MPI-INF-3DHP: also write the poses for its MATLAB scorer (inference_data.mat).")
    ] = None,
) -> None:
    """Errors of a model, by the field's protocol on recordings, or on motion clips seen by virtual cameras."""
    if model.lower().endswith(".npz") and Path(model).is_file():
        wrong(
            "MODEL", f"{model} is a file of motion clips, not a model; type: poseglass evaluate balanced --data {model}"
        )
    if data is None:
        wrong("--data", "say on which recordings (a folder) or motion clips (.npz)")
    of_recordings: dict[str, object] = {
        "--keypoints": keypoints, "--subjects": subjects, "--protocol": protocol, "--centre": centre,
        "--skeleton": skeleton, "--batch": batch, "--csv": csv, "--markdown": markdown or None, "--plots": plots,
        "--mat": mat,
    }  # fmt: skip
    folder = data.is_dir()
    if not folder:
        _refuse(of_recordings, data)
    if protocol not in (None, "ours", "published"):
        wrong("--protocol", f"it is ours or published, not {protocol!r}")
    for path in (json, csv, mat, None if plots is None else plots / "error-per-joint.png"):
        if path is not None:
            check_place(path)
    if not folder:
        _clips(model, data, split=split, flip=flip, json=json)
        return
    from poseglass.body.skeleton import get_skeleton
    from poseglass.data.recordings.store import Recordings
    from poseglass.judging.on_recordings import Protocol, evaluate_recordings
    from poseglass.weights import files as weights

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
    if plots is not None:
        from poseglass.judging.plots import plotting

        plotting()
    recordings = Recordings.open(data)
    poses: dict[str, Any] = {}
    if mat is not None:
        _check_mat(recordings, how)
    network = weights.load(model)
    report = evaluate_recordings(
        network,
        recordings,
        how,
        name=_name(model),
        each=None if mat is None else lambda recording, lifted: poses.update({recording.subject: lifted}),
        progress=True,
    )
    print(report.markdown() if markdown else report)  # noqa: T201
    for path, text in ((json, report.json() + "\n"), (csv, report.csv())):
        if path is not None:
            with writing(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
    if plots is not None:
        from poseglass.judging.plots import draw_report

        draw_report(report, plots)
    if mat is not None:
        from poseglass.data.threedhp.inference_mat import write_inference

        write_inference(mat, poses)


def _name(model: str) -> str:
    """Short, and of which run it is the best: `runs/hot-mixste/best` is hot-mixste/best."""
    path = Path(model)
    if not path.exists():
        return model
    return f"{path.absolute().parent.name}/best" if path.name == "best" else path.resolve().name


def _refuse(options: Mapping[str, object], data: Path) -> None:
    for option, value in options.items():
        if value is not None:
            wrong(option, f"it does not go with motion clips, and {data} is taken for such")


def _clips(model: str, data: Path, *, split: str | None, flip: bool, json: Path | None) -> None:
    from poseglass.data.clips import MotionClips
    from poseglass.judging.on_clips import evaluate as measure
    from poseglass.weights import files as weights

    takes = MotionClips.load(data)
    result = measure(weights.load(model), takes, split=split, flip=flip, progress=True)
    print(result)  # noqa: T201
    if json is not None:
        with writing(json) as temporary:
            temporary.write_text(result.json() + "\n", encoding="utf-8")


def _check_mat(recordings: "Recordings", how: "Protocol") -> None:
    """What is wrong with an ``inference_data.mat`` is said before the work."""
    from poseglass.body.skeleton import MPI_INF_3DHP_17
    from poseglass.data.threedhp.facts import TEST
    from poseglass.files.extras import needed

    needed("scipy.io")
    if recordings.skeleton != MPI_INF_3DHP_17:
        raise DataError(f"inference_data.mat is of MPI-INF-3DHP, and {recordings.folder} is of {recordings.dataset}")
    if how.split not in (None, "test"):
        raise DataError(f"inference_data.mat is of the test sequences, not of the split {how.split}")
    there = {recording.subject for recording in recordings if how.subjects is None or recording.subject in how.subjects}
    if how.subjects is not None and (more := sorted({*how.subjects} - {*TEST})):
        raise DataError(f"inference_data.mat is of the test sequences {', '.join(TEST)} alone: leave out {more}")
    if missing := [name for name in TEST if name not in there]:
        raise DataError(f"inference_data.mat is of all six test sequences; {', '.join(missing)} would be missing")
