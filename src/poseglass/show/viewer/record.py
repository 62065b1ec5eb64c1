"""The motions as the page's scripts read them: JSON with arrays in base64.

Points are 16-bit steps of a millimetre (coarser beyond 32 m), so that an hour at 30 fps takes about 25 MB per person.
"""

import base64
from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import Skeleton
from poseglass.show import scene as _scene
from poseglass.show.scene import GRID, SHADING, SURE, Colour, bone_ends, girths, mix, sides
from poseglass.show.stage import Figure, FilmingCamera, Stage
from poseglass.show.viewer.curves import Curve, curves

__all__ = ["COLOURS", "limbs", "page_record"]

UNKNOWN = -32768  # the 16-bit number of an unknown value
FINEST, FINEST_PATH, FINEST_2D = 0.001, 0.0002, 0.25  # metres, metres and pixels per step of a coordinate
COLOURS: dict[str, Colour] = {
    name: getattr(_scene, name.upper())
    for name in ("night", "slate", "ink", "dim", "left", "right", "bone", "amber", "rose", "mint")
} | {"glow": mix(_scene.NIGHT, (90, 112, 160), 0.16)}


def page_record(stage: Stage) -> dict[str, Any]:
    """The page's data: what :file:`data.js` reads."""
    times = stage.times - stage.times[0]
    even = np.allclose(times, np.arange(len(times)) / stage.rate, atol=1e-3 / stage.rate)
    return {
        "frames": len(stage),
        "fps": stage.rate,
        "times": None if even else _text(times.astype("<f4")),
        "start": float(stage.times[0]),
        "place": stage.place,
        "facts": _facts(stage),
        "colours": COLOURS,
        "view": asdict(stage.viewpoint()),
        "camera": None if stage.camera is None else _camera(stage.camera),
        "grid": asdict(GRID),
        "shading": asdict(SHADING),
        "valid": _text(stage.valid.astype("u1")),
        "kept": None if stage.kept is None else _text(stage.kept.astype("u1")),
        "target": _numbers(stage.target, FINEST_PATH) if len(stage.figures) > 1 else None,
        "people": [_person(figure) for figure in stage.figures],
        "curves": [_curve(curve) for curve in curves(stage)],
    }


def _facts(stage: Stage) -> str:
    facts = [f"{len(stage)} frames", f"{stage.rate:g} fps"]
    if len(stage.figures) == 1:
        motion = stage.figures[0].motion
        facts += [f"{motion.space} space in {motion.units}", motion.skeleton.name]
    else:
        facts.append(f"{len(stage.figures)} figures")
    if stage.kept is not None and len(stage.figures) == 1:
        facts.insert(1, f"{int(stage.kept.sum())} kept")
    return " · ".join(facts)


def _camera(camera: FilmingCamera) -> dict[str, Any]:
    return {
        "turn": camera.turn.tolist(),
        "eye": camera.eye.tolist(),
        "focal": camera.focal,
        "size": camera.size,
    }


def _person(figure: Figure) -> dict[str, Any]:
    skeleton, pose2d, flat = figure.motion.skeleton, figure.pose2d, None
    if pose2d is not None:
        points, sure = pose2d.points[figure.rows], pose2d.confidence[figure.rows] >= SURE
        sure &= figure.shown[:, None]
        flat = {"size": pose2d.size} | _body(pose2d.skeleton, np.where(sure[..., None], points, np.nan), FINEST_2D)
    ankles = [skeleton.index(name) for name in ("left_ankle", "right_ankle") if name in skeleton.joints]
    radius = figure.uncertainty
    return {
        "name": figure.name,
        "compared": figure.compared,
        "colours": figure.colours,
        "body": _body(skeleton, figure.points, FINEST) | {"girths": girths(skeleton).tolist()},
        "skeleton": {"name": skeleton.name, "joints": skeleton.joints, "bones": skeleton.bones, "root": skeleton.root},
        "flat": flat,
        "shown": _text(figure.shown.astype("u1")),
        "valid": _text(figure.valid.astype("u1")),
        "target": _numbers(figure.target, FINEST_PATH),
        "ankles": ankles,
        "contact": None if figure.contact is None else _text(np.rint(255 * figure.contact).astype("u1")),
        "uncertainty": None if radius is None else _numbers(radius, FINEST),
    }


def _body(skeleton: Skeleton, points: Float[ndarray, "f j _"], finest: float) -> dict[str, Any]:
    """The points in whole steps, and the facts needed to draw them."""
    known = np.isfinite(points).all(-1, keepdims=True)
    return limbs(skeleton) | {"points": _numbers(np.where(known, points, np.nan), finest)}


def limbs(skeleton: Skeleton) -> dict[str, Any]:
    """The number of joints, the bones, and the side of each."""
    return {
        "joints": len(skeleton),
        "bones": list(zip(*bone_ends(skeleton), strict=True)),
        "sides": sides(skeleton)[1],
    }


def _curve(curve: Curve) -> dict[str, Any]:
    finest = 0.01 if curve.unit == "°" else FINEST
    lines = [
        {"person": line.person, "side": line.side, "values": _numbers(line.values, finest)} for line in curve.lines
    ]
    return {"name": curve.name, "unit": curve.unit, "lines": lines}


def _numbers(values: Float[ndarray, "*b"], finest: float) -> dict[str, Any]:
    """Numbers as 16-bit multiples of a step: `finest` if 16 bits suffice. Those that are not finite are unknown."""
    known = np.isfinite(values)
    values = np.where(known, values, 0)
    step = max(finest, float(np.abs(values).max(initial=0)) / 32767)
    return {"step": step, "values": _text(np.where(known, np.rint(values / step), UNKNOWN).astype("<i2"))}


def _text(array: ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
