"""`Floor`: the dark room and the grid on its ground, which moves past while the camera follows."""

import math

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.show.rendering.draw import SIXTEENTHS, Picture, cv2, to_sixteenths
from poseglass.show.scene import GRID, LEFT, NIGHT, RIGHT, Colour, Viewpoint, mix

__all__ = ["Floor"]

LEVELS = 12  # shades of the fading grid
LINE: Colour = (62, 74, 96)  # added to the room's colour at the middle of the grid
AXIS = 1.0  # metres: length of the axes at the origin


class Floor:
    """Draws the floor around the point that the camera follows.

    Args:
        size: Width and height of the pictures in pixels.
        viewpoint: The camera.
        axes: Whether to draw the world's axes at its origin: x red, z blue, one metre each.
    """

    def __init__(self, size: tuple[int, int], viewpoint: Viewpoint, *, axes: bool) -> None:
        self._size, self._viewpoint, self._axes = size, viewpoint, axes
        self._room = _room(size)
        self._reach = GRID.reach * viewpoint.distance / Viewpoint().distance
        self._last: tuple[tuple[float, ...], Picture] | None = None

    def draw(self, target: Float[ndarray, " 3"]) -> Picture:
        """The empty floor, seen by a camera that follows `target`."""
        key = tuple(target.tolist())
        if self._last is None or self._last[0] != key:
            self._last = key, self._drawn(target)
        return self._last[1].copy()

    def _drawn(self, target: Float[ndarray, " 3"]) -> Picture:
        light = np.zeros_like(self._room)
        cells = math.ceil(self._reach / GRID.cell) + 1
        across, along = np.meshgrid(
            np.arange(-cells, cells + 1) * GRID.cell,
            np.arange(-2 * cells, 2 * cells + 1) * GRID.cell / 2,
            indexing="ij",
        )
        shift = target % GRID.cell
        levels: list[list[ndarray]] = [[] for _ in range(LEVELS + 1)]
        for axis in (0, 2):
            corners = np.zeros((*across.shape, 3))
            corners[..., axis], corners[..., 2 - axis] = across, along
            corners -= [shift[0], target[1], shift[2]]
            middles = (corners[:, 1:] + corners[:, :-1]) / 2
            away = np.linalg.norm(middles[..., [0, 2]], axis=-1) / self._reach
            fade = np.rint(LEVELS * np.clip(1 - away**2, 0, 1)).astype(int)
            pixels = self._viewpoint.project(corners, self._size)
            before = np.minimum(pixels[:, 1:, 2], pixels[:, :-1, 2]) > 0.25
            places = to_sixteenths(pixels[..., :2])
            segments = np.stack([places[:, :-1], places[:, 1:]], 2)  # lines segments 2 2
            for level in range(1, LEVELS + 1):
                levels[level] += list(segments[(fade == level) & before])
        for level, lines in enumerate(levels):
            if lines:
                colour = mix((0, 0, 0), LINE, level / LEVELS)
                cv2.polylines(light, lines, False, colour, 1, cv2.LINE_AA, SIXTEENTHS)
        if self._axes:
            self._draw_axes(light, target)
        floor: Picture = cv2.add(self._room, light)
        return floor

    def _draw_axes(self, light: Picture, target: Float[ndarray, " 3"]) -> None:
        origin = np.zeros(3)
        for end, colour in (([AXIS, 0, 0], RIGHT), ([0, 0, -AXIS], LEFT)):  # the world's z points to the viewer
            pixels = self._viewpoint.project(np.array([origin, end]) - target, self._size)
            if pixels[:, 2].min() > 0.25:
                start, stop = to_sixteenths(pixels[:, :2]).tolist()
                cv2.line(light, start, stop, mix(NIGHT, colour, 0.7), 2, cv2.LINE_AA, SIXTEENTHS)


def _room(size: tuple[int, int]) -> Picture:
    """A dark room, slightly lighter where the figure stands."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    glow = np.exp(-(((x - width / 2) / (0.62 * height)) ** 2) - ((y - 0.55 * height) / (0.5 * height)) ** 2)
    # Noise hides the steps of the gradient, which has only a dozen shades.
    grain = np.random.default_rng(0).random((height, width, 1))
    room: Picture = (np.array(NIGHT) + glow[..., None] * [12, 15, 22] + grain).astype(np.uint8)
    return room
