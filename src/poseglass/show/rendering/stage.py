"""The 3D side of a picture: a figure of solid limbs, with its shadow, on a ground grid."""

import math

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray

from poseglass.body.skeleton import Skeleton
from poseglass.show.rendering.draw import SIXTEENTHS, cv2, draw_capsules, fixed
from poseglass.show.scene import NIGHT, Camera, bone_ends, girths, middle_joints, mix, side_colours

__all__ = ["Stage"]


class Stage:
    """Draws 3D poses as seen by a camera that follows their root.

    Args:
        skeleton: Which joint is which.
        size: Width and height of the pictures in pixels.
        camera: Where they are seen from.
    """

    CELL, REACH = 0.5, 2.25  # the grid's cells, and how far it is seen, in metres

    def __init__(self, skeleton: Skeleton, size: tuple[int, int], camera: Camera | None = None) -> None:
        self.size, self.camera = size, camera or Camera()
        self._far, self._near = (np.array(ends, int) for ends in bone_ends(skeleton))
        self._girths, self._colours = girths(skeleton), side_colours(skeleton)[1]
        self._middle = middle_joints(skeleton)
        self._empty = self._backdrop()
        self._ground: tuple[tuple[float, float], UInt8[ndarray, "h w 3"]] | None = None

    def draw(self, points: Float[ndarray, "j 3"], floor: float, *, dim: bool = False) -> UInt8[ndarray, "h w 3"]:
        """A picture of a pose (metres; x right, y down, z away) over the ground at y = `floor`, paled if it is `dim`.

        Joints that are not finite, and their limbs, are left out.
        """
        known = np.isfinite(points).all(1)
        points = np.where(known[:, None], points, 0.0)
        middle = points[self._middle].mean(0) if known[self._middle].all() else np.zeros(3)
        canvas = self._on_ground((float(middle[0]), float(middle[2])))
        solid = np.flatnonzero(known[self._far] & known[self._near])
        far, near = self._far[solid], self._near[solid]
        placed = points - [middle[0], floor, middle[2]]
        self._shade(canvas, self._project(placed * [1, 0, 1]), far, near)

        seen = self._project(placed)
        depth = (seen[far, 2] + seen[near, 2]) / 2
        order = np.argsort(-depth, kind="stable")  # the nearest last, over the others
        gloom = np.clip(0.6 * (depth - self.camera.distance) + 0.12, 0, 0.4) if not dim else np.full(len(depth), 0.68)
        radii = self._girths / seen[:, 2] * (self.camera.zoom * self.size[1])
        rim = 1.5 * self.size[1] / 540
        # Each limb is a dark rim, its shadow side, and its lit side, a little up and to the left.
        layers = [(1.0, rim, 0.0), (1.0, 0.0, 0.0), (0.6, 0.0, -0.22)]
        places = np.stack([seen[:, :2] + shift * radii[:, None] for _, _, shift in layers], 1)
        thick = np.stack([girth * radii + more for girth, more, _ in layers], 1)
        colours = [
            mix(colour, NIGHT, share)
            for n in order
            for colour in [mix(self._colours[solid[n]], NIGHT, float(gloom[n]))]
            for share in (0.84, 0.22, 0.0)
        ]
        far, near = far[order], near[order]
        ends = (places[far].reshape(-1, 2), places[near].reshape(-1, 2))
        draw_capsules(canvas, *ends, (thick[far].ravel(), thick[near].ravel()), colours)
        return canvas

    def _project(self, points: Float[ndarray, "*n 3"]) -> Float[ndarray, "*n 3"]:
        return self.camera.project(points, self.size)

    def _shade(
        self,
        canvas: UInt8[ndarray, "h w 3"],
        fallen: Float[ndarray, "j 3"],
        far: Int[ndarray, " n"],
        near: Int[ndarray, " n"],
    ) -> None:
        """The soft shadow that the limbs cast straight down, blurred at a quarter of the size."""
        radii = 0.9 * self._girths / fallen[:, 2] * (self.camera.zoom * self.size[1])
        mask = np.zeros(((self.size[1] + 3) // 4, (self.size[0] + 3) // 4), np.uint8)
        places, radii = fallen[:, :2] / 4, radii / 4
        draw_capsules(mask, places[far], places[near], (radii[far], radii[near]), [(150, 150, 150)] * len(far))
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if len(rows) and len(columns):
            top, left = max(0, rows[0] - 5), max(0, columns[0] - 5)
            part = cv2.GaussianBlur(mask[top : rows[-1] + 6, left : columns[-1] + 6], (0, 0), 1.8)
            part = cv2.resize(part, (4 * part.shape[1], 4 * part.shape[0]), interpolation=cv2.INTER_LINEAR)
            under = canvas[4 * top :, 4 * left :][: part.shape[0], : part.shape[1]]
            part = part[: under.shape[0], : under.shape[1]]
            under[:] = cv2.multiply(under, cv2.merge([255 - part] * 3), scale=1 / 255)

    def _backdrop(self) -> UInt8[ndarray, "h w 3"]:
        """A dark room, a little lighter where the figure stands."""
        width, height = self.size
        y, x = np.mgrid[:height, :width]
        glow = np.exp(-(((x - width / 2) / (0.62 * height)) ** 2) - ((y - 0.55 * height) / (0.5 * height)) ** 2)
        # A gradient of a dozen shades shows its steps unless they are shaken.
        grain = np.random.default_rng(0).random((height, width, 1))
        room: UInt8[ndarray, "h w 3"] = (np.array(NIGHT) + glow[..., None] * [12, 15, 22] + grain).astype(np.uint8)
        return room

    def _on_ground(self, middle: tuple[float, float]) -> UInt8[ndarray, "h w 3"]:
        if self._ground is None or self._ground[0] != middle:
            self._ground = middle, self._grid(middle)
        return self._ground[1].copy()

    def _grid(self, middle: tuple[float, float]) -> UInt8[ndarray, "h w 3"]:
        light = np.zeros_like(self._empty)
        cells = math.ceil(self.REACH / self.CELL) + 1
        steps = np.arange(-cells, cells + 1) * self.CELL
        lines, along = np.meshgrid(steps, np.arange(-2 * cells, 2 * cells + 1) * self.CELL / 2, indexing="ij")
        for axis in (0, 2):
            corners = np.zeros((*lines.shape, 3))
            corners[..., axis], corners[..., 2 - axis] = lines, along
            corners[..., 0] -= middle[0] % self.CELL
            corners[..., 2] -= middle[1] % self.CELL
            away = np.linalg.norm((corners[:, 1:] + corners[:, :-1]) / 2, axis=-1) / self.REACH
            pixels = fixed(self._project(corners)[..., :2]).tolist()
            for row, fades in zip(pixels, np.clip(1 - away**2, 0, 1), strict=True):
                for start, end, fade in zip(row, row[1:], fades, strict=False):
                    if fade > 0:
                        cv2.line(light, start, end, mix((0, 0, 0), (62, 74, 96), fade), 1, cv2.LINE_AA, SIXTEENTHS)
        lit: UInt8[ndarray, "h w 3"] = cv2.add(self._empty, light)
        return lit
