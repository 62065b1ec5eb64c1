"""Reading any keypoint file: who is who, damaged files are refused, formats are in the table."""

import json
import random
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import COCO_17
from poseglass.errors import FormatError
from poseglass.keypoints import FORMATS, alphapose, read_keypoints, read_people
from poseglass.keypoints.file import KeypointFile
from poseglass.keypoints.frames import one_person, span
from poseglass.people.detection import DetectedPerson
from samples.keypoint_files import SAMPLES, coco, person, write


def test_the_main_person_is_followed_past_a_bystander(tmp_path):
    frames = {}
    for n in range(30):
        crowd = [person(17, x=50 + 8 * n, height=220), person(17, x=330 - 3 * n, height=120)]
        frames[n] = crowd[::-1] if n % 3 else crowd  # in varying order
    frames[12] = frames[12][1:]  # this frame has only the bystander
    poses = read_keypoints(write(tmp_path / "r.json", coco(frames)))
    assert np.flatnonzero(~poses.validity).tolist() == [12]
    for n in set(range(30)) - {12}:
        assert_allclose(poses.points[n], person(17, x=50 + 8 * n, height=220)[:, :2], atol=1e-3)


def test_a_person_is_followed_when_their_index_changes(tmp_path):
    entries = []
    for n in range(20):
        entries += coco({n: [person(17, x=100 + n)]}, idx=[[1.0 if n < 8 else 7.0], 0.0])
        entries += coco({n: [person(17, x=400, height=80)]}, idx=2)
    poses = read_keypoints(write(tmp_path / "r.json", entries), layout="coco17")
    assert poses.validity.all()
    assert_allclose(poses.points[:, 0, 0], person(17)[0, 0] + np.arange(20), atol=1e-2)


@pytest.mark.parametrize("ids", [(None, None), (0, 0), (3, [[7.0]])], ids=["no ids", "0 for everybody", "ids"])
def test_everybody_in_a_file_is_read_on_one_clock(tmp_path, ids):
    entries = []
    for n in range(30):
        crowd = [(person(17, x=100 + 4 * n, height=220), ids[0]), (person(17, x=500 - 4 * n, height=120), ids[1])]
        for joints, idx in crowd[: 2 if n < 20 else 1][:: -1 if n % 3 else 1]:
            entries += coco({n: [joints]}, **({} if idx is None else {"idx": idx}))
    people = read_people(write(tmp_path / "r.json", entries), fps=25, layout="coco17")
    assert [poses.person for poses in people] == [1, 2]
    assert [len(poses) for poses in people] == [30, 30]
    assert [int(poses.validity.sum()) for poses in people] == [30, 20]
    assert [poses.rate for poses in people] == [25, 25]
    for poses, place in zip(people, ([100, 4, 220], [500, -4, 120]), strict=True):
        for n in np.flatnonzero(poses.validity):
            expected = person(17, x=place[0] + place[1] * n, height=place[2])
            assert_allclose(poses.points[n], expected[:, :2], atol=1e-3)
    assert_allclose(people[0].points, read_keypoints(tmp_path / "r.json", fps=25, layout="coco17").points)


def test_a_single_person_has_no_number(tmp_path):
    (poses,) = read_people(write(tmp_path / "r.json", coco({n: [person(17)] for n in range(9)})))
    assert poses.person is None


def test_one_who_leaves_and_another_who_enters_are_two(tmp_path):
    entries = [entry for n in range(8) for entry in coco({n: [person(17, x=100)]}, idx=1)]
    entries += [entry for n in range(10, 20) for entry in coco({n: [person(17, x=770)]}, idx=2)]
    people = read_people(write(tmp_path / "r.json", entries), layout="coco17")
    assert [np.flatnonzero(poses.validity).tolist() for poses in people] == [[*range(10, 20)], [*range(8)]]


ENTRY = {"image_id": 0, "keypoints": person(17).reshape(-1).tolist()}
BROKEN = {
    "truncated": ('[{"image_id": 0, "keypoints": [1, 2', "is not valid JSON: .* at line 1, column"),
    "empty": ("", "is not valid JSON"),
    "empty list": ([], "no frame shows a person"),
    "empty frames": ([[], [], {}], "no frame shows a person"),
    "no data": ({"data": []}, "no frame shows a person"),
    "no instances": ([{"frame_id": 0, "instances": []}], "no frame shows a person"),
    "nobody": ({"people": []}, "no frame shows a person"),
    "number": (3, "not a keypoint file: expected one of the formats poseglass, openpose"),
    "other object": ({"a": 1}, "not a keypoint file"),
    "strings": (["a"], "not a keypoint file"),
    "deep": ("[" * 100_000, "nests lists more deeply"),
    "mixed items": ([ENTRY, 3], "the list of results, item 1 must be an object, got 3"),
    "no keypoints": ([ENTRY, {"image_id": 1}], r"entry 1 \(image 1\) lacks keypoints"),
    "words": ([ENTRY, {"image_id": 1, "keypoints": ["a"] * 51}], r"entry 1 \(image 1\): keypoints must hold numbers"),
    "odd length": ([{"image_id": 1, "keypoints": [1.0] * 50}], r"entry 0 .* got an array of shape \(50,\)"),
    "changing joints": ([ENTRY, {"image_id": 1, "keypoints": [9] * 54}], "18 joints are given but coco17 has 17"),
    "unnumbered": ([{**ENTRY, "image_id": "walk.jpg"}], "'walk.jpg', which has no frame number in it"),
    "half frame": ([{**ENTRY, "image_id": 0.5}], "image_id must be a whole number, got 0.5"),
    "two videos": (
        [{**ENTRY, "image_id": "a/1.jpg"}, {**ENTRY, "image_id": "b/1.jpg"}],
        "'a/1.jpg' is frame 1 too; these are images of several videos",
    ),
    "scattered": ([ENTRY, {**ENTRY, "image_id": 397133}], "these are not the frames of one video"),
    "bad idx": ([{**ENTRY, "idx": "first"}], "idx must be a whole number, got 'first'"),
    "no frame id": ([{"instances": []}], "item 0 lacks frame_id"),
    "few scores": (
        [{"frame_id": 0, "instances": [{"keypoints": [[9, 9]] * 17, "keypoint_scores": [1.0]}]}],
        "instance 0: keypoint_scores must be 17 scores, one per joint, got 1",
    ),
    "frame is a word": ([{"nose": {"x": 1, "y": 2}}, "none"], "frame 1 must be an object of joints, got 'none'"),
    "point is a number": ([{"nose": {"x": 1, "y": 2}, "neck": 3}], "frame 0: joint 'neck' must have a name, x and y"),
    "too few names": ([{"nose": {"x": 10, "y": 20}}], "the joints nose do not cover any known layout"),
    "ragged": ([[[1, 2], [3]]], "frame 0 must hold numbers only, in rows of equal length"),
    "one joint": ([[[9, 9]]], "1 joints are given but coco17 has 17"),
    "uneven": ([[[9, 9]] * 17, [[9, 9]] * 18], "every frame must have the same joints"),
    "odd pose": ({"data": [{"frame_index": 1, "skeleton": [{"pose": [1, 2, 3]}]}]}, "must be pairs of x and y"),
    "all null": ([{**ENTRY, "keypoints": [None] * 51}], None),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_errors_name_the_location_in_the_file(tmp_path, kind):
    data, message = BROKEN[kind]
    path = write(tmp_path / "broken.json", data)
    layout = None if kind in ("changing joints", "too few names", "mixed items") else "coco17"
    if message is None:  # a row without known joints
        assert not read_keypoints(path).confidence.any()
        return
    with pytest.raises(FormatError, match=message) as caught:
        read_keypoints(path, layout=layout)
    assert str(path) in str(caught.value)


def mutate(value: object, generator: random.Random) -> object:
    """A copy of the value with one part replaced or removed."""
    if isinstance(value, list | dict) and value and generator.random() < 0.9:
        key = generator.choice(list(value) if isinstance(value, dict) else range(min(len(value), 4)))
        copy = value.copy()
        if generator.random() < 0.15:
            del copy[key]
        else:
            copy[key] = mutate(value[key], generator)
        return copy
    return generator.choice([None, -1, 1e400, 10**400, 0.5, True, "", "x", "7", [], [[]], {}, [1, 2], {"x": 1}, [{}]])


FLAT = person(17).reshape(-1).tolist()
COLUMNS = dict(zip(("x", "y", "visible"), person(17).T.tolist(), strict=True))
INTACT = {
    "annotations": {
        "images": [{"id": n, "file_name": f"{n}.jpg", "width": 640, "height": 480} for n in range(2)],
        "categories": [{"id": 1, "keypoints": list(COCO_17.joints)}],
        "annotations": [{"image_id": n, "keypoints": FLAT, "track_id": 1} for n in range(2)],
    },
    "mmpose": [
        {"frame_id": n, "instances": [{"keypoints": [[9, 9]] * 17, "keypoint_scores": [1] * 17}]} for n in (0, 1)
    ],
    "ultralytics": [[{"name": "person", "track_id": 1, "keypoints": COLUMNS}]] * 2,
    "openpose": [{"people": [{"person_id": [1], "pose_keypoints_2d": FLAT}], "canvas_width": 9, "canvas_height": 9}]
    * 2,
    **dict.fromkeys(("alphapose_halpe26", "movenet_coco17_named", "blazepose33_pixels", "gast_coco17")),
}


@pytest.mark.parametrize("name", INTACT)
def test_damaged_files_raise_format_errors_only(tmp_path, name):
    data = INTACT[name] or json.loads((SAMPLES / f"{name}.json").read_text())
    data = {"data": data["data"][:3]} if "data" in data else data[:3] if isinstance(data, list) else data
    generator = random.Random(0)
    refused = 0
    for _ in range(80 if INTACT[name] is None else 40):
        path = write(tmp_path / "mutant.json", mutate(data, generator))
        try:
            poses = read_keypoints(path, layout=generator.choice([None, "coco17", "halpe26"]))
        except FormatError:
            refused += 1
        else:
            assert np.isfinite(poses.confidence).all()
    assert refused > 10


def test_files_that_cannot_be_opened_are_refused(tmp_path):
    with pytest.raises(FormatError, match="there is no file"):
        read_keypoints(tmp_path / "nothing.json")
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(FormatError, match=r"not a complete \.npz archive"):
        read_keypoints(tmp_path / "a.npz")
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="is not UTF-8 text"):
        read_keypoints(tmp_path / "b.json")
    with pytest.raises(FormatError, match=r"not a keypoint file: expected a folder of OpenPose"):
        read_keypoints(tmp_path)
    (tmp_path / "c.mp4").write_bytes(b"")
    with pytest.raises(FormatError, match="not a keypoint file: expected one of the formats"):
        read_keypoints(tmp_path / "c.mp4")


def test_particular_formats_come_before_general_ones():
    assert next(iter(FORMATS)) == "poseglass"
    assert list(FORMATS).index("alphapose") < list(FORMATS).index("coco")
    for name in ("videopose3d", "detectron2", "reconstruction"):
        assert list(FORMATS).index(name) < list(FORMATS).index("array")
    assert list(FORMATS).index("deeplabcut") < list(FORMATS).index("table")
    assert list(FORMATS).index("ultralytics") < list(FORMATS).index("named") < list(FORMATS).index("nested")


def test_the_documentation_lists_every_format():
    page = (Path(__file__).parents[2] / "docs" / "keypoints.md").read_text()
    rows = [f"| `{name}` | {kind.file} | {kind.layout} |" for name, kind in FORMATS.items()]
    assert "\n".join(rows) in page


@pytest.mark.parametrize(("last", "refused"), [(9_999, False), (10_000, True)])
def test_frame_numbers_may_span_ten_thousand_frames(last, refused):
    detection = DetectedPerson(person(17)[:, :2], person(17)[:, 2])
    with pytest.raises(FormatError, match="these are not the frames of one video") if refused else nullcontext():
        assert span({0: [detection], last: [detection]}) == (0, last)


@pytest.mark.parametrize(("last", "refused"), [(20_099, False), (20_100, True)])
def test_frame_numbers_may_span_a_hundred_frames_per_frame_with_people(last, refused):
    detection = DetectedPerson(person(17)[:, :2], person(17)[:, 2])
    frames = {n: [detection, detection] for n in (*range(200), last)} | {300: []}
    with pytest.raises(FormatError, match="201 frames with people lie between") if refused else nullcontext():
        assert span(frames) == (0, last)


def test_a_frame_shows_the_person_if_a_joint_is_known():
    points = np.ones((4, 17, 2))
    points[0, 1:] = np.nan  # one joint is known
    points[1] = np.nan
    points[2, ..., 1] = np.nan  # no joint is known in x and y
    people = one_person(points, np.ones((4, 17)), COCO_17)
    assert [len(people.frames[frame]) for frame in range(4)] == [1, 0, 0, 1]
    assert people.start == 0


def test_people_keep_no_more_than_their_joints(tmp_path):
    """Ten hours at 30 frames per second are a million frames, so a kilobyte per frame is a gigabyte."""
    file = KeypointFile(write(tmp_path / "r.json", coco({n: [person(136)] for n in range(3)}, idx=1)))
    people = [detection for crowd in alphapose.read(file, None).frames.values() for detection in crowd]
    for detection in people:
        assert detection.points.base is detection.scores.base is None  # copies, not parts of what was parsed
        assert detection.points.nbytes + detection.scores.nbytes == 26 * 3 * 4
    assert not file.object  # a list is not kept


@pytest.mark.parametrize("score", [np.nan, np.inf])
def test_a_score_that_is_not_finite_does_not_decide_who_is_prominent(tmp_path, score):
    small, large = person(17, x=900), person(17) * [4, 4, 1]
    crowd = np.stack([np.stack([small, large])] * 9)  # f p j 3
    crowd[:, 0 if np.isinf(score) else 1, 3, 2] = score
    np.savez(tmp_path / "a.npz", keypoints=crowd, layout="coco17", fps=30)
    first, _ = read_people(tmp_path / "a.npz")
    assert_allclose(first.points[0], large[:, :2], atol=1e-3)
