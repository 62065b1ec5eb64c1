"""The field's files of Human3.6M's 2D poses, ``data_2d_h36m_*.npz``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Float
from numpy import ndarray

from poseglass.data.checks.dataset import check_finite, numbers
from poseglass.data.h36m.facts import SOURCES, cameras
from poseglass.data.h36m.motion import WorldTake, field_name, read_subjects
from poseglass.errors import DataError

__all__ = ["CameraPoses", "Poses2D", "find_poses2d"]

# One camera's 2D poses: pixels (f 17 2), and scores (f 17) if there are any.
CameraPoses = tuple[Float[ndarray, "f 17 2"], Float[ndarray, "f 17"] | None]


@dataclass(frozen=True)
class Poses2D:
    """One file of 2D poses.

    Args:
        path: The file.
        takes: For each subject and take, one array per camera.
        scored: Whether the arrays hold scores after x and y.
    """

    path: Path
    takes: Mapping[tuple[str, str], list[ndarray]]
    scored: bool

    def for_take(self, take: WorldTake) -> list[CameraPoses]:
        """Return pixels and scores of each camera, cut to the length of the take.

        Raises:
            DataError: The take or one of its cameras is missing, or has fewer frames than the take.
        """
        name, frames = f"{take.subject} {take.name}", len(take.points)
        if take.subject not in {subject for subject, _ in self.takes}:
            raise DataError(
                f"{self.path} has no 2D poses of {take.subject}, but there are 3D poses; download the file again, or "
                "remove it from the folder to do without its poses"
            )
        views = self.takes.get((take.subject, take.name))
        if views is None:
            raise DataError(f"{self.path} has no 2D poses of {name}, but there are 3D poses; download the file again")
        if len(views) != len(cameras(take.subject)):
            raise DataError(f"{self.path}: {name} has {len(views)} cameras instead of 4; download the file again")
        poses: list[CameraPoses] = []
        for number, view in enumerate(views):
            place = f"{self.path}: {name}, camera {number}"
            if view.ndim != 3 or view.shape[1] != 17 or view.shape[2] != 2 + self.scored:
                raise DataError(f"{place}: expected {('frames', 17, 2 + self.scored)}, got {view.shape}")
            if len(view) < frames:
                raise DataError(
                    f"{place}: there are {len(view)} frames of 2D poses but {frames} of 3D poses; the files do not "
                    "belong together, or the download is incomplete: download them again"
                )
            check_finite(view[:frames], place)
            poses.append((view[:frames, :, :2], view[:frames, :, 2] if self.scored else None))
        return poses


def find_poses2d(folder: Path) -> dict[str, Poses2D]:
    """Read all files of 2D poses in a folder, keyed by our names (:data:`poseglass.data.h36m.facts.SOURCES`).

    Raises:
        DataError: A file cannot be read, or two files would have the same name.
    """
    sources: dict[str, Poses2D] = {}
    for path in sorted(folder.glob("data_2d_h36m_*.npz")):
        suffix = path.stem.removeprefix("data_2d_h36m_")
        name = SOURCES.get(suffix, suffix.lower().replace("-", "_"))
        if name in sources:
            raise DataError(f"{path} and {sources[name].path.name} would both be named {name}; remove one of them")
        sources[name] = _read(path)
    return sources


def _read(path: Path) -> Poses2D:
    takes = {
        (subject, field_name(take, f"{path}, {subject}")): _views(views, f"{path}: {subject} {take}")
        for subject, named in read_subjects(path, "positions_2d").items()
        for take, views in named.items()
    }
    widths = {view.shape[-1] for views in takes.values() for view in views if view.ndim == 3}
    return Poses2D(path, takes, widths == {3})


def _views(views: Any, place: str) -> list[ndarray]:
    if not isinstance(views, list | tuple | ndarray):
        raise DataError(f"{place} must be a list with one array per camera, got {type(views).__name__}")
    return [numbers(view, f"{place}, camera {number}") for number, view in enumerate(views)]
