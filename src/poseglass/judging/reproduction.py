"""Reproduce the papers' tables of errors with your data and your weights."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from poseglass.cost.papers import TABLES, PublishedModel, Setup, Source, Waist
from poseglass.data.recordings.store import Recordings
from poseglass.errors import DataError, ModelError, PoseglassError
from poseglass.files.plain_text import to_json
from poseglass.files.tables import markdown_table, text_table
from poseglass.judging.on_recordings import evaluate_recordings, model_in_words
from poseglass.judging.protocol import Counting, Protocol
from poseglass.judging.report import RecordingReport
from poseglass.models import devices
from poseglass.waist.hourglass import Funnel, Hourglass, PoseModel, backbone_of, funnel
from poseglass.weights import files as weights

__all__ = ["Outcome", "Reproduction", "find_weights", "reproduce"]

MARKS: dict[Source, str] = {"published": "", "figure": "~", "second-hand": "?"}
LEGEND = "~ read from a published figure   ? second-hand, not verified   others: from a published table"


@dataclass(frozen=True)
class Outcome:
    """A published model, and the result of measuring it.

    Attributes:
        published: The row of the paper's table.
        weights: The name of the measured file or folder; empty if there are no weights.
        report: The measurement, if there is one.
        problem: The reason why the weights could not be measured; empty if there is none.
    """

    published: PublishedModel
    weights: str = ""
    report: RecordingReport | None = None
    problem: str = ""


@dataclass(frozen=True)
class Reproduction:
    """A paper's table next to measurements. ``str()`` gives a table to read.

    Attributes:
        table: The table's name in :data:`poseglass.cost.papers.TABLES`.
        about: How it was measured.
        outcomes: One outcome per row.
        unused: Files and folders in the weights' folder that belong to no row.
    """

    table: str
    about: str
    outcomes: tuple[Outcome, ...]
    unused: tuple[str, ...] = ()

    @property
    def problems(self) -> list[str]:
        """A sentence for each row whose weights could not be measured."""
        return [f"{outcome.published.name}: {outcome.problem}" for outcome in self.outcomes if outcome.problem]

    def __str__(self) -> str:
        return "\n".join([self.about, "", text_table([*self._cells()]), "", *self._notes()])

    def markdown(self) -> str:
        """The same as a list and a Markdown table."""
        lines = [f"- {line}" for line in (self.about, *self._notes())]
        return "\n".join([*lines, "", markdown_table([*self._cells()])])

    def json(self) -> str:
        """Everything as JSON, with the whole report of each row that was measured."""
        rows = [_record(outcome) for outcome in self.outcomes]
        return to_json({"table": self.table, "about": self.about, "rows": rows, "unused": self.unused}, indent=2)

    def _cells(self) -> Iterator[list[str]]:
        metrics = TABLES[self.table].metrics
        yield ["", "frames", "2D", *(f"{metric} {kind}" for metric in metrics for kind in ("published", "measured"))]
        for outcome in self.outcomes:
            published, report = outcome.published, outcome.report
            cells = [published.name, str(published.frames), published.setup.keypoints if published.setup else "-"]
            for metric in metrics:
                figure = published.errors[metric]
                cells.append(f"{figure.value:.1f}{MARKS[figure.source]}")
                cells.append("-" if report is None else f"{report.total.errors[metric]:.1f}")
            yield cells

    def _notes(self) -> Iterator[str]:
        yield LEGEND
        published = [(outcome.published.name, outcome.published.setup, outcome.weights) for outcome in self.outcomes]
        for label, names in (
            ("no weights for", [name for name, setup, path in published if setup is not None and not path]),
            ("not in this package", [name for name, setup, _ in published if setup is None]),
            ("belong to no row", self.unused),
        ):
            if names:
                yield f"{label}: {'; '.join(names)}"
        yield from (f"could not be measured: {problem}" for problem in self.problems)


def reproduce(
    table: str,
    recordings: Recordings,
    folder: str | PathLike[str] | None = None,
    *,
    counting: Counting = "published",
    flip: bool = True,
    batch: int = 16,
    device: devices.Device = None,
    progress: bool = False,
) -> Reproduction:
    """Measure the rows of a published table for which you have weights, with the published protocol.

    The weights of a row are a folder or a checkpoint file named after its recipe or the row itself, such as
    ``hot-mixste`` or ``HoT w. MixSTE.pth``. Case, punctuation and a leading ``h36m-`` or ``3dhp-`` do not matter. The
    card in a folder gives the model's joint order. A checkpoint *file* has none, so the data set's order is assumed, as
    published.

    Args:
        table: ``"h36m"`` or ``"3dhp"``.
        recordings: Recordings of the table's data set.
        folder: The folder with the weights; None for the published figures alone.
        counting: Whether frames count the ``"published"`` way or ``"ours"``.
        flip: Average with the mirrored pass, as published.
        batch: Clips per forward pass.
        device: Where the models run: ``"auto"``, ``"cpu"``, ``"cuda:0"``, ``"mps"``, ...; the CPU if None.
        progress: Show a progress bar for each row.

    Returns:
        An outcome per row. If a row's weights cannot be measured, its outcome gives the reason, and the other rows are
        still measured.

    Raises:
        DataError: There is no such table, the recordings are of another data set, or two weights belong to one row.
        ModelError: This machine has no such device.

    Example:
        >>> from poseglass.data.h36m.prepare import prepare_h36m
        >>> from poseglass.data.synthetic.generate import generate
        >>> _ = generate("h36m", "made-up", frames=20, subjects=["S9"])
        >>> result = reproduce("h36m", prepare_h36m("made-up", "prepared").recordings)
        >>> str(result).splitlines()[3].split()
        ['MHFormer', '351', 'cpn', '43.0', '-']
    """
    if table not in TABLES:
        raise DataError(f"no table is called {table!r}; choose one of {', '.join(TABLES)}")
    dataset = TABLES[table].dataset
    if recordings.dataset != dataset:
        raise DataError(
            f"the table {table} needs recordings of {dataset}, but {recordings.folder} holds {recordings.dataset}"
        )
    paths, unused = ({}, ()) if folder is None else find_weights(table, folder)
    protocol, where = Protocol(counting=counting, flip=flip, batch=batch), devices.device(device)
    return Reproduction(
        table=table,
        about=f"{dataset}, fingerprint {recordings.fingerprint}, protocol {counting}, "
        f"{'averaged with the mirrored pass' if flip else 'no mirrored pass'}",
        outcomes=tuple(
            _measured(published, paths.get(published.name), recordings, protocol, where, progress=progress)
            for published in _rows(table)
        ),
        unused=tuple(unused),
    )


def find_weights(table: str, folder: str | PathLike[str]) -> tuple[dict[str, Path], tuple[str, ...]]:
    """The paths of the weights in a folder by the name of their row, and the names of everything else in it.

    Raises:
        DataError: The folder is missing, or two entries belong to the same row.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}; expected a folder with weights")
    paths: dict[str, Path] = {}
    unused = []
    for entry in sorted(folder.iterdir()):
        best = entry / "best"  # written by poseglass train
        path = best if (best / "weights.safetensors").is_file() else entry
        key = _key(entry.name if entry.is_dir() else entry.stem).removeprefix(_key(table))
        rows = [row for row in _rows(table) if row.setup and key in (_key(row.setup.recipe), _key(row.name))]
        if not rows:
            unused.append(entry.name)
            continue
        if (before := paths.get(rows[0].name)) is not None:
            raise DataError(f"{before} and {path} are both weights of {rows[0].name}; remove one of them")
        paths[rows[0].name] = path
    return paths, tuple(unused)


def _rows(table: str) -> list[PublishedModel]:
    """The models of a table whose errors were published."""
    return [published for published in TABLES[table].models if published.errors]


def _key(name: str) -> str:
    """A name without case and punctuation."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _measured(
    published: PublishedModel,
    path: Path | None,
    recordings: Recordings,
    protocol: Protocol,
    where: torch.device,
    *,
    progress: bool,
) -> Outcome:
    setup = published.setup
    if path is None or setup is None:
        return Outcome(published)
    # A folder's card gives the joint order; a published checkpoint file has none.
    skeleton = recordings.skeleton if path.is_file() else None
    try:
        model = _fitting(weights.load(path, device=where), published, setup)
        report = evaluate_recordings(
            model,
            recordings,
            replace(protocol, keypoints=setup.keypoints, skeleton=skeleton),
            name=f"{published.name} ({setup.keep} at {setup.at})" if setup.waist == "funnel" else published.name,
            progress=progress,
        )
    except PoseglassError as problem:
        return Outcome(published, path.name, problem=str(problem))
    return Outcome(published, path.name, report)


def _fitting(model: PoseModel, published: PublishedModel, setup: Setup) -> PoseModel:
    """Build the model of a row from its weights. Raises :class:`ModelError` if they belong to another model."""
    expected, given = model_in_words(published.backbone()), model_in_words(backbone_of(model))
    if given != expected:
        raise ModelError(f"expected weights for {expected}, got weights for {given}")
    if setup.waist == "funnel" and setup.keep is not None and not isinstance(model, Funnel | Hourglass):
        return funnel(model, keep=setup.keep, at=setup.at)
    waist: Waist = "hourglass" if isinstance(model, Hourglass) else "funnel" if isinstance(model, Funnel) else "none"
    if waist != setup.waist:
        raise ModelError(f"expected weights with {WAISTS[setup.waist]} around the backbone, got {WAISTS[waist]}")
    return model


WAISTS: dict[Waist, str] = {"none": "no waist", "hourglass": "an hourglass", "funnel": "a funnel"}


def _record(outcome: Outcome) -> dict[str, Any]:
    """An outcome as plain values."""
    published, setup = outcome.published, outcome.published.setup
    return {
        "name": published.name,
        "frames": published.frames,
        "keypoints": setup.keypoints if setup else "",
        "recipe": setup.recipe if setup else "",
        "published": {
            metric: {"value": figure.value, "sure": figure.source} for metric, figure in published.errors.items()
        },
        "weights": outcome.weights,
        "measured": None if outcome.report is None else outcome.report.record(),
        "problem": outcome.problem,
    }
