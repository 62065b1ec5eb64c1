"""Fixtures for several test files: a synthetic walk past a camera, and the command line."""

# isort: off
import samples.shape_checks  # noqa: F401  before the package

# isort: on
import logging
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import jaxtyping
import numpy as np
import pytest
import rich
from hypothesis import HealthCheck, settings

from poseglass import H36M_17, PoseSequence
from poseglass.commands.app import main
from poseglass.cost.measuring import Product
from poseglass.detect.fetch import detector_model
from poseglass.errors import DetectorError
from samples.browser import CHROMIUM, Browser
from samples.studio import write_studio

# No time limit, because the machine may be busy; the same examples in every run.
settings.register_profile(
    "steady",
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("steady")

SIZE = (1280, 720)
FOCAL = 1000.0


def make_walk(frames: int = 90, fps: float = 30.0) -> PoseSequence:
    """A walk of one stride per second from left to right: camera space, pelvis at the origin.

    Every third frame is kept. Frames 40 to 44 are invalid: their 2D poses are unknown, their 3D poses filled in.
    """
    seconds = np.arange(frames) / fps
    swing = 2 * np.pi * seconds
    # Body axes: x forward, y down, z to its right. A limb's angle is measured forward from straight down.
    sides, phase = {"right": 1.0, "left": -1.0}, {"right": 0.0, "left": np.pi}
    joints = {"pelvis": np.zeros((frames, 3))}

    def hang(child: str, parent: str, length: float, angle: np.ndarray | float, aside: float = 0.0) -> None:
        forward, down = length * np.sin(angle), length * np.cos(angle)
        step = np.stack(np.broadcast_arrays(forward, down, aside * np.ones(frames)), -1)
        joints[child] = joints[parent] + step

    lean = np.pi - 0.06
    for child, parent, length in (
        ("spine", "pelvis", 0.23),
        ("thorax", "spine", 0.25),
        ("neck_nose", "thorax", 0.12),
        ("head_top", "neck_nose", 0.12),
    ):
        hang(child, parent, length, lean - 0.3 * (child == "neck_nose"))
    for side, right in sides.items():
        leg, arm = swing + phase[side], swing + phase[side] + np.pi
        thigh = 0.45 * np.sin(leg) + 0.08
        knee = 0.12 + 0.9 * np.clip(np.cos(leg), 0, None) ** 2
        hang(f"{side}_hip", "pelvis", 0.0, 0.0, right * 0.13)
        hang(f"{side}_knee", f"{side}_hip", 0.44, thigh)
        hang(f"{side}_ankle", f"{side}_knee", 0.44, thigh - knee)
        hang(f"{side}_shoulder", "thorax", -0.02, 0.0, right * 0.15)
        hang(f"{side}_elbow", f"{side}_shoulder", 0.28, 0.5 * np.sin(arm) - 0.1, right * 0.03)
        hang(f"{side}_wrist", f"{side}_elbow", 0.25, 0.5 * np.sin(arm) + 0.35)
    body = np.stack([joints[name] for name in H36M_17.joints], 1)

    turn = np.radians(25)  # from the image's right towards the camera
    ahead, right = [np.cos(turn), 0, -np.sin(turn)], [-np.sin(turn), 0, -np.cos(turn)]
    points = body @ np.array([ahead, [0, 1, 0], right])
    path = np.outer(seconds - seconds.mean(), np.multiply(1.2, ahead)) + np.array([0, 0.1, 4.2])
    placed = points + path[:, None]
    # A long walk passes the camera; its last pixels are far outside the image.
    pixels = FOCAL * placed[..., :2] / np.maximum(placed[..., 2:], 0.1) + np.array(SIZE) / 2

    valid = np.ones(frames, bool)
    valid[40:45] = False
    pixels[~valid] = np.nan
    pose2d = PoseSequence(pixels, H36M_17, "pixels", fps=fps, valid=valid, size=SIZE)
    kept = np.arange(frames) % 3 == 1
    return PoseSequence(points, H36M_17, "camera", fps=fps, valid=valid, kept=kept, size=SIZE, pose2d=pose2d)


@pytest.fixture
def walk() -> PoseSequence:
    """Three seconds of :func:`make_walk`."""
    return make_walk()


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    """A folder of the user's own motion files."""
    return write_studio(tmp_path / "studio")


@pytest.fixture
def as_used() -> Iterator[None]:
    """Turn off the shape checks of the test run, so that tests see the errors that users see."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


class CommandResult(NamedTuple):
    """The result of a command."""

    code: int
    out: str
    err: str


Run = Callable[..., CommandResult]


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def poseglass(workdir: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, as_used: None) -> Run:
    """Run a command in this process, and check that it exits and leaves no temporary file."""
    log = logging.getLogger("poseglass")
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "level", log.level)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> CommandResult:
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        rich.reconfigure()
        assert not [*workdir.rglob(".*")], "a temporary file is left"
        return CommandResult(int(end.value.code or 0), *capfd.readouterr())

    return run


@pytest.fixture
def small_product(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks measure the rate of a small matrix product, for tests to which it does not matter."""
    monkeypatch.setattr(Product, "aim", 0.001)


@pytest.fixture(scope="session")
def model() -> Path:
    """The detector's real weights, from the user's cache or the network."""
    try:
        return detector_model()
    except DetectorError as problem:
        pytest.skip(f"needs the detector's weights: {problem}")


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """Grace Hopper, 512 x 600, from matplotlib (which MediaPipe requires), for tests of real detectors."""
    spec = find_spec("matplotlib")
    path = Path(spec.origin).parent / "mpl-data/sample_data/grace_hopper.jpg" if spec and spec.origin else None
    if path is None or not path.is_file():
        pytest.skip("needs matplotlib's sample image of a person")
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).copy()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A tab of headless Chromium, for the tests of one file."""
    if CHROMIUM is None or shutil.which("bash") is None:
        pytest.skip("no Chromium on this machine (on Debian: apt-get install chromium)")
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()
