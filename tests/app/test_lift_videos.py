"""``poseglass lift`` on videos."""

import base64
import re
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest

from conftest import CommandResult, Run
from poseglass import COCO_17, PoseSequence
from poseglass.body.pose_file import read_people_file
from poseglass.detect import DETECTORS
from poseglass.detect.fake import FakeDetector
from poseglass.detect.fetch import detector_model
from poseglass.errors import DetectorError
from poseglass.video.container import Container
from poseglass.video.reading import VideoReader
from poseglass.video.writing import VideoWriter
from samples.commandline import COMMAND, film, looks_human, names, refused, someone, succeeded


@pytest.fixture
def walker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace MediaPipe with a detector that sees a walk."""
    monkeypatch.setitem(DETECTORS, "mediapipe", lambda weights: FakeDetector(someone()))


@pytest.fixture
def empty_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace MediaPipe with a detector that sees nobody."""
    nobody = PoseSequence(np.full((1, 17, 2), np.nan), COCO_17, "pixels")
    monkeypatch.setitem(DETECTORS, "mediapipe", lambda weights: FakeDetector(nobody))


class TestVideos:
    def test_a_video_is_written_to_all_output_formats(self, poseglass: Run, workdir: Path, walker: None) -> None:
        film(workdir / "walk [take 1].mp4", 50)
        done = poseglass("lift", "walk [take 1].mp4", "-o", "w.npz", "-o", "w.csv", "-o", "w.mp4", "-o", "w.html")
        succeeded(done)
        assert done.out == ""
        assert "50 frames, 1.7 s at 30 fps; a person in 45 of them, the others are filled in" in done.err
        (times,) = re.findall(r"\(busy: (.*); stages overlap\)", done.err)
        assert [stage.split()[0] for stage in times.split(", ")] == [
            "decode",
            "keep",
            "detect",
            "lift",
            "write",
            "draw",
        ]
        motion = PoseSequence.load("w.npz")
        looks_human(motion)
        assert len(motion) == 50
        assert np.flatnonzero(~motion.validity).tolist() == [40, 41, 42, 43, 44]
        with VideoReader("w.mp4") as video:
            assert len(list(video)) == 50
        assert names(workdir) == {"walk [take 1].mp4", "w.npz", "w.csv", "w.mp4", "w.html"}

    @pytest.mark.parametrize("outputs", [["w.npz"], ["w.mp4", "w.npz", "w.html"], ["w.png", "--embed-video", "w.html"]])
    def test_a_video_is_opened_and_decoded_once_for_all_outputs(
        self, poseglass: Run, workdir: Path, walker: None, monkeypatch: pytest.MonkeyPatch, outputs: list[str]
    ) -> None:
        film(workdir / "walk.mp4", 40)
        opened, decoded, to_open, to_decode = [], [], av.open, Container._decoded

        def counting_open(path: str, *arguments: object, **settings: object) -> object:
            opened.append(path if isinstance(path, BytesIO) else Path(path).name)
            return to_open(path, *arguments, **settings)

        def counting_decode(self: Container, *arguments: object) -> Iterator[av.VideoFrame]:
            for frame in to_decode(self, *arguments):
                decoded.append(frame)
                yield frame

        with monkeypatch.context() as patch:
            patch.setattr(av, "open", counting_open)
            patch.setattr(Container, "_decoded", counting_decode)
            options = [part for name in outputs for part in ([name] if name.startswith("--") else ["-o", name])]
            succeeded(poseglass("lift", "walk.mp4", *options))
        assert opened.count("walk.mp4") == 1
        assert len(decoded) == 40
        for name in outputs:
            if name.endswith(".mp4"):
                with VideoReader(name) as video:
                    images = [frame.image for frame in video]
                assert len(images) == 40
                for number in (0, 7, 39):  # each picture belongs to its own frame
                    assert images[number][5:15, 5:15].mean() == pytest.approx(10 * (number % 20), abs=4)

    def test_a_page_holds_the_video_if_wanted(self, poseglass: Run, workdir: Path, walker: None) -> None:
        film(workdir / "walk.mp4", 20)
        succeeded(poseglass("lift", "walk.mp4", "-o", "bare.html"))
        succeeded(poseglass("lift", "walk.mp4", "--embed-video", "-o", "full.html", "-o", "walk.npz"))
        clips = [
            re.findall(r'id="clip">(.*?)</script>', Path(name).read_text())[0] for name in ("bare.html", "full.html")
        ]
        assert clips[0] == ""
        Path("clip.mp4").write_bytes(base64.b64decode(clips[1]))
        with VideoReader("clip.mp4") as video:
            assert len(list(video)) == 20
        done = poseglass("lift", "walk.mp4", "--embed-video", "-o", "walk.npz")
        refused(done, "--embed-video", "-o NAME.html", code=2)

    def test_progress_is_logged_line_by_line_without_a_terminal(
        self, poseglass: Run, workdir: Path, walker: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("poseglass.commands.progress.LOG_SECONDS", 0)
        film(workdir / "walk.mp4", 50)
        succeeded(done := poseglass("lift", "walk.mp4"))
        lines = re.findall(r"^lifted (\d+) of 50 frames, \d+ frames/s$", done.err, re.MULTILINE)
        assert [int(line) for line in lines] == [16, 32, 48, 50]

    def test_one_of_several_people_is_followed_with_a_warning(
        self, poseglass: Run, workdir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Two(FakeDetector):
            def detect(self, image: np.ndarray, seconds: float) -> np.ndarray:
                (person,) = super().detect(image, seconds)
                return np.stack([person * [0.5, 0.5, 1] + [80, 0, 0], person][:: -1 if seconds > 0.3 else 1])

        monkeypatch.setitem(DETECTORS, "two", lambda weights: Two(someone(40)))
        film(workdir / "walk.mp4", 40)
        done = poseglass("lift", "walk.mp4", "--detector", "two")
        assert "warning: 2 people in sight: only the most prominent one is lifted" in done.err
        motion = PoseSequence.load("walk-3d.npz")
        np.testing.assert_allclose(motion.pose2d.points, someone(40).points)
        assert motion.person == 1
        refused(poseglass("lift", "walk.mp4", "--detector", "three"), "--detector", "choose one of mediapipe", code=2)
        outputs = [part for suffix in ("npz", "json", "mp4", "html") for part in ("-o", f"both.{suffix}")]
        succeeded(done := poseglass("lift", "walk.mp4", "--detector", "two", "--people", "all", *outputs))
        assert "2 people in sight, 2 lifted" in done.err
        assert "person 1 in every frame" in done.err
        assert names(workdir) == {
            "walk.mp4", "walk-3d.npz", "both.npz", "both-2.npz", "both.json", "both.mp4", "both.html"
        }  # fmt: skip
        both = [PoseSequence.load(name) for name in ("both.npz", "both-2.npz")]
        assert [each.person for each in both] == [1, 2]
        np.testing.assert_array_equal(both[0].points, motion.points)
        np.testing.assert_allclose(both[1].pose2d.points, someone(40).points * 0.5 + [80, 0])
        assert len(read_people_file(Path("both.json"))) == 2

    def test_people_can_be_detected_in_every_second_frame_only(
        self, poseglass: Run, workdir: Path, walker: None
    ) -> None:
        film(workdir / "walk.mp4", 21)
        succeeded(poseglass("lift", "walk.mp4", "--detect-every", "2"))
        points = PoseSequence.load("walk-3d.npz").pose2d.points
        assert len(points) == 21
        np.testing.assert_allclose(points[1:-1:2], (points[:-2:2] + points[2::2]) / 2, atol=1e-3)
        np.testing.assert_allclose(points[::2], someone().points[:11], atol=1e-3)  # this detector counts its calls
        refused(poseglass("lift", "walk.mp4", "--detect-every", "0"), "--detect-every", code=2)

    def test_a_pattern_of_images_is_lifted(self, poseglass: Run, workdir: Path, walker: None) -> None:
        from PIL import Image

        (workdir / "take").mkdir()
        for number in range(4):
            Image.new("RGB", (160, 90)).save(workdir / "take" / f"{number}.png")
        done = poseglass("lift", "take/%d.png")
        assert done.code == 0
        assert "warning: take/%d.png does not state a frame rate: 30 per second are assumed" in done.err
        succeeded(done := poseglass("lift", "take", "--fps", "10", "-o", "take.mp4"))
        assert "assumed" not in done.err
        assert PoseSequence.load("take-3d.npz").rate == 30
        with VideoReader("take.mp4") as video:
            assert (video.info.fps, video.info.duration) == (10, pytest.approx(0.4))

    def test_a_single_frame_and_a_still_image_are_lifted(self, poseglass: Run, workdir: Path, walker: None) -> None:
        from PIL import Image

        film(workdir / "one.mp4", 1)
        Image.new("RGB", (160, 90), "teal").save(workdir / "still.jpg")
        for name in ("one.mp4", "still.jpg"):
            succeeded(done := poseglass("lift", name, "-o", "a.npz", "-o", "a.mp4", "-o", "a.png", "-o", "a.html"))
            assert "1 frame at" in done.err
            assert len(re.findall(r"\bdraw \d", done.err)) == 1, "drawing both pictures counts as one stage"
            assert len(PoseSequence.load("a.npz")) == 1

    def test_a_video_without_people_is_refused(self, poseglass: Run, workdir: Path, empty_room: None) -> None:
        film(workdir / "empty room.mp4")
        done = poseglass("lift", "empty room.mp4")
        refused(done, "nobody was detected in any of the 12 frames of empty room.mp4")
        assert names(workdir) == {"empty room.mp4"}

    def test_a_damaged_video_is_lifted_up_to_the_damage_with_a_warning(
        self, poseglass: Run, workdir: Path, walker: None
    ) -> None:
        whole = film(workdir / "cut.mp4", 40, noise=True).read_bytes()
        (workdir / "cut.mp4").write_bytes(whole[: len(whole) * 6 // 10])
        done = poseglass("lift", "cut.mp4", "-o", "cut.npz", "-o", "cut3d.mp4")
        assert done.code == 0, done.err
        assert "warning: cut.mp4 is damaged or cut off: it ends after frame" in done.err
        motion = PoseSequence.load("cut.npz")
        assert 10 < len(motion) < 40
        with VideoReader("cut3d.mp4") as video:
            assert len(list(video)) == len(motion)

    def test_a_damaged_video_without_people_reports_both_problems(
        self, poseglass: Run, workdir: Path, empty_room: None
    ) -> None:
        whole = film(workdir / "cut.mp4", 60, noise=True).read_bytes()
        (workdir / "cut.mp4").write_bytes(whole[: len(whole) * 6 // 10])
        refused(poseglass("lift", "cut.mp4"), "nobody was detected", "cut.mp4 is damaged or cut off")

    @pytest.mark.parametrize(
        ("name", "content", "word"),
        [
            ("none.mp4", None, "there is no file none.mp4"),
            ("empty.mp4", b"", "empty.mp4 cannot be read as a video or image (it is empty)"),
            ("text.mp4", b"not a video at all " * 99, "text.mp4 cannot be read as a video"),
            ("notes.ans", b"not a video at all " * 99, "notes.ans cannot be read as a video"),
            ("half.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "half.jpg"),
            ("noend", b"\x00" * 4000, "noend cannot be read as a video"),
        ],
    )
    def test_files_that_are_not_videos_are_refused(
        self,
        poseglass: Run,
        workdir: Path,
        monkeypatch: pytest.MonkeyPatch,
        name: str,
        content: bytes | None,
        word: str,
    ) -> None:
        monkeypatch.setattr("poseglass.weights.files.load", lambda *_: pytest.fail("the model was loaded"))
        if content is not None:
            (workdir / name).write_bytes(content)
        refused(poseglass("lift", name), word)

    @pytest.mark.parametrize("source", ["rtsp://camera/1", "0", "https://a.b/walk.mp4"])
    def test_live_sources_are_refused_with_a_way_out(self, poseglass: Run, source: str) -> None:
        refused(poseglass("lift", source), source, "this reads files only", "poseglass live")

    def test_videos_without_an_index_or_frames_are_refused(self, poseglass: Run, workdir: Path) -> None:
        whole = film(workdir / "whole.mp4").read_bytes()
        (workdir / "head.mp4").write_bytes(whole[:200])
        refused(poseglass("lift", "head.mp4"), "head.mp4")
        content = whole.index(b"mdat")
        (workdir / "index.mp4").write_bytes(whole[: content + 4])
        refused(poseglass("lift", "index.mp4"), "index.mp4 holds no readable frame")

    @pytest.mark.parametrize("option", [("--layout", "coco17"), ("--size", "640x480"), ("--fps", "25")])
    def test_options_for_keypoints_are_refused_for_videos(
        self, poseglass: Run, workdir: Path, option: tuple[str, str]
    ) -> None:
        film(workdir / "walk.mp4")
        refused(poseglass("lift", "walk.mp4", *option), option[0], "walk.mp4 is treated as a video", code=2)

    def test_files_that_are_not_detector_models_are_refused(self, poseglass: Run, workdir: Path) -> None:
        pytest.importorskip("mediapipe")
        film(workdir / "walk.mp4")
        (workdir / "bad.task").write_bytes(b"not a model")
        done = poseglass("lift", "walk.mp4", "--detector-model", "bad.task")
        refused(done, "bad.task is not a detector model", "pose_landmarker")
        done = poseglass("lift", "walk.mp4", "--detector-model", "no.task")
        refused(done, "there is no detector model no.task")
        assert names(workdir) == {"walk.mp4", "bad.task"}

    def test_a_failed_fetch_of_the_detector_weights_says_what_to_do(
        self, poseglass: Run, workdir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("mediapipe")
        monkeypatch.setenv("POSEGLASS_CACHE", str(workdir / "cache"))
        monkeypatch.setenv("PIP_INDEX_URL", (workdir / "nothing").as_uri())
        monkeypatch.setenv("PIP_FIND_LINKS", "")
        film(workdir / "walk.mp4")
        done = poseglass("lift", "walk.mp4")
        assert done.code == 1
        assert "Traceback" not in done.err
        for word in ("fetching the 2D detector's weights", "could not be fetched", "--detector-model"):
            assert word in done.err
        assert names(workdir) == {"walk.mp4"}


class TestMediaPipe:
    """With the real detector, on a portrait in the public domain that comes with matplotlib."""

    def test_a_video_is_lifted_with_the_installed_command(self, workdir: Path) -> None:
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
        with VideoWriter(workdir / "-hopper.mp4", fps=25, size=(512, 600)) as video:
            for frame in range(12):
                video.write(np.ascontiguousarray(np.roll(image[:600], 3 * frame, 1)))
        command = [*COMMAND, "lift", "-o", "a.npz", "-o", "a.mp4", "--", "-hopper.mp4"]
        run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=workdir)
        succeeded(CommandResult(run.returncode, run.stdout, run.stderr))
        assert run.stdout == ""
        motion = PoseSequence.load(workdir / "a.npz")
        assert len(motion) == 12
        assert motion.validity.all()
        assert np.isfinite(motion.points).all()
        assert motion.pose2d is not None
        nose = motion.pose2d.joint("nose")
        np.testing.assert_allclose(nose, [(266 + 3 * frame, 224) for frame in range(12)], atol=15)  # measured by eye
        with VideoReader(workdir / "a.mp4") as pictures:
            assert len(list(pictures)) == 12
        assert names(workdir) == {"-hopper.mp4", "a.npz", "a.mp4"}
