"""The options of ``poseglass lift`` that place people in the world."""

from typing import TYPE_CHECKING, Annotated

import typer

from poseglass.commands.terminal import wrong
from poseglass.errors import PoseError

if TYPE_CHECKING:
    from poseglass.motion.placing import Placing

__all__ = ["CameraOption", "HeightOption", "LevelOption", "PitchOption", "chosen_placing"]

HeightOption = Annotated[
    float | None,
    typer.Option(
        "--height",
        help="The person's height in metres (of several people, the first one's). The poses and the path are scaled "
        "to it.",
    ),
]
PitchOption = Annotated[
    float | None,
    typer.Option(
        "--pitch", help="Degrees that the camera looks down. Default: estimated from how people stand and walk."
    ),
]
LevelOption = Annotated[bool, typer.Option("--level", help="The camera is level: the same as --pitch 0.")]
CameraOption = Annotated[
    str,
    typer.Option(
        "--camera",
        help="static, moving (the path is then relative to the camera), or auto: test whether the background of the "
        "video moves.",
    ),
]


def chosen_placing(height: float | None, pitch: float | None, level: bool, camera: str) -> "Placing":
    """What the options say, with a message that names the wrong one."""
    from poseglass.motion.placing import Placing

    if level and pitch is not None:
        wrong("--level", "it means --pitch 0; give one of the two")
    pitch = 0.0 if level else pitch
    for option, values in (
        ("--height", {"height": height}),
        ("--pitch", {"pitch": pitch}),
        ("--camera", {"camera": camera}),
    ):
        try:
            Placing(**values)
        except PoseError as problem:
            wrong(option, str(problem))
    return Placing(height=height, pitch=pitch, camera=camera)
