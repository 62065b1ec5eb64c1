"""Draw the figures of a stage: solid limbs with a shadow, on a floor, seen by a camera that follows."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from poseglass.body.skeleton import Skeleton
from poseglass.show.rendering.draw import Picture, cv2, draw_capsules
from poseglass.show.rendering.floor import Floor
from poseglass.show.scene import MINT, NIGHT, SHADING, Colour, Viewpoint, bone_ends, girths, mix, side_colours
from poseglass.show.stage import Stage

SHADOW_GIRTH = 0.9  # the shadow of a limb is thinner than the limb, because it has soft edges
SHADOW = 150  # darkness of one limb's shadow, out of 255
STANDING = 0.5  # contact probability above which a foot is lit
LIT = 0.11  # metres: radius of the light under a standing foot
STEP = 0.3  # metres: an ankle this far from the floor does not stand on it, but on something else

__all__ = ["FigureRenderer"]


class _Body(NamedTuple):
    """The facts of a figure that do not change: the joints at the bones' ends, and the look of its limbs."""

    far: Int[ndarray, " n"]
    near: Int[ndarray, " n"]
    girths: Float[ndarray, " j"]
    colours: Sequence[Colour]
    ankles: tuple[int, ...]


class _Limbs(NamedTuple):
    """The limbs of a figure in a frame, in pixels, with depths in metres."""

    ends: Float[ndarray, "2 n 3"]
    radii: Float[ndarray, "2 n"]
    colours: list[Colour]


class FigureRenderer:
    """Draws the ticks of a stage, viewed by a camera that follows its target.

    Args:
        stage: The stage.
        size: Width and height of the pictures in pixels.
        viewpoint: The position of the camera. Default: that from which the stage shows all its figures.

    Example:
        >>> import poseglass as pg
        >>> from poseglass.show.stage import set_stage
        >>> motion = pg.PoseSequence(np.random.default_rng(0).normal(0, 0.4, (1, 17, 3)), pg.H36M_17, "camera")
        >>> FigureRenderer(set_stage(motion), (320, 240)).draw(0).shape
        (240, 320, 3)
    """

    def __init__(self, stage: Stage, size: tuple[int, int], viewpoint: Viewpoint | None = None) -> None:
        self.size, self.viewpoint = size, viewpoint or stage.viewpoint(size[0] / size[1])
        self._stage = stage
        self._bodies = [_body(figure.motion.skeleton, figure.colours) for figure in stage.figures]
        self._floor = Floor(size, self.viewpoint, axes=stage.place == "world")

    def draw(self, tick: int) -> Picture:
        """Draw the figures at a tick of the clock, pale where the person was not detected.

        Joints that are not finite, and their limbs, are left out.
        """
        target = self._stage.target[tick]
        canvas = self._floor.draw(target)
        limbs: list[_Limbs] = []
        for figure, body in zip(self._stage.figures, self._bodies, strict=True):
            if figure.shown[tick]:
                placed = figure.points[tick] - target
                self._cast_shadow(canvas, placed, -float(target[1]), body)
                if figure.contact is not None:
                    self._light_feet(canvas, placed[list(body.ankles)], -float(target[1]), figure.contact[tick])
                limbs.append(self._limbs(placed, body, dim=not figure.valid[tick]))
        if limbs:
            self._draw_limbs(canvas, limbs)
        return canvas

    def _limbs(self, placed: Float[ndarray, "j 3"], body: _Body, *, dim: bool) -> _Limbs:
        known = np.isfinite(placed).all(1)
        solid = np.flatnonzero(known[body.far] & known[body.near])
        pixels = self._project(np.where(known[:, None], placed, 0.0))
        ends = pixels[np.stack([body.far[solid], body.near[solid]])]  # 2 n 3
        gloom = SHADING.per_metre * (ends[..., 2].mean(0) - self.viewpoint.distance) + SHADING.near
        gloom = np.full(len(solid), SHADING.dimmed) if dim else np.clip(gloom, 0, SHADING.most)
        colours = [
            mix(body.colours[bone], NIGHT, float(share)) for bone, share in zip(solid.tolist(), gloom, strict=True)
        ]
        thick = body.girths[np.stack([body.far[solid], body.near[solid]])]
        return _Limbs(ends, thick / ends[..., 2] * self._focal, colours)

    def _draw_limbs(self, canvas: Picture, limbs: Sequence[_Limbs]) -> None:
        """Draw the limbs of all figures, the nearest last, each three times: its rim, its shaded and its lit side."""
        ends = np.concatenate([part.ends for part in limbs], 1)  # 2 n 3
        radii = np.concatenate([part.radii for part in limbs], 1)  # 2 n
        colours = [colour for part in limbs for colour in part.colours]
        order = np.argsort(-ends[..., 2].mean(0), kind="stable")
        ends, radii = ends[:, order], radii[:, order]
        rim = SHADING.rim_pixels * self.size[1] / 540
        layers = [(1.0, rim, 0.0), (1.0, 0.0, 0.0), (SHADING.highlight, 0.0, -SHADING.shift)]
        places = np.stack([ends[..., :2] + shift * radii[..., None] for _, _, shift in layers], 2)  # 2 n layers 2
        thick = np.stack([girth * radii + margin for girth, margin, _ in layers], 2)  # 2 n layers
        shades = [mix(colours[limb], NIGHT, share) for limb in order for share in (SHADING.rim, SHADING.shade, 0.0)]
        far, near = places.reshape(2, -1, 2)
        draw_capsules(canvas, far, near, (thick[0].ravel(), thick[1].ravel()), shades)

    @property
    def _focal(self) -> float:
        return self.viewpoint.zoom * self.size[1]

    def _project(self, points: Float[ndarray, "*b 3"]) -> Float[ndarray, "*b 3"]:
        return self.viewpoint.project(points, self.size)

    def _cast_shadow(self, canvas: Picture, placed: Float[ndarray, "j 3"], floor: float, body: _Body) -> None:
        """Draw the soft shadow that the limbs cast straight down, blurred at a quarter of the size."""
        known = np.isfinite(placed).all(1)
        solid = known[body.far] & known[body.near]
        fallen = self._project(np.where(known[:, None], placed, 0) * [1, 0, 1] + [0, floor, 0])
        radii = SHADOW_GIRTH * body.girths / fallen[:, 2] * self._focal / 4
        far, near = body.far[solid], body.near[solid]
        mask = np.zeros(((self.size[1] + 3) // 4, (self.size[0] + 3) // 4), np.uint8)
        places = fallen[:, :2] / 4
        draw_capsules(mask, places[far], places[near], (radii[far], radii[near]), [(SHADOW,) * 3] * len(far))
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if len(rows) and len(columns):
            top, left = max(0, rows[0] - 5), max(0, columns[0] - 5)
            part = cv2.GaussianBlur(mask[top : rows[-1] + 6, left : columns[-1] + 6], (0, 0), 1.8)
            part = cv2.resize(part, (4 * part.shape[1], 4 * part.shape[0]), interpolation=cv2.INTER_LINEAR)
            under = canvas[4 * top :, 4 * left :][: part.shape[0], : part.shape[1]]
            part = part[: under.shape[0], : under.shape[1]]
            under[:] = cv2.multiply(under, cv2.merge([255 - part] * 3), scale=1 / 255)

    def _light_feet(
        self, canvas: Picture, ankles: Float[ndarray, "_ 3"], floor: float, contact: Float[ndarray, " 2"]
    ) -> None:
        """Light the floor under the feet that stand."""
        turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        ring = LIT * np.stack([np.cos(turn), 0 * turn, np.sin(turn)], 1)
        for ankle, chance in zip(ankles, contact, strict=False):  # strict=False: the skeleton may lack ankles
            if chance > STANDING and np.isfinite(ankle).all():
                ground = floor if abs(ankle[1] - floor) < STEP else ankle[1]
                pixels = self._project(np.array([ankle[0], ground, ankle[2]]) + ring)[:, :2]
                cv2.fillPoly(canvas, [np.rint(pixels).astype(np.int32)], mix(NIGHT, MINT, 0.75), cv2.LINE_AA)


def _body(skeleton: Skeleton, colours: tuple[Colour, Colour, Colour]) -> _Body:
    far, near = (np.array(ends, int) for ends in bone_ends(skeleton))
    named = [f"{side}_ankle" for side in ("left", "right")]
    ankles = tuple(skeleton.index(name) for name in named) if set(named) <= set(skeleton.joints) else ()
    return _Body(far, near, girths(skeleton), side_colours(skeleton, colours)[1], ankles)
