"""Keypoint files of other tools: cut from real ones, written as their descriptions say, and broken in many ways."""

import json
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import BLAZEPOSE_33, BODY_25, COCO_17, H36M_17, HALPE_26, PoseSequence
from poseglass.errors import FormatError
from poseglass.keypoints import COCO_18, FORMATS, LAYOUTS, read_keypoints
from poseglass.people.following import DetectedPerson, main_person

DATA = Path(__file__).parents[1] / "samples"
SIZE = (640, 480)


def person(joints: int, *, x: float = 100, y: float = 100, height: float = 200, score: float = 0.9) -> np.ndarray:
    """Joints scattered over a person's box: rows of x, y, score."""
    spread = np.random.default_rng(joints).uniform(0, 1, (joints, 2))
    return np.concatenate([spread * [height / 3, height] + [x, y], np.full((joints, 1), score)], 1).round(3)


def write(path: Path, data: object) -> Path:
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def coco(frames: dict[int, list[np.ndarray]], **more: object) -> list[dict[str, object]]:
    return [
        {"image_id": frame, "category_id": 1, "keypoints": joints.reshape(-1).tolist(), "score": 0.9, **more}
        for frame, crowd in frames.items()
        for joints in crowd
    ]


# ---------------------------------------------------------------- real files


def test_alphapose():
    path = DATA / "alphapose_halpe26.json"
    entries = json.loads(path.read_text())
    poses = read_keypoints(path, size=(360, 640), fps=25)
    assert (poses.skeleton, poses.space, poses.rate, poses.size) == (HALPE_26, "pixels", 25, (360, 640))
    assert len(poses) == 16  # images 136 to 151, one of which shows two people
    assert poses.validity.all()
    strongest: dict[str, dict] = {}
    for entry in entries:
        strongest[entry["image_id"]] = max(entry, strongest.get(entry["image_id"], entry), key=lambda e: e["score"])
    for row, frame in enumerate(range(136, 152)):
        expected = np.reshape(strongest[f"{frame}.jpg"]["keypoints"], (26, 3))
        assert_allclose(poses.points[row], expected[:, :2], atol=1e-3)
    assert poses.confidence.max() <= 1


def test_alphapose_frames_without_a_person_become_invalid_rows(tmp_path):
    entries = json.loads((DATA / "alphapose_halpe26.json").read_text())
    kept = [entry for entry in entries if entry["image_id"] not in ("140.jpg", "141.jpg")]
    whole = read_keypoints(DATA / "alphapose_halpe26.json")
    poses = read_keypoints(write(tmp_path / "a.json", kept))
    assert np.flatnonzero(~poses.validity).tolist() == [4, 5]
    assert np.isnan(poses.points[4:6]).all()
    assert not poses.confidence[4:6].any()
    assert_allclose(poses.points[6:], whole.points[6:])  # nothing moved in time


def test_movenet_joints_are_read_by_name(tmp_path):
    path = DATA / "movenet_coco17_named.json"
    frames = json.loads(path.read_text())
    poses = read_keypoints(path, size=(576, 576), fps=30)
    assert poses.skeleton == COCO_17
    assert len(poses) == len(frames)
    point = frames[7]["left_knee"]
    assert_allclose(poses.joint("left_knee")[7], [point["x"], point["y"]], atol=1e-3)
    turned = [dict(reversed(frame.items())) for frame in frames]
    assert_allclose(read_keypoints(write(tmp_path / "turned.json", turned)).points, poses.points)


def test_blazepose_depth_is_no_score():
    path = DATA / "blazepose33_pixels.json"
    poses = read_keypoints(path, size=(720, 1280), fps=5)
    assert poses.skeleton == BLAZEPOSE_33
    assert_allclose(poses.points, np.array(json.loads(path.read_text()))[..., :2], atol=1e-3)
    assert (poses.confidence == 1).all()


def test_metres_are_not_pixels():
    with pytest.raises(FormatError, match=r"pixels are expected, but x runs from -0\.\d+ to 0\.\d+"):
        read_keypoints(DATA / "blazepose33_world.json")


def test_gast_needs_a_layout():
    path = DATA / "gast_coco17.json"
    with pytest.raises(
        FormatError, match="does not say which joints its 17 are; pass --layout h36m17 or --layout coco"
    ):
        read_keypoints(path)
    poses = read_keypoints(path, layout="coco17")
    first = json.loads(path.read_text())["data"][0]["skeleton"][0]
    assert len(poses) == 24
    assert_allclose(poses.points[0], first["pose"], atol=1e-3)
    assert_allclose(poses.confidence[0], np.ravel(first["score"]), atol=1e-6)


# ---------------------------------------------------------------- formats by their descriptions


def test_coco_results(tmp_path):
    frames = {3: [person(17)], 4: [], 6: [person(17, x=110)]}
    poses = read_keypoints(write(tmp_path / "results.json", coco(frames)), size=SIZE)
    assert poses.skeleton == COCO_17  # the format says so
    assert poses.validity.tolist() == [True, False, False, True]
    assert_allclose(poses.points[3], frames[6][0][:, :2], atol=1e-3)
    other = read_keypoints(tmp_path / "results.json", layout="h36m17")
    assert other.skeleton == H36M_17


def mmpose(frames: dict[int, list[np.ndarray]]) -> list[dict[str, object]]:
    return [
        {
            "frame_id": frame,
            "instances": [
                {"keypoints": p[:, :2].tolist(), "keypoint_scores": p[:, 2].tolist(), "bbox": [[0, 0, 9, 9]]}
                for p in crowd
            ],
        }
        for frame, crowd in frames.items()
    ]


def test_mmpose_with_a_head_is_read_by_name(tmp_path):
    order = np.random.default_rng(1).permutation(17)
    meta = {"dataset_name": "mine", "keypoint_id2name": {str(n): COCO_17.joints[i] for n, i in enumerate(order)}}
    truth = person(17)
    data = {"meta_info": meta, "instance_info": mmpose({1: [truth[order]], 2: [], 3: [truth[order]]})}
    poses = read_keypoints(write(tmp_path / "p.json", data))
    assert poses.skeleton == COCO_17
    assert poses.validity.tolist() == [True, False, True]
    assert_allclose(poses.points[0], truth[:, :2], atol=1e-3)
    assert_allclose(poses.confidence[2], truth[:, 2])


def test_mmpose_without_a_head_needs_a_layout(tmp_path):
    path = write(tmp_path / "p.json", mmpose({0: [person(17)]}))
    with pytest.raises(FormatError, match=r"instance 0: the file does not say which joints its 17 are"):
        read_keypoints(path)
    assert read_keypoints(path, layout="coco17").skeleton == COCO_17


def test_tfjs_poses(tmp_path):
    def pose(x: float) -> dict[str, object]:
        rows = zip(COCO_17.joints, person(17, x=x), strict=True)
        return {"score": 0.8, "keypoints": [{"name": n, "x": p[0], "y": p[1], "score": p[2]} for n, p in rows]}

    poses = read_keypoints(write(tmp_path / "p.json", [[], [pose(100)], [pose(104), pose(400)]]))
    assert poses.validity.tolist() == [False, True, True]
    assert_allclose(poses.points[2], person(17, x=104)[:, :2], atol=1e-3)


@pytest.mark.parametrize(("joints", "skeleton"), [(25, BODY_25), (18, COCO_18)])
def test_openpose(tmp_path, joints, skeleton):
    for frame, crowd in {
        12: [person(joints)],
        13: [],
        15: [person(joints, x=105), person(joints, x=400, height=90)],
    }.items():
        people = [{"person_id": [-1], "pose_keypoints_2d": p.reshape(-1).tolist()} for p in crowd]
        write(tmp_path / f"clip_2_{frame:012d}_keypoints.json", {"version": 1.3, "people": people})
    write(tmp_path / "settings.json", {"not": "a frame"})
    poses = read_keypoints(tmp_path, size=SIZE)
    assert poses.skeleton == skeleton
    assert poses.validity.tolist() == [True, False, False, True]
    assert_allclose(poses.points[3], person(joints, x=105)[:, :2], atol=1e-3)


def test_openpose_joints_that_were_not_found(tmp_path):
    joints = person(25)
    joints[4] = 0
    write(tmp_path / "a_0_keypoints.json", {"people": [{"pose_keypoints_2d": joints.reshape(-1).tolist()}]})
    poses = read_keypoints(tmp_path)
    assert poses.confidence[0, 4] == 0
    assert (np.delete(poses.confidence[0], 4) > 0).all()


def test_coco18_is_a_body():
    assert len(COCO_18) == 18
    assert dict(COCO_18.bones)["left_elbow"] == "left_shoulder"
    assert COCO_18.parents.count(-1) == 1  # all hangs on the neck


@pytest.mark.parametrize("suffix", [".npz", ".json", ".csv"])
def test_what_a_pose_sequence_saves_comes_back(tmp_path, suffix):
    points = np.stack([person(26, x=100 + n)[:, :2] for n in range(9)])
    valid = np.arange(9) != 4
    points[4] = np.nan
    scores = np.random.default_rng(0).uniform(0.1, 1, (9, 26)).round(3)
    saved = PoseSequence(points, HALPE_26, "pixels", fps=24, scores=scores, valid=valid, size=SIZE)
    poses = read_keypoints(saved.save(tmp_path / f"walk{suffix}"))
    assert poses.skeleton == HALPE_26
    assert poses.rate == pytest.approx(24, rel=1e-4)
    assert poses.validity.tolist() == valid.tolist()
    assert_allclose(poses.points, saved.points, rtol=1e-4)
    assert_allclose(poses.confidence, saved.confidence, atol=1e-6)


def test_timestamps_of_our_own_files_stay(tmp_path):
    times = np.array([0, 0.04, 0.1])
    points = np.repeat(person(17)[None, :, :2], 3, 0)
    path = PoseSequence(points, COCO_17, "pixels", timestamps=times).save(tmp_path / "walk.npz")
    assert_allclose(read_keypoints(path).times, times)
    assert_allclose(read_keypoints(path, fps=10).times, [0, 0.1, 0.2])


def test_lifted_motion_is_no_keypoint_file(tmp_path):
    motion = PoseSequence(np.zeros((3, 17, 3)), H36M_17, "camera")
    with pytest.raises(FormatError, match="2D poses in pixels are expected, but these are in camera space"):
        read_keypoints(motion.save(tmp_path / "motion.npz"))
    with pytest.raises(FormatError, match="the table is three-dimensional"):
        read_keypoints(motion.save(tmp_path / "motion.csv"))


def test_plain_arrays(tmp_path):
    table = np.stack([person(17, x=100 + n) for n in range(5)])
    table[2] = np.nan
    np.save(tmp_path / "a.npy", table)
    np.savez(tmp_path / "a.npz", keypoints=table[..., :2], scores=table[..., 2], layout="coco17", fps=50, size=SIZE)
    for poses in (read_keypoints(tmp_path / "a.npy", layout="coco17"), read_keypoints(tmp_path / "a.npz")):
        assert_allclose(poses.points, table[..., :2], rtol=1e-6)
        assert poses.validity.tolist() == [True, True, False, True, True]
        assert poses.confidence[0, 0] == pytest.approx(0.9)
    assert (poses.rate, poses.size) == (50, SIZE)
    np.save(tmp_path / "deep.npy", table + np.array([0, 0, 40]))
    with pytest.raises(FormatError, match=r"must be its score from 0 to 1, but runs from 40\.9 to 40\.9"):
        read_keypoints(tmp_path / "deep.npy", layout="coco17")
    np.savez(tmp_path / "two.npz", a=table, b=table)
    with pytest.raises(
        FormatError, match=r"several arrays fit; call the one to read 'keypoints'; there are: a \(5, 17"
    ):
        read_keypoints(tmp_path / "two.npz", layout="coco17")


# ---------------------------------------------------------------- pickles


def videopose(path: Path, videos: object, **metadata: object) -> Path:
    np.savez(path, positions_2d=np.array(videos, dtype=object), metadata=np.array(metadata, dtype=object))
    return path


@pytest.mark.parametrize("dtype", ["float32", ">f8", "int16"])
def test_videopose3d(tmp_path, dtype):
    table = np.stack([person(17, x=100 + n)[:, :2] for n in range(4)]).astype(dtype)
    sizes = {"walk.mp4": {"w": np.int64(640), "h": 480}}
    more = {"layout_name": "coco", "num_joints": 17, "keypoints_symmetry": [[1, 3], [2, 4]], "video_metadata": sizes}
    poses = read_keypoints(videopose(tmp_path / "data_2d_custom.npz", {"walk.mp4": {"custom": [table]}}, **more))
    assert (poses.skeleton, poses.size) == (COCO_17, SIZE)
    assert_allclose(poses.points, table.astype(float), rtol=1e-6)
    with pytest.raises(FormatError, match=r"must hold one video, got 2 \(a, b\)"):
        read_keypoints(videopose(tmp_path / "two.npz", {"a": {}, "b": {}}, **more))
    with pytest.raises(FormatError, match="does not say which joints its 17 are"):
        read_keypoints(videopose(tmp_path / "nameless.npz", {"a": {"custom": [table]}}))


class Trap:
    def __reduce__(self):
        return (Path.touch, (Path("trapped"),))


def test_no_pickle_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    videopose(tmp_path / "evil.npz", {"a": {"custom": [Trap()]}})
    with pytest.raises(FormatError, match=r"positions_2d: the pickle asks for \S+\.\S+, which is refused"):
        read_keypoints("evil.npz", layout="coco17")
    np.savez(tmp_path / "plain.npz", keypoints=np.array([Trap()], dtype=object))
    with pytest.raises(FormatError, match="cannot read the arrays"):
        read_keypoints("plain.npz", layout="coco17")
    (tmp_path / "evil.npy").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(FormatError, match="cannot read the array"):
        read_keypoints("evil.npy", layout="coco17")
    assert not (tmp_path / "trapped").exists()
    pickle.loads(pickle.dumps(Trap()))  # which would have sprung
    assert (tmp_path / "trapped").exists()


# ---------------------------------------------------------------- whom to follow


def test_the_main_person_is_followed_past_a_bystander(tmp_path):
    frames = {}
    for n in range(30):
        crowd = [person(17, x=50 + 8 * n, height=220), person(17, x=330 - 3 * n, height=120)]
        frames[n] = crowd[::-1] if n % 3 else crowd  # the order says nothing
    frames[12] = frames[12][1:] if 12 % 3 == 0 else frames[12][:1]  # for one frame only the bystander is seen
    poses = read_keypoints(write(tmp_path / "r.json", coco(frames)))
    assert np.flatnonzero(~poses.validity).tolist() == [12]
    for n in set(range(30)) - {12}:
        assert_allclose(poses.points[n], person(17, x=50 + 8 * n, height=220)[:, :2], atol=1e-3)


def test_a_person_whose_number_changes_is_not_lost(tmp_path):
    entries = []
    for n in range(20):
        entries += coco({n: [person(17, x=100 + n)]}, idx=[[1.0 if n < 8 else 7.0], 0.0])
        entries += coco({n: [person(17, x=400, height=80)]}, idx=2)
    poses = read_keypoints(write(tmp_path / "r.json", entries), layout="coco17")
    assert poses.validity.all()
    assert_allclose(poses.points[:, 0, 0], person(17)[0, 0] + np.arange(20), atol=1e-2)


def test_after_a_long_gap_the_person_is_found_elsewhere():
    def at(x: float) -> list[DetectedPerson]:
        joints = person(17, x=x)
        return [DetectedPerson(joints[:, :2], joints[:, 2])]

    frames = {n: at(100) for n in range(10)} | {n: at(500) for n in range(40, 50)} | {10: at(100) * 2}
    assert sorted(main_person(frames)) == [*range(11), *range(40, 50)]


# ---------------------------------------------------------------- numbers that cannot be


def test_points_that_cannot_be_get_no_score(tmp_path):
    joints = person(17)
    bad = [[np.nan, 5, 0.9], [np.inf, 5, 0.9], [-1, 5, 0.9], [5, -1, 0.9], [641, 5, 0.9], [5, 481, 0.9], [5, 5, np.nan]]
    joints[: len(bad)] = bad
    path = write(tmp_path / "r.json", coco({0: [joints]}))
    poses = read_keypoints(path, size=SIZE)
    assert (poses.confidence[0, : len(bad)] == 0).all()
    assert_allclose(poses.confidence[0, len(bad) :], 0.9)
    assert np.isnan(poses.points[0, :2]).all()
    assert_allclose(poses.points[0, 2:6], joints[2:6, :2])
    assert (read_keypoints(path).confidence[0, 4:6] > 0).all()  # without a size nothing is beyond the image


def test_scores_are_cut_to_one(tmp_path):
    poses = read_keypoints(write(tmp_path / "r.json", coco({0: [person(17, score=1.7)], 1: [person(17, score=0.4)]})))
    assert_allclose(poses.confidence[:, 0], [1, 0.4])


def test_shares_of_the_image_are_refused(tmp_path):
    joints = person(17)
    joints[:, :2] /= SIZE
    with pytest.raises(FormatError, match="multiply x by its width and y by its height"):
        read_keypoints(write(tmp_path / "r.json", coco({0: [joints]})), size=SIZE)


def test_a_wrong_size_is_refused():
    path = DATA / "movenet_coco17_named.json"
    with pytest.raises(FormatError, match=r"far outside an image of 200 x 200: x runs from \d+ to \d+ and y from \d+"):
        read_keypoints(path, size=(200, 200))
    with pytest.raises(FormatError, match=r"size must be \(width, height\)"):
        read_keypoints(path, size=(0, 200))


# ---------------------------------------------------------------- wrong and broken files


def test_the_wrong_layout_is_refused_with_the_right_one():
    with pytest.raises(FormatError, match="26 joints are given but coco17 has 17; pass --layout halpe26"):
        read_keypoints(DATA / "alphapose_halpe26.json", layout="coco17")
    with pytest.raises(
        FormatError, match="17 joints are given but halpe26 has 26; pass --layout h36m17 or --layout coco"
    ):
        read_keypoints(DATA / "gast_coco17.json", layout="halpe26")
    with pytest.raises(FormatError, match=r"halpe26 needs head_top, neck, .* which the file does not name"):
        read_keypoints(DATA / "movenet_coco17_named.json", layout="halpe26")
    with pytest.raises(FormatError, match="no layout is called 'coco19'; there are h36m17, coco17"):
        read_keypoints(DATA / "gast_coco17.json", layout="coco19")


ENTRY = {"image_id": 0, "keypoints": person(17).reshape(-1).tolist()}
BROKEN = {
    "truncated": ('[{"image_id": 0, "keypoints": [1, 2', "is not whole JSON: .* at line 1, column"),
    "empty": ("", "is not whole JSON"),
    "empty list": ([], "nobody is seen in any frame"),
    "empty frames": ([[], [], {}], "nobody is seen in any frame"),
    "no data": ({"data": []}, "nobody is seen in any frame"),
    "no instances": ([{"frame_id": 0, "instances": []}], "nobody is seen in any frame"),
    "nobody": ({"people": []}, "nobody is seen in any frame"),
    "number": (3, "not a keypoint file that can be read; the formats are poseglass, openpose"),
    "other object": ({"a": 1}, "not a keypoint file"),
    "strings": (["a"], "not a keypoint file"),
    "deep": ("[" * 100_000, "nests lists deeper"),
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
        "instance 0: keypoint_scores must be 17 scores, one a joint, got 1",
    ),
    "frame is a word": ([{"nose": {"x": 1, "y": 2}}, "none"], "frame 1 must be an object of joints, got 'none'"),
    "point is a number": ([{"nose": {"x": 1, "y": 2}, "neck": 3}], "frame 0: joint 'neck' must have a name, x and y"),
    "too few names": ([{"nose": {"x": 10, "y": 20}}], "the joints nose do not cover any known layout"),
    "ragged": ([[[1, 2], [3]]], "frame 0 must hold numbers only, in rows of one length"),
    "uneven": ([[[9, 9]] * 17, [[9, 9]] * 18], "every frame must have the same joints"),
    "odd pose": ({"data": [{"frame_index": 1, "skeleton": [{"pose": [1, 2, 3]}]}]}, "must be pairs of x and y"),
    "all null": ([{**ENTRY, "keypoints": [None] * 51}], None),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_json_says_where(tmp_path, kind):
    data, message = BROKEN[kind]
    path = write(tmp_path / "broken.json", data)
    layout = None if kind in ("changing joints", "too few names", "mixed items") else "coco17"
    if message is None:  # nothing known, but a row all the same
        assert not read_keypoints(path).confidence.any()
        return
    with pytest.raises(FormatError, match=message) as caught:
        read_keypoints(path, layout=layout)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the table has no rows"),
        ("a,b\n1,2\n", "must name columns such as nose_x"),
        ("nose_x,nose_y\n1\n", "line 2 has 1 cells, the first line 2"),
        ("nose_x,nose_y\n1,2\n1,up\n", "line 3: could not convert string to float: 'up'"),
        ("frame,nose_x,nose_y\n0,1,2\n", "the joints nose do not cover any known layout"),
    ],
)
def test_broken_tables_say_where(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(FormatError, match=message):
        read_keypoints(tmp_path / "t.csv")


def test_tables_with_frame_numbers_keep_their_gaps(tmp_path):
    header = ",".join(["frame", *(f"{joint}_{axis}" for joint in COCO_17.joints for axis in "xy")])
    row = ",".join(f"{value:g}" for value in person(17)[:, :2].reshape(-1))
    (tmp_path / "t.csv").write_text(f"{header}\n10,{row}\n13,{row}\n")
    assert read_keypoints(tmp_path / "t.csv").validity.tolist() == [True, False, False, True]
    (tmp_path / "t.csv").write_text(f"{header}\n10,{row}\n10,{row}\n")
    with pytest.raises(FormatError, match="line 3: frame 10 is there twice"):
        read_keypoints(tmp_path / "t.csv")


def mutate(value: object, generator: random.Random) -> object:
    """The value with one thing in it replaced or left out."""
    if isinstance(value, list | dict) and value and generator.random() < 0.9:
        key = generator.choice(list(value) if isinstance(value, dict) else range(min(len(value), 4)))
        copy = value.copy()
        if generator.random() < 0.15:
            del copy[key]
        else:
            copy[key] = mutate(value[key], generator)
        return copy
    return generator.choice([None, -1, 1e400, 10**400, 0.5, True, "", "x", "7", [], [[]], {}, [1, 2], {"x": 1}, [{}]])


@pytest.mark.parametrize("name", ["alphapose_halpe26", "movenet_coco17_named", "blazepose33_pixels", "gast_coco17"])
def test_whatever_is_wrong_is_a_format_error(tmp_path, name):
    data = json.loads((DATA / f"{name}.json").read_text())
    data = {"data": data["data"][:3]} if isinstance(data, dict) else data[:3]
    generator = random.Random(0)
    refused = 0
    for _ in range(80):
        path = write(tmp_path / "mutant.json", mutate(data, generator))
        try:
            poses = read_keypoints(path, layout=generator.choice([None, "coco17", "halpe26"]))
        except FormatError:
            refused += 1
        else:
            assert np.isfinite(poses.confidence).all()
    assert refused > 10


def test_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(FormatError, match="there is no file"):
        read_keypoints(tmp_path / "nothing.json")
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(FormatError, match=r"not a whole \.npz archive"):
        read_keypoints(tmp_path / "a.npz")
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="not text in UTF-8"):
        read_keypoints(tmp_path / "b.json")
    with pytest.raises(FormatError, match="not a keypoint file that can be read"):
        read_keypoints(tmp_path)  # a folder of other things
    (tmp_path / "c.mp4").write_bytes(b"")
    with pytest.raises(FormatError, match="not a keypoint file that can be read"):
        read_keypoints(tmp_path / "c.mp4")


def test_the_table_of_formats_and_layouts():
    assert next(iter(FORMATS)) == "poseglass"  # the particular before the general
    assert list(FORMATS).index("alphapose") < list(FORMATS).index("coco")
    assert list(FORMATS).index("videopose3d") < list(FORMATS).index("array")
    assert LAYOUTS["coco18"] is COCO_18
