"""The command line from end to end, as a user meets it who gets things right, and one who does not."""

import json
import os
import pickle
import re
import resource
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import SIZE, Run, Said, make_walk
from oracle import published
from poseglass import BODY_25, COCO_17, H36M_17, PoseSequence, __version__
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.detect.fake import FakeDetector
from poseglass.detect.fetch import detector_model
from poseglass.errors import DetectorError
from poseglass.keypoints import read_keypoints
from poseglass.models import Card
from poseglass.weights import files as weights

pytest.importorskip("av")
from poseglass.video.reading import VideoReader
from poseglass.video.writing import VideoWriter

DATA = Path(__file__).parents[1] / "samples"
HALPE = DATA / "alphapose_halpe26.json"
SCRIPT = Path(sys.executable).with_name("poseglass")
COMMAND = [str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-m", "poseglass"]


def refused(said: Said, *words: str, code: int = 1) -> None:
    """The command failed with one clear message and nothing else."""
    assert said.code == code, said.err
    assert said.out == ""
    assert "Traceback" not in said.err
    lines = [line for line in said.err.splitlines() if line.strip()]
    if code == 1:
        assert len(lines) == 1, "one message, of one line"
        assert lines[0].startswith("error: ")
    message = " ".join(lines)
    for word in words:
        assert word in message


def well(said: Said) -> None:
    assert said.code == 0, said.err
    assert "error" not in said.err
    assert "arning" not in said.err


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def openpose(folder: Path) -> Path:
    """The Halpe sample as OpenPose writes it: a folder of files with BODY_25 in them."""
    poses = read_keypoints(HALPE)
    folder.mkdir()
    for frame in range(len(poses)):
        joints = np.zeros((len(BODY_25), 3))
        for place, joint in enumerate(BODY_25.joints):
            if joint in poses.skeleton.joints and poses.validity[frame]:
                joints[place] = [*poses.joint(joint)[frame], poses.confidence[frame, poses.skeleton.index(joint)]]
        record = {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": joints.ravel().tolist()}]}
        (folder / f"walk_{frame:012d}_keypoints.json").write_text(json.dumps(record))
    return folder


def film(path: Path, frames: int = 12, noise: bool = False) -> Path:
    """A small video with nobody in it."""
    generator = np.random.default_rng(0)
    with VideoWriter(path, fps=30, size=(SIZE[0] // 8, SIZE[1] // 8)) as video:
        for frame in range(frames):
            image = np.full((SIZE[1] // 8, SIZE[0] // 8, 3), 10 * (frame % 20), np.uint8)
            video.write(generator.integers(0, 255, image.shape, np.uint8) if noise else image)
    return path


def someone(frames: int = 90) -> PoseSequence:
    """Somebody walks through such a video; nobody is there in the frames 40 to 44."""
    pose2d = make_walk(frames).pose2d
    assert pose2d is not None
    return PoseSequence(pose2d.points / 8, H36M_17, "pixels", valid=pose2d.validity, size=(SIZE[0] // 8, SIZE[1] // 8))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of MediaPipe, a detector that sees a walk."""
    monkeypatch.setattr("poseglass.detect.mediapipe.MediaPipeDetector", lambda model: FakeDetector(someone()))


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of MediaPipe, a detector that sees nobody."""
    nobody = PoseSequence(np.full((1, 17, 2), np.nan), COCO_17, "pixels")
    monkeypatch.setattr("poseglass.detect.mediapipe.MediaPipeDetector", lambda model: FakeDetector(nobody))


class TestHelp:
    def test_help_is_quick_and_light(self) -> None:
        code = (
            "import sys\nfrom poseglass.commands.app import main\ntry: main(['--help'])\nexcept SystemExit as end:\n"
            "  assert not end.code\nprint({'torch', 'numpy', 'av', 'cv2', 'mediapipe', 'PIL'} & set(sys.modules))"
        )
        seconds = []
        for _ in range(3):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            # Not the clock's time, which depends on what else the machine does.
            seconds.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        assert run.stdout.endswith("set()\n"), "nothing heavy is imported"
        assert all(command in run.stdout for command in ("lift", "evaluate", "reproduce", "bench", "train", "data"))
        assert min(seconds) < 1

    def test_the_version_through_the_real_command(self) -> None:
        run = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
        assert (run.stdout, run.stderr) == (f"poseglass {__version__}\n", "")

    @pytest.mark.parametrize(
        "command",
        [
            *[(), ("lift",), ("train",), ("evaluate",), ("reproduce",), ("bench",)],
            *[("data",), ("data", "mocap"), ("data", "check")],
        ],
    )
    def test_every_command_has_help(self, poseglass: Run, command: tuple[str, ...]) -> None:
        said = poseglass(*command, "--help")
        well(said)
        assert "Usage: poseglass" in said.out
        assert poseglass(*command, "-h").out == said.out

    @pytest.mark.parametrize(
        ("command", "word"),
        [
            (("lift",), "source"),
            (("lfit", "walk.mp4"), "lfit"),
            (("lift", "walk.mp4", "--quick"), "--quick"),
            (("lift", "a.mp4", "b.mp4"), "b.mp4"),
            (("evaluate",), "model"),
            (("reproduce", "h36m"), "--data"),
            (("train", "recipe.toml"), "--out"),
            (("data", "mocap", "folder"), "out"),
        ],
    )
    def test_wrong_command_lines(self, poseglass: Run, command: tuple[str, ...], word: str) -> None:
        refused(poseglass(*command), word, "Try 'poseglass", code=2)


class TestKeypoints:
    """Real samples of every kind."""

    LENGTHS = (
        (("hip", "knee"), 0.25, 0.6),
        (("knee", "ankle"), 0.25, 0.7),
        (("shoulder", "elbow"), 0.15, 0.45),
        (("elbow", "wrist"), 0.12, 0.42),
    )

    def human(self, motion: PoseSequence) -> None:
        assert (motion.skeleton, motion.space, motion.units) == (H36M_17, "camera", "metres")
        assert np.isfinite(motion.points).all()
        assert not motion.joint("pelvis").any(), "the root is the origin"
        for (upper, lower), shortest, longest in self.LENGTHS:
            sides = [motion.joint(f"{side}_{lower}") - motion.joint(f"{side}_{upper}") for side in ("left", "right")]
            length = np.linalg.norm(sides, axis=-1).mean()
            assert shortest < length < longest, f"{upper} to {lower}: {length} m"
        assert 0.35 < np.linalg.norm(motion.joint("thorax"), axis=-1).mean() < 0.7
        # Camera space: y is down. These people stand, walk or dance; nobody stands on their head.
        assert motion.joint("thorax")[:, 1].mean() < -0.3
        assert (motion.joint("left_ankle") + motion.joint("right_ankle"))[:, 1].mean() > 0.6

    @pytest.mark.parametrize(
        ("sample", "options", "skeleton", "frames"),
        [
            ("alphapose_halpe26", ["--layout", "halpe26", "--size", "1920x1080", "--fps", 30], "halpe26", 16),
            ("alphapose_halpe26", [], "halpe26", 16),
            ("movenet_coco17_named", ["--fps", 60], "coco17", 24),
            ("movenet_coco17_named", ["--flip", "--fps", 12], "coco17", 24),
            ("blazepose33_pixels", ["--size", "720X1280"], "blazepose33", 10),
            ("gast_coco17", ["--layout", "coco17"], "coco17", 24),
        ],
    )
    def test_samples(self, poseglass: Run, sample: str, options: list, skeleton: str, frames: int) -> None:
        said = poseglass("lift", DATA / f"{sample}.json", *options, "-o", "walk.npz")
        well(said)
        assert said.out == ""
        assert f"{frames} frames" in said.err
        assert "wrote walk.npz" in said.err
        motion = PoseSequence.load("walk.npz")
        self.human(motion)
        assert len(motion) == frames
        assert motion.kept is not None
        assert 0 < motion.kept.sum() < frames
        assert motion.pose2d is not None
        assert (motion.pose2d.skeleton.name, motion.pose2d.space) == (skeleton, "pixels")
        if "--size" in options:
            assert motion.size == ((1920, 1080) if skeleton == "halpe26" else (720, 1280))
        assert motion.rate == (options[-1] if "--fps" in options else 30)

    def test_an_openpose_folder(self, poseglass: Run, here: Path) -> None:
        well(poseglass("lift", openpose(here / "walk.v2 op"), "--fps", 25))
        motion = PoseSequence.load("walk-3d.npz")
        self.human(motion)
        assert (len(motion), motion.rate) == (16, 25)
        assert motion.pose2d is not None
        assert motion.pose2d.skeleton == BODY_25

    def test_own_files_and_tables(self, poseglass: Run, here: Path) -> None:
        someone().save(here / "walk2d.npz")
        someone().save(here / "walk2d.csv")
        well(poseglass("lift", "walk2d.npz"))
        size = "x".join(map(str, someone().size))  # the one thing that a table does not say itself
        well(poseglass("lift", "walk2d.csv", "--layout", "h36m17", "--fps", 30, "--size", size, "-o", "table.npz"))
        first, second = PoseSequence.load("walk2d-3d.npz"), PoseSequence.load("table.npz")
        self.human(first)
        assert not first.validity[40:45].any()
        assert first.validity.sum() == 85
        np.testing.assert_allclose(first.points, second.points, atol=1e-3)

    def test_all_outputs_agree(self, poseglass: Run, here: Path) -> None:
        outputs = ["out/walk.MP4", "walk.csv", "walk.png", "walk.html", "walk.json", "walk.npz", "walk.npz"]
        said = poseglass("lift", HALPE, "--size", "1920x1080", *(part for name in outputs for part in ("-o", name)))
        well(said)
        told = [line.split()[1] for line in said.err.splitlines() if line.startswith("wrote")]
        assert sorted(told) == sorted(set(outputs)), "each once"
        assert set(told[-2:]) == {"out/walk.MP4", "walk.png"}, "pictures come last"
        motion, record = PoseSequence.load("walk.npz"), PoseSequence.load("walk.json")
        np.testing.assert_allclose(record.points, motion.points, atol=1e-5)
        header, *rows = (here / "walk.csv").read_text().splitlines()
        assert len(rows) == len(motion)
        values = dict(zip(header.split(","), rows[3].split(","), strict=True))
        assert float(values["left_wrist_z"]) == pytest.approx(motion.joint("left_wrist")[3, 2], abs=1e-5)
        assert json.loads((here / "walk.json").read_text())["units"] == "metres"
        with VideoReader("out/walk.MP4") as video:
            assert len(list(video)) == len(motion)
        assert (here / "walk.html").read_text().lstrip().lower().startswith("<!doctype html")
        assert (here / "walk.png").read_bytes().startswith(b"\x89PNG")

    def test_one_frame(self, poseglass: Run, here: Path) -> None:
        someone(1).save(here / "still.json")
        said = poseglass("lift", "still.json", "-o", "a.npz", "-o", "a.mp4", "-o", "a.html", "-o", "a.png")
        well(said)
        assert "1 frame at 30 fps; a person in every frame" in said.err
        self.human(PoseSequence.load("a.npz"))

    def test_two_runs_agree_to_the_bit(self, poseglass: Run, here: Path) -> None:
        well(poseglass("lift", HALPE, "-o", "a.json"))
        well(poseglass("lift", HALPE, "-o", "b.json"))
        assert (here / "a.json").read_bytes() == (here / "b.json").read_bytes()

    @pytest.mark.parametrize("name", ["two words.json", "ünï 人.json", "[x].json", "[red]:boom:.json", "-dash.json"])
    def test_odd_names(self, poseglass: Run, here: Path, name: str) -> None:
        (here / name).write_bytes(HALPE.read_bytes())
        well(said := poseglass("lift", "--", name))
        made = f"{Path(name).stem}-3d.npz"
        assert f"wrote {made} (" in said.err
        assert names(here) == {name, made}
        refused(poseglass("lift", "--", f"no {name}"), f"there is no file no {name}")
        refused(poseglass("lift", HALPE, "--model", name), name)

    def test_a_focal_length_needs_the_size(self, poseglass: Run, here: Path) -> None:
        points = []
        for options in ([], ["--focal", 700]):
            well(poseglass("lift", HALPE, "--size", "1920x1080", *options, "-o", "walk.npz"))
            points.append(PoseSequence.load("walk.npz").points)
        assert np.abs(points[0] - points[1]).max() > 1e-3
        someone().save(here / "own.npz")  # this file says the size itself
        well(poseglass("lift", "own.npz", "--focal", 700))

    def test_names_that_look_like_markup(self, poseglass: Run) -> None:
        refused(poseglass("lift", "[/b] [red]x.json"), "there is no file [/b] [red]x.json")
        refused(poseglass("lift", HALPE, "--layout", "[/]"), "'[/]'")


class TestWrongKeypoints:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--size", "1920"], ["--size", "1920x1080", "'1920'"]),
            (["--size", "1920x"], ["--size", "'1920x'"]),
            (["--size", "1920xx1080"], ["--size"]),
            (["--size", "-5x1080"], ["--size"]),
            (["--size", "0x1080"], ["--size"]),
            (["--size", "wide"], ["--size", "'wide'"]),
            (["--size", "1920x9999999999999999999"], ["--size"]),
            (["--fps", "0"], ["--fps", "not 0"]),
            (["--fps", "-25"], ["--fps", "not -25"]),
            (["--fps", "nan"], ["--fps", "not nan"]),
            (["--fps", "inf"], ["--fps", "not inf"]),
            (["--fps", "fast"], ["--fps"]),
            (["--focal", "0"], ["--focal", "above 0, not 0"]),
            (["--focal", "-900"], ["--focal", "not -900"]),
            (["--focal", "nan"], ["--focal", "not nan"]),
            (["--focal", "inf"], ["--focal", "not inf"]),
            (["--focal", "long"], ["--focal"]),
            (["--focal", "900"], ["--focal", "alphapose_halpe26.json does not say", "give --size"]),
            (["--out", "walk.xyz"], ["--out", "walk.xyz", ".npz"]),
            (["--out", "walk"], ["--out", "end it in .npz"]),
            (["--out", "[/b].gif"], ["[/b].gif"]),
            (["-o", "walk.npz", "-o", "walk.avi"], ["walk.avi"]),
            (["--detector-model", "pose.task"], ["--detector-model", "is taken for keypoints"]),
        ],
    )
    def test_options(
        self, poseglass: Run, here: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: list[str]
    ) -> None:
        monkeypatch.setattr("poseglass.weights.files.load", lambda *_: pytest.fail("the model was loaded"))
        refused(poseglass("lift", HALPE, *options), *words, code=2)
        assert names(here) == set()

    def test_options_are_checked_before_anything_is_read(self, poseglass: Run) -> None:
        refused(poseglass("lift", "nowhere.json", "-o", "walk.xyz", "--model", "none"), "walk.xyz", code=2)
        refused(poseglass("lift", "nowhere.json", "--model", "none"), "there is no file nowhere.json")

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--layout", "coco18"], ["26 joints are given but coco18 has 18", "--layout halpe26"]),
            (["--layout", "stick"], ["no layout is called 'stick'", "coco17"]),
            (["--size", "200x200"], ["far outside an image of 200 x 200", "is the size (width, height) right?"]),
        ],
    )
    def test_what_does_not_fit_the_file(self, poseglass: Run, options: list[str], words: list[str]) -> None:
        refused(poseglass("lift", HALPE, *options), str(HALPE), *words)

    def test_an_unnamed_layout_must_be_given(self, poseglass: Run) -> None:
        refused(poseglass("lift", DATA / "gast_coco17.json"), "which joints its 17 are", "--layout coco17")

    def test_metres_are_refused(self, poseglass: Run) -> None:
        refused(poseglass("lift", DATA / "blazepose33_world.json"), "pixels are expected")

    @pytest.mark.parametrize(
        ("content", "word"),
        [
            ("", "it is empty"),
            ("[]", "nobody is seen"),
            ("{}", "formats are"),
            ('{"a": [1, 2]}', "formats are"),
            ("[[[1,2],[3", "cut off"),
            ("\x00\x01\x02", "not valid JSON"),
        ],
    )
    def test_other_files_are_refused(self, poseglass: Run, here: Path, content: str, word: str) -> None:
        (here / "walk.json").write_text(content)
        refused(poseglass("lift", "walk.json"), "walk.json", word)

    def test_other_folders_are_refused(self, poseglass: Run, here: Path) -> None:
        (here / "photos").mkdir()
        (here / "photos" / "1.jpg").touch()
        refused(poseglass("lift", "photos"), "photos", "folder without OpenPose's *_keypoints.json")
        refused(poseglass("lift", "."), "folder without")

    def test_some_nan_is_filled_in_and_only_nan_is_refused(self, poseglass: Run, here: Path) -> None:
        table = someone(30).points.copy()
        table[5] = np.nan
        table[10:, 3] = np.nan
        np.save(here / "gaps.npy", table)
        well(poseglass("lift", "gaps.npy", "--layout", "h36m17"))
        motion = PoseSequence.load("gaps-3d.npz")
        assert np.isfinite(motion.points).all()
        assert np.flatnonzero(~motion.validity).tolist() == [5]
        np.save(here / "none.npy", np.full_like(table, np.nan))
        refused(poseglass("lift", "none.npy", "--layout", "h36m17"), "nobody is")
        np.save(here / "no-frames.npy", table[:0])
        refused(poseglass("lift", "no-frames.npy", "--layout", "h36m17"), "no-frames.npy")

    def test_a_lifted_motion_is_refused(self, poseglass: Run, here: Path) -> None:
        make_walk().save(here / "walk.npz")
        refused(poseglass("lift", "walk.npz"), "camera space", "lifted already")

    def test_pickles_in_arrays_are_never_run(self, poseglass: Run, here: Path) -> None:
        bomb = np.array([Bomb()], object)
        np.save(here / "evil.npy", bomb, allow_pickle=True)
        np.savez(here / "evil.npz", positions_2d=bomb)
        for name in ("evil.npy", "evil.npz"):
            refused(poseglass("lift", name, "--layout", "coco17"), name)
        assert names(here) == {"evil.npy", "evil.npz"}


class TestOutputPlaces:
    """A place that cannot be written is refused before the work, and nothing is half written."""

    def test_a_parent_that_is_a_file(self, poseglass: Run, here: Path) -> None:
        (here / "taken").write_text("mine")
        for name in ("taken/walk.npz", "taken/deep/walk.mp4"):
            refused(poseglass("lift", HALPE, "-o", name), f"cannot write {name}", "is a file, not a folder")
        assert (here / "taken").read_text() == "mine"

    def test_a_folder_of_the_same_name(self, poseglass: Run, here: Path) -> None:
        (here / "walk.npz").mkdir()
        refused(poseglass("lift", HALPE, "-o", "walk.npz"), "cannot write walk.npz", "folder")

    def test_a_place_without_permission(self, poseglass: Run, here: Path) -> None:
        if os.geteuid() == 0:  # root may write anywhere but into the kernel's own folders
            place = Path("/proc/poseglass")
        else:
            (place := here / "locked").mkdir(mode=0o500)
        refused(poseglass("lift", HALPE, "-o", place / "walk.npz"), f"cannot write {place / 'walk.npz'}")

    def test_a_name_that_is_too_long(self, poseglass: Run, here: Path) -> None:
        refused(poseglass("lift", HALPE, "-o", f"{'a' * 300}.npz"), "name too long")
        refused(poseglass("lift", f"{'a' * 300}.json"), "name too long")

    def test_errors_come_before_the_work(self, poseglass: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("poseglass.weights.files.load", lambda *_: pytest.fail("the model was loaded"))
        refused(poseglass("lift", HALPE, "-o", "good.npz", "-o", "/dev/null/walk.npz"), "cannot write /dev/null/walk")

    def test_the_input_is_not_written_over(self, poseglass: Run, here: Path) -> None:
        (here / "walk.json").write_bytes(HALPE.read_bytes())
        (here / "link.json").symlink_to("walk.json")
        film(here / "walk.mp4")
        for source, out in (("walk.json", "./walk.json"), ("walk.json", "link.json"), ("walk.mp4", "walk.mp4")):
            refused(poseglass("lift", source, "-o", "x.npz", "-o", out), "is the file to lift", code=2)
        assert (here / "walk.json").read_bytes() == HALPE.read_bytes()
        assert names(here) == {"walk.json", "link.json", "walk.mp4"}

    def test_a_full_disk_leaves_the_old_file(self, poseglass: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(file: object, **arrays: object) -> None:
            file.write(b"PK half")
            raise OSError(28, "No space left on device")

        (here / "walk.npz").write_text("the one before")
        monkeypatch.setattr(np, "savez_compressed", full)
        refused_late = poseglass("lift", HALPE, "-o", "walk.npz")
        assert refused_late.code == 1
        assert "error: cannot write walk.npz: No space left on device" in refused_late.err
        assert names(here) == {"walk.npz"}
        assert (here / "walk.npz").read_text() == "the one before"


class TestVideos:
    def test_a_video_in_all_outputs(self, poseglass: Run, here: Path, seen: None) -> None:
        film(here / "walk [take 1].mp4", 50)
        said = poseglass("lift", "walk [take 1].mp4", "-o", "w.npz", "-o", "w.csv", "-o", "w.mp4", "-o", "w.html")
        well(said)
        assert said.out == ""
        assert "50 frames, 1.7 s at 30 fps; a person in 45 of them, the rest is filled in" in said.err
        (times,) = re.findall(r"\(busy: (.*); stages overlap\)", said.err)
        assert [stage.split()[0] for stage in times.split(", ")] == ["decode", "detect", "lift", "write", "draw"]
        motion = PoseSequence.load("w.npz")
        TestKeypoints().human(motion)
        assert len(motion) == 50
        assert np.flatnonzero(~motion.validity).tolist() == [40, 41, 42, 43, 44]
        with VideoReader("w.mp4") as video:
            assert len(list(video)) == 50
        assert names(here) == {"walk [take 1].mp4", "w.npz", "w.csv", "w.mp4", "w.html"}

    def test_one_frame_and_one_image(self, poseglass: Run, here: Path, seen: None) -> None:
        from PIL import Image

        film(here / "one.mp4", 1)
        Image.new("RGB", (160, 90), "teal").save(here / "still.jpg")
        for name in ("one.mp4", "still.jpg"):
            well(said := poseglass("lift", name, "-o", "a.npz", "-o", "a.mp4", "-o", "a.png", "-o", "a.html"))
            assert "1 frame at" in said.err
            assert len(re.findall(r"\bdraw \d", said.err)) == 1, "both pictures count for one stage"
            assert len(PoseSequence.load("a.npz")) == 1

    def test_nobody(self, poseglass: Run, here: Path, unseen: None) -> None:
        film(here / "empty room.mp4")
        said = poseglass("lift", "empty room.mp4")
        refused(said, "nobody was found in any of the 12 frames of empty room.mp4")
        assert names(here) == {"empty room.mp4"}

    def test_a_damaged_video_is_lifted_as_far_as_it_goes_with_a_warning(
        self, poseglass: Run, here: Path, seen: None
    ) -> None:
        whole = film(here / "cut.mp4", 40, noise=True).read_bytes()
        (here / "cut.mp4").write_bytes(whole[: len(whole) * 6 // 10])
        said = poseglass("lift", "cut.mp4", "-o", "cut.npz", "-o", "cut3d.mp4")
        assert said.code == 0, said.err
        assert "warning: cut.mp4 is damaged or cut off: it ends after frame" in said.err
        motion = PoseSequence.load("cut.npz")
        assert 10 < len(motion) < 40
        with VideoReader("cut3d.mp4") as video:
            assert len(list(video)) == len(motion)

    def test_nobody_in_a_damaged_video(self, poseglass: Run, here: Path, unseen: None) -> None:
        whole = film(here / "cut.mp4", 60, noise=True).read_bytes()
        (here / "cut.mp4").write_bytes(whole[: len(whole) * 6 // 10])
        refused(poseglass("lift", "cut.mp4"), "nobody was found", "cut.mp4 is damaged or cut off")

    @pytest.mark.parametrize(
        ("name", "content", "word"),
        [
            ("none.mp4", None, "there is no file none.mp4"),
            ("empty.mp4", b"", "empty.mp4 cannot be read as a video or image (it is empty)"),
            ("text.mp4", b"not a video at all " * 99, "text.mp4 cannot be read as a video"),
            ("notes.txt", b"not a video at all " * 99, "notes.txt cannot be read as a video"),
            ("half.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "half.jpg"),
            ("noend", b"\x00" * 4000, "noend cannot be read as a video"),
        ],
    )
    def test_not_a_video(
        self, poseglass: Run, here: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes | None, word: str
    ) -> None:
        monkeypatch.setattr("poseglass.weights.files.load", lambda *_: pytest.fail("the model was loaded"))
        if content is not None:
            (here / name).write_bytes(content)
        refused(poseglass("lift", name), word)

    def test_no_index_or_no_frame(self, poseglass: Run, here: Path) -> None:
        whole = film(here / "whole.mp4").read_bytes()
        (here / "head.mp4").write_bytes(whole[:200])
        refused(poseglass("lift", "head.mp4"), "head.mp4")
        content = whole.index(b"mdat")
        (here / "index.mp4").write_bytes(whole[: content + 4])
        refused(poseglass("lift", "index.mp4"), "index.mp4 holds no frame that can be read")

    @pytest.mark.parametrize("option", [("--layout", "coco17"), ("--size", "640x480"), ("--fps", "25")])
    def test_options_of_keypoints(self, poseglass: Run, here: Path, option: tuple[str, str]) -> None:
        film(here / "walk.mp4")
        refused(poseglass("lift", "walk.mp4", *option), option[0], "walk.mp4 is taken for a video", code=2)

    def test_files_that_are_not_detector_models(self, poseglass: Run, here: Path) -> None:
        pytest.importorskip("mediapipe")
        film(here / "walk.mp4")
        (here / "bad.task").write_bytes(b"not a model")
        said = poseglass("lift", "walk.mp4", "--detector-model", "bad.task")
        refused(said, "bad.task is not a detector model", "pose_landmarker")
        said = poseglass("lift", "walk.mp4", "--detector-model", "no.task")
        refused(said, "there is no detector model no.task")
        assert names(here) == {"walk.mp4", "bad.task"}

    def test_weights_that_cannot_be_fetched(self, poseglass: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("mediapipe")
        monkeypatch.setenv("POSEGLASS_CACHE", str(here / "cache"))
        monkeypatch.setenv("PIP_INDEX_URL", (here / "nothing").as_uri())
        monkeypatch.setenv("PIP_FIND_LINKS", "")
        film(here / "walk.mp4")
        said = poseglass("lift", "walk.mp4")
        assert said.code == 1
        assert "Traceback" not in said.err
        for word in ("fetching the 2D detector's weights", "could not be fetched", "--detector-model"):
            assert word in said.err
        assert names(here) == {"walk.mp4"}


class Bomb:
    """A pickle of this makes a file when it is run."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("exploded",)


class TestModels:
    def test_an_unknown_model(self, poseglass: Run) -> None:
        refused(poseglass("lift", HALPE, "--model", "balancd"), "no weights balancd", "balanced")

    @pytest.mark.parametrize("name", ["notes.txt", "model.pth", "model.safetensors"])
    @pytest.mark.parametrize("content", [b"", b"some words", b"PK\x03\x04", bytes(500)])
    def test_files_that_are_not_checkpoints(self, poseglass: Run, here: Path, name: str, content: bytes) -> None:
        (here / name).write_bytes(content)
        said = poseglass("lift", HALPE, "--model", name)
        refused(said, f"{name} cannot be read as a checkpoint")
        assert "weights_only" not in said.err, "torch's advice to run whatever is in the file is not passed on"

    def test_a_folder_without_weights(self, poseglass: Run, here: Path) -> None:
        refused(poseglass("lift", HALPE, "--model", here), "not a folder of weights.safetensors and config.json")

    def test_a_wrong_checksum(self, poseglass: Run, here: Path) -> None:
        import poseglass.weights.files as module

        made = here / "model"
        made.mkdir()
        for file in (Path(module.__file__).parent / "bundled" / "balanced").iterdir():
            (made / file.name).write_bytes(file.read_bytes())
        well(poseglass("lift", HALPE, "--model", made, "-o", "a.json"))
        weights = bytearray((made / "weights.safetensors").read_bytes())
        weights[-1] ^= 1
        (made / "weights.safetensors").write_bytes(weights)
        refused(poseglass("lift", HALPE, "--model", made, "-o", "b.json"), "checksum", "get it again")
        assert names(here) == {"model", "a.json"}

    @pytest.mark.parametrize("protocol", [0, 2, 4])
    @pytest.mark.parametrize("name", ["evil.pth", "evil.safetensors"])
    def test_a_pickle_with_code_in_it_is_never_run(self, poseglass: Run, here: Path, name: str, protocol: int) -> None:
        content = pickle.dumps({"model_pos": {"a": Bomb()}}, protocol=protocol)
        (here / name).write_bytes(content)
        refused(poseglass("lift", HALPE, "--model", name), "pickled code is never run")
        assert names(here) == {name}
        pickle.loads(content)
        assert names(here) == {name, "exploded"}, "the bomb is a real one"


WITHOUT = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
from poseglass.commands.app import main
main(sys.argv[1:])
"""


class TestConverting:
    def test_a_published_checkpoint(self, poseglass: Run, here: Path) -> None:
        state = published.filled(published.mixste_shapes(frames=9, dim=16, depth=4, keep=3))
        published.write(state, here / "epoch.pth", "model_pos of module.")
        said = poseglass("convert", "epoch.pth", "ours", "--heads", 4, "--at", 2)
        well(said)
        assert "a Hourglass around a MixSTE, 9 frames, in ours" in said.err
        clip = torch.randn(2, 9, 17, 2)
        with torch.no_grad():
            assert torch.equal(weights.load("ours")(clip), weights.load("epoch.pth", heads=4, at=2)(clip))

    def test_facts_that_are_not_in_the_tensors(self, poseglass: Run, here: Path) -> None:
        published.write(published.filled(published.mixste_shapes(frames=9, dim=16, depth=2)), here / "x.pth")
        told = ("--keypoints", "gt", "--skeleton", "MPI-INF-3DHP17")
        well(poseglass("convert", "x.pth", "ours", *told))
        model = weights.load("ours")
        assert model.card == Card(skeleton="mpi_inf_3dhp17", keypoints="gt", coordinates="screen")
        said = poseglass("convert", "x.pth", "more", "--skeleton", "halpe26")
        assert (said.code, names(here)) == (2, {"x.pth", "ours"})
        assert "halpe26 has 26 joints, and the checkpoint 17" in " ".join(said.err.split())
        assert poseglass("convert", "x.pth", "more", "--skeleton", "smpl24").code == 1

    def test_files_that_are_not_checkpoints_are_refused(self, poseglass: Run, here: Path) -> None:
        (here / "notes.pth").write_text("no weights")
        said = poseglass("convert", "notes.pth", "ours")
        assert (said.code, names(here)) == (1, {"notes.pth"})
        assert "notes.pth cannot be read as a checkpoint" in said.err


class TestMissingPackages:
    def run(self, here: Path, missing: list[str], *arguments: object) -> Said:
        command = [sys.executable, "-c", WITHOUT.format(missing=missing), *map(str, arguments)]
        run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=here)
        return Said(run.returncode, run.stdout, run.stderr)

    def test_keypoints_need_no_extra_package(self, here: Path) -> None:
        outputs = ["-o", "a.npz", "-o", "a.json", "-o", "a.csv", "-o", "a.html"]
        well(self.run(here, ["av", "mediapipe", "cv2", "PIL", "tensorboard"], "lift", HALPE, *outputs))
        assert names(here) == {"a.npz", "a.json", "a.csv", "a.html"}

    @pytest.mark.parametrize(("missing", "out"), [("av", "a.mp4"), ("cv2", "a.mp4"), ("cv2", "a.png"), ("av", "a.png")])
    def test_pictures_name_the_missing_package_first(self, here: Path, missing: str, out: str) -> None:
        said = self.run(here, [missing, "torch"], "lift", HALPE, "-o", out)
        refused(said, 'pip install "poseglass[video]"')

    def test_videos_name_the_missing_package(self, here: Path, poseglass: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        film(here / "walk.mp4")
        refused(self.run(here, ["av", "torch"], "lift", "walk.mp4"), "PyAV", 'pip install "poseglass[video]"')
        monkeypatch.setitem(sys.modules, "mediapipe", None)
        refused(poseglass("lift", "walk.mp4"), "MediaPipe", 'pip install "poseglass[video]"')
        assert names(here) == {"walk.mp4"}


# A slow detector, and prints when the stage to interrupt is at work.
SLOW = """
import signal, sys, time

# As in a terminal: a shell that starts the tests in the background has Ctrl-C ignored by all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

import numpy as np
import poseglass.detect
from poseglass import COCO_17
from poseglass.commands.app import main
from poseglass.detect import Detector
from poseglass.video.writing import VideoWriter

at = sys.argv[1]

def work(stage):
    if stage == at:
        print("now", flush=True)
        time.sleep(0.3)

class Slow(Detector):
    skeleton = COCO_17
    def __init__(self, model=None): pass
    def detect(self, image, seconds):
        work("detect")
        return np.random.default_rng(0).uniform(10, 80, (1, 17, 3)).astype("f")

def slow_write(self, image):
    work("render")
    write(self, image)

def slow_save(file, **arrays):
    if at == "save":
        file.write(b"PK half of it")
        file.flush()
    work("save")
    save(file, **arrays)

write, VideoWriter.write = VideoWriter.write, slow_write
save, np.savez_compressed = np.savez_compressed, slow_save
poseglass.detect.mediapipe.MediaPipeDetector = Slow
main(sys.argv[2:])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix's")
class TestInterrupted:
    def interrupt(self, here: Path, stage: str, *, when: str | None = None) -> set[str]:
        """Press Ctrl-C during a stage, once a file exists, and return the names of the files that are left."""
        film(here / "walk.mp4", 60)
        (here / "walk.npz").write_text("the one before")
        arguments = ["lift", "walk.mp4", "-o", "walk3d.mp4", "-o", "walk.npz", "-o", "walk.csv"]
        command = [sys.executable, "-c", SLOW, stage, *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=here, start_new_session=True
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "now\n"
            while when is not None and not (here / when).exists():
                assert process.poll() is None
                time.sleep(0.05)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            try:
                _, err = process.communicate(timeout=8)
            except subprocess.TimeoutExpired:  # one was once lost on a busy machine, nobody knows where: press it again
                process.send_signal(signal.SIGINT)
                _, err = process.communicate(timeout=90)
        finally:
            process.kill()
        assert process.returncode == 130, err
        assert time.monotonic() - began < 15, "it does not wait for all that lies ahead: 18 s"
        assert "Traceback" not in err
        assert err.splitlines()[-1] == "interrupted; no file is half written"
        return names(here)

    def test_while_it_detects(self, here: Path) -> None:
        assert self.interrupt(here, "detect") == {"walk.mp4", "walk.npz"}
        assert (here / "walk.npz").read_text() == "the one before"

    def test_while_it_writes_the_motion(self, here: Path) -> None:
        assert self.interrupt(here, "save") == {"walk.mp4", "walk.npz"}
        assert (here / "walk.npz").read_text() == "the one before"

    def test_while_it_draws(self, here: Path) -> None:
        assert self.interrupt(here, "render", when="walk.csv") == {"walk.mp4", "walk.npz", "walk.csv"}
        assert len(PoseSequence.load(here / "walk.npz")) == 60, "the motion was written before the pictures"


TINY = """
[model]
name = "mixste"
frames = 9
sizes = { dim = 16, depth = 2, heads = 2 }
[waist]
keep = { 1 = 3 }
[data]
batch = 4
[schedule]
steps = 2
warmup = 1
[run]
save_every = 1
validate_every = 1
validation_clips = 2
"""


def takes(path: Path) -> Path:
    points = make_walk(60).points.copy()
    points[..., 1] *= -1  # the world's y is up
    points += np.array([0, 0.95, 0], np.float32)
    MotionClips(tuple(MotionClip(f"take_{s}", points, s, s) for s in ("train", "val", "test")), 30.0).save(path)
    return path


class TestTraining:
    def test_train_evaluate_lift(self, poseglass: Run, here: Path) -> None:
        """A network of the user's own, from motion capture to a lifted motion."""
        (here / "tiny.toml").write_text(TINY)
        takes(here / "clips.npz")
        said = poseglass("train", "tiny.toml", "--data", "clips.npz", "-o", "run", "--set", "optim.lr=1e-3")
        assert said.code == 0, said.err
        assert "the best weights are in run/best" in said.err
        assert said.out == ""
        said = poseglass("evaluate", "run/best", "--data", "clips.npz", "--json", "out/errors.json")
        assert said.code == 0, said.err
        assert said.out.startswith("motion clips, split test"), "the report, and nothing else, can be piped"
        errors = json.loads((here / "out/errors.json").read_text())
        assert errors["clean"]["all"]["mpjpe"] > 0
        assert f"{errors['detected']['all']['p_mpjpe']:.1f}" in said.out
        well(poseglass("lift", HALPE, "--model", "run/best", "-o", "a.json"))
        assert (
            poseglass("train", "tiny.toml", "--data", "clips.npz", "-o", "run", "--set", "model.sizes.dim=32").code == 1
        )

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["no.toml"], ["there is no recipe no.toml"]),
            (["."], ["cannot be read"]),
            (["clips.npz"], ["clips.npz"]),
            (["broken.toml"], ["broken.toml is not TOML"]),
            (["tiny.toml"], ["names no motion clips", "data.path"]),
            (["tiny.toml", "--data", "no.npz"], ["there is no motion file no.npz", "poseglass data mocap"]),
            (["tiny.toml", "--data", "no.npz", "--set", "run.workers=2"], ["there is no motion file no.npz"]),
            (["tiny.toml", "--data", "tiny.toml"], ["tiny.toml is not an npz of motion clips"]),
            (["tiny.toml", "--set", "optim.speed=9"], ["no setting optim.speed", "lr"]),
            (["tiny.toml", "--set", "speed"], ["section.name=value"]),
            (["tiny.toml", "--set", "optim.lr=fast"], ["optim.lr must be", "'fast'"]),
            (["tiny.toml", "--data", "clips.npz", "-o", "tiny.toml/run"], ["is a file, not a folder"]),
            (["tiny.toml", "--data", "clips.npz", "--init", "nothing"], ["no weights nothing"]),
            (["tiny.toml", "--data", "clips.npz", "--waist-only"], ["optim.trains=waist", "give init"]),
            (["tiny.toml", "--data", "clips.npz", "--set", "data.keypoints=gt"], ["no folder of recordings clips.npz"]),
        ],
    )
    def test_wrong_recipes_and_data(self, poseglass: Run, here: Path, arguments: list[str], words: list[str]) -> None:
        (here / "tiny.toml").write_text(TINY)
        (here / "broken.toml").write_text("[model\n")
        takes(here / "clips.npz")
        refused(poseglass("train", "-o", "run", *arguments), *words)
        assert not (here / "run" / "checkpoint.safetensors").exists()


class TestEvaluating:
    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("no.npz", ["there is no motion file no.npz"]),
            (".", ["holds no recordings: it has no index.json"]),
            ("text.npz", ["text.npz is not an npz of motion clips"]),
            ("other.npz", ["index.csv"]),
            ("walk.npz", ["walk.npz"]),
        ],
    )
    def test_files_that_are_not_clips(self, poseglass: Run, here: Path, name: str, words: list[str]) -> None:
        (here / "text.npz").write_text("no clips")
        np.savez(here / "other.npz", a=np.zeros(3))
        np.savez(here / "walk.npz", about=np.array("{}"))
        refused(poseglass("evaluate", "balanced", "--data", name), *words)

    def test_other_mistakes(self, poseglass: Run, here: Path) -> None:
        takes(here / "clips.npz")
        refused(
            poseglass("evaluate", "balanced", "--data", "clips.npz", "--split", "exam"), "'exam'", "test, train, val"
        )
        refused(poseglass("evaluate", "nothing", "--data", "clips.npz"), "no weights nothing")
        refused(
            poseglass("evaluate", "balanced", "--data", "no.npz", "--json", "clips.npz/x.json"),
            "cannot write clips.npz/x.json",
        )
        evaluate = "poseglass evaluate balanced --data clips.npz"
        refused(poseglass("evaluate", "clips.npz"), "is a file of motion clips", evaluate, code=2)
        refused(poseglass("evaluate", "balanced"), "--data", "name a folder of recordings", code=2)
        refused(poseglass("evaluate", "balanced", "--data", "clips.npz", "--keypoints", "gt"), "--keypoints", code=2)


class TestBenching:
    @pytest.fixture(autouse=True)
    def hasty(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from poseglass.cost.measuring import Product

        monkeypatch.setattr(Product, "aim", 0.001)

    def test_a_waist_against_its_backbone(self, poseglass: Run, here: Path) -> None:
        options = ["--frames", 9, "--keep", 3, "--at", 1, "--rounds", 1, "--threads", 1, "--markdown"]
        said = poseglass("bench", "mixste-tiny", *options, "--json", "out/bench.json")
        well(said)
        assert "| latency, median |" in said.out
        assert "3 frames at 1, DensityPeaks, CrossAttention" in said.out
        (record,) = json.loads((here / "out/bench.json").read_text())
        assert record["name"] == "mixste-tiny"
        assert 0 < record["flops_saved"]["paper"] < 1
        assert record["model"]["frames"] == record["against"]["frames"] == 9

    def test_several_models_and_waists(self, poseglass: Run, here: Path) -> None:
        from poseglass import create_model, hourglass, save

        save(hourglass(create_model("mixste-tiny", frames=9), keep=5, at=1), here / "own")
        quick = ["--rounds", 1, "--threads", 1]
        said = poseglass("bench", "mixste-tiny", "own", *quick)
        well(said)
        assert said.out.count("peak memory  ") == 2
        assert "5 frames at 1" in said.out
        assert said.out.count("pair by pair") == 1, "what has a waist has something to be measured against"
        pyramid = ["--keep", "1:5,2:3", "--prune", "uniform", "--recover", "interpolate"]
        assert "5 frames at 1, 3 frames at 2, Uniform, Interpolate" in poseglass("bench", "own", *pyramid, *quick).out
        said = poseglass("bench", "own", "--keep", "0.33", "--at", 2, "--recover", "none", *quick)
        assert "3 frames at 2, DensityPeaks, kept frames only" in said.out
        said = poseglass("bench", "motionagformer-tiny", "--frames", 9, "--keep", 3, "--at", 1, *quick)
        assert "MotionAGFormer, 3 frames at 1" in said.out, "its layers are built for the waist, and anew without one"
        assert "pair by pair" in said.out

    def test_the_papers_table(self, poseglass: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        from poseglass.cost import counts, papers

        models = papers.TABLES["h36m"].models[1:2]
        monkeypatch.setattr(counts, "count_table", lambda whole=counts.count_table: whole(models))
        said = poseglass("bench", "--paper")
        well(said)
        assert "| TPC w. MHFormer (117 at 1) | 31.52 | 31.52 | 8.22 | 8.22 | 9.16 | 9.16 |" in said.out

    @pytest.mark.parametrize(
        ("arguments", "words", "code"),
        [
            (["nothing"], ["there is no model nothing", "mixste", "balanced"], 1),
            (["balanced", "--frames", 9], ["--frames goes with a size"], 1),
            (["mixste-tiny", "--keep", 9, "--at", 3], ["before its layers 1 to 2, not 3"], 1),
            (["mixste-tiny", "--keep", 9, "--at", 1, "--prune", "x"], ["no pruner is called 'x'"], 1),
            (["mixste-tiny", "--keep", 9, "--at", 1, "--recover", "x"], ["no recoverer is called 'x'"], 1),
            (["mixste-tiny", "--rounds", 0], ["rounds must be 1 or more"], 1),
            (["mixste-tiny", "--json", "own.json/x.json"], ["cannot write own.json/x.json"], 1),
            (["mixste-tiny", "--keep", 9], ["--keep", "--at a layer"], 2),
            (["mixste-tiny", "--keep", "2:9", "--at", 1], ["--keep", "pyramid"], 2),
            (["mixste-tiny", "--keep", "many", "--at", 1], ["--keep", "'many'"], 2),
            (["mixste-tiny", "--at", 1], ["--at", "--keep"], 2),
            (["mixste-tiny", "--prune", "uniform"], ["--prune", "goes with --keep"], 2),
            (["balanced", "--recover", "nearest"], ["--recover", "goes with --keep"], 2),
            (["mixste-tiny", "--dtype", "int8"], ["--dtype", "'int8'"], 2),
            (["mixste", "--paper"], ["--paper", "leave out models"], 2),
            (["--paper", "--prune", "uniform"], ["--paper", "leave out", "--prune"], 2),
        ],
    )
    def test_mistakes(self, poseglass: Run, here: Path, arguments: list[object], words: list[str], code: int) -> None:
        (here / "own.json").write_text("{}")
        refused(poseglass("bench", *arguments), *words, code=code)


def recording(path: Path, frames: int = 100) -> Path:
    """The sample of a BVH file, which is too short, with its last frame held for a while."""
    head, motion = (DATA / "cmu_01_03.bvh").read_text().split("MOTION")
    _, interval, *rows = [line for line in motion.splitlines() if line.strip()]
    rows += rows[-1:] * frames
    path.write_text(f"{head}MOTION\nFrames: {len(rows)}\n{interval}\n" + "\n".join(rows) + "\n")
    return path


class TestMocap:
    def test_a_download(self, poseglass: Run, here: Path) -> None:
        (here / "bvh" / "01").mkdir(parents=True)
        recording(here / "bvh" / "01" / "01_03.bvh")
        (here / "bvh" / "01_04 [b].bvh").write_text("HIERARCHY\nnothing")
        said = poseglass("data", "mocap", "bvh", "clips.npz")
        assert said.code == 0, said.err
        assert said.out == ""
        assert "Reading motion capture" in said.err
        assert "1 clips" in said.err
        assert "skipped bvh/01_04 [b].bvh: " in said.err
        (clip,) = MotionClips.load("clips.npz")
        assert clip.subject == "cmu_01"
        assert "mocap.cs.cmu.edu" in MotionClips.load("clips.npz").credit

    def test_wrong_folders(self, poseglass: Run, here: Path) -> None:
        (here / "empty").mkdir()
        refused(poseglass("data", "mocap", "empty", "out.npz"), "there are no files of motion")
        refused(poseglass("data", "mocap", "nowhere", "out.npz"), "there is no folder nowhere")
        refused(poseglass("data", "mocap", "empty", "out.txt"), "out.txt", "end the name in .npz for clips", code=2)
        refused(poseglass("data", "mocap", "empty", "folder"), "there are no files of motion")
        assert names(here) == {"empty"}


class TestMediaPipe:
    """With the real detector, on a portrait in the public domain that comes with matplotlib."""

    def test_a_video_through_the_real_command(self, here: Path) -> None:
        pytest.importorskip("mediapipe")
        from PIL import Image

        spec = find_spec("matplotlib")
        portrait = Path(spec.origin or "").parent / "mpl-data/sample_data/grace_hopper.jpg" if spec else None
        if portrait is None or not portrait.is_file():
            pytest.skip("needs matplotlib's sample image of a person")
        try:
            detector_model()
        except DetectorError as problem:
            pytest.skip(f"needs the detector's weights: {problem}")
        with Image.open(portrait) as file:
            image = np.asarray(file.convert("RGB"))
        with VideoWriter(here / "-hopper.mp4", fps=25, size=(512, 600)) as video:
            for frame in range(12):
                video.write(np.ascontiguousarray(np.roll(image[:600], 3 * frame, 1)))
        command = [*COMMAND, "lift", "-o", "a.npz", "-o", "a.mp4", "--", "-hopper.mp4"]
        run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=here)
        well(Said(run.returncode, run.stdout, run.stderr))
        assert run.stdout == ""
        motion = PoseSequence.load(here / "a.npz")
        assert len(motion) == 12
        assert motion.validity.all()
        assert np.isfinite(motion.points).all()
        assert motion.pose2d is not None
        nose = motion.pose2d.joint("nose")
        np.testing.assert_allclose(nose, [(266 + 3 * frame, 224) for frame in range(12)], atol=15)  # measured by eye
        with VideoReader(here / "a.mp4") as pictures:
            assert len(list(pictures)) == 12
        assert names(here) == {"-hopper.mp4", "a.npz", "a.mp4"}
