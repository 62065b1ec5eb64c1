"""Pictures of a movie: their layout, the video, the figures and the timeline."""

from dataclasses import replace

import numpy as np
import pytest

from conftest import SIZE, make_walk
from poseglass import BLAZEPOSE_33, COCO_17, H36M_17, HALPE_26, PoseSequence, Skeleton
from poseglass.errors import PoseError
from poseglass.show.scene import AMBER, INK, LEFT, MINT, NIGHT, ROSE, SLATE, Viewpoint
from poseglass.show.stage import set_stage
from samples.circle_walk import circle_walk
from samples.pictures import draw_pose, near, side_of

pytest.importorskip("cv2")
pytest.importorskip("av")

from poseglass.show.rendering import Renderer
from poseglass.show.rendering import renderer as renderer_module
from poseglass.show.rendering.renderer import layout

STANDING = make_walk(1).points[0]


def flat(points: np.ndarray, skeleton: Skeleton = H36M_17, scores: np.ndarray | None = None) -> PoseSequence:
    """One 2D pose in the video."""
    scores = None if scores is None else scores[None]
    return PoseSequence(points[None], skeleton, "pixels", scores=scores, size=SIZE)


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
    renderer = Renderer(set_stage(make_walk(1)), size=size, height=height)
    assert renderer.size == expected
    picture = renderer.draw(0)
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
    parts = layout(size, height)
    assert (parts.flat, parts.used) == expected


def test_the_video_fills_the_left_side() -> None:
    image = np.zeros((1080, 1920, 3), np.uint8)
    image[:, :960], image[:, 960:] = (200, 30, 40), (20, 180, 60)
    picture = draw_pose(STANDING, image=image, size=(1920, 1080))
    assert near(picture[2, 2], (200, 30, 40), 2)
    assert near(picture[537, 470], (200, 30, 40), 2)
    assert near(picture[2, 490], (20, 180, 60), 2)
    assert near(picture[537, 957], (20, 180, 60), 2)


def test_a_very_wide_video_has_bars_above_and_below() -> None:
    points = np.full((17, 2), np.nan, np.float32)
    points[H36M_17.index("left_wrist")] = 2000, 0
    image = np.full((500, 4000, 3), 250, np.uint8)
    picture = draw_pose(STANDING, image=image, pose2d=flat(points), size=(4000, 500))
    filled = (picture[:540, 20] == 250).all(-1)
    assert filled.sum() == 135
    assert filled[202:337].all()
    assert near(picture[100, 500], NIGHT, 0)
    assert near(picture[202, 540], LEFT)


@pytest.mark.parametrize("skeleton", [H36M_17, COCO_17, HALPE_26, BLAZEPOSE_33])
def test_2d_joints_are_drawn_at_their_positions_in_the_video(skeleton: Skeleton) -> None:
    points = np.stack([100 + 35 * np.arange(len(skeleton)), 300 + 90 * (np.arange(len(skeleton)) % 3)], -1)
    points = points.astype(np.float32)
    picture = draw_pose(STANDING, pose2d=flat(points, skeleton), size=SIZE)
    for joint, (x, y) in zip(skeleton.joints, np.rint(points * 0.75).astype(int), strict=True):
        expected = joint.split("_")[0] if joint.startswith(("left_", "right_")) else "neither"
        assert side_of(picture[y, x]) == expected, joint
        assert picture[y, x].max() > 200


def test_uncertain_and_unknown_joints_are_left_out() -> None:
    points = np.random.default_rng(1).uniform(200, 600, (17, 2)).astype(np.float32)
    half = points.copy()
    half[:8] = np.nan

    def draw(points: np.ndarray | None, scores: np.ndarray | None = None) -> np.ndarray:
        return draw_pose(STANDING, pose2d=None if points is None else flat(points, scores=scores), size=SIZE)

    sure = np.where(np.arange(17) < 8, 0.29, 0.31).astype(np.float32)
    np.testing.assert_array_equal(draw(points, sure), draw(half))
    assert (draw(points) != draw(half)).any()
    np.testing.assert_array_equal(draw(np.full((17, 2), np.nan, np.float32)), draw(None))


def test_the_figure_stands_on_the_ground_in_the_colours_of_its_sides(walk: PoseSequence) -> None:
    pose = walk.points[10]
    picture = draw_pose(pose)
    stood = pose - [0, pose[:, 1].max() + 0.06, 0]
    pixels = Viewpoint().project(stood, (960, 540))
    for joint in ("right_shoulder", "right_elbow", "right_knee", "left_shoulder", "left_elbow"):
        x, y = np.rint(pixels[H36M_17.index(joint), :2]).astype(int)
        assert side_of(picture[y, x]) == joint.split("_")[0], joint
    solid = np.argwhere(picture[:540, 300:660].max(-1) > 150)  # beside the labels
    assert abs(solid[:, 0].max() - pixels[:, 1].max()) < 15


def test_a_filled_in_pose_is_pale_and_labelled(walk: PoseSequence) -> None:
    valid, filled = (draw_pose(walk.points[42], valid=v) for v in (True, False))
    assert valid[60:500, 300:660].max() > 220
    assert filled[60:500, 300:660].max() < 135
    corner = np.s_[10:36, 10:180]
    assert filled[corner].max() > valid[corner].max() + 60


def test_the_timeline_highlights_kept_frames(walk: PoseSequence) -> None:
    picture = Renderer(set_stage(walk), size=SIZE).draw(59)
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
    motion = replace(make_walk(4), fps=1 / 20.5, kept=kept and np.arange(4) % 2 == 0)
    renderer = Renderer(set_stage(motion))
    for t, expected in enumerate(texts):
        written.clear()
        renderer.draw(t)
        assert " ".join(written[-2:]) == expected


def test_the_timeline_of_a_long_video_scrolls() -> None:
    points = np.broadcast_to(STANDING, (5000, 17, 3))
    motion = PoseSequence(points, H36M_17, "camera", kept=np.arange(5000) == 100)
    renderer = Renderer(set_stage(motion))
    strips = [renderer.draw(t)[562] for t in range(470)]
    amber = [np.flatnonzero((row == AMBER).all(-1)) for row in strips]
    assert [t for t, columns in enumerate(amber) if len(columns)] == list(range(100, 460))
    at = np.array([columns.mean() for columns in amber[101:460]])
    assert np.abs(np.diff(at[:258])).max() == 0, "the bar stays until the timeline is full"
    assert (np.diff(at[260:]) < 0).all(), "then it moves left"


def test_the_camera_follows_the_figure() -> None:
    """A figure moved by whole cells of the ground grid gives the same picture."""
    still = draw_pose(STANDING)
    moved = draw_pose(STANDING + np.float32([1.5, 0.25, -2.0]))
    between = draw_pose(STANDING + np.float32([0.2, 0.0, 0.1]))
    assert (np.abs(still.astype(int) - moved).max(-1) > 24).sum() < 50  # rounding at the edges of lines
    assert (np.abs(still.astype(int) - between).max(-1) > 24).sum() > 500


def test_limbs_of_unknown_joints_are_left_out() -> None:
    empty = draw_pose(np.full((17, 3), np.nan, np.float32))
    assert empty[:480].max() < 140
    lost = STANDING.copy()
    lost[[H36M_17.index(name) for name in H36M_17.joints if name.startswith("right_")]] = np.nan
    picture = draw_pose(lost)[:480]
    sides = [side_of(pixel) for pixel in picture[picture.max(-1) > 150]]
    assert sides.count("left") > 200
    assert sides.count("right") == 0


@pytest.mark.parametrize("value", [1e7, -1e7, np.inf, np.nan, 0.0])
def test_extreme_points_do_not_fail(value: float) -> None:
    points, points2d = STANDING.copy(), np.full((17, 2), 300, np.float32)
    points[4], points2d[4] = value, value
    assert draw_pose(points, pose2d=flat(points2d), size=SIZE).shape == (584, 1500, 3)


def test_the_same_frames_give_the_same_pictures(walk: PoseSequence) -> None:
    pictures = []
    for _ in range(2):
        renderer = Renderer(set_stage(walk), size=SIZE)
        pictures.append([renderer.draw(t) for t in range(5)])
    np.testing.assert_array_equal(*pictures)


def test_a_foot_that_stands_is_lit() -> None:
    motion = circle_walk(30)
    stage = set_stage(motion)
    figure, lit = stage.figures[0], 0
    for tick in range(0, 30, 7):
        picture = Renderer(stage).draw(tick)[:540]
        ankles = [H36M_17.index(f"{side}_ankle") for side in ("left", "right")]
        feet = (figure.points[tick, ankles] * [1, 0, 1]) - stage.target[tick]
        for foot, contact in zip(feet, motion.contact[tick], strict=True):
            turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
            ring = foot + 0.09 * np.stack([np.cos(turn), 0 * turn, np.sin(turn)], 1)
            x, y = np.rint(stage.viewpoint(960 / 540).project(ring, (960, 540))[:, :2].T).astype(int)
            green = picture[y, x].astype(int)
            green = (green[:, 1] > 1.2 * green[:, 0]) & (green[:, 1] > 1.2 * green[:, 2])
            assert (green.mean() > 0.3) == (contact > 0.5), (tick, contact)
            lit += contact > 0.5
    assert lit >= 5
    assert MINT[1] > MINT[0]


def test_several_people_are_drawn_in_their_own_colours() -> None:
    people = [circle_walk(30, start=start, person=n + 1) for n, start in enumerate((0.0, 2.0))]
    stage = set_stage(people)
    picture = Renderer(stage, size=SIZE).draw(20)[:540, 960:].astype(int)
    for figure in stage.figures:
        own = np.array(figure.colours[0]) / max(figure.colours[0])
        bright = picture[picture.max(-1) > 120]
        share = (np.abs(bright / bright.max(-1, keepdims=True) - own).max(-1) < 0.06).sum()
        assert share > 40, figure.name


def test_the_camera_keeps_a_walker_in_the_picture() -> None:
    stage = set_stage(circle_walk(200))
    renderer, view = Renderer(stage, height=180), stage.viewpoint(320 / 180)
    for tick in range(0, 200, 40):
        renderer.draw(tick)
        pixels = view.project(stage.figures[0].points[tick] - stage.target[tick], (320, 180))[:, :2]
        assert pixels.min() > 0
        assert (pixels.max(0) < [320, 180]).all()


@pytest.mark.parametrize(("settings", "message"), [({"height": 8}, "height"), ({"size": (0, 10)}, "size")])
def test_wrong_sizes_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(PoseError, match=message):
        Renderer(set_stage(make_walk(1)), **settings)


def test_a_foot_that_stands_on_something_is_lit_at_its_own_height() -> None:
    world = circle_walk(30)
    to_world = world.trajectory.to_world.copy()
    to_world[1, 3] += 1.5  # the whole walk is 1.5 m above the floor
    stage = set_stage(replace(world, trajectory=replace(world.trajectory, to_world=to_world)))
    low, high = (
        Renderer(set_stage(m)).draw(0)[:540].astype(int)
        for m in (world, replace(world, trajectory=replace(world.trajectory, to_world=to_world)))
    )
    assert stage.figures[0].points[0, :, 1].max() == pytest.approx(-1.58, abs=0.01)
    for picture in (low, high):
        lit = (picture[..., 1] > 1.2 * picture[..., 0]) & (picture[..., 1] > 1.2 * picture[..., 2])
        assert lit.sum() > 200
        assert np.argwhere(lit)[:, 0].mean() > 380  # below the figure, which the camera follows up
