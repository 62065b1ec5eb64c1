"""``poseglass convert``: convert a published checkpoint into a folder of weights."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from poseglass.commands.terminal import tell, wrong
from poseglass.errors import WeightsError
from poseglass.files.writing import check_writable

__all__ = ["convert"]


def convert(
    source: Annotated[Path, typer.Argument(help="A published checkpoint, such as a .pth or .bin file.")],
    out: Annotated[Path, typer.Argument(help="The folder to write.")],
    *,
    heads: Annotated[int | None, typer.Option(help="Attention heads, if not as published.")] = None,
    at: Annotated[
        int | None, typer.Option(help="The layer before which the waist drops frames, if not as published.")
    ] = None,
    neighbours: Annotated[
        int | None, typer.Option(help="MotionAGFormer's temporal neighbours, if not as published.")
    ] = None,
    skeleton: Annotated[
        str | None, typer.Option(help="The joints of the model, such as mpi_inf_3dhp17. Default: h36m17.")
    ] = None,
    keypoints: Annotated[
        str | None,
        typer.Option(help="The 2D poses that the model was trained on, such as cpn or gt. Default: unknown."),
    ] = None,
    units: Annotated[
        str | None,
        typer.Option(help="What the model predicts: metres, or screen (half image widths). Default: as published."),
    ] = None,
) -> None:
    """Convert a published checkpoint into a folder of weights. No pickled code is run."""
    check_writable(out / "weights.safetensors", WeightsError)
    from poseglass.body.skeleton import H36M_17, get_skeleton
    from poseglass.models import PoseTransformer
    from poseglass.waist.hourglass import backbone_of
    from poseglass.weights import files as weights

    joints = get_skeleton(skeleton or H36M_17)
    model = weights.load(source, heads=heads, at=at, neighbours=neighbours)
    if at is not None and isinstance(model, PoseTransformer):
        wrong("--at", f"{source} has no waist, so there is no layer at which it prunes: leave it out")
    count = backbone_of(model).joints
    if len(joints) != count:
        wrong("--skeleton", f"{joints.name} has {len(joints)} joints, but the checkpoint has {count}")
    if units is None:  # only weights for Human3.6M were published in other units than metres
        units = model.card.units if joints == H36M_17 else "metres"
    card = replace(model.card, skeleton=joints.name, keypoints=keypoints or "", units=units)  # type: ignore[arg-type]
    model = model.with_card(card)
    weights.save(model, out, about=f"converted from {source.name}")
    inner = "" if isinstance(model, PoseTransformer) else f" around a {type(model.backbone).__name__}"
    tell(f"wrote a {type(model).__name__}{inner}, {model.frames} frames, to {out}")
