"""poseglass: video in, 3D human motion out, with transformers that skip the frames they do not need."""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from poseglass.body.pose import PoseSequence as PoseSequence
    from poseglass.body.skeleton import BLAZEPOSE_33 as BLAZEPOSE_33
    from poseglass.body.skeleton import BODY_25 as BODY_25
    from poseglass.body.skeleton import COCO_17 as COCO_17
    from poseglass.body.skeleton import H36M_17 as H36M_17
    from poseglass.body.skeleton import HALPE_26 as HALPE_26
    from poseglass.body.skeleton import MPI_INF_3DHP_17 as MPI_INF_3DHP_17
    from poseglass.body.skeleton import Skeleton as Skeleton
    from poseglass.clips.mirror import flip as flip
    from poseglass.cost.benchmark import bench as bench
    from poseglass.data.clips import MotionClips as MotionClips
    from poseglass.data.recordings.store import Recordings as Recordings
    from poseglass.detect._base import Detector as Detector
    from poseglass.detect.fake import FakeDetector as FakeDetector
    from poseglass.detect.mediapipe import MediaPipeDetector as MediaPipeDetector
    from poseglass.engines.onnx_file import export as export
    from poseglass.errors import PoseglassError as PoseglassError
    from poseglass.judging.evaluation import evaluate as evaluate
    from poseglass.keypoints import from_rtmlib as from_rtmlib
    from poseglass.keypoints import from_supervision as from_supervision
    from poseglass.keypoints import from_ultralytics as from_ultralytics
    from poseglass.keypoints import read_keypoints as read_keypoints
    from poseglass.lifting.lift import lift as lift
    from poseglass.lifting.lifter import Lifter as Lifter
    from poseglass.live.stream import Stream as Stream
    from poseglass.models import Card as Card
    from poseglass.models import MHFormer as MHFormer
    from poseglass.models import MixSTE as MixSTE
    from poseglass.models import MotionAGFormer as MotionAGFormer
    from poseglass.models import MotionBERT as MotionBERT
    from poseglass.models import PoseTransformer as PoseTransformer
    from poseglass.models import create_model as create_model
    from poseglass.models import list_models as list_models
    from poseglass.motion.angles import joint_angles as joint_angles
    from poseglass.motion.gait import gait_events as gait_events
    from poseglass.motion.rig import fit_rig as fit_rig
    from poseglass.motion.smoothing import smooth as smooth
    from poseglass.show.rendering import render as render
    from poseglass.show.viewer import view as view
    from poseglass.training.loop import train as train
    from poseglass.training.recipe import Recipe as Recipe
    from poseglass.waist.bfloat16 import to_bfloat16 as to_bfloat16
    from poseglass.waist.hourglass import Funnel as Funnel
    from poseglass.waist.hourglass import Hourglass as Hourglass
    from poseglass.waist.hourglass import funnel as funnel
    from poseglass.waist.hourglass import hourglass as hourglass
    from poseglass.weights.files import load as load
    from poseglass.weights.files import save as save

# The module of each public name. Names are imported on first use, so that `import poseglass` and `poseglass --help` are
# fast: torch alone takes two seconds to import. No module or folder directly under poseglass may share its name with a
# public name, because importing it would replace the object by the module.
_HOME = {
    "BLAZEPOSE_33": "body.skeleton",
    "BODY_25": "body.skeleton",
    "COCO_17": "body.skeleton",
    "Card": "models",
    "Detector": "detect._base",
    "FakeDetector": "detect.fake",
    "Funnel": "waist.hourglass",
    "H36M_17": "body.skeleton",
    "HALPE_26": "body.skeleton",
    "Hourglass": "waist.hourglass",
    "Lifter": "lifting.lifter",
    "MHFormer": "models",
    "MPI_INF_3DHP_17": "body.skeleton",
    "MediaPipeDetector": "detect.mediapipe",
    "MixSTE": "models",
    "MotionAGFormer": "models",
    "MotionBERT": "models",
    "MotionClips": "data.clips",
    "PoseSequence": "body.pose",
    "PoseTransformer": "models",
    "PoseglassError": "errors",
    "Recipe": "training.recipe",
    "Recordings": "data.recordings.store",
    "Skeleton": "body.skeleton",
    "Stream": "live.stream",
    "bench": "cost.benchmark",
    "create_model": "models",
    "evaluate": "judging.evaluation",
    "export": "engines.onnx_file",
    "fit_rig": "motion.rig",
    "flip": "clips.mirror",
    "from_rtmlib": "keypoints",
    "from_supervision": "keypoints",
    "from_ultralytics": "keypoints",
    "funnel": "waist.hourglass",
    "gait_events": "motion.gait",
    "hourglass": "waist.hourglass",
    "joint_angles": "motion.angles",
    "lift": "lifting.lift",
    "list_models": "models",
    "load": "weights.files",
    "read_keypoints": "keypoints",
    "render": "show.rendering",
    "save": "weights.files",
    "smooth": "motion.smoothing",
    "to_bfloat16": "waist.bfloat16",
    "train": "training.loop",
    "view": "show.viewer",
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
