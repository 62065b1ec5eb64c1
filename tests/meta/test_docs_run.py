"""The code on the pages of the documentation runs, on small files under the names that the pages use."""

import re
import shutil
import textwrap
import tomllib
import webbrowser
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from conftest import Run
from poseglass.detect import DETECTORS
from poseglass.files.outputs import writer_of
from poseglass.models import MODELS
from poseglass.own.motion_toml import read_description
from poseglass.weights import files
from samples.pages import PAGES, Command, Pair, commands_of, fill_desk, snippets_of

STAND_INS = {"MODEL": "balanced", ".cache/demo.mp4": "walk.mp4"}
"""What stands in for names that are not the reader's own files."""
NOT_RUN = {
    "git": "needs the network",
    "pip": "needs the network",
    "make": "installs what it needs, then runs the rest",
    "torchrun": "needs several processes; tests/training runs them",
    "python": "a benchmark takes minutes; docs/own_backbone.py has a test of its own",
    "poseglass train": "takes hours; tests/training runs tiny recipes",
    "poseglass bench": "measures time, which no test does",
    "poseglass evaluate": "needs a data set; tests/app/test_evaluate_command.py runs small ones",
    "poseglass reproduce": "needs a data set and the papers' weights; tests/judging runs small ones",
    "poseglass data generate": "writes a whole data set; tests/data/test_synthetic.py runs small ones",
    "poseglass data h36m": "needs Human3.6M; tests/data/test_h36m.py runs a synthetic copy",
    "poseglass data 3dhp": "needs MPI-INF-3DHP; tests/data/test_threedhp.py runs a synthetic copy",
}
"""Commands that are not run on any page, and why."""
ELSEWHERE = {"own-backbone.md"}
"""Pages whose Python is a script that test_docs.py runs."""


load_once = cache(files._load_folder)


def kind_of(command: Command) -> str | None:
    """The row of NOT_RUN for a command; None if it is run."""
    words = [word for word in command.words if "=" not in word or word.startswith("-")]
    text = " ".join([words[0].rpartition("/")[2], *words[1:]])
    return next((kind for kind in NOT_RUN if f"{text} ".startswith(f"{kind} ")), None)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the pages name."""
    folder = tmp_path_factory.mktemp("desk")
    fill_desk(folder)
    return folder


@pytest.fixture
def desk(filled: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch, as_used: None) -> Path:
    """A copy of that folder as the working directory, with a detector of two people, and weights loaded once."""
    shutil.copytree(filled, workdir, dirs_exist_ok=True)
    for name in DETECTORS:
        monkeypatch.setitem(DETECTORS, name, lambda weights: Pair())
    for name in ("mixste", "motionagformer-hot"):
        small = {**MODELS[name].settings, "dim": 16, "depth": 8}
        monkeypatch.setitem(MODELS, name, replace(MODELS[name], settings=small))
    monkeypatch.setattr(files, "_load_folder", load_once)
    monkeypatch.setattr(webbrowser, "open", lambda address: True)
    monkeypatch.setenv("MPLBACKEND", "agg")
    return workdir


def pages_with(language: str) -> list[object]:
    pages = [page for page in PAGES if page.name not in ELSEWHERE and snippets_of(page.read_text(), language)]
    return [pytest.param(page, id=page.stem) for page in pages]


@pytest.mark.parametrize("page", pages_with("python"))
def test_the_python_of_a_page_runs_from_top_to_bottom(page: Path, desk: Path) -> None:
    names: dict[str, object] = {"__name__": page.stem}
    for code, reason in snippets_of(page.read_text(), "python"):
        if reason is None:
            exec(compile(code, page.name, "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_run(page: Path, desk: Path, poseglass: Run) -> None:
    for command in commands_of(page.read_text()):
        if command.reason is not None or kind_of(command) is not None:
            continue
        program, *words = (STAND_INS.get(word, word) for word in command.words)
        assert program == "poseglass", f"{command} is neither run nor marked"
        outputs = {Path(name) for option, name in pairwise(words) if option == "-o"}
        assert not outputs & {Path(word) for word in words[:2]}, f"{command} writes over its source"
        for path in outputs:
            path.unlink(missing_ok=True)
        done = poseglass(*words)
        assert done.code == 0, f"{command}: {done.err}"
        for path in outputs:
            assert path.exists(), f"{command} wrote no {path}"
            writer, second = writer_of(path), path.with_name(f"{path.stem}-2{path.suffix}")
            assert writer is not None
            assert second.exists() == ("all" in words and not writer.several), f"{command}: {second}"
            second.unlink(missing_ok=True)


@pytest.mark.parametrize("page", pages_with("toml"))
def test_the_motion_toml_of_a_page_is_read_without_a_finding(page: Path, desk: Path) -> None:
    for code, _ in snippets_of(page.read_text(), "toml"):
        Path("motion.toml").write_text(code)
        description, findings = read_description("motion.toml")
        assert not [*findings]
        assert description.dataset == tomllib.loads(code)["dataset"]


def test_every_row_of_commands_that_are_not_run_is_in_use() -> None:
    commands = [command for page in PAGES for command in commands_of(page.read_text())]
    assert {kind_of(command) for command in commands} - {None} == {*NOT_RUN}


def test_a_comment_before_a_block_says_why_it_is_not_run() -> None:
    page = textwrap.dedent("""
        Text with `poseglass lift inline.mp4`.

            poseglass lift walk.mp4 -o walk.npz \\
                --level  # a comment
            studio/walk.c3d

        <!-- not run: needs
        a GPU -->

            OMP_NUM_THREADS=1 .venv/bin/poseglass lift walk.mp4

        ```sh
        git clone poseglass && make demo
        ```
    """)
    first, second, *others = commands_of(page)
    assert first == Command(("poseglass", "lift", "walk.mp4", "-o", "walk.npz", "--level"))
    assert second.reason == "needs a GPU"
    assert [str(command) for command in others] == ["git clone poseglass", "make demo"]
    assert [kind_of(command) for command in (first, second, *others)] == [None, None, "git", "make"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_code_of_a_page_hides_from_these_tests(page: Path) -> None:
    text = page.read_text()
    fences = {line.removeprefix("```") for line in text.splitlines() if line.startswith("```")}
    assert fences <= {"", "python", "sh", "toml"}, "in other languages, nothing runs it"
    marks = re.findall(r"^<!-- not run: .+?-->\n+(```\w+|    )?", text, re.DOTALL | re.MULTILINE)
    assert all(marks), "a comment that stands before no block"
