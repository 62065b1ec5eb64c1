"""Bar charts of an evaluation: the error of each joint, and of each action or sequence."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from poseglass.errors import PoseglassError
from poseglass.files.writing import writing
from poseglass.judging.report import RecordingReport

__all__ = ["draw_report", "plotting"]

BLUE, GREY = "#3b6ea8", "#8a8a8a"


def plotting() -> Any:
    """Matplotlib's ``Figure`` class, which needs no screen.

    Raises:
        PoseglassError: Matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as problem:
        raise PoseglassError(f"plots need matplotlib: pip install 'poseglass[plots]' ({problem})") from None
    return Figure


def draw_report(report: RecordingReport, folder: str | PathLike[str]) -> list[Path]:
    """Write ``error-per-joint.png`` and ``error-per-action.png`` (or ``-sequence`` and ``-activity``).

    Args:
        report: An evaluation on recordings.
        folder: The folder to write to. It is created if missing, and files of the same names are replaced.

    Returns:
        The files written.

    Raises:
        PoseglassError: Matplotlib is not installed, or the folder cannot be written.

    Example:
        >>> from poseglass.judging.report import GroupErrors
        >>> walking = GroupErrors("action", "Walking", 9, {"MPJPE": 40.0})
        >>> report = RecordingReport(
        ...     dataset="mine", fingerprint="0123456789ab", subjects=("anna",), keypoints="gt", model="a model",
        ...     counting="ours", flip=False, centre=False, windows=1, window=9, repeated=0, units={"MPJPE": "mm"},
        ...     groups=(walking,), total=walking, joints={"pelvis": 0.0, "left_hip": 20.0},
        ... )
        >>> [path.name for path in draw_report(report, "plots")]
        ['error-per-joint.png', 'error-per-action.png']
    """
    folder = Path(folder)
    about = report.about().splitlines()[:3]
    written = [_bars(folder / "error-per-joint.png", about, report.joints, "all frames", None)]
    for kind in dict.fromkeys(group.kind for group in report.groups):
        errors = {group.name: group.errors["MPJPE"] for group in report.groups if group.kind == kind}
        mean = (report.total.name, report.total.errors["MPJPE"])
        written.append(_bars(folder / f"error-per-{kind}.png", about, errors, mean[0], mean[1]))
    return written


def _bars(path: Path, about: list[str], errors: Mapping[str, float], mean: str, level: float | None) -> Path:
    """Draw horizontal bars with their values, and a line at `level` (the mean of the bars if None)."""
    figure = plotting()(figsize=(8, 1.6 + 0.3 * len(errors)), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    names, values = [name.replace("_", " ") for name in errors], [*errors.values()]
    bars = axes.barh(names, values, color=BLUE)
    labels = axes.bar_label(bars, fmt="%.1f", padding=3, fontsize=8)
    for label in labels:  # keep them readable where the line at the mean crosses them
        label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.5})
    level = sum(values) / len(values) if level is None else level
    axes.axvline(level, color=GREY, linewidth=1, linestyle="--", label=f"{mean}: {level:.1f} mm")
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.set_xlabel("MPJPE, mm")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower right", frameon=False, fontsize=8)
    figure.suptitle("\n".join(about), fontsize=7, x=0.02, ha="left", color="#444444")
    with writing(path) as temporary:
        figure.savefig(temporary)
    return path
