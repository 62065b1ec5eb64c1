"""The option ``--keep``, which several commands have."""

from typing import TYPE_CHECKING

from poseglass.commands.terminal import wrong

if TYPE_CHECKING:
    from poseglass.waist.schedule import Keep

__all__ = ["FORMS", "parse_keep"]

FORMS = "a number of frames (27), a share of the clip (0.33; 1.0 for all), or a pyramid (2:121,5:61)"


def parse_keep(text: str) -> "Keep":
    """The value of ``--keep``: a number of frames, a share of the clip, or a pyramid.

    Example:
        >>> parse_keep("27"), parse_keep("0.33"), parse_keep("2:121,5:61")
        (27, 0.33, {2: 121, 5: 61})
    """

    def number(part: str) -> int | float:
        return int(part) if part.strip().isdigit() else float(part)

    try:
        if ":" not in text:
            return number(text)
        pairs = [part.split(":") for part in text.split(",")]
        return {int(layer): number(frames) for layer, frames in pairs}
    except ValueError:
        wrong("--keep", f"write it as 81, as 0.33 or as 2:121,5:61 (layer:frames), not {text!r}")
