"""``poseglass bench``: FLOPs, time and memory of models, and our FLOP counts beside the papers'."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from poseglass.commands.device import DeviceOption, chosen_device
from poseglass.commands.engine import EngineOption, engine_for
from poseglass.commands.keep import FORMS, parse_keep
from poseglass.commands.terminal import wrong
from poseglass.errors import ModelError
from poseglass.files.writing import check_writable

if TYPE_CHECKING:
    from poseglass.waist.hourglass import PoseModel
    from poseglass.waist.schedule import Keep

__all__ = ["bench"]

NO_WAIST = "the model has no waist: give a number with --at LAYER, or a pyramid such as 2:121,5:61"


def bench(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]...",
            help="A named size such as mixste (untrained), a bundled model, a folder of weights, or a checkpoint file. "
            "Default: balanced.",
        ),
    ] = None,
    *,
    keep: Annotated[
        str | None,
        typer.Option(
            help=f"Frames that the waist keeps: {FORMS}. With --at or as a pyramid, the model gets a new waist; "
            "otherwise the waist of its weights keeps this many."
        ),
    ] = None,
    at: Annotated[int | None, typer.Option(help="The layer before which the waist drops the other frames.")] = None,
    prune: Annotated[
        str | None, typer.Option(help="How the waist chooses frames: density (default), attention, motion or uniform.")
    ] = None,
    recover: Annotated[
        str | None,
        typer.Option(
            help="How it recovers the other frames: attention (default), interpolate, nearest, or none (a funnel)."
        ),
    ] = None,
    frames: Annotated[int | None, typer.Option(help="Frames per clip; for named sizes only.")] = None,
    batch: Annotated[int, typer.Option(help="Clips per forward pass.")] = 1,
    threads: Annotated[int | None, typer.Option(help="Threads for torch. Default: torch's choice.")] = None,
    dtype: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "float32",
    rounds: Annotated[int, typer.Option(help="How many times each model is timed.")] = 10,
    device: DeviceOption = "auto",
    engine: EngineOption = "torch",
    graphs: Annotated[
        bool, typer.Option("--graphs", help="CUDA: replay each forward pass as a CUDA graph, faster for small batches.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
    json: Annotated[Path | None, typer.Option(help="Also write an entry per model to this JSON file.")] = None,
    paper: Annotated[
        bool, typer.Option("--paper", help="Only print the published FLOP counts beside ours, in Markdown.")
    ] = False,
) -> None:
    """Print FLOPs, time and memory of models. A model with a waist is timed in turns with its backbone."""
    waist = {"--at": at, "--prune": prune, "--recover": recover}
    if paper:
        measuring = {
            "models": models or None, "--keep": keep, **waist, "--frames": frames, "--threads": threads, "--json": json,
            "--batch": None if batch == 1 else batch, "--dtype": None if dtype == "float32" else dtype,
            "--rounds": None if rounds == 10 else rounds, "--device": None if device == "auto" else device,
            "--graphs": graphs or None, "--engine": None if engine == "torch" else engine,
        }  # fmt: skip
        if given := [option for option, value in measuring.items() if value is not None]:
            wrong("--paper", f"it prints a fixed table: leave out {', '.join(given)}")
        from poseglass.cost.counts import count_table

        print(count_table())  # noqa: T201
        return
    if dtype not in ("float32", "bfloat16"):
        wrong("--dtype", f"choose float32 or bfloat16, not {dtype!r}")
    for option, value in waist.items():
        if keep is None and value is not None:
            wrong(option, "it needs --keep, the number of frames that the waist keeps")
    kept = None if keep is None else parse_keep(keep)
    if isinstance(kept, Mapping) and at is not None:
        wrong("--keep", "give a number with --at LAYER, or a pyramid such as 2:121,5:61 without --at")
    renewed = isinstance(kept, Mapping) or at is not None
    if kept is not None and not renewed and (new := [option for option, value in waist.items() if value is not None]):
        wrong("--keep", f"{' and '.join(new)} are for a new waist: give --at LAYER too")
    if json is not None:
        check_writable(json)
    import json as writer

    from poseglass.cost.benchmark import bench as measure
    from poseglass.files.writing import writing

    where = chosen_device(device)
    if graphs and where.type != "cuda":
        wrong("--graphs", f"CUDA graphs need a device of CUDA, not {where}")
    engine = engine_for(engine, where)
    records = []
    for number, name in enumerate(models or ["balanced"]):
        model, against = _pair(name, kept, at, prune=prune or "density", recover=recover or "attention", frames=frames)
        result = measure(
            model,
            against,
            batch=batch,
            threads=threads,
            dtype=dtype,  # type: ignore[arg-type]
            rounds=rounds,
            device=where,
            graphs=graphs,
            engine=engine,
        )
        records.append({"name": name} | result.record())
        print(("\n" if number else "") + (result.markdown() if markdown else str(result)), flush=True)  # noqa: T201
    if json is not None:
        with writing(json) as temporary:
            temporary.write_text(writer.dumps(records, indent=2) + "\n", encoding="utf-8")


def _pair(
    name: str, keep: "Keep | None", at: int | None, *, prune: str, recover: str, frames: int | None
) -> "tuple[PoseModel, PoseModel | None]":
    """The model of that name, and its backbone if it has a waist."""
    from poseglass.models import MODELS, PoseTransformer, create_model
    from poseglass.waist.hourglass import Funnel, Hourglass, backbone_of, funnel, hourglass
    from poseglass.weights import files as weights

    def narrow(backbone: PoseTransformer | str, keep: "Keep", frames: int | None = None) -> Funnel | Hourglass:
        if recover == "none":
            return funnel(backbone, keep=keep, at=at, prune=prune, frames=frames)
        return hourglass(backbone, keep=keep, at=at, prune=prune, recover=recover, frames=frames)

    model: PoseModel
    renewed = isinstance(keep, Mapping) or at is not None
    if name in MODELS:
        if keep is not None and not renewed:
            wrong("--keep", NO_WAIST)
        model = create_model(name, frames=frames) if keep is None else narrow(name, keep, frames)
    else:
        if frames is not None:
            sizes = ", ".join(MODELS)
            raise ModelError(f"--frames is for named sizes only ({sizes}); leave it out for the weights {name}")
        if not Path(name).exists() and name not in weights.BUNDLED:
            known = ", ".join([*MODELS, *weights.BUNDLED])
            raise ModelError(
                f"there is no model {name}: give a folder of weights, a checkpoint file, or one of {known}"
            )
        model = weights.load(name)
        if keep is not None and renewed:
            model = narrow(backbone_of(model), keep)
        elif keep is not None:
            if not isinstance(model, Hourglass | Funnel):
                wrong("--keep", NO_WAIST)
            model = model.with_keep(keep)
    if not isinstance(model, Hourglass | Funnel):
        return model, None
    backbone = model.backbone
    if backbone.lengths is None:
        return model, backbone
    # Its layers are built for the waist, so the backbone without a waist is another network.
    return model, type(backbone)(**{**backbone.config, "frames": backbone.frames})
