"""Cut a take into motion clips at gaps and jumps."""

import re

import numpy as np

from poseglass.body.pose import PoseSequence
from poseglass.body.resample import resample
from poseglass.body.skeleton import H36M_17
from poseglass.data.clips import MotionClip
from poseglass.data.cmu import SHORTEST, cut_glitches
from poseglass.own.bodies import BodyMotion

__all__ = ["FPS", "cut_clips", "why_none"]

FPS = 60.0  # frames per second of motion clips: half of CMU's 120, and twice what most models are trained at
UNEVEN = 0.05  # relative deviation of a time step from 1 / fps above which time stamps replace the rate


def cut_clips(body: BodyMotion, fps: float = FPS, licence: str = "") -> list[MotionClip]:
    """Resample a take and cut it where joints are unknown or jump. If there are several clips, they are numbered.

    A take in camera space is turned to y up as if its camera were level.

    Args:
        body: The take in metres, with y up or in the space of its camera.
        fps: Frames per second of the clips.
        licence: The terms of use.

    Returns:
        The clips; none if no stretch is long enough.
    """
    points = body.points if body.space == "world" else body.points * np.array([1.0, -1.0, -1.0])
    known = np.isfinite(points).all((1, 2))
    if not known.any() or len(points) < 2:
        return []
    times = None if body.times is None or (np.diff(body.times) <= 0).any() else body.times
    # If the time stamps are even, the stated rate is more precise than they are.
    if times is not None and body.fps is not None and (np.abs(np.diff(times) * body.fps - 1) < UNEVEN).all():
        times = None
    poses = resample(PoseSequence(points, H36M_17, "world", fps=body.fps, valid=known, timestamps=times), fps)
    known = poses.validity & np.isfinite(poses.points).all((1, 2))
    edges = np.flatnonzero(np.diff(np.r_[False, known, False].astype(int)))
    stretches = [poses[int(start) : int(end)] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    pieces = [piece for stretch in stretches for piece in cut_glitches(stretch)]
    file = body.file
    name = file.take if file.is_cmu else re.sub(r"[^\w.-]+", "_", f"{file.subject}_{file.take}")
    return [
        MotionClip(
            name if len(pieces) == 1 else f"{name}_p{number}",
            piece.points,
            file.subject,
            file.split,
            licence or ("CMU" if file.is_cmu else ""),
        )
        for number, piece in enumerate(pieces)
    ]


def why_none(body: BodyMotion, fps: float = FPS) -> str:
    """Why :func:`cut_clips` returns no clip, as a sentence."""
    seconds = SHORTEST / fps
    if body.fps and len(body) / body.fps < seconds:
        return f"a clip has at least {seconds:.2g} seconds, and the take has {len(body) / body.fps:.2g}"
    return f"no {seconds:.2g} seconds of the take are free of gaps and jumps"
