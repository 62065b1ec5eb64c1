"""Examining files: poses in metres with y up, and findings about each file and split."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.own.conventions import Conventions, find_conventions
from poseglass.own.examination import examine_files, examine_splits
from poseglass.own.sources import open_source
from samples import c3d_files
from samples import motion_files as files
from samples.studio import z_up


def examine(folder, conventions=None):
    source = open_source(folder)
    conventions = find_conventions(source) if conventions is None else conventions
    return [
        (file.subject, body, [str(f) for f in findings]) for file, body, findings in examine_files(source, conventions)
    ]


def test_bodies_are_in_metres_with_y_up(studio):
    for seed, (_, body, findings) in enumerate(examine(studio)):
        assert findings == []
        assert_allclose(body.points, files.people(seed=seed), atol=1e-5)
        assert (body.unit, body.up, body.space) == (1.0, "y", "world")


def test_camera_space_stays_camera_space(tmp_path):
    points = files.people() * [1, -1, -1] + [0, 0, 5]
    files.write_npz(tmp_path / "walk.npz", 1000 * points)
    (tmp_path / "motion.toml").write_text('space = "camera"')
    ((_, body, findings),) = examine(tmp_path)
    assert findings == []
    assert_allclose(body.points, points, atol=1e-6)
    assert body.up == "-y"


def test_a_damaged_file_is_an_error_and_the_others_are_read(studio):
    (studio / "ben" / "walk 1.trc").write_text("x")
    results = examine(studio)
    assert [body is None for _, body, _ in results] == [False, True, False]
    assert "ben/walk 1.trc: is not a TRC file" in results[1][2][0]


def test_a_take_in_two_files_is_an_error(studio):
    c3d_files.write_c3d(studio / "anna" / "walk 1.c3d", z_up(files.people(seed=7)))
    bad = [(subject, findings) for subject, body, findings in examine(studio) if body is None]
    assert len(bad) == 1
    assert "the take walk 1 of anna was already read from another file" in bad[0][1][0]


def test_an_unknown_unit_or_axis_is_an_error(studio):
    (studio / "motion.toml").unlink()
    for conventions in (Conventions(unit="mm"), Conventions()):
        for _, body, findings in examine(studio, conventions):
            assert body is None
            assert "the unit of length or the axis that points up is unknown; set both in motion.toml" in findings[0]
    assert all(body is not None for _, body, _ in examine(studio, Conventions(up="z")))  # TRC files state their unit


@pytest.mark.parametrize(("target", "severity"), [("anna", "warning"), ("ben", "error")])
def test_repeated_motion_is_a_warning_within_a_split_and_an_error_across_splits(studio, target, severity):
    (studio / target / "again.trc").write_bytes((studio / "anna" / "walk 1.trc").read_bytes())
    (text,) = [text for _, _, findings in examine(studio) for text in findings]
    assert text.startswith(severity)
    assert "the motion is the same as in" in text
    assert ("which is in another split" in text) == (severity == "error")


def test_a_wrong_rate_does_not_hide_a_wrong_unit(tmp_path):
    files.write_csv(tmp_path / "walk.csv", 25 * files.people(), fps=5000)
    (tmp_path / "motion.toml").write_text('units = "m"\nup = "y"')
    ((_, _, findings),) = examine(tmp_path)
    assert any("5000 frames per second cannot be right" in text for text in findings)
    assert any("a leg is" in text for text in findings)


def test_a_take_without_a_rate_is_examined_at_30_frames_per_second(tmp_path):
    """The limit is 25 m/s: steps of 0.8 m are 24 m/s, steps of 0.9 m are 27 m/s."""
    for step, jumps in ((0.8, False), (0.9, True)):
        np.save(
            tmp_path / "walk.npy", np.repeat(files.people(1), 5, 0) + step * np.arange(5)[:, None, None] * [1, 0, 0]
        )
        (tmp_path / "motion.toml").write_text('units = "m"\nup = "y"\nskeleton = "h36m17"')
        ((_, _, findings),) = examine(tmp_path)
        assert any("the frame rate is unknown" in text for text in findings)
        assert any("the joint moves at 27" in text for text in findings) == jumps


def test_an_empty_split_is_an_error_if_it_is_named_and_else_a_warning(studio):
    source = open_source(studio)
    assert examine_splits(source, ["train", "val", "test"]) == []
    (finding,) = examine_splits(source, ["train", "test"])
    assert str(finding) == f"error: {studio}, split val: no take of its subjects ben could be used"
    (studio / "motion.toml").unlink()
    findings = [str(finding) for finding in examine_splits(open_source(studio), [])]
    assert len(findings) == 2  # a test split is optional
    for split, text in zip(("train", "val"), findings, strict=True):
        assert text.startswith(f"warning: {studio}, split {split}: training needs it, but it has no takes")
        assert text.endswith("list its subjects in [splits] in motion.toml")
