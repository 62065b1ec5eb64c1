"""The page in web/, in a real browser, against Python. `make test-web` builds the page."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from poseglass import PoseSequence, lift
from poseglass.lifting.predictor import predict
from poseglass.mocap.animation import Animation
from poseglass.mocap.bvh import read_bvh
from poseglass.weights.files import load
from samples.browser import CHROMIUM, Browser
from samples.page_server import film, serving

PAGE, DEMO = (Path(os.environ[name]) if name in os.environ else None for name in ("POSEGLASS_WEB", "POSEGLASS_DEMO"))
# WebGL runs without a graphics card, videos play without a click, other hosts are unknown, and a film takes the
# place of the camera.
FLAGS = (
    "--enable-unsafe-swiftshader --autoplay-policy=no-user-gesture-required "
    "--host-resolver-rules='MAP * ~NOTFOUND, EXCLUDE 127.0.0.1' "
    "--use-fake-ui-for-media-stream --use-fake-device-for-media-stream --use-file-for-fake-video-capture={camera}"
)
SIDES = {
    side: [f"{side}{part}" for part in ("UpLeg", "Leg", "Foot", "Arm", "ForeArm", "Hand")] for side in ("Left", "Right")
}
BVH_JOINTS = [
    *("Hips", *SIDES["Right"][:3], *SIDES["Left"][:3], "Chest", "Neck", "Head", "HeadTop"),
    *(*SIDES["Left"][3:], *SIDES["Right"][3:]),
]
"""The joints of the page's BVH files in Human3.6M's order."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the film as a video file and as a camera."""
    if PAGE is None or DEMO is None:
        pytest.skip("the page is not built here: run make test-web")
    folder = tmp_path_factory.mktemp("page")
    film(DEMO, folder / "walk.webm", "libvpx", deadline="realtime", **{"cpu-used": "5"})
    film(DEMO, folder / "camera.mjpeg", "mjpeg")
    return folder


@pytest.fixture(scope="module")
def page(folder: Path) -> Iterator[Browser]:
    """The page, which may load nothing from elsewhere."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (on Debian: apt-get install chromium)")
    assert PAGE is not None
    browser = Browser(folder / "home", flags=FLAGS.format(camera=folder / "camera.mjpeg"), offline=False)
    with serving(PAGE) as address:
        browser.open(address)
        yield browser
        sent = {url for url in browser.requests() if not url.startswith(("blob:", "data:"))}
        assert sent
        assert all(url.startswith(address) for url in sent)
        assert not [text for text in browser.complaints() if "Content Security Policy" in text]
    browser.close()


def click(page: Browser, name: str) -> None:
    page.wait(f"!document.getElementById('{name}').disabled")
    page.run(f"document.getElementById('{name}').click()")


def message(page: Browser) -> object:
    return page.run("document.getElementById('message').textContent")


@pytest.fixture(scope="module")
def recorded(page: Browser, folder: Path) -> tuple[PoseSequence, Path]:
    """What the page records from the video, as JSON and BVH. The video plays slowly, so that no frame is left out."""
    page.run("document.getElementById('video').defaultPlaybackRate = 0.2")
    root = page.ask("DOM.getDocument")["root"]["nodeId"]
    chooser = page.ask("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
    page.ask("DOM.setFileInputFiles", nodeId=chooser, files=[str(folder / "walk.webm")])
    click(page, "record")
    page.wait("poseglass.files()", patience=90)
    assert message(page) == ""
    for text, suffix in zip(page.run("poseglass.files()"), (".json", ".bvh"), strict=True):
        (folder / f"page{suffix}").write_text(text, encoding="utf-8")
    return PoseSequence.load(folder / "page.json"), folder / "page.bvh"


def test_the_page_lifts_its_2d_poses_as_python_does(recorded: tuple[PoseSequence, Path]) -> None:
    motion, _ = recorded
    pose2d = motion.pose2d
    assert pose2d is not None
    assert len(motion) > 60
    assert (motion.space, motion.fps, pose2d.size) == ("camera", 30, (800, 540))
    expected = predict(load("balanced"), pose2d.points.astype(float), pose2d.confidence, size=(800, 540))
    assert np.linalg.norm(motion.points - expected.pose3d, axis=-1).max() < 1e-4
    assert motion.kept is not None
    assert (motion.kept == expected.kept).mean() > 0.95


def test_the_page_agrees_with_python_on_the_same_video(recorded: tuple[PoseSequence, Path], folder: Path) -> None:
    pytest.importorskip("mediapipe")
    motion, _ = recorded
    reference = lift(folder / "walk.webm")
    shown = motion.validity & (motion.times >= reference.times[0]) & (motion.times <= reference.times[-1])
    rows = np.abs(motion.times[shown, None] - reference.times).argmin(1)
    points = reference.points[rows] - reference.points[rows][:, :1]
    assert shown.sum() > 60
    assert np.linalg.norm(motion.points[shown] - points, axis=-1).mean() < 0.02


def test_the_bvh_file_holds_the_same_motion(recorded: tuple[PoseSequence, Path]) -> None:
    motion, path = recorded
    animation = Animation.from_bones(read_bvh(path), unit=0.01)
    assert animation.fps == 30
    points = animation.positions[:, [animation.names.index(name) for name in BVH_JOINTS]]
    points = points - points[:, :1]
    expected = motion.points * np.array([1, -1, -1])
    assert np.linalg.norm(points - expected, axis=-1).mean() < 0.025

    def directions(points: np.ndarray) -> np.ndarray:
        bones = points[:, [2, 3, 5, 6, 12, 13, 15, 16]] - points[:, [1, 2, 4, 5, 11, 12, 14, 15]]
        return bones / np.linalg.norm(bones, axis=-1, keepdims=True)

    assert np.abs(directions(points) - directions(expected)).max() < 1e-3


def test_both_files_are_downloaded(page: Browser, recorded: object) -> None:
    page.run("window.saved = []; HTMLAnchorElement.prototype.click = function () { saved.push(this.download) }")
    click(page, "json")
    click(page, "bvh")
    assert page.run("saved") == ["motion.json", "motion.bvh"]


def test_the_camera_works_and_the_waist_is_elastic(page: Browser, recorded: object) -> None:
    click(page, "camera")
    for keep in (8, 80):
        page.run(f"(k => {{ k.value = {keep}; k.dispatchEvent(new Event('input')) }})(document.getElementById('keep'))")
        assert page.run("document.getElementById('kept').textContent") == f"{keep} of 81"
        page.run("window.count = poseglass.lifted()")
        page.wait("poseglass.lifted() > count + 2", patience=60)
    assert message(page) == ""


@pytest.mark.parametrize(
    ("name", "advice"), [("NotFoundError", "There is no camera"), ("NotAllowedError", "may not use the camera")]
)
def test_a_camera_that_does_not_start_is_explained(page: Browser, recorded: object, name: str, advice: str) -> None:
    page.run(f"navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{name}'))")
    click(page, "camera")
    page.wait(f"document.getElementById('message').textContent.includes('{advice}')")


def test_every_control_has_a_name(page: Browser) -> None:
    nodes = page.ask("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "slider", "combobox", "link")
    names = {node["name"]["value"] for node in nodes if node["role"]["value"] in roles}
    assert names >= {"Camera", "Open video…", "Record", "JSON", "BVH", "Model", "Delay", "Licenses"}
    assert "" not in names


def test_a_phone_shows_all_controls(page: Browser) -> None:
    page.ask("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)
    page.settle()
    boxes = [page.box(name) for name in ("#picture", "#stage", "#camera", "#bvh", "#keep", "#ahead")]
    for box in boxes:
        assert box["left"] >= 0
        assert box["top"] >= 0
        assert box["right"] <= 390
        assert box["bottom"] <= 844
    assert all(box["height"] > 150 for box in boxes[:2])


def test_a_browser_without_webassembly_gets_a_message(page: Browser) -> None:
    page.ask("Page.addScriptToEvaluateOnNewDocument", source="delete window.WebAssembly")
    page.ask("Page.reload")
    page.wait("document.getElementById('message')?.textContent.includes('no WebAssembly')")
