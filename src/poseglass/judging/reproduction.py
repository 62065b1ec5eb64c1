"""The papers' tables of errors, and the same rows measured here on one's own data with one's own weights.

The figures are those that the models' publications are known by, each with how sure it is. None was measured by the
authors of this package, who have neither data set.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from poseglass.data.recordings.store import Recordings
from poseglass.errors import DataError, ModelError, PoseglassError
from poseglass.judging.on_recordings import Counting, Protocol, evaluate_recordings
from poseglass.judging.report import Report, aligned
from poseglass.waist.hourglass import Funnel, Hourglass, Model, backbone_of, funnel
from poseglass.weights import files as weights

__all__ = ["TABLES", "Figure", "Outcome", "Reproduction", "Row", "Table", "find_weights", "reproduce"]

Sure = Literal["published", "figure", "second-hand"]
MARKS: dict[Sure, str] = {"published": "", "figure": "~", "second-hand": "?"}
LEGEND = "~ read off a published figure   ? second-hand, not verified   the others are published in a table"


@dataclass(frozen=True)
class Figure:
    """A published number.

    Attributes:
        value: In mm or per cent.
        sure: ``published`` in a table, read off a ``figure``, or ``second-hand``.
    """

    value: float
    sure: Sure = "published"


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        name: As in the papers.
        frames: Of a clip.
        figures: By metric.
        recipe: The name of its recipe in ``recipes/``; empty where this package has no such architecture.
        backbone: Its class.
        keypoints: The 2D poses that it sees: ``sh`` is stacked hourglass, with scores.
        waist: What it has around the backbone.
        keep: A funnel's frames from layer `at` on: its published checkpoint is that of the backbone, and tells neither.
            Where they were not published, they are those of our recipe.
        at: See `keep`.
    """

    name: str
    frames: int
    figures: Mapping[str, Figure]
    recipe: str = ""
    backbone: str = ""
    keypoints: str = ""
    waist: Literal["none", "hourglass", "funnel"] = "none"
    keep: int = 0
    at: int = 0


@dataclass(frozen=True)
class Table:
    """A table: rows on a data set.

    Attributes:
        dataset: As prepared recordings call it.
        metrics: Its columns.
        rows: One after the other.
    """

    dataset: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]


def _p1(value: float, sure: Sure = "published") -> dict[str, Figure]:
    return {"MPJPE": Figure(value, sure)}


def _3dhp(pck: float, auc: float, mpjpe: float, sure: Sure = "published") -> dict[str, Figure]:
    return {"MPJPE": Figure(mpjpe, sure), "PCK": Figure(pck, sure), "AUC": Figure(auc, sure)}


TABLES = {
    "h36m": Table(
        "Human3.6M",
        ("MPJPE",),
        (
            Row("MHFormer", 351, _p1(43.0), "mhformer", "MHFormer", "cpn"),
            Row(
                "TPC w. MHFormer", 351, _p1(43.0, "second-hand"), "tpc-mhformer", "MHFormer", "cpn",
                waist="funnel", keep=117, at=1,
            ),
            Row("MixSTE", 243, _p1(40.9), "mixste", "MixSTE", "cpn"),
            Row("TPC w. MixSTE", 243, _p1(39.9, "figure"), "tpc-mixste", "MixSTE", "cpn", "funnel", 61, 7),
            Row("HoT w. MixSTE", 243, _p1(41.0, "figure"), "hot-mixste", "MixSTE", "cpn", "hourglass"),
            Row("H2OT w. MixSTE", 243, _p1(40.4, "second-hand"), "h2ot-mixste", "MixSTE", "cpn", "hourglass"),
            Row("MotionBERT, 256 channels", 243, _p1(39.8, "figure"), "motionbert", "MotionBERT", "sh"),
            Row(
                "TPC w. MotionBERT", 243, _p1(39.0, "figure"), "tpc-motionbert", "MotionBERT", "sh",
                waist="funnel", keep=121, at=2,
            ),
            Row("HoT w. MotionBERT", 243, _p1(39.8, "figure"), "hot-motionbert", "MotionBERT", "sh", "hourglass"),
            Row("MotionAGFormer-B", 243, _p1(38.4), "motionagformer-b", "MotionAGFormer", "sh"),
            Row("H2OT w. MotionAGFormer", 243, _p1(38.5), "h2ot-motionagformer", "MotionAGFormer", "sh", "hourglass"),
            Row("PoseFormerV2", 243, _p1(45.2)),
            Row("P-STMO", 243, _p1(42.8)),
            Row("StridedTransformer", 351, _p1(43.7)),
            Row("STCFormer", 243, _p1(41.0)),
            Row("KTPFormer", 243, _p1(40.1)),
            Row("PoseMamba-S", 243, _p1(41.8)),
            Row("PoseMamba-B", 243, _p1(40.8)),
            Row("PoseMamba-L", 243, _p1(38.1)),
            Row("TCPFormer", 243, _p1(37.9)),
        ),
    ),
    "3dhp": Table(
        "MPI-INF-3DHP",
        ("MPJPE", "PCK", "AUC"),
        (
            Row("MHFormer", 9, _3dhp(93.8, 63.3, 58.0), "mhformer-9", "MHFormer", "gt"),
            Row(
                "TPC w. MHFormer", 9, _3dhp(94.0, 63.3, 58.4, "second-hand"), "tpc-mhformer-9", "MHFormer", "gt",
                waist="funnel", keep=3, at=1,
            ),
            Row("MixSTE", 27, _3dhp(94.4, 66.5, 54.9), "mixste-27", "MixSTE", "gt"),
            Row(
                "HoT w. MixSTE", 27, _3dhp(94.8, 66.5, 53.2, "second-hand"), "hot-mixste-27", "MixSTE", "gt",
                waist="hourglass",
            ),
            Row("MotionAGFormer-L", 81, _3dhp(98.2, 85.3, 16.2), "motionagformer-l-81", "MotionAGFormer", "gt"),
            Row("PoseFormerV2", 81, _3dhp(97.9, 78.8, 27.8)),
            Row("STCFormer", 81, _3dhp(98.7, 83.9, 23.1)),
            Row("TCPFormer", 81, _3dhp(99.0, 87.7, 15.0)),
        ),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What came of a row.

    Attributes:
        row: Which.
        weights: The name of the file or folder that was measured; empty where there is none.
        report: The measurement, where there is one.
        problem: Why there is none although there are weights.
    """

    row: Row
    weights: str = ""
    report: Report | None = None
    problem: str = ""


@dataclass(frozen=True)
class Reproduction:
    """A table, measured: ``str()`` is a table.

    Attributes:
        table: Which of :data:`TABLES`.
        about: How it was measured.
        outcomes: One a row.
        unused: What lay beside the weights and is of no row.
    """

    table: str
    about: str
    outcomes: tuple[Outcome, ...]
    unused: tuple[str, ...] = ()

    @property
    def problems(self) -> list[str]:
        """A sentence for each row whose weights could not be measured."""
        return [f"{outcome.row.name}: {outcome.problem}" for outcome in self.outcomes if outcome.problem]

    def _rows(self) -> Iterator[list[str]]:
        metrics = TABLES[self.table].metrics
        yield ["", "frames", "2D", *(f"{metric} {kind}" for metric in metrics for kind in ("published", "measured"))]
        for outcome in self.outcomes:
            cells = [outcome.row.name, str(outcome.row.frames), outcome.row.keypoints or "-"]
            for metric in metrics:
                figure = outcome.row.figures[metric]
                measured = "-" if outcome.report is None else f"{outcome.report.total.errors[metric]:.1f}"
                cells += [f"{figure.value:.1f}{MARKS[figure.sure]}", measured]
            yield cells

    def _end(self) -> Iterator[str]:
        lacking = [o.row.name for o in self.outcomes if o.row.recipe and not o.weights]
        foreign = [o.row.name for o in self.outcomes if not o.row.recipe]
        yield LEGEND
        for what, names in (
            ("no weights of", lacking),
            ("not in this package", foreign),
            ("of no row", self.unused),
        ):
            if names:
                yield f"{what}: {'; '.join(names)}"
        yield from (f"could not be measured: {problem}" for problem in self.problems)

    def __str__(self) -> str:
        return "\n".join([self.about, "", aligned([*self._rows()]), "", *self._end()])

    def markdown(self) -> str:
        """The same as a Markdown table under a list."""
        head, *rows = self._rows()
        table = [f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows]]
        return "\n".join([f"- {self.about}", *(f"- {line}" for line in self._end()), "", *table])

    def json(self) -> str:
        """Everything as JSON, with a whole report for each row that was measured."""
        rows: list[dict[str, Any]] = [
            {
                "name": outcome.row.name,
                "frames": outcome.row.frames,
                "keypoints": outcome.row.keypoints,
                "recipe": outcome.row.recipe,
                "published": {
                    metric: {"value": figure.value, "sure": figure.sure}
                    for metric, figure in outcome.row.figures.items()
                },
                "weights": outcome.weights,
                "measured": None if outcome.report is None else outcome.report.record(),
                "problem": outcome.problem,
            }
            for outcome in self.outcomes
        ]
        return json.dumps({"table": self.table, "about": self.about, "rows": rows, "unused": self.unused}, indent=2)


def reproduce(
    table: str,
    recordings: Recordings,
    folder: str | PathLike[str] | None = None,
    *,
    counting: Counting = "published",
    flip: bool = True,
    batch: int = 16,
    progress: bool = False,
) -> Reproduction:
    """Measure the rows of a published table for which there are weights, as they were published.

    A row's weights are a folder or a checkpoint file that is named like its recipe or like the row itself, such as
    ``hot-mixste`` or ``HoT w. MixSTE.pth``; small and capital letters, signs and ``h36m-`` before it do not matter. A
    folder says itself which joint is which in its model. A checkpoint *file* cannot, and is read in the order of the
    data set's joints, as published.

    Args:
        table: One of :data:`TABLES`.
        recordings: Of the table's data set.
        folder: Where the weights are.
        counting: Whether frames count as published or ours.
        flip: Average with the mirrored pass, as published.
        batch: Clips of a forward pass.
        progress: Show a progress bar for each row.

    Raises:
        DataError: There is no such table, the recordings are of another data set, or weights are there twice. What is
            wrong with a row's weights is in its outcome, and the others are measured.

    Example:
        >>> from poseglass.data.h36m.prepare import prepare_h36m
        >>> from poseglass.data.virtual.trees import generate
        >>> _ = generate("h36m", "made-up", frames=20, subjects=["S9"])
        >>> done = reproduce("h36m", prepare_h36m("made-up", "prepared").recordings)
        >>> str(done).splitlines()[3].split()
        ['MHFormer', '351', 'cpn', '43.0', '-']
    """
    if table not in TABLES:
        raise DataError(f"there is no table {table!r}; there are {', '.join(TABLES)}")
    dataset, rows = TABLES[table].dataset, TABLES[table].rows
    if recordings.dataset != dataset:
        raise DataError(f"the table {table} is of {dataset}, and {recordings.folder} holds {recordings.dataset}")
    found, unused = ({}, ()) if folder is None else find_weights(table, folder)
    outcomes = []
    for row in rows:
        path = found.get(row.name)
        if path is None:
            outcomes.append(Outcome(row))
            continue
        skeleton = (
            recordings.skeleton if path.is_file() else None
        )  # a published checkpoint cannot say it, a folder does
        how = Protocol(keypoints=row.keypoints, counting=counting, flip=flip, skeleton=skeleton, batch=batch)
        try:
            model = _fitting(weights.load(path), row)
            name = f"{row.name} ({row.keep} at {row.at})" if row.keep else row.name
            report = evaluate_recordings(model, recordings, how, name=name, progress=progress)
            outcomes.append(Outcome(row, path.name, report))
        except PoseglassError as problem:
            outcomes.append(Outcome(row, path.name, problem=str(problem)))
    about = (
        f"{dataset}, fingerprint {recordings.fingerprint}, protocol {counting}, "
        f"{'averaged with the mirrored pass' if flip else 'no mirrored pass'}"
    )
    return Reproduction(table, about, tuple(outcomes), tuple(unused))


def find_weights(table: str, folder: str | PathLike[str]) -> tuple[dict[str, Path], tuple[str, ...]]:
    """The weights of a table's rows in a folder, by the rows' names, and the names of what else is there.

    Raises:
        DataError: There is no such folder, or two of its entries are of one row.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"there is no folder of weights {folder}")
    found: dict[str, Path] = {}
    unused = []
    for entry in sorted(folder.iterdir()):
        path = entry / "best" if (entry / "best" / "weights.safetensors").is_file() else entry  # a run of poseglass train
        key = _key(entry.name if entry.is_dir() else entry.stem).removeprefix(_key(table))
        rows = [row for row in TABLES[table].rows if row.recipe and key in (_key(row.recipe), _key(row.name))]
        if not rows:
            unused.append(entry.name)
            continue
        if (before := found.get(rows[0].name)) is not None:
            raise DataError(f"{before} and {path} are both weights of {rows[0].name}; take one of them away")
        found[rows[0].name] = path
    return found, tuple(unused)


def _key(name: str) -> str:
    """A name without capitals and signs."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _fitting(model: Model, row: Row) -> Model:
    """The row's model from its weights; raises :class:`ModelError` if they are those of another."""
    backbone = type(backbone_of(model)).__name__
    if (backbone, model.frames) != (row.backbone, row.frames):
        raise ModelError(
            f"it is a {row.backbone} of {row.frames} frames, and the weights are of a {backbone} of {model.frames}"
        )
    if row.waist == "funnel" and not isinstance(model, Funnel | Hourglass):
        return funnel(model, keep=row.keep, at=row.at)
    has = {Hourglass: "hourglass", Funnel: "funnel"}.get(type(model), "none")
    if has != row.waist:
        raise ModelError(f"around its backbone it has {_waist(row.waist)}, and the weights have {_waist(has)}")
    return model


def _waist(kind: str) -> str:
    return "no waist" if kind == "none" else f"{'an' if kind == 'hourglass' else 'a'} {kind}"
