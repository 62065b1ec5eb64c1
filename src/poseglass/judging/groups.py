"""The groups over which errors on recordings are averaged: actions, or sequences and activities, and the total."""

from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from poseglass.data.h36m import facts as h36m_facts
from poseglass.data.recordings.store import Recording, Recordings
from poseglass.data.threedhp import facts as mpi_inf_3dhp_facts
from poseglass.judging.report import GroupErrors
from poseglass.judging.tally import Tally

__all__ = ["THREEDHP", "grouped", "groups_of", "notes", "total"]

HUMAN36M = "Human3.6M"
THREEDHP = "MPI-INF-3DHP"
EVERYTHING = ("total", "all frames")


def groups_of(recording: Recording, dataset: str) -> Mapping[str, Bool[ndarray, " f"]]:
    """The groups to which a recording belongs, and which of its frames count for each.

    MPI-INF-3DHP: all frames, the sequence, and each activity. Other data sets: the action.

    Args:
        recording: A recording. Its invalid frames never count.
        dataset: The data set's name.
    """
    counts = np.asarray(recording.valid)
    if dataset != THREEDHP:
        return {_key("action", recording.action): counts}
    groups = {_key(*EVERYTHING): counts, _key("sequence", _sequence(recording)): counts}
    if recording.activity is not None:
        for number in np.unique(recording.activity[counts & (recording.activity > 0)]):
            activity = mpi_inf_3dhp_facts.ACTIVITIES[number - 1]
            groups[_key("activity", activity)] = counts & (recording.activity == number)
    return groups


def grouped(tally: Tally, recordings: Recordings) -> tuple[GroupErrors, ...]:
    """The errors of each group, in the order of the papers' tables."""
    names = dict.fromkeys(_names(recordings))
    return tuple(_errors(tally, kind, name) for kind, name in names if _key(kind, name) in tally)


def total(tally: Tally, recordings: Recordings) -> GroupErrors:
    """The overall result: the mean over all frames for MPI-INF-3DHP, otherwise the mean of the actions' means."""
    if recordings.dataset == THREEDHP:
        return _errors(tally, *EVERYTHING)
    groups = grouped(tally, recordings)
    return GroupErrors(
        kind="total",
        name=f"mean over {len(groups)} action{'s' * (len(groups) > 1)}",
        frames=sum(group.frames for group in groups),
        errors={name: float(np.mean([group.errors[name] for group in groups])) for name in tally.metrics},
    )


def notes(recordings: Recordings) -> tuple[str, ...]:
    """A sentence for each thing that the recordings lack."""
    actions = {recording.action for recording in recordings}
    if recordings.dataset == HUMAN36M and (missing := [each for each in h36m_facts.ACTIONS if each not in actions]):
        return (f"missing actions: {', '.join(missing)}",)
    unknown = all(recording.activity is None or not recording.activity.any() for recording in recordings)
    if recordings.dataset == THREEDHP and unknown:
        return ("activities are unknown: only the original annot_data.mat has them, the npz files do not",)
    return ()


def _errors(tally: Tally, kind: str, name: str) -> GroupErrors:
    return GroupErrors(kind, name, tally.frames(_key(kind, name)), tally.means(_key(kind, name)))


def _key(kind: str, name: str) -> str:
    """The group's name within a tally."""
    return f"{kind} {name}"


def _sequence(recording: Recording) -> str:
    """``TS1``, or ``S1 Seq1``."""
    return " ".join(dict.fromkeys((recording.subject, recording.take)))


def _names(recordings: Recordings) -> Iterator[tuple[str, str]]:
    """The kinds and names of all possible groups, in the order of the tables."""
    if recordings.dataset == THREEDHP:
        yield from (("sequence", _sequence(recording)) for recording in recordings)
        yield from (("activity", activity) for activity in mpi_inf_3dhp_facts.ACTIVITIES)
        return
    if recordings.dataset == HUMAN36M:
        yield from (("action", action) for action in h36m_facts.ACTIONS)
    yield from (("action", recording.action) for recording in recordings)
