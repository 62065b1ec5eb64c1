"""Own motion from a description to clips and recordings; every mistake is said at once, with its place."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import H36M_17, PoseSequence
from poseglass.body.resample import resample
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.data.recordings.store import Recordings
from poseglass.data.recordings.writer import write_recordings
from poseglass.data.synthetic.people import detections
from poseglass.errors import DataError
from poseglass.own.check import check
from poseglass.own.description import UP, read_description
from poseglass.own.prepare import prepare_clips, prepare_recordings
from samples import motion_files as files

# A camera as OpenCV's calibration gives it, for a world with z up, in millimetres: 4 m off, 1.2 m high, looks along +y.
CAMERA = """
[cameras.front]
size = [1280, 720]
focal = [1000, 1010]
centre = [630, 350]
distortion = [0.1, -0.05, 0.001, -0.002, 0.01]
rotation = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
translation = [0, 1200, 4000]
"""


def z_up(points: np.ndarray) -> np.ndarray:
    """As laboratories have it, from y up."""
    return points[..., [2, 0, 1]]


def seen(point: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """One point of a z-up world, in millimetres, in CAMERA's space and image, written out from the model."""
    x, y, z = point[0], -point[2] + 1200, point[1] + 4000
    a, b = x / z, y / z
    r = a * a + b * b
    k = 1 + 0.1 * r - 0.05 * r**2 + 0.01 * r**3
    u = a * k + 2 * 0.001 * a * b - 0.002 * (r + 2 * a * a)
    v = b * k + 0.001 * (r + 2 * b * b) - 2 * 0.002 * a * b
    return np.array([x, y, z]) / 1000, [1000 * u + 630, 1010 * v + 350]


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    """Three people's takes in millimetres, z up, and keypoints of one of them."""
    folder = tmp_path / "studio"
    for number, who in enumerate(("anna", "ben", "cleo")):
        (folder / who).mkdir(parents=True)
        points = z_up(files.people(seed=number))
        files.write_trc(folder / who / "walk 1.trc", points)
    (folder / "motion.toml").write_text(
        'dataset = "studio"\nlicence = "ours"\nunits = "mm"\nup = "z"\n'
        '[splits]\nval = ["ben"]\ntest = ["cleo"]\n' + CAMERA
    )
    return folder


def listed(studio: Path, keypoints: np.ndarray) -> None:
    """The same, take by take, anna's with keypoints."""
    PoseSequence(keypoints, H36M_17, "pixels", fps=50, size=(1280, 720)).save(studio / "anna 2d.csv")
    text = (studio / "motion.toml").read_text()
    for who in ("anna", "ben", "cleo"):
        text += f'\n[[takes]]\nfile = "{who}/walk 1.trc"\nsubject = "{who}"\naction = "Walking"\n'
        text += 'keypoints = { front = "anna 2d.csv" }\n' if who == "anna" else ""
    (studio / "motion.toml").write_text(text)


def pixels(number: int) -> np.ndarray:
    points = z_up(files.people(seed=number)) * 1000
    return np.array([[seen(joint)[1] for joint in frame] for frame in points])


def said(report: object) -> list[str]:
    return [line for line in str(report).splitlines() if line.startswith(("error", "warning"))]


def test_clips_with_splits(studio, tmp_path):
    done = prepare_clips(studio, tmp_path / "clips.npz")
    assert done.odd == []
    clips = MotionClips.load(tmp_path / "clips.npz")
    assert [(c.name, c.subject, c.split, c.licence) for c in clips] == [
        ("anna_walk_1", "anna", "train", "ours"),
        ("ben_walk_1", "ben", "val", "ours"),
        ("cleo_walk_1", "cleo", "test", "ours"),
    ]
    expected = resample(PoseSequence(files.people(seed=0), H36M_17, "world", fps=50), 60)
    assert_allclose(clips.clips[0].points, expected.points, atol=1e-5)
    assert said(check(tmp_path / "clips.npz")) == []


def test_recordings_of_an_own_camera(studio, tmp_path):
    listed(studio, detections(np.random.default_rng(0), pixels(0)))
    done = prepare_recordings(studio, tmp_path / "prepared")
    recordings = Recordings.open(tmp_path / "prepared", verify=True)
    assert [(r.name, r.action, r.splits, r.sources) for r in recordings] == [
        ("anna walk 1, camera front", "Walking", ("train",), ("gt", "detected")),
        ("ben walk 1, camera front", "Walking", ("val",), ("gt",)),
        ("cleo walk 1, camera front", "Walking", ("test",), ("gt",)),
    ]
    assert (recordings.dataset, recordings.licence) == ("studio", "ours")
    (ben,) = recordings.split(splits=["val"])
    points = z_up(files.people(seed=1)) * 1000
    for frame in (0, 37, 89):
        for joint in range(17):
            place, pixel = seen(points[frame, joint])
            assert_allclose(ben.points3d[frame, joint], place, atol=1e-5)
            assert_allclose(ben.points2d()[frame, joint], pixel, atol=1e-2)
    assert "detected: " in str(done)
    assert said(check(tmp_path / "prepared")) == []
    assert said(check(studio)) == []
    with pytest.raises(DataError, match=r"has no split dev; there are train \(anna\), val \(ben\), test \(cleo\)"):
        recordings.split(splits=["dev"])
    with pytest.raises(DataError, match="is there already"):
        prepare_recordings(studio, tmp_path / "prepared")


def test_rotation_vectors_and_positions_say_the_same(studio, tmp_path):
    prepare_recordings(studio, tmp_path / "a")
    text = (studio / "motion.toml").read_text()
    text = text.replace("[[1, 0, 0], [0, 0, -1], [0, 1, 0]]", "[1.5707963267948966, 0, 0]")
    (studio / "motion.toml").write_text(text.replace("translation = [0, 1200, 4000]", "position = [0, -4000, 1200]"))
    prepare_recordings(studio, tmp_path / "b")
    one, other = Recordings.open(tmp_path / "a"), Recordings.open(tmp_path / "b")
    assert_allclose(one[0].points2d(), other[0].points2d(), atol=1e-3)


def test_keypoints_that_do_not_fit(studio, tmp_path):
    listed(studio, pixels(0)[:, H36M_17.mirror])  # left and right exchanged
    (line, _) = said(check(studio))
    assert "anna/walk 1.trc, camera front" in line
    assert "left and right are exchanged in them" in line
    for points, words in ((pixels(2), "pixels from the projected 3D"), (pixels(0)[:50], "2D keypoints of 50 frames")):
        listed_again = PoseSequence(points, H36M_17, "pixels", fps=50, size=(1280, 720))
        listed_again.save(studio / "anna 2d.csv")
        with pytest.raises(DataError, match=words):
            prepare_recordings(studio, tmp_path / "out")
        assert not (tmp_path / "out").exists()


def test_takes_that_some_cameras_saw(studio, tmp_path):
    text = (studio / "motion.toml").read_text() + CAMERA.replace("front", "side").replace(
        "[0, 1200, 4000]", "[0, 1200, 5000]"
    )
    text += '[[takes]]\nfile = "anna/walk 1.trc"\n[[takes]]\nfile = "ben/walk 1.trc"\ncameras = ["side"]\n'
    text += '[[takes]]\nfile = "cleo/walk 1.trc"\ncameras = ["front", "side"]\n'
    (studio / "motion.toml").write_text(text)
    prepare_recordings(studio, tmp_path / "out")
    recordings = Recordings.open(tmp_path / "out")
    assert [(r.subject, r.camera) for r in recordings] == [
        *(("anna", "front"), ("anna", "side"), ("ben", "side"), ("cleo", "front"), ("cleo", "side"))
    ]
    assert [entry["file"] for entry in recordings.made["from"]] == ["motion.toml", *["walk 1.trc"] * 3]
    (studio / "motion.toml").write_text(text + 'keypoints = { back = "a.json", front = 3 }\n')
    lines = said(check(studio))
    assert any("take 3, keypoints: the take was not seen by 'back' but by front, side" in line for line in lines)
    assert any("take 3: there is no camera 'back'; there are front, side" in line for line in lines)
    assert any("take 3, keypoints.front: the name of a file is expected, got 3" in line for line in lines)


def test_cameras_that_see_nobody(studio):
    text = (studio / "motion.toml").read_text()
    (studio / "motion.toml").write_text(text.replace("[0, 1200, 4000]", "[0, 1200, -4000]"))
    assert all("in no frame is everything before the camera" in line for line in said(check(studio))[:3])
    (studio / "motion.toml").write_text(text.replace("[0, 1200, 4000]", "[0, 9200, 4000]"))
    assert all("no joint is ever inside the image" in line for line in said(check(studio))[:3])
    (studio / "motion.toml").write_text(text.replace("1280, 720", "1280, 340"))
    lines = said(check(studio))
    assert len(lines) == 3
    assert all("of the joints are outside the image" in line for line in lines)


def test_camera_space(tmp_path):
    points = files.people() * [1, -1, -1] + [0, 0, 5]
    files.write_npz(tmp_path / "walk.npz", points)
    (tmp_path / "motion.toml").write_text(
        'space = "camera"\nunits = "m"\n[cameras.phone]\nsize = [1080, 1920]\nfocal = 1500\n'
        '[[takes]]\nfile = "walk.npz"\nsubject = "me"\ncamera = "phone"\n'
    )
    prepare_recordings(tmp_path, tmp_path / "out")
    (recording,) = Recordings.open(tmp_path / "out")
    assert_allclose(recording.points3d, points, atol=1e-6)
    assert_allclose(recording.points2d(), 1500 * points[..., :2] / points[..., 2:] + [540, 960], atol=1e-3)
    made = prepare_clips(tmp_path, tmp_path / "clips.npz")
    assert_allclose(made.clips.clips[0].points[0], files.people()[0] - [0, 0, 5], atol=1e-5)


@pytest.mark.parametrize("up", UP)
@pytest.mark.parametrize("said_", [True, False])
def test_any_axis_may_be_up_and_is_found_out(up, said_, tmp_path):
    turn = np.array(UP[up], float)
    assert np.linalg.det(turn) == 1
    points = files.people()
    files.write_csv(tmp_path / "walk.csv", 100 * points @ turn)  # the inverse of points @ turn.T
    (tmp_path / "about.toml").write_text(f'units = "cm"\nup = "{up}"' if said_ else "")
    done = prepare_clips(tmp_path / "walk.csv", tmp_path / "clips.npz", about=tmp_path / "about.toml")
    assert_allclose(done.clips.clips[0].points[::6], points[::5], atol=1e-4)
    assert str(done.found) == ("" if said_ else f'nobody says units = "cm", up = "{up}": found out from the bodies')


def test_what_cannot_be_found_out_is_asked_for(tmp_path):
    files.write_csv(tmp_path / "walk.csv", files.people() * 39.37)
    with pytest.raises(DataError, match=r"nobody says the unit of length.*units = 0\.02"):
        prepare_clips(tmp_path / "walk.csv", tmp_path / "clips.npz")
    slanted = files.people() @ np.linalg.qr([[1.0, 1, 0], [1, -1, 1], [0.0, 1, 2]])[0]
    files.write_csv(tmp_path / "walk.csv", slanted)
    with pytest.raises(DataError, match="nobody says which axis points up"):
        prepare_clips(tmp_path / "walk.csv", tmp_path / "clips.npz")


@pytest.mark.parametrize("write", ["write_trc", "write_c3d", "write_csv", "write_bvh", "write_npz"])
def test_every_format_gives_the_same_clip(write, tmp_path):
    points = files.people()
    suffix = "." + write.removeprefix("write_")
    getattr(files, write)(tmp_path / f"walk{suffix}", points)
    done = prepare_clips(tmp_path / f"walk{suffix}", tmp_path / "clips.npz")
    assert_allclose(done.clips.clips[0].points[::6], points[::5], atol=2e-5)


def test_lost_markers_at_the_origin_are_not_known(tmp_path):
    points = files.people(100)
    points[40:45, 12] = 0
    files.write_c3d(tmp_path / "walk.c3d", points)
    (line, _) = said(check(tmp_path / "walk.c3d"))
    assert "walk.c3d, frame 40, left_elbow: joints are unknown in 5 of 100 frames" in line
    assert len(prepare_clips(tmp_path / "walk.c3d", tmp_path / "clips.npz").clips) == 2
    relative = points - points[:, :1]  # as lifted motion: the pelvis is always there
    files.write_csv(tmp_path / "walk.csv", relative[:40])
    assert said(check(tmp_path / "walk.csv"))[0].endswith("under [splits] in motion.toml")


def test_gaps_glitches_and_uneven_time(tmp_path):
    points = files.people(200)
    points[50:60, 4] = np.nan
    points[120:] += [2.0, 0, 0]
    files.write_csv(tmp_path / "walk.csv", points)
    done = prepare_clips(tmp_path / "walk.csv", tmp_path / "clips.npz")
    assert [clip.name for clip in done.clips] == ["walk_walk_p0", "walk_walk_p1", "walk_walk_p2"]
    for clip, rows in zip(done.clips, (49, 59, 79), strict=True):
        assert abs(len(clip.points) - rows * 60 / 50) < 3
        assert np.isfinite(clip.points).all()
    even = files.people(91)
    times = np.arange(91) / 50
    times[1:-1] += np.random.default_rng(0).uniform(-0.004, 0.004, 89)
    moved = np.stack([np.interp(times, np.arange(91) / 50, axis) for axis in even.reshape(91, -1).T], -1)
    np.savez(tmp_path / "a.npz", points=moved.reshape(91, 17, 3), joints=files.NAMES, timestamps=times, fps=50)
    done = prepare_clips(tmp_path / "a.npz", tmp_path / "clips.npz")
    assert any("time stamps are uneven" in str(problem) for problem in done.odd)
    assert_allclose(done.clips.clips[0].points[::6], even[::5], atol=0.01)


def test_all_mistakes_of_a_description_are_said_at_once(tmp_path):
    (tmp_path / "motion.toml").write_text(
        'unit = "mm"\nup = "north"\nfps = -3\nskeleton = ["a", "a"]\n'
        '[splits]\nval = ["ben"]\ntest = ["ben"]\ndev = ["x"]\n'
        '[joints]\npelvs = "Hips"\nspine = { a = 0.5, b = 0.4 }\nthorax = 3\n'
        "[cameras.a]\nsize = [1, 2]\n[cameras.b]\nsize = [8, 6]\nfocal = 9\n"
        "rotation = [[1, 0, 0], [0, 1, 0], [0, 0, -1]]\n"
        "position = [0, 0, 0]\n[cameras.c]\nsize = [8, 6]\nfocal = 9\nposition = [0, 0, 0]\n"
        '[[takes]]\nsubject = "x"\n[[takes]]\nfile = "x.csv"\ncamera = "d"\n'
    )
    problems = [str(problem).removeprefix("error: ") for problem in read_description(tmp_path / "motion.toml")[1]]
    for words in (
        "motion.toml, unit: there is no such key; is 'units' meant?",
        "up: one of y, -y, z, -z, x, -x is expected, got 'north'",
        "fps: a number above 0 is expected, got -3",
        "skeleton: one of h36m17",
        "splits.test: ben is in val already",
        "splits.dev: there is no such split; there are train, val, test",
        "joints.pelvs: there is no such joint; is 'pelvis' meant?",
        "joints.spine: the weights must sum to 1, got 0.9",
        "joints.thorax: a name, a list of names",
        "cameras.a: focal is missing",
        "cameras.b.rotation: the matrix is no rotation",
        "cameras.c: where it stands is rotation and one of translation and position",
        "take 1: it names no file",
        "take 2: there is no camera 'd'",
    ):
        assert [problem for problem in problems if words in problem], (words, problems)
    assert len(problems) == 14
    with pytest.raises(DataError, match=r"1\d errors in .*; nothing was written:\n  .*\n"):
        prepare_clips(tmp_path, tmp_path / "clips.npz")
    for text, words in (("[splits", "is no TOML"), (b"\xff\xfe", "is no TOML")):
        (tmp_path / "motion.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(DataError, match=words):
            read_description(tmp_path / "motion.toml")


def test_empty_splits_and_unknown_subjects_are_refused(studio, tmp_path):
    text = (studio / "motion.toml").read_text()
    (studio / "motion.toml").write_text(text.replace('["ben"]', '["bem"]'))
    with pytest.raises(DataError) as error:
        prepare_clips(studio, tmp_path / "clips.npz")
    assert "splits.val: there is no subject 'bem'; is 'ben' meant?" in str(error.value)
    assert "split val: nothing of its subjects bem could be used" in str(error.value)
    (studio / "motion.toml").write_text(text.replace('["ben"]', '["ben"]\ntrain = ["anna", "dora"]'))
    with pytest.raises(DataError, match=r"splits\.train: there is no subject 'dora'; there are anna, ben, cleo"):
        prepare_clips(studio, tmp_path / "clips.npz")
    assert not (tmp_path / "clips.npz").exists()


def test_a_folder_without_a_description_leaves_out_what_is_broken(studio, tmp_path):
    (studio / "motion.toml").unlink()
    (studio / "anna" / "notes.csv").write_text("a,b\n1,2\n")
    (studio / "anna" / "again.trc").write_bytes((studio / "anna" / "walk 1.trc").read_bytes())
    done = prepare_clips(studio, tmp_path / "clips.npz")
    assert [clip.subject for clip in done.clips] == ["anna", "anna", "ben", "cleo"]
    assert [path.name for path in done.skipped] == ["notes.csv"]
    texts = [str(problem) for problem in done.odd]
    assert any("it is the same motion as" in text for text in texts)
    assert any("split val: no take is in it, which training needs" in text for text in texts)


def test_check_says_everything_of_every_take(studio):
    points = z_up(files.people(seed=1))
    files.write_trc(studio / "ben" / "walk 1.trc", points, unit="mm")
    text = (studio / "ben" / "walk 1.trc").read_text()
    (studio / "ben" / "walk 1.trc").write_text(
        text.replace("\t50\t50\t", "\t5000\t50\t", 1).replace("50\t50\t90", "5000\t50\t90")
    )
    files.write_c3d(studio / "anna" / "turn.c3d", points[:, H36M_17.mirror])
    files.write_csv(studio / "cleo" / "big.csv", points * 25)
    (studio / "cleo" / "cut.c3d").write_bytes(b"\2\120")
    (studio / "anna" / "same.trc").write_bytes((studio / "cleo" / "walk 1.trc").read_bytes())
    report = check(studio)
    lines = said(report)
    for words in (
        "ben/walk 1.trc: 5000 frames per second cannot be right",
        "anna/turn.c3d: knees bend backward",
        "cleo/big.csv: a leg is",
        "cleo/cut.c3d: cannot be read as C3D",
        "cleo/walk 1.trc: it is the same motion as",
        "another split (train)",
        "split val: nothing of its subjects ben could be used",
        "split test: nothing of its subjects cleo could be used",
    ):
        assert [line for line in lines if words in line], (words, lines)
    assert report.errors == 7
    assert str(report).endswith("studio: 7 takes of motion; 7 errors, 0 warnings")


def test_check_of_clips(tmp_path):
    points = files.people().astype(np.float32)
    clips = (
        MotionClip("a", points, "anna", "train"),
        MotionClip("b", points, "anna", "val"),
        MotionClip("c", points * 1000, "ben", "val"),
    )
    MotionClips(clips, 60.0, "").save(tmp_path / "clips.npz")
    lines = said(check(tmp_path / "clips.npz"))
    assert any("clip b, split val: its subject anna is in the split train too" in line for line in lines)
    assert any("clip c: a leg is" in line and "millimetres" in line for line in lines)
    assert any("clip b: it begins as the clip a does" in line for line in lines)
    whole = (tmp_path / "clips.npz").read_bytes()
    (tmp_path / "clips.npz").write_bytes(whole[: len(whole) // 2])
    assert check(tmp_path / "clips.npz").errors == 1


def test_check_of_recordings(tmp_path):
    points = files.people() * [1, -1, -1] + [0, 0, 5]
    flat = 1000 * points[..., :2] / points[..., 2:] + 500
    who = {"action": "Walking", "camera": "0", "fps": 50, "size": (1000, 1000)}
    with write_recordings(tmp_path / "out", skeleton="h36m17", dataset="mine", sources=["gt"]) as writer:
        writer.add(subject="anna", take="1", points3d=points, points2d={"gt": flat}, split="train", **who)
        writer.add(subject="anna", take="2", points3d=points, points2d={"gt": flat[::-1]}, split="val", **who)
        writer.add(subject="ben", take="1", points3d=points * 1000, points2d={"gt": flat}, split="val", **who)
    lines = said(check(tmp_path / "out"))
    assert any("anna 2, camera 0, gt: 2D poses are" in line for line in lines)
    assert any("ben 1, camera 0: a leg is" in line for line in lines)
    assert any("the subject is in several splits: train, val" in line for line in lines)
    with (tmp_path / "out" / "points3d.npy").open("r+b") as file:
        file.seek(-4, 2)
        file.write(b"\0\0\0\0")
    (line,) = said(check(tmp_path / "out"))
    assert line.startswith(f"error: {tmp_path / 'out'}: points3d.npy changed since it was written"), "its place once"


def test_a_split_is_kept_and_data_without_keeps_its_fingerprint(tmp_path):
    made = {}
    for name, more in (("plain", {}), ("empty", {"split": ""}), ("split", {"split": "val"})):
        with write_recordings(tmp_path / name, skeleton="h36m17", dataset="mine", sources=["gt"]) as writer:
            who = {"subject": "anna", "action": "a", "take": "1", "camera": "0", "fps": 50, "size": (10, 10)}
            writer.add(points3d=np.zeros((3, 17, 3)), points2d={"gt": np.zeros((3, 17, 2))}, **who, **more)
        made[name] = Recordings.open(tmp_path / name)
    assert made["plain"].fingerprint == made["empty"].fingerprint != made["split"].fingerprint
    assert [made[name][0].splits for name in made] == [(), (), ("val",)]
    with pytest.raises(DataError, match="has no split val; there are none"):
        made["plain"].split(splits=["val"])
