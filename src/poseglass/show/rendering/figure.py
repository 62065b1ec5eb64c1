"""Draw a 3D pose as a figure of solid limbs with a shadow, on a grid."""

import math

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from poseglass.body.skeleton import Skeleton
from poseglass.show.rendering.draw import SIXTEENTHS, Picture, cv2, draw_capsules, to_sixteenths
from poseglass.show.scene import GRID, NIGHT, SHADING, Viewpoint, bone_ends, girths, middle_joints, mix, side_colours

SHADOW_GIRTH = 0.9  # the shadow of a limb is thinner than the limb, because it has soft edges
SHADOW = 150  # darkness of one limb's shadow, out of 255

__all__ = ["FigureRenderer"]


class FigureRenderer:
    """Draws 3D poses, viewed by a camera that follows their root.

    Args:
        skeleton: The skeleton of the poses.
        size: Width and height of the pictures in pixels.
        viewpoint: The position of the camera. Default: slightly aside and above.

    Example:
        >>> from poseglass import H36M_17
        >>> FigureRenderer(H36M_17, (320, 240)).draw(np.random.default_rng(0).normal(0, 0.4, (17, 3)), 1.0).shape
        (240, 320, 3)
    """

    def __init__(self, skeleton: Skeleton, size: tuple[int, int], viewpoint: Viewpoint | None = None) -> None:
        self.size, self.viewpoint = size, viewpoint or Viewpoint()
        self._far, self._near = (np.array(ends, int) for ends in bone_ends(skeleton))
        self._girths, self._colours = girths(skeleton), side_colours(skeleton)[1]
        self._middle = middle_joints(skeleton)
        self._empty = self._backdrop()
        self._ground: tuple[tuple[float, float], Picture] | None = None

    def draw(self, points: Float[ndarray, "j 3"], ground: float, *, dim: bool = False) -> Picture:
        """Draw a pose (metres; x right, y down, z away) above the ground at y = `ground`, in pale colours if `dim`.

        Joints that are not finite, and their limbs, are left out.
        """
        known = np.isfinite(points).all(1)
        points = np.where(known[:, None], points, 0.0)
        middle = points[self._middle].mean(0) if known[self._middle].all() else np.zeros(3)
        canvas = self._on_ground((float(middle[0]), float(middle[2])))
        solid = np.flatnonzero(known[self._far] & known[self._near])
        far, near = self._far[solid], self._near[solid]
        placed = points - [middle[0], ground, middle[2]]
        self._cast_shadow(canvas, self._project(placed * [1, 0, 1]), far, near)

        pixels = self._project(placed)
        depth = (pixels[far, 2] + pixels[near, 2]) / 2
        order = np.argsort(-depth, kind="stable")  # the nearest limb last, on top of the others
        gloom = np.clip(SHADING.per_metre * (depth - self.viewpoint.distance) + SHADING.near, 0, SHADING.most)
        gloom = np.full(len(depth), SHADING.dimmed) if dim else gloom
        radii = self._girths / pixels[:, 2] * (self.viewpoint.zoom * self.size[1])
        rim = SHADING.rim_pixels * self.size[1] / 540
        # Each limb is drawn three times: its dark rim, its side in shadow, and its lit side.
        layers = [(1.0, rim, 0.0), (1.0, 0.0, 0.0), (SHADING.highlight, 0.0, -SHADING.shift)]
        places = np.stack([pixels[:, :2] + shift * radii[:, None] for _, _, shift in layers], 1)  # j layers 2
        thick = np.stack([girth * radii + margin for girth, margin, _ in layers], 1)  # j layers
        colours = [
            mix(colour, NIGHT, share)
            for n in order
            for colour in [mix(self._colours[solid[n]], NIGHT, float(gloom[n]))]
            for share in (SHADING.rim, SHADING.shade, 0.0)
        ]
        far, near = far[order], near[order]
        ends = (places[far].reshape(-1, 2), places[near].reshape(-1, 2))
        draw_capsules(canvas, *ends, (thick[far].ravel(), thick[near].ravel()), colours)
        return canvas

    def _project(self, points: Float[ndarray, "*b 3"]) -> Float[ndarray, "*b 3"]:
        return self.viewpoint.project(points, self.size)

    def _cast_shadow(
        self,
        canvas: Picture,
        fallen: Float[ndarray, "j 3"],
        far: Int[ndarray, " n"],
        near: Int[ndarray, " n"],
    ) -> None:
        """Draw the soft shadow that the limbs cast straight down, blurred at a quarter of the size."""
        radii = SHADOW_GIRTH * self._girths / fallen[:, 2] * (self.viewpoint.zoom * self.size[1])
        mask = np.zeros(((self.size[1] + 3) // 4, (self.size[0] + 3) // 4), np.uint8)
        places, radii = fallen[:, :2] / 4, radii / 4
        draw_capsules(mask, places[far], places[near], (radii[far], radii[near]), [(SHADOW,) * 3] * len(far))
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if len(rows) and len(columns):
            top, left = max(0, rows[0] - 5), max(0, columns[0] - 5)
            part = cv2.GaussianBlur(mask[top : rows[-1] + 6, left : columns[-1] + 6], (0, 0), 1.8)
            part = cv2.resize(part, (4 * part.shape[1], 4 * part.shape[0]), interpolation=cv2.INTER_LINEAR)
            under = canvas[4 * top :, 4 * left :][: part.shape[0], : part.shape[1]]
            part = part[: under.shape[0], : under.shape[1]]
            under[:] = cv2.multiply(under, cv2.merge([255 - part] * 3), scale=1 / 255)

    def _backdrop(self) -> Picture:
        """A dark room, slightly lighter where the figure stands."""
        width, height = self.size
        y, x = np.mgrid[:height, :width]
        glow = np.exp(-(((x - width / 2) / (0.62 * height)) ** 2) - ((y - 0.55 * height) / (0.5 * height)) ** 2)
        # Noise hides the steps of the gradient, which has only a dozen shades.
        grain = np.random.default_rng(0).random((height, width, 1))
        room: Picture = (np.array(NIGHT) + glow[..., None] * [12, 15, 22] + grain).astype(np.uint8)
        return room

    def _on_ground(self, middle: tuple[float, float]) -> Picture:
        if self._ground is None or self._ground[0] != middle:
            self._ground = middle, self._grid(middle)
        return self._ground[1].copy()

    def _grid(self, middle: tuple[float, float]) -> Picture:
        light = np.zeros_like(self._empty)
        cells = math.ceil(GRID.reach / GRID.cell) + 1
        steps = np.arange(-cells, cells + 1) * GRID.cell
        lines, along = np.meshgrid(steps, np.arange(-2 * cells, 2 * cells + 1) * GRID.cell / 2, indexing="ij")
        for axis in (0, 2):
            corners = np.zeros((*lines.shape, 3))
            corners[..., axis], corners[..., 2 - axis] = lines, along
            corners[..., 0] -= middle[0] % GRID.cell
            corners[..., 2] -= middle[1] % GRID.cell
            away = np.linalg.norm((corners[:, 1:] + corners[:, :-1]) / 2, axis=-1) / GRID.reach
            pixels = to_sixteenths(self._project(corners)[..., :2]).tolist()
            for row, fades in zip(pixels, np.clip(1 - away**2, 0, 1), strict=True):
                for start, end, fade in zip(row, row[1:], fades, strict=False):
                    if fade > 0:
                        cv2.line(light, start, end, mix((0, 0, 0), (62, 74, 96), fade), 1, cv2.LINE_AA, SIXTEENTHS)
        lit: Picture = cv2.add(self._empty, light)
        return lit
