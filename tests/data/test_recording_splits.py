"""The split that a recording is stored with."""

import numpy as np
import pytest

from poseglass.data.recordings.store import Recordings
from poseglass.data.recordings.writer import write_recordings
from poseglass.errors import DataError


def test_a_split_is_stored_and_does_not_change_the_fingerprint_of_recordings_without_one(tmp_path):
    stores = {}
    common = {"subject": "anna", "action": "a", "take": "1", "camera": "0", "fps": 50, "size": (10, 10)}
    for name, split in (("plain", {}), ("empty", {"split": ""}), ("split", {"split": "val"})):
        with write_recordings(tmp_path / name, skeleton="h36m17", dataset="mine", sources=["gt"]) as writer:
            writer.add(points3d=np.zeros((3, 17, 3)), points2d={"gt": np.zeros((3, 17, 2))}, **common, **split)
        stores[name] = Recordings.open(tmp_path / name)
    assert stores["plain"].fingerprint == stores["empty"].fingerprint != stores["split"].fingerprint
    assert [stores[name][0].splits for name in stores] == [(), (), ("val",)]
    with pytest.raises(DataError, match="has no split val; there are none"):
        stores["plain"].split(splits=["val"])
