"""The names, files, links and commands in the documentation exist."""

import ast
import contextlib
import importlib
import re
import runpy
import textwrap
from pathlib import Path

import pytest
import torch
from typer.main import get_command

import poseglass
from poseglass.commands.app import app
from poseglass.models import MODELS

COMMANDS = get_command(app).commands
ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SOURCES = [*sorted((ROOT / "src").rglob("*.py")), *sorted((ROOT / "benchmarks").glob("*.py"))]
SNIPPETS = [
    pytest.param(snippet, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, snippet in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippets_use_existing_names(snippet):
    for node in ast.walk(ast.parse(snippet)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pg":
            assert hasattr(poseglass, node.attr), f"pg.{node.attr} does not exist"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_existing_files_and_headings(page):
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)  # in code, blocks[index](x) is not a link
    for link in re.findall(r"\]\(([^)]+)\)", prose):
        if link.startswith("http"):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{page.name} links to {name}"
        assert not anchor or anchor in headings(target), f"{page.name} links to the heading {link}"


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings on GitHub."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", [*PAGES, *SOURCES], ids=lambda path: str(path.relative_to(ROOT)))
def test_references_to_modules_and_objects_exist(path):
    """Check references such as `poseglass.body.pose.PoseSequence` in pages, docstrings and comments."""
    for reference in set(re.findall(r"(?<![\w./-])poseglass(?:\.[A-Za-z_]\w*)+", path.read_text())):
        assert exists(reference), f"{path.name} refers to {reference}, which does not exist"


def exists(reference: str) -> bool:
    parts = reference.split(".")
    for length in range(len(parts), 0, -1):
        with contextlib.suppress(ModuleNotFoundError):
            value = importlib.import_module(".".join(parts[:length]))
            break
    else:
        return False
    for name in parts[length:]:
        if not hasattr(value, name):
            return name in getattr(value, "__annotations__", {})
        value = getattr(value, name)
    return True


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_folders_and_files_in_pages_exist(page):
    """Check names in backquotes of Python files, and of folders below the top of the repository."""
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for name in re.findall(r"`([\w/]+/\w+\.py|(?:src|tests|docs|benchmarks|recipes)/[\w/]*)`", prose):
        assert any((folder / name).exists() for folder in (ROOT, ROOT / "src" / "poseglass", page.parent)), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_on_pages_use_existing_options(page):
    for line in re.findall(r"poseglass (?:lift|evaluate|reproduce|train|convert)\b[^\n`]*", page.read_text()):
        command, *rest = line.removeprefix("poseglass ").split("#")[0].split()
        known = {name for parameter in COMMANDS[command].params for name in parameter.opts}
        for option in (word for word in rest if word.startswith("-")):
            assert option in known, f"{page.name}: {command} has no {option}"


def test_the_readme_lists_every_room():
    tree = re.search(r"```\nsrc/poseglass/\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert tree is not None
    source = ROOT / "src" / "poseglass"
    public = {path.name for path in source.glob("[!_]*.py")}
    public |= {f"{path.parent.name}/" for path in source.glob("*/__init__.py")}
    named = [line for line in tree[1].splitlines() if line.startswith("  ")]
    assert {name for line in named for name in re.findall(r"\b\w+(?:\.py|/)", line)} == public


def test_the_page_on_custom_backbones_shows_its_script():
    script = (ROOT / "docs" / "own_backbone.py").read_text()
    shown = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "own-backbone.md").read_text(), re.DOTALL)
    assert len(shown) == 10
    for snippet in shown:
        assert snippet in script or textwrap.indent(snippet, "    ") in script, snippet


@pytest.mark.usefixtures("as_used", "small_product")
def test_the_script_of_the_page_on_custom_backbones_runs(capsys):
    with torch.random.fork_rng():
        runpy.run_path(str(ROOT / "docs" / "own_backbone.py"))["main"](2)
    assert MODELS.pop("convmixer")
    output = re.sub(r"[\d.]+(?= mm| ms| nodes)", "#", capsys.readouterr().out).splitlines()
    lines = [re.sub(" +", " ", line) for line in output]
    assert "Measured in turns" in lines[-4]
    assert [*lines[:4], *lines[-3:]] == [
        "ConvMixer follows every rule",
        "plain P-MPJPE # mm, # ms per clip",
        "with a waist, untrained P-MPJPE # mm, # ms per clip",
        "with a waist, trained P-MPJPE # mm, # ms per clip",
        "exported: # nodes, largest difference 0 m",
        "loaded: a Hourglass around a ConvMixer",
        "recipe: convmixer",
    ]
