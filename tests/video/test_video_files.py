"""Reading and writing videos, compared with images written directly by PyAV and with OpenCV's reader."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from poseglass.errors import VideoError
from poseglass.video.clock import FrameTimes
from poseglass.video.info import VideoInfo
from poseglass.video.reading import VideoReader
from poseglass.video.writing import VideoWriter
from samples.videos import HEIGHT, WIDTH, corners, flag, grey, make, number


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make(tmp_path / "clip.mp4", [grey(i) for i in range(24)])


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestReading:
    def test_frames_come_in_order_with_their_times(self, clip: Path) -> None:
        with VideoReader(clip) as video:
            frames = list(video)
        assert [number(frame.image) for frame in frames] == list(range(24))
        np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(24) / 10, atol=1e-6)
        assert video.problem is None
        assert (video.info.size, video.size) == ((WIDTH, HEIGHT), (WIDTH, HEIGHT))
        assert (video.info.fps, video.info.frames) == (10, 24)
        assert video.info.duration == pytest.approx(2.4, abs=0.01)

    def test_each_iteration_starts_at_the_first_frame(self, clip: Path) -> None:
        video = VideoReader(clip)
        for frame in video:
            if frame.seconds > 0.4:
                break
        assert [number(frame.image) for frame in video] == list(range(24))
        assert video.problem is None

    @pytest.mark.parametrize("threads", [1, 2])
    def test_decoding_threads_do_not_change_the_frames(self, clip: Path, threads: int) -> None:
        assert [number(frame.image) for frame in VideoReader(clip, threads=threads)] == list(range(24))

    @pytest.mark.parametrize(
        ("codec", "suffix"),
        [
            *(("libx264", suffix) for suffix in (".mp4", ".mkv", ".avi", ".mov", ".ts")),
            *(("mpeg4", suffix) for suffix in (".mp4", ".avi", ".ts")),
            *(("mjpeg", suffix) for suffix in (".avi", ".mov")),
            ("libvpx-vp9", ".webm"),
            ("libx265", ".mp4"),
        ],
    )
    def test_many_containers_and_codecs_are_read(self, tmp_path: Path, codec: str, suffix: str) -> None:
        if codec not in av.codecs_available:
            pytest.skip(f"this PyAV does not write {codec}")

        def full_range(stream: av.VideoStream) -> None:
            if codec == "mjpeg":
                stream.pix_fmt = "yuvj420p"

        path = make(tmp_path / f"clip{suffix}", [grey(i) for i in range(12)], codec=codec, prepare=full_range)
        video = VideoReader(path)
        frames = list(video)
        assert [number(frame.image) for frame in frames] == list(range(12))
        np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(12) / 10, atol=2e-3)
        assert video.problem is None

    def test_images_of_any_width_are_contiguous(self, tmp_path: Path) -> None:
        path = make(tmp_path / "narrow.mp4", [flag()[:50, 20:78]] * 2)
        with VideoReader(path) as video:
            for frame in video:
                assert frame.image.flags.c_contiguous
                assert frame.image.shape == (50, 58, 3)
                assert corners(frame.image) == "rgbw"

    @pytest.mark.parametrize(("degrees", "upright"), [(0, "rgbw"), (90, "gwrb"), (180, "wbgr"), (270, "brwg")])
    def test_rotation_agrees_with_opencv(self, tmp_path: Path, degrees: int, upright: str) -> None:
        path = make(tmp_path / "turned.mp4", [flag()] * 3, prepare=lambda stream: stream.set_display_rotation(degrees))
        with VideoReader(path) as video:
            images = [frame.image for frame in video]
        assert [corners(image) for image in images] == [upright] * 3
        capture = cv2.VideoCapture(str(path))
        _, expected = capture.read()
        capture.release()
        assert images[0].shape == expected.shape
        assert corners(images[0]) == corners(expected[..., ::-1])
        assert video.info.size == ((HEIGHT, WIDTH) if degrees % 180 else (WIDTH, HEIGHT))

    @pytest.mark.parametrize(("degrees", "size"), [(0, (48, 32)), (90, (32, 48))])
    def test_frames_are_scaled_down_to_fit(self, tmp_path: Path, degrees: int, size: tuple[int, int]) -> None:
        path = make(tmp_path / "big.mp4", [flag()], prepare=lambda stream: stream.set_display_rotation(degrees))
        with VideoReader(path, within=(48, 48)) as video:
            (frame,) = video
        assert video.size == size
        assert frame.image.shape == (size[1], size[0], 3)
        assert corners(frame.image) == ("gwrb" if degrees else "rgbw")
        assert max(video.info.size) == WIDTH

    @pytest.mark.parametrize(
        ("within", "size"), [((4000, 33), (50, 33)), ((34, 4000), (34, 23)), ((1, 1), (1, 1)), ((96, 64), (96, 64))]
    )
    def test_the_tighter_limit_decides_and_sides_are_rounded(
        self, clip: Path, within: tuple[int, int], size: tuple[int, int]
    ) -> None:
        with VideoReader(clip, within=within) as video:  # of 96 x 64 pixels
            assert video.size == next(iter(video)).image.shape[1::-1] == size

    def test_frames_are_never_scaled_up(self, clip: Path) -> None:
        assert VideoReader(clip, within=(4000, 4000)).size == (WIDTH, HEIGHT)

    def test_wide_pixels_become_square(self, tmp_path: Path) -> None:
        def wide(stream: av.VideoStream) -> None:
            stream.codec_context.sample_aspect_ratio = Fraction(2, 1)

        video = VideoReader(make(tmp_path / "wide.mp4", [flag()], prepare=wide))
        (frame,) = video
        assert video.info.size == (2 * WIDTH, HEIGHT)
        assert frame.image.shape == (HEIGHT, 2 * WIDTH, 3)

    def test_sound_is_ignored(self, tmp_path: Path) -> None:
        path = make(tmp_path / "loud.mp4", [grey(i) for i in range(12)], sound=True)
        with VideoReader(path) as video:
            assert [number(frame.image) for frame in video] == list(range(12))
        assert video.problem is None, "sound that outlasts the pictures is not a fault"


class TestTimes:
    def test_a_variable_frame_rate_keeps_its_times(self, tmp_path: Path) -> None:
        times = [0.0, 0.033, 0.066, 0.5, 0.52, 1.0, 1.4]
        path = make(tmp_path / "phone.mp4", [grey(i) for i in range(7)], fps=30, times=times)
        frames = list(VideoReader(path))
        np.testing.assert_allclose([frame.seconds for frame in frames], times, atol=2e-3)

    def test_a_late_start_is_time_zero(self, tmp_path: Path) -> None:
        times = [5.0, 5.1, 5.2]
        path = make(tmp_path / "late.mkv", [grey(i) for i in range(3)], times=times)
        np.testing.assert_allclose([frame.seconds for frame in VideoReader(path)], [0, 0.1, 0.2], atol=2e-3)

    def test_time_continues_in_joined_files(self, tmp_path: Path) -> None:
        part = make(tmp_path / "part.ts", [grey(i) for i in range(8)], codec="libx264").read_bytes()
        (tmp_path / "joined.ts").write_bytes(part + part)
        frames = list(VideoReader(tmp_path / "joined.ts"))
        assert [number(frame.image) for frame in frames] == [*range(8), *range(8)]
        np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(16) / 10, atol=1e-3)

    @pytest.mark.parametrize(
        ("stamps", "seconds"),
        [
            ([10, 10.1, None, 10.4, 10.4, 3, 3.1], [0, 0.1, 0.2, 0.4, 0.5, 0.6, 0.7]),
            ([None, 5, 5.3], [0, 0.1, 0.4]),
            ([-0.2, -0.1, 0.3], [0, 0.1, 0.5]),
        ],
    )
    def test_times_increase_whatever_the_stamps(self, stamps: list[float | None], seconds: list[float]) -> None:
        clock = FrameTimes(10)
        np.testing.assert_allclose([clock.tick(stamp) for stamp in stamps], seconds, atol=1e-9)

    def test_a_stream_without_times_gets_them_from_its_frame_rate(self, tmp_path: Path) -> None:
        path = make(tmp_path / "bare.h264", [grey(i) for i in range(8)], fps=25, codec="libx264")
        video = VideoReader(path)
        frames = list(video)
        assert [number(frame.image) for frame in frames] == list(range(8))
        np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(8) / video.info.fps, atol=1e-6)


class TestImages:
    @pytest.mark.parametrize("name", ["one.jpg", "one.png", "one 100%d.png", "one.webp", "one.bmp"])
    def test_an_image_is_one_frame(self, tmp_path: Path, name: str) -> None:
        Image.fromarray(flag()).save(tmp_path / name)
        video = VideoReader(tmp_path / name)
        (frame,) = video
        assert corners(frame.image) == "rgbw"
        assert frame.seconds == 0
        assert (video.info.frames, video.info.duration, video.problem) == (1, None, None)

    def test_a_photograph_is_turned_upright(self, tmp_path: Path) -> None:
        image = Image.fromarray(flag())
        exif = image.getexif()
        exif[0x0112] = 6  # needs a quarter turn to the right
        image.save(tmp_path / "turned.jpg", exif=exif)
        (frame,) = VideoReader(tmp_path / "turned.jpg")
        assert corners(frame.image) == "brwg"


class TestDamage:
    def test_a_truncated_video_is_read_to_its_end_and_reported(self, tmp_path: Path) -> None:
        write_noise(tmp_path / "whole.mp4", 60)
        content = (tmp_path / "whole.mp4").read_bytes()
        (tmp_path / "cut.mp4").write_bytes(content[: len(content) * 6 // 10])
        video = VideoReader(tmp_path / "cut.mp4")
        frames = list(video)
        assert 10 < len(frames) < 60
        assert [frame.seconds for frame in frames] == sorted({frame.seconds for frame in frames})
        assert video.problem is not None
        assert f"cut.mp4 is damaged or cut off: it ends after frame {len(frames)} of 60" in video.problem

    def test_a_truncated_video_without_an_index_is_reported(self, tmp_path: Path) -> None:
        content = make(tmp_path / "whole.mkv", noise(60)).read_bytes()
        (tmp_path / "cut.mkv").write_bytes(content[: len(content) // 2])
        video = VideoReader(tmp_path / "cut.mkv")
        assert 10 < len(list(video)) < 50
        assert video.problem is not None
        assert "it ends after frame" in video.problem

    def test_a_hole_in_the_middle_is_reported(self, tmp_path: Path) -> None:
        write_noise(tmp_path / "whole.mp4", 60)
        content = bytearray((tmp_path / "whole.mp4").read_bytes())
        middle = len(content) * 6 // 10
        content[middle : middle + 20_000] = bytes(20_000)
        (tmp_path / "hole.mp4").write_bytes(content)
        video = VideoReader(tmp_path / "hole.mp4")
        frames = list(video)
        assert len(frames) > 25, "frames before the hole are read"
        assert video.problem is not None
        assert "hole.mp4 is damaged" in video.problem

    def test_the_problem_is_that_of_the_last_iteration(self, tmp_path: Path) -> None:
        write_noise(tmp_path / "whole.mp4", 60)
        content = (tmp_path / "whole.mp4").read_bytes()
        (tmp_path / "cut.mp4").write_bytes(content[: len(content) * 6 // 10])
        video = VideoReader(tmp_path / "cut.mp4")
        assert video.problem is None
        first = len(list(video)), video.problem
        assert (len(list(video)), video.problem) == first

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "there is no file"),
            (b"", "cannot be read as a video"),
            (b"not a video at all, only words " * 50, "cannot be read as a video"),
        ],
    )
    def test_files_that_are_not_videos_are_refused(self, tmp_path: Path, content: bytes | None, message: str) -> None:
        path = tmp_path / "bad.mp4"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(VideoError, match=message):
            VideoReader(path)

    def test_a_file_with_only_sound_is_refused(self, tmp_path: Path) -> None:
        with av.open(str(tmp_path / "song.wav"), "w") as container:
            stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
            frame.sample_rate = 8000
            container.mux(stream.encode(frame))
        with pytest.raises(VideoError, match="holds no images, only audio"):
            VideoReader(tmp_path / "song.wav")

    def test_a_video_without_frames_is_refused(self, tmp_path: Path) -> None:
        content = make(tmp_path / "whole.mkv", [grey(1)]).read_bytes()
        first = content.index(bytes.fromhex("1f43b675"))  # a Matroska cluster: everything before it is metadata
        (tmp_path / "empty.mkv").write_bytes(content[:first])
        with pytest.raises(VideoError, match=r"empty.mkv holds no readable frame|cannot be read"):
            VideoReader(tmp_path / "empty.mkv")

    @pytest.mark.parametrize(
        ("fps", "seconds", "lost"),
        [(10, 9.9, False), (10, 9.41, False), (10, 9.39, True), (2, 8.51, False), (2, 8.49, True), (100, 9.48, True)],
    )
    def test_a_video_may_end_half_a_second_or_two_frames_early(
        self, clip: Path, fps: int, seconds: float, lost: bool
    ) -> None:
        video = VideoReader(clip)
        video.info = VideoInfo((96, 64), fps, 10 * fps, 10.0)
        problem = video._loss(7, seconds, video._probed)
        assert (problem is not None) == lost
        if lost:
            assert f"it ends after frame 7 of {10 * fps} ({seconds + 1 / fps:.1f} of 10.0 s)" in problem

    def test_impossible_settings_are_refused(self, clip: Path) -> None:
        with pytest.raises(VideoError, match="within"):
            VideoReader(clip, within=(0, 48))
        with pytest.raises(VideoError, match="threads"):
            VideoReader(clip, threads=-1)


def noise(frames: int) -> list[np.ndarray]:
    generator = np.random.default_rng(1)
    return [generator.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(frames)]


def write_noise(path: Path, frames: int) -> None:
    with VideoWriter(path, fps=30, size=(WIDTH, HEIGHT)) as video:
        for image in noise(frames):
            video.write(image)


class TestWriting:
    def test_a_written_video_is_read_back(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "clip.mp4"
        with VideoWriter(path, fps=12.5, size=(WIDTH, HEIGHT)) as video:
            for i in range(20):
                video.write(grey(i))
        assert video.frames == 20
        assert left_over(path.parent) == ["clip.mp4"]
        read = VideoReader(path)
        assert [number(frame.image) for frame in read] == list(range(20))
        assert (read.info.fps, read.info.frames, read.info.size) == (12.5, 20, (WIDTH, HEIGHT))

    def test_a_written_video_suits_any_player(self, tmp_path: Path) -> None:
        path = tmp_path / "flag.mp4"
        with VideoWriter(path, fps=30000 / 1001, size=(WIDTH, HEIGHT)) as video:
            for _ in range(5):
                video.write(flag())
        content = path.read_bytes()
        assert content.index(b"moov") < content.index(b"mdat"), "a browser can start before the download ends"
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
            assert stream.average_rate == Fraction(30000, 1001)
        capture = cv2.VideoCapture(str(path))
        _, image = capture.read()
        capture.release()
        assert corners(image[..., ::-1]) == "rgbw"

    @pytest.mark.parametrize("size", [(95, 64), (96, 63), (1, 1)])
    def test_odd_sides_grow_by_one(self, tmp_path: Path, size: tuple[int, int]) -> None:
        path = tmp_path / "odd.mp4"
        with VideoWriter(path, fps=10, size=size) as video:
            video.write(np.full((size[1], size[0], 3), 200, np.uint8))
        read = VideoReader(path)
        (frame,) = read
        assert read.size == (size[0] + size[0] % 2, size[1] + size[1] % 2)
        assert np.abs(frame.image.astype(int) - 200).max() < 12

    @pytest.mark.parametrize("size", [(95, 64), (96, 63), (95, 63)])
    def test_the_last_row_or_column_is_repeated(self, tmp_path: Path, size: tuple[int, int]) -> None:
        y, x = np.mgrid[: size[1], : size[0]]
        image = np.uint8(255 * ((x // 4 + y // 4) % 2))[..., None].repeat(3, -1)
        path = tmp_path / "odd.mp4"
        with VideoWriter(path, fps=10, size=size) as video:
            video.write(image)
        (frame,) = VideoReader(path)
        expected = np.pad(image, ((0, size[1] % 2), (0, size[0] % 2), (0, 0)), "edge")
        assert np.abs(frame.image.astype(int) - expected).mean() < 10  # the codec's loss

    @pytest.mark.parametrize("fps", [0.5, 1000])
    def test_frame_rates_may_be_low_or_high(self, tmp_path: Path, fps: float) -> None:
        with VideoWriter(tmp_path / "clip.mp4", fps=fps, size=(WIDTH, HEIGHT)) as video:
            video.write(grey(0))
            video.write(grey(1))
        assert VideoReader(tmp_path / "clip.mp4").info.fps == fps

    @pytest.mark.parametrize("suffix", [".mp4", ".mov"])
    def test_uneven_times_are_kept(self, tmp_path: Path, suffix: str) -> None:
        times = np.array([3.0, 3.028, 3.061, 3.4, 3.401, 3.4015, 5.0])
        with VideoWriter(tmp_path / f"clip{suffix}", fps=3, size=(WIDTH, HEIGHT), times=times) as video:
            for i in range(7):
                video.write(grey(i))
            with pytest.raises(VideoError, match="expected 7 images, one for each time, got more"):
                video.write(grey(7))
        frames = list(VideoReader(tmp_path / f"clip{suffix}"))
        assert [number(frame.image) for frame in frames] == list(range(7))
        np.testing.assert_allclose([frame.seconds for frame in frames], times - 3, atol=1.1e-3)

    def test_times_that_are_rounded_count_as_even(self, tmp_path: Path) -> None:
        even = np.arange(12) / 12
        for name, times in (("even", None), ("rounded", even.round(2))):
            with VideoWriter(tmp_path / f"{name}.mp4", fps=12, size=(WIDTH, HEIGHT), times=times) as video:
                for i in range(12):
                    video.write(grey(i))
        assert (tmp_path / "even.mp4").read_bytes() == (tmp_path / "rounded.mp4").read_bytes()

    def test_a_break_of_days_is_shown_for_an_hour(self, tmp_path: Path) -> None:
        times = np.array([0.0, 1.0, 1e7])
        with VideoWriter(tmp_path / "lapse.mp4", fps=3e-7, size=(WIDTH, HEIGHT), times=times) as video:
            for i in range(3):
                video.write(grey(i))
        assert [frame.seconds for frame in VideoReader(tmp_path / "lapse.mp4")] == [0, 1, 3601]

    def test_without_h264_another_codec_is_used(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(av, "codecs_available", {"mpeg4"})
        path = tmp_path / "old.mp4"
        with VideoWriter(path, fps=10, size=(WIDTH, HEIGHT)) as video:
            for i in range(6):
                video.write(grey(i))
        assert [number(frame.image) for frame in VideoReader(path)] == list(range(6))

    @pytest.mark.parametrize("problem", [RuntimeError, KeyboardInterrupt])
    def test_a_failed_write_keeps_the_old_file(self, tmp_path: Path, problem: type[BaseException]) -> None:
        path = tmp_path / "clip.mp4"
        path.write_bytes(b"the one before")

        def write() -> None:
            with VideoWriter(path, fps=10, size=(WIDTH, HEIGHT)) as video:
                video.write(grey(1))
                raise problem

        with pytest.raises(problem):
            write()
        assert path.read_bytes() == b"the one before"
        assert left_over(tmp_path) == ["clip.mp4"]

    def test_wrong_images_names_and_settings_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "clip.mp4"
        wrong = pytest.raises(VideoError, match=r"expected uint8 images of shape \(64, 96, 3\)")
        with wrong, VideoWriter(path, fps=10, size=(WIDTH, HEIGHT)) as video:
            video.write(flag()[:-1])
        with pytest.raises(VideoError, match="no frame"), VideoWriter(path, fps=10, size=(WIDTH, HEIGHT)):
            pass
        with pytest.raises(VideoError, match=r"end the name in \.mp4"):
            VideoWriter(tmp_path / "clip.gif", fps=10, size=(WIDTH, HEIGHT))
        for fps in (0, 1000.5):
            with pytest.raises(VideoError, match="fps"):
                VideoWriter(path, fps=fps, size=(WIDTH, HEIGHT))
        with pytest.raises(VideoError, match="size"):
            VideoWriter(path, fps=10, size=(0, HEIGHT))
        with pytest.raises(VideoError, match="inside the block"):
            VideoWriter(path, fps=10, size=(WIDTH, HEIGHT)).write(flag())
        assert left_over(tmp_path) == []

    def test_a_path_below_a_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        path = tmp_path / "file" / "clip.mp4"
        with pytest.raises(VideoError, match="cannot write"), VideoWriter(path, fps=10, size=(WIDTH, HEIGHT)) as video:
            video.write(flag())
