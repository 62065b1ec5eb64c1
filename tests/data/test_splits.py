"""Splits: the published ones of two data sets, and those stored with recordings."""

import numpy as np
import pytest

from poseglass.data.recordings.splits import PUBLISHED, splits_of
from poseglass.data.recordings.store import Recordings
from poseglass.data.recordings.writer import write_recordings
from poseglass.errors import DataError


def store(folder, dataset, who):
    """One recording of one frame for each subject, with its own split if it has one."""
    with write_recordings(folder, skeleton="h36m17", dataset=dataset, sources=["gt"]) as writer:
        for subject, split in who.items():
            writer.add(
                subject=subject, action="a", take="1", camera="0", fps=50, size=(10, 10), split=split,
                points3d=np.zeros((1, 17, 3)), points2d={"gt": np.zeros((1, 17, 2))},
            )  # fmt: skip
    return Recordings.open(folder)


def subjects(recordings, *splits):
    return [recording.subject for recording in recordings.split(splits=splits)]


@pytest.mark.parametrize(
    ("dataset", "train", "test"),
    [
        ("Human3.6M", "S1 S5 S6 S7 S8", "S9 S11"),
        ("MPI-INF-3DHP", "S1 S2 S3 S4 S5 S6 S7 S8", "TS1 TS2 TS3 TS4 TS5 TS6"),
    ],
)
def test_published_splits_select_the_published_subjects(tmp_path, dataset, train, test):
    train, test = train.split(), test.split()
    assert PUBLISHED[dataset] == {"train": tuple(train), "test": tuple(test)}
    recordings = store(tmp_path / "store", dataset, dict.fromkeys([*test, *train], ""))
    assert subjects(recordings, "train") == train
    assert subjects(recordings, "test") == subjects(recordings, "val") == subjects(recordings, "val", "test") == test


def test_a_recordings_own_split_overrides_the_published_one(tmp_path):
    recordings = store(tmp_path / "store", "Human3.6M", {"S1": "", "S9": "train", "S5": "val", "ben": ""})
    assert (subjects(recordings, "train"), subjects(recordings, "val")) == (["S1", "S9"], ["S5"])
    with pytest.raises(DataError, match=r"has no split test; there are train \(S1, S9\), val \(S5\)"):
        recordings.split(splits=["test"])


def test_unknown_splits_are_empty(tmp_path):
    assert splits_of("studio", "S1") == splits_of("Human3.6M", "S2") == ()
    recordings = store(tmp_path / "store", "studio", {"S1": "", "S9": ""})
    with pytest.raises(DataError, match="has no split train; there are none, because the splits of 'stu"):
        recordings.split(splits=["train"])


def test_a_split_must_be_train_val_or_test(tmp_path):
    with pytest.raises(DataError, match=r"ben 1, camera 0: there is no split 'dev'; choose one of train, val, test"):
        store(tmp_path / "store", "studio", {"ben": "dev"})
    assert not (tmp_path / "store").exists()
