"""Pictures of motion: the renderer, movies and sheets."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import make_walk
from poseglass import BLAZEPOSE_33, COCO_17, H36M_17, HALPE_26, PoseSequence, Skeleton
from poseglass.errors import PoseError, VideoError
from poseglass.show.scene import AMBER, INK, LEFT, NIGHT, ROSE, SLATE, GroundLevel, Viewpoint

cv2 = pytest.importorskip("cv2")
pytest.importorskip("av")

from poseglass.show.rendering import Renderer, render  # noqa: E402
from poseglass.show.rendering import renderer as renderer_module  # noqa: E402
from poseglass.show.rendering.renderer import picture_size  # noqa: E402
from poseglass.show.rendering.sheet import pick_frames  # noqa: E402
from poseglass.video.reading import VideoReader  # noqa: E402
from poseglass.video.writing import VideoWriter  # noqa: E402

SIZE = (1280, 720)
STANDING = make_walk(1).points[0]


def near(colour: np.ndarray, expected: tuple[int, int, int], tolerance: int = 12) -> bool:
    return bool(np.abs(colour.astype(int) - expected).max() <= tolerance)


def side_of(colour: np.ndarray) -> str:
    """Whether a pixel has the left side's blue or the right side's red, in any shade."""
    red, _, blue = colour.astype(int)
    return "left" if blue > 1.3 * red else "right" if red > 1.3 * blue else "neither"


@pytest.mark.parametrize(
    ("size", "height", "expected"),
    [
        ((1920, 1080), 540, (960 + 540, 540 + 44)),
        ((1080, 1920), 540, (304 + 540, 540 + 44)),
        ((640, 480), 361, (482 + 362, 362 + 30)),
        ((4000, 500), 540, (1080 + 540, 540 + 44)),
        (None, 540, (960, 540 + 44)),
        ((1, 1), 64, (64 + 64, 64 + 6)),
    ],
)
def test_the_size_of_pictures_is_even_and_constant(
    size: tuple[int, int] | None, height: int, expected: tuple[int, int]
) -> None:
    renderer = Renderer(H36M_17, size=size, height=height)
    assert renderer.size == expected
    picture = renderer.draw(None, None, STANDING, valid=True)
    assert picture.shape == (expected[1], expected[0], 3)
    assert picture.dtype == np.uint8


@pytest.mark.parametrize(
    ("size", "height", "expected"),
    [
        ((1920, 1080), 540, (960, 540)),
        ((640, 480), 361, (482, 362)),
        ((4000, 500), 540, (1080, 135)),
        ((640, 99), 64, (128, 20)),
        ((1000, 1), 64, (128, 1)),
        ((1, 1000), 64, (2, 64)),
    ],
)
def test_a_video_is_shown_at_the_size_that_fits(size: tuple[int, int], height: int, expected: tuple[int, int]) -> None:
    """The width is even; the height is that of the picture, or less for a very wide video."""
    assert picture_size(size, height) == expected


def test_the_video_fills_the_left_side() -> None:
    image = np.zeros((1080, 1920, 3), np.uint8)
    image[:, :960], image[:, 960:] = (200, 30, 40), (20, 180, 60)
    picture = Renderer(H36M_17, size=(1920, 1080)).draw(image, None, STANDING, valid=True)
    assert near(picture[2, 2], (200, 30, 40), 2)
    assert near(picture[537, 470], (200, 30, 40), 2)
    assert near(picture[2, 490], (20, 180, 60), 2)
    assert near(picture[537, 957], (20, 180, 60), 2)


def test_a_very_wide_video_has_bars_above_and_below() -> None:
    renderer = Renderer(H36M_17, size=(4000, 500))
    points = np.full((17, 2), np.nan, np.float32)
    points[H36M_17.index("left_wrist")] = 2000, 0
    picture = renderer.draw(np.full((500, 4000, 3), 250, np.uint8), points, STANDING, valid=True)
    filled = (picture[:540, 20] == 250).all(-1)
    assert filled.sum() == 135
    assert filled[202:337].all()
    assert near(picture[100, 500], NIGHT, 0)
    assert near(picture[202, 540], LEFT)


@pytest.mark.parametrize("skeleton", [H36M_17, COCO_17, HALPE_26, BLAZEPOSE_33])
def test_2d_joints_are_drawn_at_their_positions_in_the_video(skeleton: Skeleton) -> None:
    points = np.stack([100 + 35 * np.arange(len(skeleton)), 300 + 90 * (np.arange(len(skeleton)) % 3)], -1)
    points = points.astype(np.float32)
    renderer = Renderer(H36M_17, size=SIZE, skeleton2d=skeleton)
    picture = renderer.draw(None, points, STANDING, valid=True)
    for joint, (x, y) in zip(skeleton.joints, np.rint(points * 0.75).astype(int), strict=True):
        expected = joint.split("_")[0] if joint.startswith(("left_", "right_")) else "neither"
        assert side_of(picture[y, x]) == expected, joint
        assert picture[y, x].max() > 200


def test_uncertain_and_unknown_joints_are_left_out() -> None:
    points = np.random.default_rng(1).uniform(200, 600, (17, 2)).astype(np.float32)
    half = points.copy()
    half[:8] = np.nan

    def draw(points: np.ndarray | None, scores: np.ndarray | None = None) -> np.ndarray:
        return Renderer(H36M_17, size=SIZE).draw(None, points, STANDING, valid=True, scores2d=scores)

    sure = np.where(np.arange(17) < 8, 0.29, 0.31).astype(np.float32)
    np.testing.assert_array_equal(draw(points, sure), draw(half))
    assert (draw(points) != draw(half)).any()
    np.testing.assert_array_equal(draw(np.full((17, 2), np.nan, np.float32)), draw(None))


def test_the_viewpoint_projects_as_a_camera_does() -> None:
    viewpoint, points = Viewpoint(yaw=-50, pitch=20, distance=4), np.random.default_rng(0).normal(0, 0.5, (20, 3))
    # The same with vectors: a camera on a sphere looks at its centre.
    yaw, pitch = np.radians([-50, 20])
    ahead = np.array([-np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    right = np.cross([0, 1, 0], ahead) / np.cos(pitch)
    rays = points - (np.array([0, -viewpoint.height, 0]) - 4 * ahead)
    depth = rays @ ahead
    pixels = np.stack([rays @ right, rays @ np.cross(ahead, right)], -1) / depth[:, None] * viewpoint.zoom * 480
    projected = viewpoint.project(points, (640, 480))
    np.testing.assert_allclose(projected[:, :2], pixels + np.array([320, 240]))
    np.testing.assert_allclose(projected[:, 2], depth)


def test_the_figure_stands_on_the_ground_in_the_colours_of_its_sides(walk: PoseSequence) -> None:
    pose = walk.points[10]
    picture = Renderer(H36M_17).draw(None, None, pose, valid=True)
    stood = pose - [0, pose[:, 1].max() + 0.06, 0]
    pixels = Viewpoint().project(stood, (960, 540))
    for joint in ("right_shoulder", "right_elbow", "right_knee", "left_shoulder", "left_elbow"):
        x, y = np.rint(pixels[H36M_17.index(joint), :2]).astype(int)
        assert side_of(picture[y, x]) == joint.split("_")[0], joint
    solid = np.argwhere(picture[:540, 300:660].max(-1) > 150)  # beside the labels
    assert abs(solid[:, 0].max() - pixels[:, 1].max()) < 15


def test_raised_arms_fit_into_the_picture() -> None:
    tall = STANDING * 1.1
    tall[H36M_17.index("left_wrist")] = tall[H36M_17.index("head_top")] - [0, 0.42, 0]
    pixels = Viewpoint().project(tall - [0, tall[:, 1].max() + 0.06, 0], (540, 540))[:, :2]
    assert pixels.min() > 0
    assert pixels.max() < 540


def test_a_filled_in_pose_is_pale_and_labelled(walk: PoseSequence) -> None:
    valid, filled = (Renderer(H36M_17).draw(None, None, walk.points[42], valid=v) for v in (True, False))
    assert valid[60:500, 300:660].max() > 220
    assert filled[60:500, 300:660].max() < 135
    corner = np.s_[10:36, 10:180]
    assert filled[corner].max() > valid[corner].max() + 60


def test_the_timeline_highlights_kept_frames(walk: PoseSequence) -> None:
    renderer = Renderer(H36M_17, size=SIZE, frames=90)
    for frame in range(60):
        valid, kept = bool(walk.valid[frame]), bool(walk.kept[frame])
        picture = renderer.draw(None, None, walk.points[frame], valid=valid, kept=kept)
    left, right = 16 + 69, 1500 - 16 - 135
    bars = picture[540 + 22, left:right]
    middles = ((np.arange(90) + 0.45) * (right - left) / 90).astype(int)
    for frame in range(59):
        expected = AMBER if walk.kept[frame] else SLATE
        assert near(bars[middles[frame]], expected if walk.valid[frame] else ROSE, 0), frame
    assert near(bars[round(59.5 * (right - left) / 90) - 1], INK, 0)
    for frame in range(60, 90):
        assert bars[middles[frame]].max() < max(SLATE), "frames to come are dark"


@pytest.mark.parametrize(
    ("kept", "texts"),
    [
        (None, ["00:00.00 frame 0", "00:20.50 frame 1", "00:41.00 frame 2", "01:01.50 frame 3"]),
        (True, ["00:00.00 1 of 1 kept", "00:20.50 1 of 2 kept", "00:41.00 2 of 3 kept", "01:01.50 2 of 4 kept"]),
    ],
)
def test_the_timeline_states_the_time_and_counts(
    monkeypatch: pytest.MonkeyPatch, kept: bool | None, texts: list[str]
) -> None:
    written: list[str] = []
    monkeypatch.setattr(renderer_module, "write_text", lambda canvas, text, *_, **__: written.append(text))
    renderer = Renderer(H36M_17, fps=1 / 20.5)
    for t, expected in enumerate(texts):
        written.clear()
        renderer.draw(None, None, STANDING, valid=True, kept=kept and t % 2 == 0)
        assert " ".join(written[-2:]) == expected


@pytest.mark.parametrize("frames", [None, 5000])
def test_the_timeline_of_a_long_video_scrolls(frames: int | None) -> None:
    renderer = Renderer(H36M_17, frames=frames)
    strips = [renderer.draw(None, None, STANDING, valid=True, kept=t == 100)[562] for t in range(470)]
    amber = [np.flatnonzero((row == AMBER).all(-1)) for row in strips]
    assert [t for t, columns in enumerate(amber) if len(columns)] == list(range(100, 460))
    at = np.array([columns.mean() for columns in amber[101:460]])
    assert np.abs(np.diff(at[:258])).max() == 0, "the bar stays until the timeline is full"
    assert (np.diff(at[260:]) < 0).all(), "then it moves left"


def test_the_ground_stays_steady_below_the_lowest_joint() -> None:
    walk = make_walk(300)
    floor = GroundLevel(30)
    heights = np.array([floor(pose) for pose in walk.points])
    lowest = walk.points[..., 1].max(1) + 0.06
    assert heights[0] == pytest.approx(lowest[0], abs=1e-6)
    gap = heights - lowest
    assert gap.min() > -0.03, "feet sink in"
    assert gap.max() < 0.12, "the figure floats"
    assert np.abs(np.diff(heights)).max() < 0.02, "the ground jumps"
    still = GroundLevel(30)
    assert [still(STANDING) for _ in range(5)] == [pytest.approx(STANDING[:, 1].max() + 0.06)] * 5


def test_the_ground_follows_a_squat_and_stays_without_a_pose() -> None:
    floor = GroundLevel(30)
    start = floor(STANDING)
    squat = STANDING * [1, 0.5, 1]
    for _ in range(60):
        end = floor(squat)
    assert end == pytest.approx(squat[:, 1].max() + 0.06, abs=0.02)
    assert end < start - 0.3
    assert floor(np.full((17, 3), np.nan)) == end
    assert GroundLevel(30)(np.full((17, 3), np.nan)) == 0


def test_the_camera_follows_the_figure() -> None:
    """A figure moved by whole cells of the ground grid gives the same picture."""
    still = Renderer(H36M_17).draw(None, None, STANDING, valid=True)
    moved = Renderer(H36M_17).draw(None, None, STANDING + np.float32([1.5, 0.25, -2.0]), valid=True)
    between = Renderer(H36M_17).draw(None, None, STANDING + np.float32([0.2, 0.0, 0.1]), valid=True)
    assert (np.abs(still.astype(int) - moved).max(-1) > 24).sum() < 50  # rounding at the edges of lines
    assert (np.abs(still.astype(int) - between).max(-1) > 24).sum() > 500


def test_limbs_of_unknown_joints_are_left_out() -> None:
    empty = Renderer(H36M_17).draw(None, None, np.full((17, 3), np.nan, np.float32), valid=True)
    assert empty[:480].max() < 140
    lost = STANDING.copy()
    lost[[H36M_17.index(name) for name in H36M_17.joints if name.startswith("right_")]] = np.nan
    picture = Renderer(H36M_17).draw(None, None, lost, valid=True)[:480]
    sides = [side_of(pixel) for pixel in picture[picture.max(-1) > 150]]
    assert sides.count("left") > 200
    assert sides.count("right") == 0


@pytest.mark.parametrize("value", [1e7, -1e7, np.inf, np.nan, 0.0])
def test_extreme_points_do_not_fail(value: float) -> None:
    points, flat = STANDING.copy(), np.full((17, 2), 300, np.float32)
    points[4], flat[4] = value, value
    renderer = Renderer(H36M_17, size=SIZE)
    assert renderer.draw(None, flat, points, valid=True).shape == (584, 1500, 3)


def test_the_same_frames_give_the_same_pictures(walk: PoseSequence) -> None:
    pictures = []
    for _ in range(2):
        renderer = Renderer(H36M_17, size=SIZE)
        pictures.append([renderer.draw(None, walk.pose2d.points[t], walk.points[t], valid=True) for t in range(5)])
    np.testing.assert_array_equal(*pictures)


def write_grey_video(path: Path, frames: int) -> Path:
    """Write a video whose frame t is a uniform grey of 20 + 4 t."""
    with VideoWriter(path, fps=30, size=(320, 180)) as video:
        for t in range(frames):
            video.write(np.full((180, 320, 3), 20 + 4 * t, np.uint8))
    return path


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
    renderer = Renderer(H36M_17, size=SIZE, fps=30, frames=10, height=180)
    with VideoReader(path) as video:
        for t, frame in enumerate(video):
            expected = renderer.draw(
                None,
                short.pose2d.points[t],
                short.points[t],
                valid=bool(short.valid[t]),
                kept=bool(short.kept[t]),
                scores2d=short.pose2d.confidence[t],
            )
            assert np.abs(frame.image.astype(int) - expected).mean() < 4  # the codec's loss
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


def test_a_sheet_shows_the_middles_of_five_equal_parts(walk: PoseSequence) -> None:
    motion = walk[:50]
    assert pick_frames(replace(walk[:53], valid=np.ones(53, bool))) == [5, 15, 26, 37, 47]
    assert pick_frames(replace(motion, valid=np.arange(50) >= 45)) == [45, 46, 47, 48, 49]
    assert pick_frames(replace(motion, valid=np.zeros(50, bool))) == [4, 14, 24, 34, 44]
    assert pick_frames(motion[:3]) == [0, 1, 2]


def test_a_png_is_a_sheet_of_valid_frames(tmp_path: Path, walk: PoseSequence) -> None:
    frames = pick_frames(walk)
    assert frames == sorted(set(frames))
    assert len(frames) == 5
    assert walk.valid[frames].all()
    source = write_grey_video(tmp_path / "source.mp4", 90 - 40)
    with pytest.raises(VideoError, match="ends after 50 frames"):
        render(walk, tmp_path / "walk.png", video=source)
    sheet = cv2.imread(str(render(walk[:50], tmp_path / "walk.PNG", video=source)))
    assert sheet.shape == (2 * 408 + 64, 5 * 328 - 8, 3)
    for column, frame in enumerate(pick_frames(walk[:50])):
        assert sheet[3:8, 328 * column + 5].mean() == pytest.approx(20 + 4 * frame, abs=4)
    middle = sheet[-32, 90:-240, ::-1]
    assert sum(near(pixel, AMBER, 0) for pixel in middle) / len(middle) == pytest.approx(17 / 50, abs=0.08)


def test_a_sheet_has_a_row_for_what_there_is_to_show(tmp_path: Path, walk: PoseSequence) -> None:
    source, walk = write_grey_video(tmp_path / "source.mp4", 10), walk[:10]
    alone = replace(walk, pose2d=None)
    shapes = [
        cv2.imread(str(render(motion, tmp_path / "walk.png", video=video))).shape[0]
        for motion, video in ((walk, source), (walk, None), (alone, source), (alone, None))
    ]
    assert shapes == [2 * 408 + 64, 2 * 408 + 64, 2 * 408 + 64, 408 + 64]


def test_a_close_up_shows_the_largest_pose_at_78_percent_of_its_cell(tmp_path: Path) -> None:
    points = np.full((3, 17, 2), 100.0)
    points[0, 1], points[1, 1], points[2, 1] = (
        (110, 140),
        (160, 180),
        (200, 100),
    )  # pixels across and down from 100, 100
    flat = PoseSequence(points, H36M_17, "pixels", size=(320, 180))
    sheet = cv2.imread(str(render(replace(make_walk(3), pose2d=flat), tmp_path / "walk.png")))[..., ::-1]
    # The cell has 320 x 400 pixels, so the third pose is the largest: 100 pixels across become 0.78 * 320.
    spans = [(10, 40), (60, 80), (100, 0)]
    for column, span in enumerate(spans):
        cell = sheet[:400, 328 * column : 328 * column + 320]
        drawn = np.argwhere((cell != NIGHT).any(-1))
        extent = drawn.max(0)[::-1] - drawn.min(0)[::-1] + 1
        assert extent == pytest.approx(np.array(span) * 0.78 * 320 / 100, abs=14)  # the discs of the joints


def test_a_sheet_of_filled_in_poses_is_pale(tmp_path: Path, walk: PoseSequence) -> None:
    brightest = []
    for valid in (True, False):
        motion = replace(walk[:9], valid=np.full(9, valid), pose2d=None)
        sheet = cv2.imread(str(render(motion, tmp_path / "walk.png")))
        brightest.append(sheet[:400].max())
    assert brightest[0] > 220
    assert brightest[1] < 135


def test_a_sheet_may_have_a_single_frame(tmp_path: Path) -> None:
    sheet = cv2.imread(str(render(make_walk(1), tmp_path / "one.png")))
    assert sheet.shape == (2 * 408 + 64, 320, 3)


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
    with pytest.raises(PoseError, match="90 frames, got 3 in pixels"):
        render(walk, out, pose2d=walk.pose2d[:3])
    with pytest.raises(PoseError, match="height"):
        render(walk, out, height=8)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["short.mp4"]
    with pytest.raises(PoseError, match="fps"):
        Renderer(H36M_17, fps=0)
    with pytest.raises(PoseError, match="size"):
        Renderer(H36M_17, size=(0, 10))
    with pytest.raises(PoseError, match=r"h36m17 in 3D.*\(17, 3\).*\(16, 3\)"):
        Renderer(H36M_17).draw(None, None, STANDING[:16], valid=True)
    with pytest.raises(PoseError, match=r"coco17 in 2D.*\(17, 2\).*\(5, 2\)"):
        Renderer(H36M_17, skeleton2d=COCO_17).draw(None, np.zeros((5, 2)), STANDING, valid=True)
