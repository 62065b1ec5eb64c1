"""Reading files as 17 joints: frame rates, units, spaces and unknown points."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import DataError
from poseglass.own.bodies import read_bodies
from poseglass.own.description import MotionDescription, TakeEntry
from poseglass.own.sources import MotionFile
from samples import c3d_files, mocap_files
from samples import motion_files as files

DEFAULT = MotionDescription()


def read_body(file, description):
    """The one person of a file."""
    (body,) = read_bodies(file, description)
    if isinstance(body, DataError):
        raise body
    return body


def motion_file(path, **entry):
    return MotionFile(path, "anna", path.stem, "walk", "train", TakeEntry(path.name, **entry))


def test_points_keep_the_unit_and_axes_of_the_file(tmp_path):
    points = files.people(20)
    body = read_body(motion_file(files.write_trc(tmp_path / "walk.trc", points)), DEFAULT)
    assert_allclose(body.points / 1000, points, atol=1e-5)
    assert (body.unit, body.up, body.space, body.fps, len(body)) == (0.001, None, "world", 50, 20)
    assert_allclose(body.times, np.arange(20) / 50, atol=1e-6)


def test_the_description_overrides_the_unit_but_not_the_frame_rate(tmp_path):
    path = files.write_trc(tmp_path / "walk.trc", files.people(20))
    body = read_body(motion_file(path), replace(DEFAULT, unit=0.01, fps=25, up="z"))
    assert (body.unit, body.up, body.fps) == (0.01, "z", 50)
    assert read_body(motion_file(path, fps=100), DEFAULT).fps == 100
    np.save(tmp_path / "walk.npy", files.people(20))
    body = read_body(motion_file(tmp_path / "walk.npy"), replace(DEFAULT, fps=25, names=files.NAMES))
    assert (body.fps, body.unit) == (25, None)


@pytest.mark.parametrize(("fps", "entry", "expected"), [(None, None, 120), (60, None, 60), (60, 100, 100)])
def test_the_description_overrides_the_assumed_rate_of_an_amc_file(tmp_path, fps, entry, expected):
    mocap_files.write_asf(tmp_path / "07.asf")
    mocap_files.write_amc(tmp_path / "07_01.amc", mocap_files.motion(3))
    for description in (DEFAULT, replace(DEFAULT, joints={"spine": {"lowerback": 1.0}})):
        file = motion_file(tmp_path / "07_01.amc", fps=entry)
        if description.joints:  # the conversion for CMU is not used, so the other joints have no known names
            with pytest.raises(DataError, match="lacks"):
                read_body(file, description)
        else:
            body = read_body(file, replace(description, fps=fps))
            assert (body.fps, body.unit, body.up, body.space) == (expected, 1.0, "y", "world")


def test_cmu_files_take_subject_take_and_split_from_their_names_unless_listed(tmp_path):
    mocap_files.write_asf(tmp_path / "07.asf")
    mocap_files.write_amc(tmp_path / "07_01.amc", mocap_files.motion(3))
    file = read_body(motion_file(tmp_path / "07_01.amc"), DEFAULT).file
    assert (file.subject, file.take, file.split, file.is_cmu) == ("cmu_07", "cmu_07_01", "test", True)
    file = read_body(motion_file(tmp_path / "07_01.amc"), replace(DEFAULT, splits={"val": ("cmu_07",)})).file
    assert file.split == "val"
    listed = motion_file(tmp_path / "07_01.amc", subject="anna")
    assert read_body(listed, DEFAULT).file == listed


def test_the_camera_of_a_take_sets_its_space(tmp_path):
    path = files.write_npz(tmp_path / "walk.npz", files.people(20))
    for file, description in (
        (motion_file(path, camera="front"), DEFAULT),
        (motion_file(path), replace(DEFAULT, space="camera", up="z")),
    ):
        body = read_body(file, description)
        assert (body.space, body.up) == ("camera", "-y")


def test_a_marker_at_the_origin_in_some_frames_is_unknown(tmp_path):
    points = files.people(20)
    points[4:6, 12] = 0
    body = read_body(motion_file(c3d_files.write_c3d(tmp_path / "walk.c3d", points)), DEFAULT)
    assert np.argwhere(np.isnan(body.points).any(-1)).tolist() == [[4, 12], [5, 12]]
    relative = files.people(20) - files.people(20)[:, :1]  # root-relative: the pelvis is always at the origin
    body = read_body(motion_file(files.write_csv(tmp_path / "walk.csv", relative)), DEFAULT)
    assert np.isfinite(body.points).all()


@pytest.mark.parametrize("joints", [{}, {"spine": {"spine": 1.0}}])
def test_a_bone_may_be_at_the_origin(tmp_path, joints):
    """A BVH file has no unknown points, with or without user-defined joints."""
    points = files.people(20)
    points[4] -= points[4, 0]
    body = read_body(motion_file(files.write_bvh(tmp_path / "walk.bvh", points)), replace(DEFAULT, joints=joints))
    assert np.isfinite(body.points).all()


def test_huge_and_infinite_coordinates_are_unknown(tmp_path):
    points = files.people(20)
    points[3, 4], points[5, 6], points[7, 8] = 1.1e9, np.inf, 0.9e9
    body = read_body(motion_file(files.write_npz(tmp_path / "walk.npz", points)), DEFAULT)
    assert np.argwhere(np.isnan(body.points).any(-1)).tolist() == [[3, 4], [5, 6]]


def test_missing_joints_are_reported_with_the_file(tmp_path):
    files.write_csv(tmp_path / "walk.csv", files.people(20)[:, :16], names=files.NAMES[:16])
    with pytest.raises(DataError, match=r"lacks right_wrist"):
        read_body(motion_file(tmp_path / "walk.csv"), DEFAULT)
