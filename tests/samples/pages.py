"""The code on the pages of the documentation, and a folder with the files that it names."""

import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

import poseglass as pg
from conftest import make_walk
from oracle import published
from poseglass.data.recordings.writer import write_recordings
from samples.commandline import HALPE, film, someone
from samples.studio import write_studio

__all__ = ["PAGES", "ROOT", "Command", "Pair", "Snippet", "commands_of", "fill_desk", "snippets_of"]

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAMS = r"(?:[A-Z_]+=\S+ |\S+/)*(?:poseglass|python|pip|make|git|torchrun)"
FENCED = r"^```(?P<language>\w*)\n(?P<fenced>.*?)^```"
INDENTED = r"(?P<indented>(?:^ {4}[^\n]*\n|^\n(?= {4}))+)"
BLOCK = re.compile(f"{FENCED}|{INDENTED}", re.DOTALL | re.MULTILINE)
MARK = re.compile(r"<!-- not run: ((?:(?!<!--).)+?) -->\n+\Z", re.DOTALL)
FRAMES = 6


class Snippet(NamedTuple):
    """A block of code, and why it is not run; None if it is."""

    code: str
    reason: str | None


@dataclass(frozen=True)
class Command:
    """A command as a shell would split it, and why it is not run, if the page says so."""

    words: tuple[str, ...]
    reason: str | None = None

    def __str__(self) -> str:
        return " ".join(self.words)


def snippets_of(text: str, language: str) -> list[Snippet]:
    """The blocks of a language on a page. Indented blocks are those of the shell."""
    snippets = []
    for block in BLOCK.finditer(text):
        if (block["language"] or ("sh" if block["indented"] else "")) == language:
            mark = MARK.search(text[: block.start()])
            snippets.append(Snippet(block["fenced"] or block["indented"], " ".join(mark[1].split()) if mark else None))
    return snippets


def commands_of(text: str) -> list[Command]:
    """The commands of a page: the lines of its shell blocks that start with a program, after variables and folders."""
    return [
        Command(tuple(shlex.split(part, comments=True)), reason)
        for code, reason in snippets_of(text, "sh")
        for line in code.replace("\\\n", " ").splitlines()
        for part in line.split("&&")
        if re.match(rf"{PROGRAMS}\b", part.strip())
    ]


class Pair(pg.Detector):
    """Two people who walk side by side; detects the first one only unless asked for several, as MediaPipe does."""

    skeleton = pg.H36M_17

    def __init__(self, count: int = 1) -> None:
        self._count, self._first = count, someone(FRAMES)
        self._times: list[float] = []

    def detect(self, image: np.ndarray, seconds: float) -> np.ndarray:
        if self._times and seconds <= self._times[-1]:
            self._times = []
        self._times.append(seconds)
        person = np.column_stack([self._first.points[len(self._times) - 1], np.ones(17)])
        return np.stack([person, person * [0.8, 0.8, 1] + [30, 10, 0]])[: self._count].astype(np.float32)

    def for_people(self, count: int) -> pg.Detector:
        return Pair(count)


def fill_desk(folder: Path) -> None:
    """Write small files under the names that the pages use for the reader's own."""
    film(folder / "walk.mp4", FRAMES)
    (folder / "takes").mkdir()
    for copy in ("dance.mp4", "takes/first.mp4", "takes/second.mp4"):
        shutil.copy(folder / "walk.mp4", folder / copy)
    shutil.copy(HALPE, folder / "keypoints.json")
    state = published.filled(published.mixste_shapes(frames=13, dim=16, depth=4, keep=5))
    for name in ("hot_mixste.pth", "best_epoch.bin"):
        published.write(state, folder / name)
    model = pg.create_model("mixste-tiny", frames=9, card=pg.Card(coordinates="screen", keypoints="cpn"))
    for run in ("mine", "h36m-hot-mixste"):
        pg.save(model, folder / "runs" / run / "best")
    write_studio(folder / "studio")
    points = make_walk(FRAMES).points + np.array([0, 0, 4], np.float32)
    with write_recordings(folder / "h36m", skeleton="h36m17", dataset="Human3.6M", sources=["cpn"]) as writer:
        writer.add(
            subject="S9", action="Walking", take="1", camera="1", fps=50, size=(1000, 1000),
            points3d=points, points2d={"cpn": 1000 * points[..., :2] / points[..., 2:] + 500},
        )  # fmt: skip
    motion = pg.Lifter(detector=Pair()).lift(folder / "walk.mp4")
    for suffix in (".npz", ".amass.npz", ".bvh", ".glb", ".trc", ".mot"):
        motion.save(folder / f"walk{suffix}")
