"""Draw limbs, 2D skeletons, text and the bars of a timeline with OpenCV, anti-aliased, to a sixteenth of a pixel."""

import math
from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from numpy import ndarray

from poseglass.body.skeleton import Skeleton
from poseglass.errors import VideoError
from poseglass.files.writing import writing
from poseglass.show.scene import AMBER, INK, NIGHT, ROSE, SLATE, Colour, bone_ends, mix, side_colours

try:
    import cv2
    from PIL import Image, ImageDraw, ImageFont
except ModuleNotFoundError as missing:
    raise VideoError(f'drawing needs {missing.name}; run pip install "poseglass[video]"') from None

__all__ = [
    "SIXTEENTHS",
    "Bar",
    "Picture",
    "cv2",
    "draw_bars",
    "draw_capsules",
    "draw_flat",
    "to_sixteenths",
    "write_png",
    "write_text",
]

Picture = UInt8[ndarray, "_ _ 3"]
"""An RGB image (height, width, 3), values from 0 to 255."""

SIXTEENTHS = 4
"""OpenCV's argument `shift`: coordinates are in units of 1 / 2**4 pixel."""


class Bar(IntEnum):
    """What the timeline shows for a frame."""

    AHEAD, PRUNED, KEPT, UNSEEN = range(4)


SHADES = np.array([mix(NIGHT, SLATE, 0.45), SLATE, AMBER, ROSE], np.uint8)  # the colour of each Bar


@lru_cache(maxsize=256)
def _letters(text: str, size: int) -> Float[ndarray, "_ _ 1"]:
    font = ImageFont.load_default(size)
    box = font.getbbox(text)
    image = Image.new("L", (max(1, math.ceil(box[2])), size + size // 3))
    ImageDraw.Draw(image).text((0, 0), text, font=font, fill=255)
    return np.asarray(image, np.float32)[..., None] / 255


def write_text(canvas: Picture, text: str, at: tuple[int, int], size: int, colour: Colour, *, align: float = 0) -> None:
    """Write a line of text with its upper left corner (upper right with ``align=1``) at a pixel x, y of the canvas."""
    letters = _letters(text, size)
    x, y = max(0, at[0] - round(align * letters.shape[1])), max(0, at[1])
    part = canvas[y : y + letters.shape[0], x : x + letters.shape[1]]
    letters = letters[: part.shape[0], : part.shape[1]]
    part[:] = np.rint(part + letters * (np.array(colour, np.float32) - part))


def to_sixteenths(points: Float[ndarray, "*b 2"]) -> Int[ndarray, "*b 2"]:
    """Pixels as integers in sixteenths of a pixel, as OpenCV expects them."""
    # Clipped far outside the picture, because OpenCV's integers have 32 bits.
    sixteenths: Int[ndarray, "*b 2"] = np.rint(np.clip(points, -1e5, 1e5) * (1 << SIXTEENTHS)).astype(np.int32)
    return sixteenths


def draw_capsules(
    canvas: UInt8[ndarray, "_ _ *c"],
    starts: Float[ndarray, "n 2"],
    ends: Float[ndarray, "n 2"],
    radii: tuple[Float[ndarray, " n"], Float[ndarray, " n"]],
    colours: Sequence[Colour],
) -> None:
    """Draw tapered limbs: two discs each, and the area between them."""
    along = ends - starts
    along = along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    aside = along[:, ::-1] * [1, -1]
    first, last = radii[0][:, None] * aside, radii[1][:, None] * aside
    hulls = to_sixteenths(np.stack([starts + first, ends + last, ends - last, starts - first], 1))
    discs = to_sixteenths(np.stack([starts, ends], 1)).tolist()
    sizes = np.rint(np.stack(radii, 1) * (1 << SIXTEENTHS)).astype(int).tolist()
    for hull, (start, end), (near, far), colour in zip(hulls, discs, sizes, colours, strict=True):
        cv2.fillConvexPoly(canvas, hull, colour, cv2.LINE_AA, SIXTEENTHS)
        cv2.circle(canvas, start, near, colour, cv2.FILLED, cv2.LINE_AA, SIXTEENTHS)
        cv2.circle(canvas, end, far, colour, cv2.FILLED, cv2.LINE_AA, SIXTEENTHS)


def draw_flat(
    canvas: Picture,
    points: Float[ndarray, "j 2"],
    shown: Bool[ndarray, " j"],
    skeleton: Skeleton,
    colours: tuple[Colour, Colour, Colour],
) -> None:
    """Draw the `shown` joints of a 2D skeleton and the bones between them. Points are pixels of the canvas."""
    joint_colours, bone_colours = side_colours(skeleton, colours)
    unit = max(canvas.shape[0], 480) / 540
    places = to_sixteenths(np.where(shown[:, None], points, 0)).tolist()
    bones = [
        (places[far], places[near], colour)
        for far, near, colour in zip(*bone_ends(skeleton), bone_colours, strict=True)
        if shown[far] and shown[near]
    ]
    for far, near, _ in bones:
        cv2.line(canvas, far, near, NIGHT, max(3, round(6 * unit)), cv2.LINE_AA, SIXTEENTHS)
    for far, near, colour in bones:
        cv2.line(canvas, far, near, colour, max(1, round(3 * unit)), cv2.LINE_AA, SIXTEENTHS)
    for place, colour, visible in zip(places, joint_colours, shown, strict=True):
        if visible:
            cv2.circle(canvas, place, round(4.5 * unit * 16), NIGHT, cv2.FILLED, cv2.LINE_AA, SIXTEENTHS)
            cv2.circle(canvas, place, round(3.2 * unit * 16), colour, cv2.FILLED, cv2.LINE_AA, SIXTEENTHS)


def draw_bars(strip: Picture, span: tuple[int, int], states: Int[ndarray, " f"], heads: list[int], unit: float) -> None:
    """Draw a bar per frame between two columns of the strip, and playheads above the frames `heads`."""
    width, frames = span[1] - span[0], len(states)
    half, middle = max(2, round(6 * unit)), strip.shape[0] // 2
    if frames > width:  # several frames per column: their mean
        row = cv2.resize(SHADES[states][None].astype(np.float32), (width, 1), interpolation=cv2.INTER_AREA)[0]
    else:
        frame = np.arange(width) * frames // width
        row = SHADES[states[frame]]
        if width >= 3 * frames:
            row[np.flatnonzero(np.diff(frame, append=frames))] = NIGHT
    strip[middle - half : middle + half, span[0] : span[1]] = row
    for head in heads:
        x = span[0] + round((head + 0.5) * width / frames - 0.5)
        strip[middle - 2 * half : middle + 2 * half, x - max(1, round(unit)) + 1 : x + max(1, round(unit))] = INK


def write_png(picture: Picture, path: Path) -> None:
    """Write a picture as a PNG file.

    Raises:
        VideoError: The file cannot be written.
    """
    with writing(path, VideoError) as temporary:
        temporary.write_bytes(cv2.imencode(".png", picture[..., ::-1])[1].tobytes())
