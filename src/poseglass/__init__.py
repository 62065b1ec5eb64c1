"""poseglass: video in, 3D human motion out, with transformers that skip the frames they do not need."""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from poseglass.benchmark import bench as bench
    from poseglass.data.augment import flip as flip
    from poseglass.data.clips import MotionClips as MotionClips
    from poseglass.data.store import Recordings as Recordings
    from poseglass.detect import Detector as Detector
    from poseglass.detect import FakeDetector as FakeDetector
    from poseglass.detect import MediaPipeDetector as MediaPipeDetector
    from poseglass.errors import PoseglassError as PoseglassError
    from poseglass.evaluation import evaluate as evaluate
    from poseglass.formats import read_keypoints as read_keypoints
    from poseglass.lifter import Lifter as Lifter
    from poseglass.lifter import lift as lift
    from poseglass.models import MHFormer as MHFormer
    from poseglass.models import MixSTE as MixSTE
    from poseglass.models import MotionAGFormer as MotionAGFormer
    from poseglass.models import MotionBERT as MotionBERT
    from poseglass.models import PoseTransformer as PoseTransformer
    from poseglass.models import create_model as create_model
    from poseglass.models import list_models as list_models
    from poseglass.pose import PoseSequence as PoseSequence
    from poseglass.precision import to_bfloat16 as to_bfloat16
    from poseglass.rendering import render as render
    from poseglass.skeleton import BLAZEPOSE_33 as BLAZEPOSE_33
    from poseglass.skeleton import BODY_25 as BODY_25
    from poseglass.skeleton import COCO_17 as COCO_17
    from poseglass.skeleton import H36M_17 as H36M_17
    from poseglass.skeleton import HALPE_26 as HALPE_26
    from poseglass.skeleton import MPI_INF_3DHP_17 as MPI_INF_3DHP_17
    from poseglass.skeleton import Skeleton as Skeleton
    from poseglass.training.loop import train as train
    from poseglass.training.recipe import Recipe as Recipe
    from poseglass.viewer import view as view
    from poseglass.waist import Funnel as Funnel
    from poseglass.waist import Hourglass as Hourglass
    from poseglass.waist import funnel as funnel
    from poseglass.waist import hourglass as hourglass
    from poseglass.weights import load as load
    from poseglass.weights import save as save

# Where each public name lives. Names are imported when they are first used, so that `import poseglass` and
# `poseglass --help` answer at once: torch alone takes two seconds to import. No module may bear a public name, for
# importing it would put the module in the name's place.
_HOME = {
    "BLAZEPOSE_33": "skeleton",
    "BODY_25": "skeleton",
    "COCO_17": "skeleton",
    "Detector": "detect",
    "FakeDetector": "detect",
    "Funnel": "waist",
    "H36M_17": "skeleton",
    "HALPE_26": "skeleton",
    "Hourglass": "waist",
    "Lifter": "lifter",
    "MHFormer": "models",
    "MPI_INF_3DHP_17": "skeleton",
    "MediaPipeDetector": "detect",
    "MixSTE": "models",
    "MotionAGFormer": "models",
    "MotionBERT": "models",
    "MotionClips": "data.clips",
    "PoseSequence": "pose",
    "PoseTransformer": "models",
    "PoseglassError": "errors",
    "Recipe": "training.recipe",
    "Recordings": "data.store",
    "Skeleton": "skeleton",
    "bench": "benchmark",
    "create_model": "models",
    "evaluate": "evaluation",
    "flip": "data.augment",
    "funnel": "waist",
    "hourglass": "waist",
    "lift": "lifter",
    "list_models": "models",
    "load": "weights",
    "read_keypoints": "formats",
    "render": "rendering",
    "save": "weights",
    "to_bfloat16": "precision",
    "train": "training.loop",
    "view": "viewer",
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
