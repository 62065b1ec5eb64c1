"""Write motion to files of every format, from the format descriptions, without the library's own code."""

from pathlib import Path

import numpy as np

from poseglass import H36M_17
from poseglass.data.synthetic.people import STYLES, move

NAMES = H36M_17.joints


def people(frames: int = 90, *, seed: int = 0, style: str = "Walking") -> np.ndarray:
    """A moving person (f 17 3) at 50 frames per second, in metres with y up."""
    points = move(np.random.default_rng(seed), STYLES[style], frames)
    return points[..., [1, 2, 0]]  # from z up


def write_trc(path: Path, points: np.ndarray, fps: float = 50, names=NAMES, unit: str = "mm") -> Path:
    scale = {"mm": 1000, "m": 1, "cm": 100}[unit]
    frames, count = points.shape[:2]
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{fps}\t{fps}\t{frames}\t{count}\t{unit}\t{fps}\t1\t{frames}",
        "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t",
        "\t\t" + "\t".join(f"{axis}{n}" for n in range(1, count + 1) for axis in "XYZ"),
        "",
    ]
    for frame, row in enumerate(points * scale):
        cells = ["" if np.isnan(value) else f"{value:.5f}" for value in row.ravel()]
        lines.append("\t".join([str(frame + 1), f"{frame / fps:.6f}", *cells]))
    path.write_text("\n".join(lines) + "\n")
    return path


def write_csv(path: Path, points: np.ndarray, fps: float = 50, names=NAMES, *, long: bool = False) -> Path:
    def cell(value: float) -> str:
        return "" if np.isnan(value) else f"{value:.6f}"

    if long:
        lines = ["frame,joint,x,y,z,seconds"]
        for frame, row in enumerate(points):
            lines += [
                ",".join([str(frame), name, *map(cell, p), f"{frame / fps:.6f}"])
                for name, p in zip(names, row, strict=True)
            ]
    else:
        lines = ["frame,seconds," + ",".join(f"{name}_{axis}" for name in names for axis in "xyz")]
        lines += [",".join([str(f), f"{f / fps:.6f}", *map(cell, row.ravel())]) for f, row in enumerate(points)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_bvh(path: Path, points: np.ndarray, fps: float = 50, names=NAMES) -> Path:
    """A root at rest, and position channels for every joint."""
    lines = ["HIERARCHY", "ROOT stand", "{", "OFFSET 0 0 0", "CHANNELS 0"]
    for name in names:
        lines += [f"JOINT {name}", "{", "OFFSET 0 0 0", "CHANNELS 3 Xposition Yposition Zposition", "}"]
    lines += ["}", "MOTION", f"Frames: {len(points)}", f"Frame Time: {1 / fps:.9f}"]
    lines += [" ".join(f"{value:.5f}" for value in row.ravel()) for row in points]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_npz(path: Path, points: np.ndarray, fps: float = 50, names=NAMES) -> Path:
    np.savez(path, points=points, joints=np.array(names), fps=fps)
    return path
