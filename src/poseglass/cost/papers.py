"""Published models and their figures: the one table for `bench --paper`, `reproduce`, recipes and docs.

FLOPs and parameters were counted on the published architectures in the conventions of :mod:`poseglass.cost.flops`.
Errors are quoted from the papers, and each :class:`PublishedFigure` says how reliable its source is. The authors of
this package measured none of them, because they have neither Human3.6M nor MPI-INF-3DHP. The layer before which a
released checkpoint prunes comes from the architecture's file, which also needs it to load checkpoints. Sources: HoT (Li
et al., CVPR 2024, arXiv 2311.12028), H2OT (Li et al., TPAMI 2025, arXiv 2509.06956), and the papers of the backbones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch

from poseglass.errors import ModelError
from poseglass.models import PoseTransformer, create_model
from poseglass.models.mhformer import PUBLISHED as MHFORMER
from poseglass.models.mixste import PUBLISHED as MIXSTE
from poseglass.models.motionagformer import PUBLISHED as MOTIONAGFORMER
from poseglass.models.motionbert import PUBLISHED as MOTIONBERT
from poseglass.waist.hourglass import PoseModel, funnel, hourglass

__all__ = ["TABLES", "Counts", "PublishedFigure", "PublishedModel", "PublishedTable", "Setup", "Source", "Waist"]

Source = Literal["published", "figure", "second-hand"]
Waist = Literal["none", "hourglass", "funnel"]


@dataclass(frozen=True)
class PublishedFigure:
    """A published error.

    Attributes:
        value: The error in mm, or a percentage.
        source: ``published`` in a table, read from a ``figure``, or ``second-hand``, which means not verified.
    """

    value: float
    source: Source = "published"


@dataclass(frozen=True)
class Counts:
    """The parameters, and the FLOPs of a forward pass of one clip.

    Attributes:
        parameters: In millions.
        paper: GFLOPs of the Linear and Conv layers.
        full: GFLOPs of every matrix product.
    """

    parameters: float
    paper: float
    full: float


@dataclass(frozen=True)
class Setup:
    """How this package builds a published model, and the model's input.

    Attributes:
        size: The backbone's name in :data:`poseglass.models.MODELS`.
        keypoints: The 2D poses it takes: ``cpn``, ``gt``, or ``sh`` (stacked hourglass, with scores).
        recipe: Its recipe's name in ``recipes/``; empty if it has none.
        waist: The kind of waist around the backbone.
        keep: The number of frames kept, if published. For TPC w. MotionBERT and MPI-INF-3DHP's funnel it is our
            recipe's choice, because a funnel's checkpoint holds only its backbone and does not tell it.
        at: The layer before which the other frames are dropped.
    """

    size: str
    keypoints: str
    recipe: str = ""
    waist: Waist = "none"
    keep: int | None = None
    at: int | None = None


@dataclass(frozen=True)
class PublishedModel:
    """A published model and its figures.

    Attributes:
        name: Its name in the papers.
        frames: Frames per clip.
        setup: How to build it; None if this package lacks the architecture.
        counts: Parameters and FLOPs, if they were counted.
        errors: Published errors by metric; empty if there are none.

    Example:
        >>> from poseglass.cost.flops import count_flops
        >>> model = PublishedModel("TPC w. MHFormer", 351, Setup("mhformer", "cpn", waist="funnel", keep=117, at=1))
        >>> count_flops(model.build()).paper
        8220251520
    """

    name: str
    frames: int
    setup: Setup | None = None
    counts: Counts | None = None
    errors: Mapping[str, PublishedFigure] = field(default_factory=dict)

    def backbone(self) -> PoseTransformer:
        """The backbone without its waist and without weights, on the meta device.

        Raises:
            ModelError: This package lacks the architecture.
        """
        with torch.device("meta"):
            return create_model(self._setup().size, frames=self.frames)

    def build(self) -> PoseModel:
        """The model without weights, on the meta device: enough to count its FLOPs.

        Raises:
            ModelError: This package lacks the architecture, or its waist was not published.
        """
        setup = self._setup()
        if setup.waist == "none":
            return self.backbone()
        if setup.keep is None:
            raise ModelError(
                f"the number of frames that {self.name} keeps was not published, so it cannot be built; call "
                "backbone() instead"
            )
        narrow = funnel if setup.waist == "funnel" else hourglass
        with torch.device("meta"):
            return narrow(setup.size, keep=setup.keep, at=setup.at, frames=self.frames)

    def _setup(self) -> Setup:
        if self.setup is None:
            raise ModelError(f"this package lacks the architecture of {self.name}, so it cannot be built")
        return self.setup


@dataclass(frozen=True)
class PublishedTable:
    """Models published on one data set.

    Attributes:
        dataset: The data set's name in prepared recordings.
        metrics: The errors that the papers report, in the order of the columns.
        models: The models, in the order of the rows.
    """

    dataset: str
    metrics: tuple[str, ...]
    models: tuple[PublishedModel, ...]


def _p1(value: float, source: Source = "published") -> dict[str, PublishedFigure]:
    return {"MPJPE": PublishedFigure(value, source)}


def _3dhp(pck: float, auc: float, mpjpe: float, source: Source = "published") -> dict[str, PublishedFigure]:
    return {
        "MPJPE": PublishedFigure(mpjpe, source),
        "PCK": PublishedFigure(pck, source),
        "AUC": PublishedFigure(auc, source),
    }


TABLES = {
    "h36m": PublishedTable(
        "Human3.6M",
        ("MPJPE",),
        (
            PublishedModel(
                "MHFormer", 351, Setup("mhformer", "cpn", "mhformer"), Counts(31.52, 14.15, 16.44), _p1(43.0)
            ),
            PublishedModel(
                "TPC w. MHFormer", 351, Setup("mhformer", "cpn", "tpc-mhformer", "funnel", 117, MHFORMER.at),
                Counts(31.52, 8.22, 9.16), _p1(43.0, "second-hand"),
            ),
            PublishedModel(
                "MixSTE", 243, Setup("mixste", "cpn", "mixste"), Counts(33.78, 277.25, 294.85), _p1(40.9)
            ),
            PublishedModel(
                "TPC w. MixSTE", 243, Setup("mixste", "cpn", "tpc-mixste", "funnel", 61, 7),
                Counts(33.78, 251.28, 266.85), _p1(39.9, "figure"),
            ),
            PublishedModel(
                "HoT w. MixSTE", 243, Setup("mixste", "cpn", "hot-mixste", "hourglass", 81, MIXSTE.at),
                Counts(35.00, 167.51, 176.18), _p1(41.0, "figure"),
            ),
            PublishedModel(
                "H2OT w. MixSTE", 243, Setup("mixste", "cpn", "h2ot-mixste", "hourglass"),
                errors=_p1(40.4, "second-hand"),
            ),
            PublishedModel(
                "MotionBERT, 256 channels", 243, Setup("motionbert-lite", "sh", "motionbert"),
                Counts(16.00, 131.09, 142.09), _p1(39.8, "figure"),
            ),
            PublishedModel(
                "TPC w. MotionBERT", 243, Setup("motionbert-lite", "sh", "tpc-motionbert", "funnel", 121, 2),
                errors=_p1(39.0, "figure"),
            ),
            PublishedModel(
                "HoT w. MotionBERT", 243,
                Setup("motionbert-lite", "sh", "hot-motionbert", "hourglass", 81, MOTIONBERT.at),
                Counts(16.35, 63.21, 66.86), _p1(39.8, "figure"),
            ),
            # HoT's release has its own MotionAGFormer, with 4 heads and 4 neighbours.
            PublishedModel(
                "MotionAGFormer, 16 layers", 243, Setup("motionagformer-hot", "sh"), Counts(11.72, 95.92, 128.92)
            ),
            PublishedModel(
                "HoT w. MotionAGFormer", 243,
                Setup("motionagformer-hot", "sh", "hot-motionagformer", "hourglass", 81, MOTIONAGFORMER.at),
                Counts(11.83, 60.52, 76.66),
            ),
            PublishedModel(
                "MotionAGFormer-B", 243, Setup("motionagformer-b", "sh", "motionagformer-b"), errors=_p1(38.4)
            ),
            PublishedModel(
                "H2OT w. MotionAGFormer", 243, Setup("motionagformer-b", "sh", "h2ot-motionagformer", "hourglass"),
                errors=_p1(38.5),
            ),
            PublishedModel("PoseFormerV2", 243, errors=_p1(45.2)),
            PublishedModel("P-STMO", 243, errors=_p1(42.8)),
            PublishedModel("StridedTransformer", 351, errors=_p1(43.7)),
            PublishedModel("STCFormer", 243, errors=_p1(41.0)),
            PublishedModel("KTPFormer", 243, errors=_p1(40.1)),
            PublishedModel("PoseMamba-S", 243, errors=_p1(41.8)),
            PublishedModel("PoseMamba-B", 243, errors=_p1(40.8)),
            PublishedModel("PoseMamba-L", 243, errors=_p1(38.1)),
            PublishedModel("TCPFormer", 243, errors=_p1(37.9)),
        ),
    ),
    "3dhp": PublishedTable(
        "MPI-INF-3DHP",
        ("MPJPE", "PCK", "AUC"),
        (
            PublishedModel("MHFormer", 9, Setup("mhformer", "gt", "mhformer-9"), errors=_3dhp(93.8, 63.3, 58.0)),
            PublishedModel(
                "TPC w. MHFormer", 9, Setup("mhformer", "gt", "tpc-mhformer-9", "funnel", 3, 1),
                errors=_3dhp(94.0, 63.3, 58.4, "second-hand"),
            ),
            PublishedModel("MixSTE", 27, Setup("mixste", "gt", "mixste-27"), errors=_3dhp(94.4, 66.5, 54.9)),
            PublishedModel(
                "HoT w. MixSTE", 27, Setup("mixste", "gt", "hot-mixste-27", "hourglass"),
                errors=_3dhp(94.8, 66.5, 53.2, "second-hand"),
            ),
            PublishedModel(
                "MotionAGFormer-L", 81, Setup("motionagformer-l", "gt", "motionagformer-l-81"),
                errors=_3dhp(98.2, 85.3, 16.2),
            ),
            PublishedModel("PoseFormerV2", 81, errors=_3dhp(97.9, 78.8, 27.8)),
            PublishedModel("STCFormer", 81, errors=_3dhp(98.7, 83.9, 23.1)),
            PublishedModel("TCPFormer", 81, errors=_3dhp(99.0, 87.7, 15.0)),
        ),
    ),
}  # fmt: skip
