"""The 3D player in a real browser."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from conftest import make_walk
from poseglass import H36M_17, PoseSequence
from poseglass.show.scene import AMBER, ROSE, SLATE
from poseglass.show.stage import set_stage
from poseglass.show.viewer import write_page
from samples.browser import Browser


@pytest.fixture
def player(chromium: Browser, walk: PoseSequence, tmp_path: Path) -> Iterator[Browser]:
    """The page of the walk, paused at its first frame. No test may cause downloads or console messages."""
    page = write_page(walk, tmp_path / "walk.html", title="A walk")
    chromium.open(page)
    chromium.run("poseglass.pause(); poseglass.seek(0)")
    yield chromium
    chromium.settle()
    assert chromium.complaints() == []
    assert {url for url in chromium.requests() if not url.startswith("data:")} == {page.as_uri()}


def viewed_from(points: np.ndarray, yaw: float, pitch: float, distance: float, size: tuple[float, float]) -> np.ndarray:
    """Project points to a camera on a sphere around (0, 0.98 m up, 0), with vectors instead of matrices."""
    yaw, pitch = np.radians([yaw, pitch])
    ahead = np.array([-np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    eye = np.array([0, -0.98, 0]) - distance * ahead
    right = np.cross([0.0, 1.0, 0.0], ahead)
    right /= np.linalg.norm(right)
    down = np.cross(ahead, right)
    rays = points - eye
    depth = rays @ ahead
    flat = np.stack([rays @ right, rays @ down], -1) / depth[:, None]
    return flat * 1.66 * size[1] + np.array(size) / 2


def grounded(motion: PoseSequence, frame: int) -> np.ndarray:
    """The pose at the height above the ground that the page stores."""
    return set_stage(motion).figures[0].points[frame]


def stage_size(player: Browser) -> tuple[float, float]:
    box = player.box("#stage")
    return box["width"], box["height"]


def test_the_page_shows_the_title_and_facts_of_the_motion(player: Browser) -> None:
    assert player.run("document.title") == "A walk"
    assert player.run("document.querySelector('h1').textContent") == "A walk"
    facts = player.run("document.getElementById('facts').textContent")
    for fact in ("90 frames", "30 kept", "30 fps", "metres", "camera", "h36m17"):
        assert fact in facts
    assert player.run("poseglass.frames") == 90


def test_every_control_has_a_name(player: Browser) -> None:
    nodes = player.ask("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "slider", "combobox")
    names = [(n["role"]["value"], n["name"]["value"]) for n in nodes if n["role"]["value"] in roles and "name" in n]
    buttons = ["One frame back", "Play", "One frame forward", "2D", "Video…", "Plots", "Reset view", "Help"]
    boxes = ["Speed", "View", "Follow", "Download", "Curve 1", "Curve 2"]
    expected = [*(("button", name) for name in buttons), *(("combobox", name) for name in boxes), ("slider", "Frame")]
    assert set(names) - set(expected) <= {("combobox", "Curve 3")}
    assert set(expected) - set(names) <= {("combobox", "Curve 2")}


def test_playback_runs_in_real_time_and_can_be_paused(player: Browser) -> None:
    frame, now = "poseglass.frame", "performance.now() / 1000"
    player.run("poseglass.play()")
    player.wait(f"{frame} >= 3")
    start, began = player.run(f"[{frame}, {now}]")
    time.sleep(0.5)
    end, ended = player.run(f"[{frame}, {now}]")
    assert 0 < end - start <= 30 * (ended - began) + 3
    assert end - start >= 0.5 * 30 * (ended - began) - 3
    player.press(" ")
    assert player.run("poseglass.playing") is False
    paused = player.run(frame)
    time.sleep(0.2)
    assert player.run(frame) == paused
    player.press(" ")
    assert player.run("poseglass.playing") is True
    player.wait(f"{frame} !== {paused}")
    player.wait(f"{frame} < {paused}")  # it starts again at the end


def test_the_play_button_starts_playback_and_space_pauses_it(player: Browser) -> None:
    box = player.box("#play")
    at = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    player.mouse("mousePressed", *at, button="left", clickCount=1)
    player.mouse("mouseReleased", *at, button="left", clickCount=1)
    assert player.run("poseglass.playing") is True
    assert player.run("document.getElementById('play').getAttribute('aria-label')") == "Pause"
    player.press(" ")  # the button has the focus: one press must count once
    assert player.run("poseglass.playing") is False


@pytest.mark.parametrize("frame", [0, 31, 42, 89])
def test_a_click_on_the_timeline_sets_the_frame(player: Browser, frame: int) -> None:
    box = player.box("#scrub")
    x, y = box["x"] + (frame + 0.5) / 90 * box["width"], box["y"] + box["height"] / 2
    player.mouse("mousePressed", x, y, button="left", clickCount=1)
    player.mouse("mouseReleased", x, y, button="left", clickCount=1)
    player.settle()
    assert player.run("poseglass.frame") == frame
    assert player.run("Number(document.getElementById('scrub').value)") == frame
    assert player.run("document.getElementById('clock').value").startswith(f"00:0{frame / 30:.2f} / 00:03.00")
    assert f"frame {frame} of 90" in player.run("document.getElementById('count').value")
    assert ("kept" in player.run("document.getElementById('count').value")) == (frame % 3 == 1)


def test_arrow_keys_step_through_frames(player: Browser) -> None:
    for key, frame in (("End", 89), ("ArrowLeft", 88), ("Home", 0), ("ArrowLeft", 0), ("ArrowRight", 1)):
        player.press(key)
        assert player.run("poseglass.frame") == frame


def test_joints_are_projected_as_by_a_camera(player: Browser, walk: PoseSequence) -> None:
    size = stage_size(player)
    for frame, yaw, pitch, distance in ((0, 38, 13, 4.6), (20, -70, 40, 6), (60, 170, -5, 3)):
        player.run(f"poseglass.seek({frame}); Object.assign(poseglass.view, {{yaw: {yaw}, pitch: {pitch}}})")
        player.run(f"poseglass.view.distance = {distance}")
        projected = np.array(player.run("poseglass.project()"))[:, :2]
        truth = viewed_from(grounded(walk, frame), yaw, pitch, distance, size)
        np.testing.assert_allclose(projected, truth, atol=0.5)  # pixels, because points are stored in millimetres


def test_the_figure_is_drawn_in_the_colours_of_its_sides(player: Browser, walk: PoseSequence) -> None:
    box = player.box("#stage")
    for frame in (0, 10, 20, 40):
        player.run(f"poseglass.seek({frame})")
        places = viewed_from(grounded(walk, frame), 38, 13, 4.6, (box["width"], box["height"]))
        places += np.array([box["x"], box["y"]])
        picture = player.picture()
        # These joints are not hidden in these frames.
        for joint, other in (("right_elbow", 2), ("right_shoulder", 2), ("left_ankle", 0), ("left_shoulder", 0)):
            x, y = places[H36M_17.index(joint)].round().astype(int)
            colour = picture[y, x]
            assert colour[2 - other] > 1.3 * colour[other], (frame, joint, colour)
    head = picture[tuple(places[H36M_17.index("head_top")].round().astype(int)[::-1])]
    assert head.max() < 120  # frame 40 is invalid and pale
    assert player.run("document.getElementById('note').hidden") is False
    player.run("poseglass.seek(50)")
    player.settle()
    assert player.run("document.getElementById('note').hidden") is True


def test_kept_frames_are_highlighted(player: Browser, walk: PoseSequence) -> None:
    box = player.box("#bars")
    picture = player.picture()
    y = round(box["y"] + box["height"] / 2)
    for frame in range(1, 90):  # the playhead hides the first
        x = int(box["x"] + (frame + 0.4) / 90 * box["width"])
        expected = AMBER if walk.kept[frame] else SLATE
        expected = expected if walk.valid[frame] else ROSE
        assert np.abs(picture[y, x] - expected).max() <= 3, frame


def test_dragging_turns_and_moves_the_view_and_the_wheel_zooms(player: Browser) -> None:
    first = player.run("({...poseglass.view})")
    player.drag((600, 300), (700, 350))
    turned = player.run("({...poseglass.view})")
    assert turned["yaw"] == pytest.approx(first["yaw"] - 40)
    assert turned["pitch"] == pytest.approx(first["pitch"] + 20)
    before = np.array(player.run("poseglass.project()"))[:, :2]
    player.drag((600, 300), (630, 280), modifiers=8)
    moved = np.array(player.run("poseglass.project()"))[:, :2] - before
    assert player.run("poseglass.view.yaw") == pytest.approx(turned["yaw"])
    np.testing.assert_allclose(moved, np.broadcast_to([30, -20], moved.shape), atol=9)  # nearer joints move farther
    player.mouse("mouseWheel", 600, 300, deltaX=0, deltaY=120)
    player.wait("poseglass.view.distance > 4.7")
    player.drag((600, 300), (600, 5000))
    assert player.run("poseglass.view.pitch") == 89
    player.press("r")
    assert player.run("({...poseglass.view})") == first


def test_two_fingers_zoom_the_view(player: Browser) -> None:
    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(places)]
        player.ask("Input.dispatchTouchEvent", type=kind, touchPoints=points)

    touch("touchStart", (500, 300), (700, 300))
    touch("touchMove", (400, 300), (800, 300))
    touch("touchEnd")
    assert player.run("poseglass.view.distance") == pytest.approx(4.6 / 2)
    assert player.run("poseglass.view.yaw") == 38


def test_2d_keypoints_are_shown_and_can_be_hidden(player: Browser) -> None:
    box = player.box("#flat")
    player.run("poseglass.seek(30)")
    part = player.picture()[int(box["y"]) :, int(box["x"]) :][: int(box["height"]), : int(box["width"])]
    walker = make_walk().pose2d.points[30] * box["width"] / 1280
    warm = np.argwhere(part[..., 0] > part[..., 2] + 60)  # rows and columns of the right side's limbs
    right = walker[[H36M_17.index(name) for name in H36M_17.joints if name.startswith("right_")]]
    assert len(warm) > 20
    assert warm.min(0) == pytest.approx(right.min(0)[::-1], abs=4)
    assert warm.max(0) == pytest.approx(right.max(0)[::-1], abs=4)
    player.run("document.getElementById('flatten').click()")
    assert player.run("document.getElementById('inset').hidden") is True


@pytest.mark.parametrize("size", [(390, 740), (800, 400), (2400, 1300)])
def test_the_page_fits_any_window(chromium: Browser, walk: PoseSequence, tmp_path: Path, size: tuple[int, int]) -> None:
    chromium.open(write_page(walk, tmp_path / "page.html", title="A walk with a rather long name"), size)
    chromium.run("poseglass.pause()")
    assert chromium.run("[document.body.scrollWidth, document.body.scrollHeight]") == list(size)
    width, height = stage_size(chromium)
    assert height > 0.3 * size[1]
    joints = np.array(chromium.run("poseglass.project()"))
    assert ((joints[:, :2] > 0) & (joints[:, :2] < [width, height])).all()


def test_a_long_motion_with_uneven_timing_plays_by_its_timestamps(chromium: Browser, tmp_path: Path) -> None:
    frames = 20_000
    short = make_walk(100)
    turns = frames // 100
    times = np.cumsum(np.where(np.arange(frames) < 10_000, 0.02, 0.04))
    motion = PoseSequence(
        np.tile(short.points, (turns, 1, 1)),
        H36M_17,
        "camera",
        timestamps=times,
        kept=np.arange(frames) >= 10_000,
        pose2d=PoseSequence(np.tile(short.pose2d.points, (turns, 1, 1)), H36M_17, "pixels", size=(1280, 720)),
    )
    page = write_page(motion, tmp_path / "long.html")
    assert page.stat().st_size < 320 * frames + 100_000
    chromium.open(page)
    chromium.run("poseglass.pause(); poseglass.seek(15000)")
    picture = chromium.picture()
    assert chromium.run("document.getElementById('clock').value").startswith("06:40.02 / 10:00")
    box = chromium.box("#bars")
    bars = picture[int(box["y"]) + 12, int(box["x"]) :]
    assert np.abs(bars[int(0.25 * box["width"])] - SLATE).max() <= 3
    assert np.abs(bars[int(0.9 * box["width"])] - AMBER).max() <= 3
    chromium.run("poseglass.play()")
    chromium.wait("poseglass.frame > 15010")  # here 25 frames per second by the timestamps, not the mean rate
    assert chromium.complaints() == []


def test_a_frame_without_known_joints_of_a_motion_without_pruning_is_shown_empty(
    chromium: Browser, tmp_path: Path
) -> None:
    points = np.full((3, 17, 3), np.nan)
    points[0] = 0
    motion = PoseSequence(points, H36M_17, "world", fps=10, valid=np.arange(3) < 1)
    chromium.open(write_page(motion, tmp_path / "blank.html"))
    chromium.run("poseglass.pause(); poseglass.seek(2)")
    chromium.settle()
    assert chromium.run("poseglass.project().every((p) => p === null)") is True
    assert chromium.run("document.querySelector('#legend .kept').hidden") is True
    assert chromium.run("document.getElementById('inset').hidden") is True
    assert chromium.complaints() == []


def test_a_title_is_not_run_as_code(chromium: Browser, walk: PoseSequence, tmp_path: Path) -> None:
    title = "</title><script>window.harm = 1</script> {{motion}} & co"
    chromium.open(write_page(walk, tmp_path / "page.html", title=title))
    assert chromium.run("document.title") == title
    assert chromium.run("window.harm === undefined") is True
