"""Files that claim more than they hold, and files that are read as far as is needed."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints
from poseglass.keypoints.file import KeypointFile, is_empty
from samples.keypoint_files import person, write


def claiming(path: Path, shape: tuple[int, ...]) -> Path:
    """An npz whose array states a shape, but holds three frames."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"shape": shape, "fortran_order": False, "descr": "<f8"})
    content = header.getvalue() + np.stack([person(17)] * 3).tobytes()
    if path.suffix == ".npy":
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("keypoints.npy", content)
    return path


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_arrays_that_claim_more_than_the_file_holds_are_refused(tmp_path, suffix):
    assert len(read_keypoints(claiming(tmp_path / f"a{suffix}", (3, 17, 3)), layout="coco17")) == 3
    for frames in (4, 10**12, 2**62):
        with pytest.raises(FormatError, match=r"states the shape|cannot read the array"):
            read_keypoints(claiming(tmp_path / f"a{suffix}", (frames, 17, 3)), layout="coco17")


def test_a_list_is_read_as_far_as_its_first_item(tmp_path):
    file = KeypointFile(write(tmp_path / "a.json", '[[], {}, null, {"a": 1}, oops'))
    assert file.listed
    assert file.first == {"a": 1}
    assert file.object == {}
    with pytest.raises(FormatError, match="the file is not valid JSON: Expecting value at line 1, column 26"):
        list(file.items())


@pytest.mark.parametrize(("text", "value"), [('{"a": [1]}', {"a": [1]}), ("3", {}), ('"a"', {})])
def test_an_object_is_no_list(tmp_path, text, value):
    file = KeypointFile(write(tmp_path / "a.json", text))
    assert (file.listed, file.first, list(file.items()), file.object) == (False, None, [], value)


@pytest.mark.parametrize(("value", "empty"), [(None, True), ([], True), (np.zeros(0), True), (0, False), ([0], False)])
def test_values_without_content_are_empty(value, empty):
    assert is_empty(value) == empty
