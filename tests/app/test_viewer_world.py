"""The player in a real browser: motion in the world, several people, comparison, video, plots and downloads."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from poseglass import H36M_17, PoseSequence
from poseglass.motion.angles import joint_angles
from poseglass.show.stage import set_stage
from poseglass.show.viewer import write_page
from samples.browser import Browser
from samples.circle_walk import circle_walk
from samples.pictures import write_grey_video

Open = Callable[..., Browser]
SIZE = (1280, 800)


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open the page of motions, paused at its first frame. No test may cause requests or console messages."""
    path = tmp_path / "walk.html"

    def open_page(motion: object, size: tuple[int, int] = SIZE, **settings: object) -> Browser:
        chromium.open(write_page(motion, path, title="A walk", **settings), size)
        chromium.run("poseglass.pause(); poseglass.seek(0)")
        return chromium

    yield open_page
    chromium.settle()
    assert chromium.complaints() == []
    outside = {url for url in chromium.requests() if not url.startswith(("data:", "blob:"))}
    assert outside == {path.as_uri()}


def people(count: int, frames: int = 60) -> list[PoseSequence]:
    return [circle_walk(frames, start=2.0 * n, person=n + 1) for n in range(count)]


def text(page: Browser, selector: str) -> str:
    return page.run(f"document.querySelector('{selector}').textContent")


def choose(page: Browser, selector: str, value: str) -> None:
    page.run(
        f"{{ const box = document.querySelector('{selector}'); box.value = '{value}'; "
        "box.dispatchEvent(new Event('change')); }"
    )
    page.settle()


def colour_at(picture: np.ndarray, x: float, y: float) -> np.ndarray:
    return picture[round(y), round(x)]


def test_from_the_filming_camera_the_figure_lies_on_its_2d_poses(opened: Open) -> None:
    motion = circle_walk(60)
    page = opened(motion)
    box = page.box("#stage")
    zoom = min(box["width"] / 1280, box["height"] / 720)
    for frame in (0, 30):
        page.press("5")
        page.run(f"poseglass.seek({frame})")
        projected = np.array(page.run("poseglass.project()"))[:, :2]
        expected = (motion.pose2d.points[frame] - [640, 360]) * zoom + np.array([box["width"], box["height"]]) / 2
        np.testing.assert_allclose(projected, expected, atol=0.6)
    assert page.run("document.getElementById('views').value") == "camera"
    page.drag((400, 300), (420, 300))
    assert page.run("poseglass.view.name") == "free"


@pytest.mark.parametrize(
    ("key", "name", "right", "down"),
    [("2", "front", [1, 0, 0], [0, 1, 0]), ("3", "side", [0, 0, 1], [0, 1, 0]), ("4", "top", [1, 0, 0], [0, 0, -1])],
)
def test_named_views_look_along_the_axes(opened: Open, key: str, name: str, right: list[int], down: list[int]) -> None:
    motion = circle_walk(60)
    page = opened(motion)
    page.press(key)
    page.settle()
    assert page.run("document.getElementById('views').value") == name
    page.run("Object.assign(poseglass.view, {distance: 500, pitch: Math.round(poseglass.view.pitch / 90) * 90})")
    shape = np.array(page.run("poseglass.project()"))[:, :2]
    points = set_stage(motion).figures[0].points[0]
    flat = np.stack([points @ right, points @ down], 1)
    shape, flat = shape - shape.mean(0), flat - flat.mean(0)
    np.testing.assert_allclose(shape / np.linalg.norm(shape), flat / np.linalg.norm(flat), atol=0.01)
    page.press("r")
    page.settle()
    assert page.run("document.getElementById('views').value") == "free"


def test_the_view_follows_everybody_one_person_or_nobody(opened: Open) -> None:
    stage = set_stage(people(2))
    page = opened(people(2))
    middle = np.array([page.run("document.getElementById('stage').clientWidth"), 0]) / 2

    def across() -> np.ndarray:
        return np.array([page.run(f"poseglass.project({n})")[0][0] for n in (0, 1)]) - middle[0]

    assert page.run("poseglass.followed") == "all"
    page.run("poseglass.look('top'); poseglass.seek(40)")
    both = across()
    assert both.sum() == pytest.approx(0, abs=40)
    page.press("f")
    assert page.run("document.getElementById('follow').selectedOptions[0].textContent") == "follow person 1"
    assert abs(across()[0]) < 25
    page.press("f")
    assert abs(across()[1]) < 25
    page.press("f")
    assert page.run("poseglass.followed") == "nobody"
    start = across()
    page.run("poseglass.seek(0)")
    moved = across() - start
    travel = stage.figures[0].points[0, 0, 0] - stage.figures[0].points[40, 0, 0]
    assert np.sign(moved[0]) == np.sign(travel)
    assert abs(moved[0]) > 20


def test_people_have_their_colours_and_can_be_hidden(opened: Open) -> None:
    page = opened(people(3))
    box = page.box("#stage")
    page.run("poseglass.seek(20)")

    def shade(person: int) -> np.ndarray:
        """The colour at the middle of a person's spine."""
        joints = np.array(page.run(f"poseglass.project({person})"))[:, :2]
        at = (joints[H36M_17.index("spine")] + joints[H36M_17.index("thorax")]) / 2
        return colour_at(page.picture(), box["x"] + at[0], box["y"] + at[1])

    colours = [figure.colours[0] for figure in set_stage(people(3)).figures]
    for person, colour in enumerate(colours):
        pixel = shade(person)
        np.testing.assert_allclose(pixel / pixel.max(), np.array(colour) / max(colour), atol=0.12)
    chips = page.run("[...document.querySelectorAll('#people button')].map((b) => b.textContent)")
    assert chips == ["person 1", "person 2", "person 3"]
    joints = np.array(page.run("poseglass.project(1)"))[:, :2]
    page.run("document.querySelectorAll('#people button')[1].click()")
    assert page.run("poseglass.project(1)") == []
    at = (joints[H36M_17.index("spine")] + joints[H36M_17.index("thorax")]) / 2
    assert colour_at(page.picture(), box["x"] + at[0], box["y"] + at[1]).max() < 90
    assert page.run("poseglass.project(0).length") == 17


def test_a_standing_foot_is_lit(opened: Open) -> None:
    motion = circle_walk(60)
    page = opened(motion)
    box = page.box("#stage")
    ankles = [H36M_17.index(f"{side}_ankle") for side in ("left", "right")]
    stage = set_stage(motion)
    green = {True: [], False: []}
    for frame in (0, 15, 22, 30, 45):
        page.run(f"poseglass.seek({frame})")
        picture = page.picture()
        for foot, ankle in enumerate(ankles):
            x, _, z = stage.figures[0].points[frame, ankle]
            turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
            ring = np.stack([x + 0.095 * np.cos(turn), 0 * turn, z + 0.095 * np.sin(turn)], 1)
            view = stage.viewpoint()
            pixels = view.project(ring - stage.target[frame], (round(box["width"]), round(box["height"])))
            pixels = pixels[:, :2] + [box["x"], box["y"]]
            ring = picture[pixels[:, 1].round().astype(int), pixels[:, 0].round().astype(int)]
            share = ((ring[:, 1] > 1.25 * ring[:, 0]) & (ring[:, 1] > 1.1 * ring[:, 2])).mean()
            green[bool(motion.contact[frame, foot] > 0.5)].append(share)
    assert len(green[True]) >= 3
    assert min(green[True]) > 0.3
    assert max(green[False]) < 0.15
    assert page.run("document.querySelector('#legend .standing').hidden") is False


def test_uncertainty_is_shown_and_can_be_hidden(opened: Open) -> None:
    page = opened(replace(circle_walk(30), uncertainty=np.full((30, 17), 0.25)))
    box = page.box("#stage")
    wrist = np.array(page.run("poseglass.project()"))[H36M_17.index("left_wrist"), :2]
    at = box["x"] + wrist[0] - 50, box["y"] + wrist[1] + 5  # beside the arm
    hidden = colour_at(page.picture(), *at)
    page.press("u")
    shown = colour_at(page.picture(), *at)
    assert shown.sum() > hidden.sum() + 40
    assert page.run("document.getElementById('blur').getAttribute('aria-pressed')") == "true"


def test_without_uncertainty_there_is_no_button(opened: Open) -> None:
    assert opened(circle_walk(10)).run("document.getElementById('blur').hidden") is True


def test_the_floor_has_a_scale_and_the_worlds_axes(opened: Open) -> None:
    page = opened(circle_walk(60))
    assert text(page, "#scale") == "floor squares: 0.5 m"
    page.run("poseglass.view.distance = 20; poseglass.redraw()")
    assert text(page, "#scale") == "floor squares: 1 m"
    page.run("poseglass.look('top'); poseglass.view.distance = 6; poseglass.follow('nobody'); poseglass.redraw()")
    box = page.box("#stage")
    picture = page.picture()[int(box["y"]) :, : int(box["width"])][: int(box["height"])]
    red = (picture[..., 0] > 1.5 * picture[..., 2]) & (picture[..., 0] > 120)
    assert red.sum() > 60


def test_two_motions_are_compared_over_and_beside_each_other(opened: Open) -> None:
    motion = circle_walk(60)
    page = opened(motion, compare=replace(motion, points=motion.points * np.float32(1.1)))
    assert page.run("document.getElementById('compare').hidden") is False

    def pelvis() -> list:
        joints = [page.run(f"poseglass.project({n})") for n in (0, 1)]
        return [part[0][0] if part else None for part in joints]

    a, b = pelvis()
    assert a == pytest.approx(b, abs=1)
    page.press("b")
    a, b = pelvis()
    assert b - a > 60
    page.press("b")
    assert pelvis()[0] is not None
    assert pelvis()[1] is None
    page.press("b")
    assert pelvis()[0] is None
    assert pelvis()[1] is not None
    page.press("b")
    assert page.run("document.getElementById('compare').value") == "over"
    assert None not in pelvis()


def test_the_embedded_video_keeps_step_with_the_motion(opened: Open, tmp_path: Path) -> None:
    source = write_grey_video(tmp_path / "grey.mp4", 45)
    page = opened(circle_walk(45), video=source)
    page.wait("poseglass.video.ready")
    assert page.run("document.getElementById('inset').hidden") is False
    box = page.box("#video")
    for frame in (0, 20, 44, 7):
        page.run(f"poseglass.seek({frame})")
        page.wait("!poseglass.video.element.seeking && poseglass.video.element.readyState >= 2")
        page.wait(f"Math.abs(poseglass.video.element.currentTime - {(frame + 0.3) / 30}) < 0.01")
        picture = page.picture()
        assert colour_at(picture, box["x"] + 8, box["y"] + box["height"] - 8).mean() == pytest.approx(
            20 + 4 * frame, abs=6
        )
    page.run("poseglass.seek(0); poseglass.play()")
    page.wait("poseglass.frame > 15")
    page.wait("Math.abs(poseglass.video.element.currentTime - poseglass.frame / 30) < 0.15")
    assert page.run("poseglass.video.element.paused") is False
    page.run("poseglass.pause()")
    page.settle()
    assert page.run("poseglass.video.element.paused") is True
    page.press("5")  # from the camera, the stage shows the video behind the figure
    page.run("poseglass.seek(40)")
    page.wait(f"Math.abs(poseglass.video.element.currentTime - {40.3 / 30}) < 0.01")
    time.sleep(0.3)
    stage = page.box("#stage")
    zoom = min(stage["width"] / 1280, stage["height"] / 720)
    corner = stage["x"] + stage["width"] / 2 - 640 * zoom, stage["y"] + stage["height"] / 2 - 360 * zoom
    assert colour_at(page.picture(), corner[0] + 6, corner[1] + 6).mean() > 60


def test_a_video_from_the_users_disk_is_shown(opened: Open, tmp_path: Path) -> None:
    source = write_grey_video(tmp_path / "grey.mp4", 45)
    page = opened(circle_walk(45))
    assert page.run("poseglass.video.ready") is False
    document = page.ask("DOM.getDocument")["root"]["nodeId"]
    node = page.ask("DOM.querySelector", nodeId=document, selector="#file")["nodeId"]
    page.ask("DOM.setFileInputFiles", files=[str(source)], nodeId=node)
    page.wait("poseglass.video.ready")
    page.run("poseglass.seek(30)")
    page.wait(f"Math.abs(poseglass.video.element.currentTime - {30.3 / 30}) < 0.01")
    box = page.box("#video")
    assert colour_at(page.picture(), box["x"] + 8, box["y"] + box["height"] - 8).mean() == pytest.approx(140, abs=8)


def test_plots_show_the_curves_and_seek(opened: Open) -> None:
    motion = circle_walk(60)
    page = opened(motion)
    assert page.run("document.getElementById('plots').hidden") is False
    titles = page.run("[...document.querySelectorAll('#plots select')].map((s) => s.selectedOptions[0].textContent)")
    assert titles == ["pelvis height (m)", "speed (m/s)", "knee flexion (°)"]
    page.run("poseglass.seek(33)")
    page.settle()
    values = page.run("[...document.querySelectorAll('#plots output')].map((o) => o.value)")
    height = motion.world().joint("pelvis")[33, 1]
    angles = joint_angles(motion)
    knees = {side: round(float(angles[f"{side}_knee_flexion"][33])) for side in ("left", "right")}
    assert values[0] == f"{height:.2f} m"
    assert set(values[2].removesuffix(" °").split(" · ")) == {f"{side} {knee}" for side, knee in knees.items()}
    choose(page, "#plots select", "2")
    assert text(page, "#plots output").endswith("°")
    box = page.box("#plots figure:nth-child(2) canvas")
    x, y = box["x"] + box["width"] * 10.5 / 60, box["y"] + box["height"] / 2
    page.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
    page.mouse("mouseReleased", x, y, button="left", clickCount=1)
    assert page.run("poseglass.frame") == 10
    page.press("p")
    assert page.run("document.getElementById('plots').hidden") is True


def test_the_downloaded_json_is_the_motion_in_the_world(opened: Open, tmp_path: Path) -> None:
    motion = circle_walk(60)
    page = opened(motion)
    path = tmp_path / "down.json"
    path.write_text(page.run("poseglass.downloads.json.text(poseglass.people[0])"))
    loaded = PoseSequence.load(path)
    np.testing.assert_allclose(loaded.points, motion.world().points, atol=6e-4)
    assert (loaded.skeleton, loaded.space) == (H36M_17, "world")
    np.testing.assert_array_equal(loaded.valid, motion.valid)
    np.testing.assert_allclose(loaded.times, motion.times, atol=1e-6)


def test_the_downloaded_csv_has_a_row_per_person_and_frame(opened: Open) -> None:
    page = opened(people(2, 30))
    rows = [row.split(",") for row in page.run("poseglass.downloads.csv.text()").splitlines()]
    table = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert len(table) == 60
    row = table[30 + 7]
    walker = people(2, 30)[1]
    assert (row["person"], row["frame"], row["seconds"]) == ('"person 2"', "7", "0.2333")
    place = [float(row[f"left_wrist_{axis}"]) for axis in "xyz"]
    np.testing.assert_allclose(place, walker.world().joint("left_wrist")[7], atol=6e-4)
    assert float(row["contact_left"]) == pytest.approx(walker.contact[7, 0], abs=0.006)
    assert float(row["left_knee_flexion_degrees"]) == pytest.approx(
        joint_angles(walker)["left_knee_flexion"][7], abs=0.011
    )


def test_files_are_saved_under_the_title(opened: Open, tmp_path: Path) -> None:
    page = opened(people(2, 10))
    folder = tmp_path / "downloads"
    folder.mkdir()
    page.ask("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    choose(page, "#save", "csv")
    end = time.monotonic() + 20
    while not (folder / "A-walk.csv").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert (folder / "A-walk.csv").read_text().startswith("person,frame,seconds,valid,pelvis_x,")
    assert page.run("document.getElementById('save').value") == ""
    page.run("document.querySelectorAll('#people button')[0].click()")  # only those shown are saved
    choose(page, "#save", "json")
    while not (folder / "A-walk-person-2.json").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert json.loads((folder / "A-walk-person-2.json").read_text())["fps"] == 30
    assert not (folder / "A-walk-person-1.json").exists()


def test_the_help_lists_every_key_and_closes(opened: Open) -> None:
    page = opened(circle_walk(10))
    page.press("?")
    assert page.run("document.getElementById('help').open") is True
    listed = page.run("[...document.querySelectorAll('#help td:first-child')].map((c) => c.textContent)")
    assert {"space", "← →", "1 to 5", "F", "P", "?"} <= set(listed)
    page.press("ArrowRight")  # the keys rest while the help is open
    assert page.run("poseglass.frame") == 0
    page.run("document.querySelector('#help button').click()")
    assert page.run("document.getElementById('help').open") is False
    page.press("ArrowRight")
    assert page.run("poseglass.frame") == 1


def test_one_finger_turns_the_figure(opened: Open) -> None:
    page = opened(circle_walk(10), (390, 844))
    start = page.run("({...poseglass.view})")
    for kind, points in (
        ("touchStart", [{"x": 200, "y": 300, "id": 0}]),
        ("touchMove", [{"x": 250, "y": 320, "id": 0}]),
        ("touchEnd", []),
    ):
        page.ask("Input.dispatchTouchEvent", type=kind, touchPoints=points)
    end = page.run("({...poseglass.view})")
    assert end["yaw"] == pytest.approx(start["yaw"] - 20)
    assert end["pitch"] == pytest.approx(start["pitch"] + 8)
    assert end["distance"] == start["distance"]


def test_a_notebook_cell_plays_the_motion(chromium: Browser, tmp_path: Path) -> None:
    cell = tmp_path / "notebook.html"
    cell.write_text(f"<body><script>window.poseglass = 1</script>{circle_walk(30)._repr_html_()}</body>")
    chromium.open(cell, SIZE)
    inside = "document.querySelector('iframe').contentWindow.poseglass"
    chromium.wait(f"{inside} !== undefined")
    assert chromium.run(f"{inside}.frames") == 30
    chromium.wait(f"{inside}.frame > 3")
    box = chromium.box("iframe")
    assert (box["height"], box["width"] > 1000) == (560, True)
    chromium.run(f"{inside}.pause(); {inside}.seek(8)")
    picture = chromium.picture()[int(box["y"]) :, int(box["x"]) :][:300, :800]
    assert (picture.max(-1) > 180).sum() > 1500
    assert chromium.complaints() == []


@pytest.mark.parametrize("size", [(390, 844), (844, 390), (1280, 800)])
def test_the_page_fits_the_window_with_everything_open(opened: Open, tmp_path: Path, size: tuple[int, int]) -> None:
    source = write_grey_video(tmp_path / "grey.mp4", 20)
    page = opened(people(3, 20), size, video=source)
    page.wait("poseglass.video.ready")
    if page.run("document.getElementById('plots').hidden"):
        page.press("p")
    page.settle()
    assert page.run("[document.body.scrollWidth, document.body.scrollHeight]") == list(size)
    stage, inset, plots = (page.box(selector) for selector in ("#stage", "#inset", "#plots"))
    assert stage["height"] > 0.2 * size[1]
    assert plots["height"] >= 60
    for part in (inset, plots):
        assert part["x"] >= 0
        assert part["x"] + part["width"] <= size[0]
        assert part["y"] + part["height"] <= size[1]
    buttons = page.run("[...document.querySelectorAll('#controls > *')].map((b) => b.getBoundingClientRect().right)")
    assert max(buttons) <= size[0]


def test_values_of_several_people_show_by_their_colour_whose_they_are(opened: Open) -> None:
    page = opened(people(2))
    page.settle()
    spans = "[...document.querySelectorAll('#plots figure:nth-of-type(3) output span')]"
    values = page.run(f"{spans}.map((span) => [span.textContent, span.style.color])")
    assert [text.removeprefix(" · ").split()[0] for text, _ in values] == ["R", "L", "R", "L"]
    colours = [colour for _, colour in values]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    assert colours[::2] == page.run("[...document.querySelectorAll('#people button')].map((b) => b.style.color)")


def test_a_ten_minute_clip_draws_quickly(opened: Open) -> None:
    short = circle_walk(600)
    turns = 30
    path = replace(
        short.trajectory,
        root=np.tile(short.root, (turns, 1)),
        contact=np.tile(short.contact, (turns, 1)),
    )
    long = PoseSequence(
        np.tile(short.points, (turns, 1, 1)), H36M_17, "camera", fps=30, trajectory=path, size=(1280, 720)
    )
    page = opened(long)
    assert page.run("poseglass.frames") == 18_000
    seconds = page.run(
        "(() => { const start = performance.now(); for (let i = 0; i < 40; i++) { poseglass.seek(9000 + i); "
        "poseglass.redraw(); } return (performance.now() - start) / 40000; })()"
    )
    assert seconds < 1 / 30
