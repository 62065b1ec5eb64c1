"""Labels of markers: prefixes of subjects, markers without a label, repeated labels."""

import time

import numpy as np
import pytest

from poseglass.mocap.labels import by_subject, clean_labels
from poseglass.mocap.tracks import PointTracks


@pytest.mark.parametrize("label", ["*", "*12", "Unlabeled", "UNLABELLED 3", "unlabeled_0004", "", " ", "Anna:*3"])
def test_markers_without_a_label_are_left_out(label):
    assert clean_labels(["LASI", label, "RASI", label]) == ((0, 2), ("LASI", "RASI"), ())


def test_the_prefix_of_one_subject_is_removed():
    assert clean_labels(["Anna:LASI", " Anna: RASI ", "STICK"]).names == ("LASI", "RASI", "STICK")
    assert clean_labels(["Anna:LASI", "Ben:RASI"]).names == ("Anna:LASI", "Ben:RASI")


def test_repeated_labels_get_numbers_that_are_not_taken():
    labels = clean_labels(["C7", "M", "M 2", "M", "M", "C7"])
    assert labels.names == ("C7", "M", "M 2", "M 3", "M 4", "C7 2")
    assert labels.columns == (0, 1, 2, 3, 4, 5)
    assert labels.notes == ("these labels are repeated, and the first marker of each keeps the name: C7, M",)
    many = [f"M{number}" for number in range(7)] * 2
    assert clean_labels(many).notes[0].endswith("M3, M4, M5 and others")
    assert len({*clean_labels(many).names}) == 14


def test_many_repetitions_of_a_label_take_no_time():
    start = time.perf_counter()
    assert clean_labels(["M", "M 7"] * 10_000).names[-2:] == ("M 10001", "M 7 10000")
    assert time.perf_counter() - start < 2


def test_points_are_divided_by_subject():
    names = ("Anna:LASI", "Ben:LASI", "STICK", "Ben:RASI", "Ben:*1")
    tracks = PointTracks(names, np.arange(30.0).reshape(2, 5, 3), fps=50, unit=0.001, notes=("a note",))
    parts = by_subject(tracks)
    assert {subject: part.names for subject, part in parts.items()} == {
        "Anna": ("LASI", "STICK"),
        "Ben": ("LASI", "STICK", "RASI"),
    }
    assert parts["Ben"].points.tolist() == tracks.points[:, [1, 2, 3]].tolist()
    assert (parts["Ben"].fps, parts["Ben"].unit, parts["Ben"].notes) == (50, 0.001, ("a note",))


def test_one_subject_is_everything():
    tracks = PointTracks(("Anna:LASI", "RASI"), np.zeros((2, 2, 3)))
    assert by_subject(tracks) == {"": tracks}
