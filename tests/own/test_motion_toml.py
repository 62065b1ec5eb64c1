"""Descriptions: the meaning of each key; all mistakes are reported at once."""

import pytest
from numpy.testing import assert_allclose

from poseglass import COCO_17
from poseglass.errors import DataError
from poseglass.own.description import TakeEntry
from poseglass.own.motion_toml import read_description
from poseglass.own.prepare import prepare_clips


@pytest.fixture
def read(tmp_path):
    """Write a description and read it; returns the description and its findings as text."""

    def write_and_read(text: str):
        (tmp_path / "motion.toml").write_text(text)
        description, findings = read_description(tmp_path / "motion.toml")
        return description, [finding.sentence.removeprefix(f"{tmp_path}/") for finding in findings]

    return write_and_read


def test_an_empty_description_has_defaults(read):
    description, findings = read("")
    assert findings == []
    assert (description.dataset, description.unit, description.up, description.fps) == ("own motion", None, None, None)
    assert description.split_of("anyone") == "train"


def test_every_key_sets_its_field(read):
    description, findings = read(
        'dataset = "studio"\nlicence = "ours"\ncredit = "By us."\nunits = "inches"\nup = "-z"\nspace = "camera"\n'
        'fps = 50\nlayout = "coco17"\nskeleton = "coco17"\n'
        '[splits]\nval = ["ben", "cy"]\n[joints]\npelvis = ["A", "B", "B", "C"]\n'
        'spine = "S"\nthorax = { N = 1.5, S = -0.5 }\n[cameras.a]\nsize = [640, 480]\nfocal = 500\n'
        '[[takes]]\nfile = "x.csv"\nsubject = "ben"\ntake = "1"\naction = "run"\nfps = 25\ncamera = "a"\n'
        'cameras = ["a"]\nlayout = "h36m17"\nkeypoints = { a = "x.json" }\n'
    )
    assert findings == []
    assert (description.dataset, description.licence, description.credit) == ("studio", "ours", "By us.")
    assert (description.unit, description.up, description.space, description.fps) == (0.0254, "-z", "camera", 50)
    assert (description.layout, description.names) == ("coco17", COCO_17.joints)
    assert [description.split_of(subject) for subject in ("ben", "cy", "anna")] == ["val", "val", "train"]
    assert description.joints == {
        "pelvis": {"A": 0.25, "B": 0.5, "C": 0.25},
        "spine": {"S": 1},
        "thorax": {"N": 1.5, "S": -0.5},
    }
    assert description.takes == (TakeEntry("x.csv", "ben", "1", "run", "a", ("a",), "h36m17", 25, {"a": "x.json"}),)
    camera = description.cameras["a"]
    assert (camera.size, camera.placed) == ((640, 480), False)
    assert (camera.camera.focal.tolist(), camera.camera.centre.tolist()) == ([500, 500], [320, 240])


def test_units_and_skeleton_may_be_numbers_and_lists(read):
    description, findings = read('units = 0.3\nskeleton = ["hips", "head"]')
    assert findings == []
    assert (description.unit, description.names) == (0.3, ("hips", "head"))


PLACE = "rotation = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]\ntranslation = [0, 1200, 4000]\n"


@pytest.mark.parametrize(
    "place",
    [
        PLACE,
        PLACE.replace("translation = [0, 1200, 4000]", "position = [0, -4000, 1200]"),
        PLACE.replace("[[1, 0, 0], [0, 0, -1], [0, 1, 0]]", "[1.5707963267948966, 0, 0]"),
    ],
)
def test_all_ways_to_place_a_camera_are_equivalent(read, place):
    description, findings = read(f'units = "mm"\n[cameras.a]\nsize = [8, 6]\nfocal = [9, 10]\ncentre = [3, 2]\n{place}')
    assert findings == []
    own = description.cameras["a"]
    assert own.placed
    assert_allclose(own.camera.rotation, [[1, 0, 0], [0, 0, -1], [0, 1, 0]], atol=1e-12)
    assert_allclose(own.camera.position, [0, -4000, 1200], atol=1e-9)
    assert (own.camera.focal.tolist(), own.camera.centre.tolist()) == ([9, 10], [3, 2])


@pytest.mark.parametrize(("given", "k3"), [("[1, 2, 3, 4]", 0), ("[1, 2, 3, 4, 5]", 5)])
def test_distortion_is_in_the_order_of_opencv(read, given, k3):
    description, _ = read(f"[cameras.a]\nsize = [8, 6]\nfocal = [9]\ndistortion = {given}")
    camera = description.cameras["a"].camera
    assert (camera.radial.tolist(), camera.tangential.tolist()) == ([1, 2, k3], [3, 4])
    assert camera.focal.tolist() == [9, 9]


def test_all_mistakes_are_reported_at_once(read, tmp_path):
    _, findings = read(
        'unit = "mm"\nup = "north"\nfps = -3\nskeleton = ["a", "a"]\n'
        '[splits]\nval = ["ben"]\ntest = ["ben"]\ndev = ["x"]\n'
        '[joints]\npelvs = "Hips"\nspine = { a = 0.5, b = 0.4 }\nthorax = 3\n'
        "[cameras.a]\nsize = [1, 2]\n[cameras.b]\nsize = [8, 6]\nfocal = 9\n"
        "rotation = [[1, 0, 0], [0, 1, 0], [0, 0, -1]]\n"
        "position = [0, 0, 0]\n[cameras.c]\nsize = [8, 6]\nfocal = 9\nposition = [0, 0, 0]\n"
        '[[takes]]\nsubject = "x"\n[[takes]]\nfile = "x.csv"\ncamera = "d"\n'
    )
    expected = (
        "motion.toml, unit: there is no such key; did you mean 'units'?",
        "up: expected one of y, -y, z, -z, x, -x, got 'north'",
        "fps: expected a number above 0, got -3",
        "skeleton: expected one of h36m17",
        "splits.test: ben is already in val",
        "splits.dev: there is no such split; the splits are train, val, test",
        "joints.pelvs: there is no such joint; did you mean 'pelvis'?",
        "joints.spine: expected weights that sum to 1, got a sum of 0.9",
        "joints.thorax: expected a name, a list of names",
        "cameras.a: focal is missing",
        "cameras.b.rotation: expected a rotation matrix",
        "cameras.c: expected rotation together with translation or position",
        "take 1: expected a file, got none",
        "take 2: there is no camera 'd'",
    )
    for text in expected:
        assert [finding for finding in findings if text in finding], (text, findings)
    assert len(findings) == len(expected)
    with pytest.raises(DataError, match=r"19 errors in .*; nothing was written:\n  .*\n"):
        prepare_clips(tmp_path, tmp_path / "clips.npz")  # the files and splits are missing too


CAMERA = "[cameras.a]\nsize = [8, 6]\nfocal = 9\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('dataset = ""', 'dataset: expected a text such as "anna"'),
        ("fps = true", "fps: expected a number above 0, got True"),
        ("fps = nan", "fps: expected a number above 0, got nan"),
        (
            "fps = 1000000000000000000000000000000",
            "fps: expected a number above 0, got 1000000000000000000000000000000",
        ),
        ("units = 0", "units: expected a number of metres above 0, or one of m, cm"),
        ('units = "yard"', "units: expected a number of metres above 0, or one of m, cm"),
        ('space = "room"', "space: expected world or camera, got 'room'"),
        ('skeleton = "dog"', "skeleton: expected one of h36m17"),
        ("splits = 3", "splits: expected a table, got 3"),
        ("[splits]\nval = []", 'splits.val: expected a list of subjects such as ["anna"], got []'),
        ("[splits]\nval = [3]", 'splits.val: expected a list of subjects such as ["anna"], got [3]'),
        ("takes = 3", "takes: expected a list of tables, each under [[takes]]"),
        ("takes = [3]", "take 1: expected a table, got 3"),
        ('[[takes]]\nfile = "a"\ncameras = []', 'take 1, cameras: expected a list of names such as ["front"]'),
        ("cameras = { a = 3 }", "cameras.a: expected a table, got 3"),
        ("[joints]\nspine = { a = 0.998 }", "joints.spine: expected weights that sum to 1"),
        ("[joints]\nspine = { a = 1.0, b = 0 }", "joints.spine: expected a name, a list of names"),
        ("[joints]\nspine = []", "joints.spine: expected a name, a list of names"),
        (CAMERA.replace("[8, 6]", "[8, 0]"), "cameras.a.size: expected 2 numbers above 0"),
        (CAMERA.replace("[8, 6]", "[8, 6, 3]"), "cameras.a.size: expected 2 numbers above 0"),
        (CAMERA.replace("9", "0"), "cameras.a.focal: expected 1 or 2 numbers above 0"),
        (CAMERA.replace("9", "[9, 9, 9]"), "cameras.a.focal: expected 1 or 2 numbers above 0"),
        (CAMERA + "distortion = [1, 2, 3]", "cameras.a.distortion: expected 4 or 5 numbers"),
        (CAMERA + "rotation = [1, 2]", "cameras.a.rotation: expected 3 numbers (a rotation vector) or 3 lists of 3"),
        (CAMERA + "rotation = [0, 0, 0]", "cameras.a: expected rotation together with translation or position"),
        (
            CAMERA + "rotation = [0, 0, 0]\nposition = [0, 0, 0]\ntranslation = [0, 0, 0]",
            "cameras.a: expected translation or position, got both",
        ),
        (
            CAMERA + "rotation = [[1.01, 0, 0], [0, 1, 0], [0, 0, 1]]\nposition = [0, 0, 0]",
            "cameras.a.rotation: expected a rotation matrix",
        ),
        (
            CAMERA + "rotation = [0, 0, 0]\nposition = [0, 0, 0]",
            "units: expected the unit of length of the 3D poses and of the cameras' positions, got none",
        ),
        (
            CAMERA + '[[takes]]\nfile = "x"\ncameras = ["a"]\nkeypoints = { b = "x.json" }',
            "take 1, keypoints: keypoints of the camera 'b' do not fit the cameras that saw the take: a",
        ),
        (
            CAMERA + '[[takes]]\nfile = "x"\nkeypoints = { a = 3 }',
            "take 1, keypoints.a: expected a file name, got 3",
        ),
    ],
)
def test_a_mistake_says_what_was_expected(read, text, message):
    _, findings = read(text)
    assert findings[0].startswith(f"motion.toml, {message}"), findings


def test_rounded_numbers_are_accepted(read):
    """For example two thirds with three digits and a rotation matrix with four."""
    _, findings = read(
        'units = "m"\n[joints]\nspine = { a = 0.333, b = 0.6665 }\n'
        "[cameras.a]\nsize = [8, 6]\nfocal = 9\nposition = [0, 0, 0]\n"
        "rotation = [[0.8660, 0.5, 0], [-0.5, 0.8660, 0], [0, 0, 1]]\n"
    )
    assert findings == []


@pytest.mark.parametrize("content", [b"[splits", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_refused(content, tmp_path):
    (tmp_path / "motion.toml").write_bytes(content)
    with pytest.raises(DataError, match="is not TOML"):
        read_description(tmp_path / "motion.toml")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_description(tmp_path / "motion.toml")


def test_correct_entries_are_kept_beside_a_mistake(read):
    description, findings = read('fps = 50\nup = "north"\n[splits]\nval = ["ben"]\n[joints]\nspine = "S"\nthorax = 3')
    assert len(findings) == 2
    assert (description.fps, description.up, description.splits) == (50, None, {"val": ("ben",)})
    assert description.joints == {"spine": {"S": 1}}
