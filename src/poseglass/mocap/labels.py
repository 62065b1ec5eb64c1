"""Labels of markers as files contain them: subject prefixes, markers without a label, and labels that are repeated."""

import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import replace
from typing import NamedTuple

from poseglass.mocap.tracks import PointTracks

__all__ = ["Labels", "by_subject", "clean_labels", "numbered"]

# Vicon writes "*" and a number or nothing, Qualisys and Motive "Unlabeled", for markers that nobody has labelled.
UNLABELLED = re.compile(r"(\*\d*|unlabel+ed[\W_]*\d*|)", re.IGNORECASE)
SEPARATOR = ":"  # between subject and marker: Anna:LASI
SHOWN = 6  # labels listed in a note


class Labels(NamedTuple):
    """Unique labels of markers.

    Args:
        columns: The number of each marker in the file.
        names: Its label, unique.
        notes: What was changed, one sentence each.
    """

    columns: tuple[int, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def clean_labels(labels: Sequence[str]) -> Labels:
    """Drop markers without a label, remove the subject's prefix if there is one subject, and make labels unique.

    Later markers with the same label get a number: ``LASI 2``. The prefixes of several subjects are kept, so that
    :func:`by_subject` can tell them apart.

    Example:
        >>> clean_labels(["Anna:LASI", "*12", "Anna:RASI", "*13"]).names
        ('LASI', 'RASI')
        >>> clean_labels(["Anna:LASI", "Ben:LASI"]).names
        ('Anna:LASI', 'Ben:LASI')
    """
    stripped = [label.strip() for label in labels]
    columns = [n for n, label in enumerate(stripped) if not UNLABELLED.fullmatch(label.rpartition(SEPARATOR)[2])]
    names = [stripped[column] for column in columns]
    if len({prefix for prefix, separator, _ in map(_split, names) if separator}) == 1:
        names = [_split(name)[2] for name in names]
    repeated = sorted(name for name, number in Counter(names).items() if number > 1)
    if not repeated:
        return Labels(tuple(columns), tuple(names))
    taken, kept, last = {*names}, set[str](), dict[str, int]()
    for n, name in enumerate(names):
        if name in kept:
            names[n] = numbered(name, taken, last)
        kept.add(name)
    rest = " and others" if len(repeated) > SHOWN else ""
    note = (
        f"these labels are repeated, and the first marker of each keeps the name: {', '.join(repeated[:SHOWN])}{rest}"
    )
    return Labels(tuple(columns), tuple(names), (note,))


def numbered(name: str, taken: Container[str], last: dict[str, int]) -> str:
    """The name with the first number from 2 that is not taken.

    Args:
        name: The name.
        taken: Names that are not returned.
        last: The last number of each name, which is updated. It keeps many repetitions of a name quick.

    Example:
        >>> last = {}
        >>> [numbered("LASI", {"LASI 3"}, last) for _ in range(3)]
        ['LASI 2', 'LASI 4', 'LASI 5']
    """
    number = last.get(name, 1) + 1
    while f"{name} {number}" in taken:
        number += 1
    last[name] = number
    return f"{name} {number}"


def by_subject(tracks: PointTracks) -> dict[str, PointTracks]:
    """The points of each subject, if labels have the prefixes of several subjects, otherwise all points under ``""``.

    Points without a prefix belong to every subject.

    Example:
        >>> import numpy as np
        >>> duet = PointTracks(("Anna:LASI", "Ben:LASI"), np.zeros((9, 2, 3)))
        >>> {subject: part.names for subject, part in by_subject(duet).items()}
        {'Anna': ('LASI',), 'Ben': ('LASI',)}
    """
    parts = [_split(name) for name in tracks.names]
    subjects = dict.fromkeys(prefix for prefix, separator, _ in parts if separator)
    if len(subjects) < 2:
        return {"": tracks}
    result = {}
    for subject in subjects:
        columns = [n for n, (prefix, separator, _) in enumerate(parts) if prefix == subject or not separator]
        labels = clean_labels([parts[column][2] for column in columns])
        kept = [columns[column] for column in labels.columns]
        result[subject] = replace(
            tracks, names=labels.names, points=tracks.points[:, kept], notes=tracks.notes + labels.notes
        )
    return result


def _split(name: str) -> tuple[str, str, str]:
    prefix, separator, label = name.rpartition(SEPARATOR)
    return prefix.strip(), separator, label.strip()
