"""Finding motion files, with subjects, takes, actions and splits from their paths and the description."""

import pytest

from poseglass.errors import DataError
from poseglass.own.examination import examine_subjects
from poseglass.own.sources import open_source
from samples.studio import add_takes, pixels


def facts(source):
    return [(file.path.name, file.subject, file.take, file.action, file.split) for file in source.files]


def test_the_first_folder_is_the_subject_and_the_rest_is_the_take(tmp_path):
    for name in ("anna/walk 1.csv", "anna/day 2/run-03.C3D", "jump.npy", "anna/notes.txt", "17.bvh"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert facts(open_source(tmp_path)) == [
        ("17.bvh", tmp_path.name, "17", "17", "train"),
        ("run-03.C3D", "anna", "day 2 run-03", "day 2 run", "train"),
        ("walk 1.csv", "anna", "walk 1", "walk", "train"),
        ("jump.npy", tmp_path.name, "jump", "jump", "train"),
    ]


def test_acclaim_files_are_preferred(tmp_path):
    for name in ("a/1.bvh", "b/1.amc"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    assert [file.path.suffix for file in open_source(tmp_path).files] == [".amc", ".bvh"]


def test_the_name_of_a_single_file_is_its_subject(tmp_path):
    (tmp_path / "walk 1.csv").touch()
    (tmp_path / "about.toml").write_text('[splits]\nval = ["walk 1"]')
    source = open_source(tmp_path / "walk 1.csv", about=tmp_path / "about.toml")
    assert facts(source) == [("walk 1.csv", "walk 1", "walk 1", "walk", "val")]
    assert source.described
    assert source.folder == tmp_path


def test_listed_takes_override_their_paths(studio):
    add_takes(studio, pixels(0)[:5])
    text = (studio / "motion.toml").read_text()
    (studio / "motion.toml").write_text(
        text + '[[takes]]\nfile = "ben/run.trc"\n[[takes]]\nfile = "x.trc"\ntake = "1"\n'
    )
    for source in (open_source(studio), open_source(studio / "motion.toml")):
        assert facts(source) == [
            ("walk 1.trc", "anna", "walk 1", "Walking", "train"),
            ("walk 1.trc", "ben", "walk 1", "Walking", "val"),
            ("walk 1.trc", "cleo", "walk 1", "Walking", "test"),
            ("run.trc", "ben", "run", "run", "val"),
            ("x.trc", "studio", "1", "1", "train"),
        ]
        assert source.findings == []


def test_unknown_subjects_in_splits_are_errors(studio):
    text = (studio / "motion.toml").read_text()
    for old, new, message in (
        ('["ben"]', '["bem"]', "splits.val: there is no subject 'bem'; did you mean 'ben'?"),
        ('["ben"]', '["dora"]', "splits.val: there is no subject 'dora'; expected one of anna, ben, cleo"),
    ):
        (studio / "motion.toml").write_text(text.replace(old, new))
        (finding,) = examine_subjects(open_source(studio), ["anna"])
        assert str(finding) == f"error: {studio}, {message}"
    assert examine_subjects(open_source(studio), ["dora"]) == []
    (studio / "motion.toml").write_text(text.replace('["ben"]', '["ben", "cmu_07"]'))
    assert examine_subjects(open_source(studio), []) == []


def test_missing_empty_and_unknown_sources_are_refused(tmp_path):
    with pytest.raises(DataError, match="there is no folder or file"):
        open_source(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"there are no motion files \(\.bvh, \.amc, \.c3d"):
        open_source(tmp_path)
    (tmp_path / "a.fbx").touch()
    with pytest.raises(DataError, match=r"a\.fbx has an unknown format; expected one of \.bvh, \.amc"):
        open_source(tmp_path / "a.fbx")
