"""``poseglass lift`` on keypoint files."""

import json
import os
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from conftest import Run, make_walk
from oracle import published
from poseglass import BODY_25, PoseSequence
from poseglass.body.pose_file import read_people_file
from poseglass.commands.outputs import person_path
from poseglass.files.outputs import WRITERS
from poseglass.keypoints import read_people
from poseglass.mocap.animation import Animation
from poseglass.mocap.bvh import read_bvh
from poseglass.mocap.formats import read_tracks
from poseglass.mocap.gltf import read_glb
from poseglass.mocap.storage import read_mot
from poseglass.motion.angles import joint_angles
from poseglass.motion.upright import has_place
from poseglass.video.reading import VideoReader
from samples.bomb import Bomb
from samples.commandline import (
    DATA,
    HALPE,
    looks_human,
    names,
    openpose,
    refused,
    someone,
    succeeded,
)


class TestKeypoints:
    """Keypoint files of several formats, among them real ones."""

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
    def test_real_keypoint_files_become_human_motion(
        self, poseglass: Run, sample: str, options: list, skeleton: str, frames: int
    ) -> None:
        done = poseglass("lift", DATA / f"{sample}.json", *options, "-o", "walk.npz")
        succeeded(done)
        assert done.out == ""
        assert f"{frames} frames" in done.err
        assert "wrote walk.npz" in done.err
        motion = PoseSequence.load("walk.npz")
        looks_human(motion)
        assert len(motion) == frames
        assert motion.kept is not None
        assert 0 < motion.kept.sum() < frames
        assert motion.pose2d is not None
        assert (motion.pose2d.skeleton.name, motion.pose2d.space) == (skeleton, "pixels")
        if "--size" in options:
            assert motion.size == ((1920, 1080) if skeleton == "halpe26" else (720, 1280))
        assert motion.rate == (options[-1] if "--fps" in options else 30)

    def test_the_device_is_printed_if_it_is_chosen(self, poseglass: Run, workdir: Path) -> None:
        done = poseglass("lift", HALPE, "--device", "auto", "-o", "a.npz")
        succeeded(done)
        assert "ran on " in done.err
        assert "ran on " not in poseglass("lift", HALPE, "-o", "b.npz").err
        refused(poseglass("lift", HALPE, "--device", "cuda:99"), "--device", "no device cuda:99", code=2)

    def test_an_openpose_folder_becomes_human_motion(self, poseglass: Run, workdir: Path) -> None:
        succeeded(poseglass("lift", openpose(workdir / "walk.v2 op"), "--fps", 25))
        motion = PoseSequence.load("walk-3d.npz")
        looks_human(motion)
        assert (len(motion), motion.rate) == (16, 25)
        assert motion.pose2d is not None
        assert motion.pose2d.skeleton == BODY_25

    def test_saved_poses_and_tables_of_them_give_the_same_motion(self, poseglass: Run, workdir: Path) -> None:
        someone().save(workdir / "walk2d.npz")
        someone().save(workdir / "walk2d.csv")
        succeeded(poseglass("lift", "walk2d.npz"))
        size = "x".join(map(str, someone().size))  # the one fact that the table lacks
        succeeded(poseglass("lift", "walk2d.csv", "--layout", "h36m17", "--fps", 30, "--size", size, "-o", "table.npz"))
        first, second = PoseSequence.load("walk2d-3d.npz"), PoseSequence.load("table.npz")
        looks_human(first)
        assert not first.validity[40:45].any()
        assert first.validity.sum() == 85
        np.testing.assert_allclose(first.points, second.points, atol=1e-3)

    def test_all_output_formats_hold_the_same_motion(self, poseglass: Run, workdir: Path) -> None:
        outputs = ["out/walk.MP4", "walk.csv", "walk.png", "walk.html", "walk.json", "walk.npz", "walk.npz"]
        done = poseglass("lift", HALPE, "--size", "1920x1080", *(part for name in outputs for part in ("-o", name)))
        succeeded(done)
        written = [line.split()[1] for line in done.err.splitlines() if line.startswith("wrote")]
        assert sorted(written) == sorted(set(outputs)), "each once"
        assert set(written[-2:]) == {"out/walk.MP4", "walk.png"}, "pictures come last"
        motion, record = PoseSequence.load("walk.npz"), PoseSequence.load("walk.json")
        np.testing.assert_allclose(record.points, motion.points, atol=1e-5)
        header, *rows = (workdir / "walk.csv").read_text().splitlines()
        assert len(rows) == len(motion)
        values = dict(zip(header.split(","), rows[3].split(","), strict=True))
        assert float(values["left_wrist_z"]) == pytest.approx(motion.joint("left_wrist")[3, 2], abs=1e-5)
        assert json.loads((workdir / "walk.json").read_text())["units"] == "metres"
        with VideoReader("out/walk.MP4") as video:
            assert len(list(video)) == len(motion)
        assert (workdir / "walk.html").read_text().lstrip().lower().startswith("<!doctype html")
        assert (workdir / "walk.png").read_bytes().startswith(b"\x89PNG")

    def test_files_for_other_programs_show_the_same_person(self, poseglass: Run, workdir: Path) -> None:
        exported = [suffix for suffix, writer in WRITERS.items() if writer.exports]
        outputs = [part for suffix in exported for part in ("-o", f"walk{suffix}")]
        done = poseglass("lift", HALPE, "--size", "1920x1080", "-o", "walk.npz", *outputs)
        succeeded(done)
        motion, animation = PoseSequence.load("walk.npz"), Animation.from_bones(read_bvh("walk.bvh"), unit=0.01)
        assert len(animation) == len(motion) == len(read_tracks("walk.trc")) == len(read_mot("walk.mot").times)
        assert animation.positions.shape == Animation.from_bones(read_glb("walk.glb")).positions.shape
        knee = read_mot("walk.mot").names.index("knee_angle_r")
        assert_allclose(read_mot("walk.mot").values[:, knee], joint_angles(motion)["right_knee_flexion"], atol=1e-3)
        assert done.err.count("no place in the world") == (0 if has_place(motion) else 1)
        assert all(f"wrote walk{suffix}" in done.err for suffix in exported)

    def test_a_pipe_gets_json(self, poseglass: Run, workdir: Path) -> None:
        received: list[str] = []
        os.mkfifo(workdir / "pipe")
        reader = Thread(target=lambda: received.append((workdir / "pipe").read_text()))
        reader.start()
        done = poseglass("lift", DATA / "blazepose33_pixels.json", "-o", "pipe")
        succeeded(done)
        reader.join(10)
        assert "wrote pipe\n" in done.err
        assert len(json.loads(received[0])["points"]) == 10
        assert names(workdir) == {"pipe"}

    def test_a_single_frame_is_lifted(self, poseglass: Run, workdir: Path) -> None:
        someone(1).save(workdir / "still.json")
        done = poseglass("lift", "still.json", "-o", "a.npz", "-o", "a.mp4", "-o", "a.html", "-o", "a.png")
        succeeded(done)
        assert "1 frame at 30 fps; a person in every frame" in done.err
        looks_human(PoseSequence.load("a.npz"))

    def test_two_runs_give_the_same_bits(self, poseglass: Run, workdir: Path) -> None:
        succeeded(poseglass("lift", HALPE, "-o", "a.json"))
        succeeded(poseglass("lift", HALPE, "-o", "b.json"))
        assert (workdir / "a.json").read_bytes() == (workdir / "b.json").read_bytes()

    @pytest.mark.parametrize("name", ["two words.json", "ünï 人.json", "[x].json", "[red]:boom:.json", "-dash.json"])
    def test_unusual_file_names_are_read_and_reported_literally(self, poseglass: Run, workdir: Path, name: str) -> None:
        (workdir / name).write_bytes(HALPE.read_bytes())
        succeeded(done := poseglass("lift", "--", name))
        output = f"{Path(name).stem}-3d.npz"
        assert f"wrote {output} (" in done.err
        assert names(workdir) == {name, output}
        refused(poseglass("lift", "--", f"no {name}"), f"there is no file no {name}")
        refused(poseglass("lift", HALPE, "--model", name), name)

    def test_a_focal_length_requires_the_image_size(self, poseglass: Run, workdir: Path) -> None:
        points = []
        for options in ([], ["--focal", 700]):
            succeeded(poseglass("lift", HALPE, "--size", "1920x1080", *options, "-o", "walk.npz"))
            points.append(PoseSequence.load("walk.npz").points)
        assert np.abs(points[0] - points[1]).max() > 1e-3
        someone().save(workdir / "own.npz")  # this file states the size
        succeeded(poseglass("lift", "own.npz", "--focal", 700))

    def test_names_that_look_like_markup_are_printed_literally(self, poseglass: Run) -> None:
        refused(poseglass("lift", "[/b] [red]x.json"), "there is no file [/b] [red]x.json")
        refused(poseglass("lift", HALPE, "--layout", "[/]"), "'[/]'")


class TestCheckpoints:
    """Researchers' checkpoints in place of the bundled model."""

    def test_a_published_checkpoint_lifts_keypoints(self, poseglass: Run, workdir: Path) -> None:
        state = published.filled(published.mixste_shapes(frames=27, dim=16, depth=4, keep=9))
        published.write(state, workdir / "hot_mixste.pth", "model_pos of module.")
        someone().save(workdir / "walk.npz")
        succeeded(done := poseglass("lift", "walk.npz", "--model", "hot_mixste.pth"))
        assert "90 frames" in done.err
        motion = PoseSequence.load("walk-3d.npz")
        assert np.isfinite(motion.points).all()
        assert motion.kept is not None
        assert 30 <= motion.kept.sum() < 60
        folder = ["convert", "hot_mixste.pth", "hot-mixste"]
        assert poseglass(*folder).code == 0
        succeeded(poseglass("lift", "walk.npz", "--model", "hot-mixste", "-o", "folder.npz"))
        np.testing.assert_array_equal(PoseSequence.load("folder.npz").points, motion.points)

    def test_the_size_is_asked_for_and_a_focal_length_refused(self, poseglass: Run, workdir: Path) -> None:
        published.write(published.filled(published.mixste_shapes(frames=9, dim=16, depth=4)), workdir / "x.pth")
        refused(poseglass("lift", HALPE, "--model", "x.pth"), "depend on the image's size", "--size WIDTHxHEIGHT")
        options = ["--model", "x.pth", "--size", "1920x1080"]
        refused(poseglass("lift", HALPE, *options, "--focal", 900), "a focal length has no effect on this model")
        assert names(workdir) == {"x.pth"}
        succeeded(poseglass("lift", HALPE, *options))


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
            (["--focal", "900"], ["--focal", "alphapose_halpe26.json does not state", "give --size too"]),
            (["--out", "walk.xyz"], ["--out", "walk.xyz", ".npz"]),
            (["--out", "walk"], ["--out", "walk must end in one of .npz"]),
            (["--out", "[/b].gif"], ["[/b].gif"]),
            (["-o", "walk.npz", "-o", "walk.avi"], ["walk.avi"]),
            (["--detector-model", "pose.task"], ["--detector-model", "is treated as keypoints"]),
            (["--embed-video"], ["--embed-video", "is treated as keypoints"]),
        ],
    )
    def test_wrong_options_are_refused(
        self, poseglass: Run, workdir: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: list[str]
    ) -> None:
        monkeypatch.setattr("poseglass.weights.files.load", lambda *_: pytest.fail("the model was loaded"))
        refused(poseglass("lift", HALPE, *options), *words, code=2)
        assert names(workdir) == set()

    def test_options_are_checked_before_anything_is_read(self, poseglass: Run) -> None:
        refused(poseglass("lift", "nowhere.json", "-o", "walk.xyz", "--model", "none"), "walk.xyz", code=2)
        refused(poseglass("lift", "nowhere.json", "--model", "none"), "there is no file nowhere.json")

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--layout", "coco18"], ["26 joints are given but coco18 has 18", "--layout halpe26"]),
            (["--layout", "stick"], ["no layout is called 'stick'", "coco17"]),
            (["--size", "200x200"], ["far outside an image of 200 x 200", "check the size, which is (width, height)"]),
        ],
    )
    def test_options_that_do_not_fit_the_file_are_refused(
        self, poseglass: Run, options: list[str], words: list[str]
    ) -> None:
        refused(poseglass("lift", HALPE, *options), str(HALPE), *words)

    def test_an_unlabelled_layout_must_be_given(self, poseglass: Run) -> None:
        refused(poseglass("lift", DATA / "gast_coco17.json"), "does not name its 17 joints", "--layout coco17")

    def test_keypoints_in_metres_are_refused(self, poseglass: Run) -> None:
        refused(poseglass("lift", DATA / "blazepose33_world.json"), "pixels are expected")

    @pytest.mark.parametrize(
        ("content", "word"),
        [
            ("", "it is empty"),
            ("[]", "no frame shows a person"),
            ("{}", "one of the formats"),
            ('{"a": [1, 2]}', "one of the formats"),
            ("[[[1,2],[3", "cut off"),
            ("\x00\x01\x02", "not valid JSON"),
        ],
    )
    def test_json_files_that_are_not_keypoints_are_refused(
        self, poseglass: Run, workdir: Path, content: str, word: str
    ) -> None:
        (workdir / "walk.json").write_text(content)
        refused(poseglass("lift", "walk.json"), "walk.json", word)

    def test_folders_without_openpose_files_are_refused(self, poseglass: Run, workdir: Path) -> None:
        (workdir / "notes").mkdir()
        (workdir / "notes" / "1.doc").touch()
        refused(poseglass("lift", "notes"), "notes", "a folder of OpenPose's *_keypoints.json files, got none")
        refused(poseglass("lift", "."), "a folder of OpenPose")

    def test_gaps_are_filled_but_a_file_of_only_nan_is_refused(self, poseglass: Run, workdir: Path) -> None:
        table = someone(30).points.copy()
        table[5] = np.nan
        table[10:, 3] = np.nan
        np.save(workdir / "gaps.npy", table)
        succeeded(poseglass("lift", "gaps.npy", "--layout", "h36m17"))
        motion = PoseSequence.load("gaps-3d.npz")
        assert np.isfinite(motion.points).all()
        assert np.flatnonzero(~motion.validity).tolist() == [5]
        np.save(workdir / "none.npy", np.full_like(table, np.nan))
        refused(poseglass("lift", "none.npy", "--layout", "h36m17"), "shows a person")
        np.save(workdir / "no-frames.npy", table[:0])
        refused(poseglass("lift", "no-frames.npy", "--layout", "h36m17"), "no-frames.npy")

    def test_a_lifted_motion_is_refused(self, poseglass: Run, workdir: Path) -> None:
        make_walk().save(workdir / "walk.npz")
        refused(poseglass("lift", "walk.npz"), "camera space", "lifted already")

    def test_pickled_code_in_arrays_is_never_run(self, poseglass: Run, workdir: Path) -> None:
        bomb = np.array([Bomb("exploded")], object)
        np.save(workdir / "evil.npy", bomb, allow_pickle=True)
        np.savez(workdir / "evil.npz", positions_2d=bomb)
        for name in ("evil.npy", "evil.npz"):
            refused(poseglass("lift", name, "--layout", "coco17"), name)
        assert names(workdir) == {"evil.npy", "evil.npz"}


class TestSeveralPeople:
    """Three people of different sizes; the smallest leaves after half of the frames."""

    @pytest.fixture
    def crowd(self, workdir: Path) -> Path:
        walk = someone(24).points
        people = [walk * size + np.array([place, 5]) for place, size in ((0, 0.8), (200, 1.0), (400, 0.6))]
        people[2][12:] = np.nan
        np.savez(workdir / "crowd.npz", keypoints=np.stack(people, 1), layout="h36m17")  # f p j 2
        return workdir / "crowd.npz"

    def test_formats_of_one_person_get_a_file_each(self, poseglass: Run, workdir: Path, crowd: Path) -> None:
        succeeded(done := poseglass("lift", crowd, "--people", "all", "-o", "c.csv", "-o", "c.json"))
        assert "24 frames, 0.8 s at 30 fps; 3 people in sight, 3 lifted" in done.err
        assert [line for line in done.err.splitlines() if line.startswith("person ")] == [
            "person 1 in every frame",
            "person 2 in every frame",
            "person 3 in 12 of them, the others are filled in",
        ]
        assert names(workdir) == {"crowd.npz", "c.csv", "c-2.csv", "c-3.csv", "c.json"}
        people = read_people_file(workdir / "c.json")
        assert [motion.person for motion in people] == [1, 2, 3]
        for number, motion in enumerate(people, 1):
            table = (workdir / person_path(Path("c.csv"), number).name).read_text().splitlines()
            assert [row.split(",")[2] for row in table[1:]] == [f"{int(valid)}" for valid in motion.validity]

    def test_the_largest_person_is_the_default_and_the_others_are_mentioned(
        self, poseglass: Run, workdir: Path, crowd: Path
    ) -> None:
        done = poseglass("lift", crowd, "-o", "c.npz")
        assert "warning: 3 people in sight: only the most prominent one is lifted" in done.err
        succeeded(poseglass("lift", crowd, "--people", 2, "-o", "two.npz"))
        assert names(workdir) == {"crowd.npz", "c.npz", "two.npz", "two-2.npz"}
        assert_array_equal(PoseSequence.load("c.npz").points, PoseSequence.load("two.npz").points)

    def test_a_person_is_chosen_by_number(self, poseglass: Run, workdir: Path, crowd: Path) -> None:
        succeeded(poseglass("lift", crowd, "--person", 2, "-o", "second.npz"))
        succeeded(poseglass("lift", crowd, "--people", "all", "-o", "all.npz"))
        second, expected = PoseSequence.load("second.npz"), PoseSequence.load("all-2.npz")
        assert second.person == 2
        assert_array_equal(second.points, expected.points)
        done = poseglass("lift", crowd, "--person", 4)
        refused(done, "--person", "shows 3 people only", code=2)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--people", "some"), ("--people", "choose largest, all or a number from 1, not 'some'")),
            (("--people", "0"), ("--people", "choose largest, all or a number from 1, not '0'")),
            (("--people", "all", "--person", 1), ("--person", "leave out --people")),
        ],
    )
    def test_other_choices_are_refused(
        self, poseglass: Run, workdir: Path, crowd: Path, arguments: tuple, words: tuple[str, str]
    ) -> None:
        refused(poseglass("lift", crowd, *arguments), *words, code=2)

    def test_the_source_is_never_overwritten_by_the_file_of_another_person(
        self, poseglass: Run, workdir: Path, crowd: Path
    ) -> None:
        frames = np.stack([person.points for person in read_people(crowd)[:2]], 1)  # f p j 2
        np.savez(workdir / "c-2.npz", keypoints=frames, layout="h36m17")
        before = (workdir / "c-2.npz").read_bytes()
        done = poseglass("lift", "c-2.npz", "--people", "all", "-o", "c.npz")
        refused(done, "--out", "c-2.npz is the file to lift", code=2)
        assert (workdir / "c-2.npz").read_bytes() == before
