"""The unit and the upward axis: stated, inferred from the bodies, or refused where bodies do not show them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.body.geometry import UP
from poseglass.errors import DataError
from poseglass.mocap.rotations import vector_rotations
from poseglass.own import conventions as module
from poseglass.own.conventions import Conventions, find_conventions
from poseglass.own.description import MotionDescription
from poseglass.own.prepare import prepare_clips
from poseglass.own.sources import open_source
from samples import motion_files as files


@pytest.mark.parametrize("up", UP)
@pytest.mark.parametrize("stated", [True, False])
def test_any_axis_may_be_up(up, stated, tmp_path):
    rotation = np.array(UP[up], float)
    assert np.linalg.det(rotation) == 1
    assert_allclose(rotation @ {"x": [1, 0, 0], "y": [0, 1, 0], "z": [0, 0, 1]}[up[-1]], [0, -1 if "-" in up else 1, 0])
    points = files.people()
    files.write_csv(tmp_path / "walk.csv", 100 * points @ rotation)  # the inverse of points @ rotation.T
    (tmp_path / "about.toml").write_text(f'units = "cm"\nup = "{up}"' if stated else "")
    prepared = prepare_clips(tmp_path / "walk.csv", tmp_path / "clips.npz", about=tmp_path / "about.toml")
    assert_allclose(prepared.clips.clips[0].points[::6], points[::5], atol=1e-4)
    assert prepared.conventions == (Conventions() if stated else Conventions("cm", up))


def test_a_size_that_is_not_human_is_refused_with_a_proposal(tmp_path):
    files.write_csv(tmp_path / "walk.csv", files.people() * 39.37)
    with pytest.raises(DataError, match=r"not stated, and a leg of .*units = 0\.02.*; units = \"in\" would fit"):
        find_conventions(open_source(tmp_path))


def test_a_slanted_body_is_refused(tmp_path):
    """The nearest axis must be within 45 degrees of the trunk: a cosine of 0.7."""
    for cosine in (0.74, 0.66):
        up = np.array([np.sqrt((1 - cosine**2) / 2), cosine, np.sqrt((1 - cosine**2) / 2)])
        points = files.people()
        mean = (points[:, 8] - points[:, 0]).mean(0)
        axis = np.cross(mean / np.linalg.norm(mean), up)
        rotation = vector_rotations(axis / np.linalg.norm(axis) * np.arcsin(np.linalg.norm(axis)))
        files.write_csv(tmp_path / "walk.csv", points @ rotation.T)
        if cosine > 0.7:
            assert find_conventions(open_source(tmp_path)).up == "y"
        else:
            with pytest.raises(
                DataError, match="the axis that points up is not stated, and the bodies do not stand along any"
            ):
                find_conventions(open_source(tmp_path))


def test_one_lying_person_does_not_mislead(tmp_path):
    for number in range(4):
        points = files.people(seed=number)
        files.write_csv(tmp_path / f"walk {number}.csv", points[..., [1, 0, 2]] * [1, -1, 1] if number == 1 else points)
    assert find_conventions(open_source(tmp_path)) == Conventions("m", "y")


def test_at_most_50_files_are_read(tmp_path, monkeypatch):
    for number in range(101):
        (tmp_path / f"{number:03}.csv").touch()
    names = []
    monkeypatch.setattr(
        module, "read_bodies", lambda file, _: names.append(file.path.stem) or (_ for _ in ()).throw(DataError)
    )
    assert find_conventions(open_source(tmp_path)) == Conventions()
    assert names == [f"{number:03}" for number in range(0, 101, 3)]


def test_stated_conventions_override_inferred_ones():
    detected, stated = Conventions("cm", "-z"), MotionDescription(unit=0.001, up="x")
    assert (detected.unit_of(stated), detected.up_of(stated)) == (0.001, "x")
    assert (detected.unit_of(MotionDescription()), detected.up_of(MotionDescription())) == (0.01, "-z")
    assert (Conventions().unit_of(MotionDescription()), Conventions().up_of(MotionDescription())) == (1.0, "y")
    assert str(detected) == 'found from the bodies, because not stated: units = "cm", up = "-z"'
    assert str(Conventions()) == ""
