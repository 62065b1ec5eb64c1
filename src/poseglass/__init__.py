"""poseglass: video in, 3D human motion out, with transformers that skip the frames they do not need."""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from poseglass.errors import PoseglassError as PoseglassError
    from poseglass.pose import PoseSequence as PoseSequence
    from poseglass.skeleton import BLAZEPOSE_33 as BLAZEPOSE_33
    from poseglass.skeleton import BODY_25 as BODY_25
    from poseglass.skeleton import COCO_17 as COCO_17
    from poseglass.skeleton import H36M_17 as H36M_17
    from poseglass.skeleton import HALPE_26 as HALPE_26
    from poseglass.skeleton import MPI_INF_3DHP_17 as MPI_INF_3DHP_17
    from poseglass.skeleton import Skeleton as Skeleton

# Where each public name lives. Names are imported when they are first used, so that `import poseglass` and
# `poseglass --help` answer at once: torch alone takes two seconds to import.
_HOME = {
    "BLAZEPOSE_33": "skeleton",
    "BODY_25": "skeleton",
    "COCO_17": "skeleton",
    "H36M_17": "skeleton",
    "HALPE_26": "skeleton",
    "MPI_INF_3DHP_17": "skeleton",
    "PoseSequence": "pose",
    "PoseglassError": "errors",
    "Skeleton": "skeleton",
}

__all__ = [*_HOME, "__version__"]  # noqa: PLE0604


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"poseglass has no {name!r}; it has {', '.join(sorted(_HOME))}")
    from importlib import import_module

    value = getattr(import_module(f"poseglass.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
