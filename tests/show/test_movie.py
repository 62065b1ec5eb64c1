"""Movies: every frame beside its pose, and refused arguments."""

from pathlib import Path

import numpy as np
import pytest

from conftest import make_walk
from poseglass import H36M_17, PoseSequence
from poseglass.errors import PoseError, VideoError
from poseglass.show.stage import set_stage
from samples.circle_walk import circle_walk
from samples.pictures import write_grey_video

cv2 = pytest.importorskip("cv2")
pytest.importorskip("av")

from poseglass.show.rendering import Renderer, render  # noqa: E402
from poseglass.video.reading import VideoReader  # noqa: E402

SIZE = (1280, 720)


def test_an_mp4_shows_every_frame_beside_its_own_pose(tmp_path: Path) -> None:
    motion = make_walk(40, fps=25.0)
    source = write_grey_video(tmp_path / "source.mp4", 45)
    path = render(motion, tmp_path / "out" / "walk.mp4", video=source, height=180)
    assert path == tmp_path / "out" / "walk.mp4"
    with VideoReader(path) as video:
        assert video.info.fps == pytest.approx(25)
        assert video.info.size == (320 + 180, 180 + 14)
        pictures = [frame.image for frame in video]
    assert len(pictures) == 40
    for t, picture in enumerate(pictures):
        assert picture[5:20, 5:40].mean() == pytest.approx(20 + 4 * t, abs=4)


def test_render_and_renderer_draw_the_same(tmp_path: Path, walk: PoseSequence) -> None:
    short = walk[38:48]
    path = render(short, tmp_path / "walk.mp4", height=180)
    renderer = Renderer(set_stage(short), size=SIZE, height=180)
    with VideoReader(path) as video:
        for t, frame in enumerate(video):
            assert np.abs(frame.image.astype(int) - renderer.draw(t)).mean() < 4  # the codec's loss
    assert t == 9


def test_a_video_that_ends_early_leaves_no_file(tmp_path: Path) -> None:
    source = write_grey_video(tmp_path / "source.mp4", 5)
    with pytest.raises(VideoError, match="ends after 5 frames"):
        render(make_walk(200), tmp_path / "no.mp4", video=source, height=90)
    assert [path.name for path in tmp_path.iterdir()] == ["source.mp4"]


def test_without_2d_poses_only_the_figure_is_drawn(tmp_path: Path, walk: PoseSequence) -> None:
    bare = PoseSequence(walk.points[:3], H36M_17, "camera", fps=30)
    with VideoReader(render(bare, tmp_path / "walk.mp4", height=90)) as video:
        assert video.info.size == (160, 90 + 8)


def test_world_space_is_drawn_upright(tmp_path: Path, walk: PoseSequence) -> None:
    camera = PoseSequence(walk.points, H36M_17, "camera", fps=30)
    world = PoseSequence(walk.points * [1, -1, -1], H36M_17, "world", fps=30)
    pictures = [cv2.imread(str(render(m, tmp_path / f"{m.space}.png"))) for m in (camera, world)]
    np.testing.assert_array_equal(*pictures)


def test_wrong_arguments_are_refused(tmp_path: Path, walk: PoseSequence) -> None:
    source = write_grey_video(tmp_path / "short.mp4", 10)
    out = tmp_path / "walk.mp4"
    with pytest.raises(VideoError, match=r"ends after 10 frames but the motion is longer"):
        render(walk, out, video=source, height=64)
    with pytest.raises(VideoError, match=r"gone\.mp4"):
        render(walk, out, video=tmp_path / "gone.mp4")
    with pytest.raises(VideoError, match=r"\.mp4"):
        render(walk, tmp_path / "walk.gif")
    with pytest.raises(PoseError, match="at least one frame"):
        render(walk[:0], out)
    with pytest.raises(PoseError, match="3D motion"):
        render(walk.pose2d, out)
    with pytest.raises(PoseError, match="90 frames, got 3"):
        render(walk, out, pose2d=walk.pose2d[:3])
    with pytest.raises(PoseError, match="height"):
        render(walk, out, height=8)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["short.mp4"]
    with pytest.raises(PoseError, match="single motion"):
        render([walk, walk], out, pose2d=walk.pose2d)
    with pytest.raises(PoseError, match="in pixels, got normalised"):
        render(walk, out, pose2d=PoseSequence(np.zeros((90, 17, 2)), H36M_17, "normalised"))
    with pytest.raises(PoseError, match="empty list"):
        render([], out)


def test_a_movie_shows_several_people_on_one_video(tmp_path: Path) -> None:
    people = [circle_walk(12, start=start, person=n + 1) for n, start in enumerate((0.0, 2.0, 4.0))]
    source = write_grey_video(tmp_path / "source.mp4", 12)
    with VideoReader(render(people, tmp_path / "all.mp4", video=source, height=180)) as video:
        assert video.info.size == (320 + 180, 180 + 14)
        assert len(list(video)) == 12
    sheet = cv2.imread(str(render(people, tmp_path / "all.png", video=source)))
    assert sheet.shape == (2 * 408 + 64, 5 * 328 - 8, 3)
