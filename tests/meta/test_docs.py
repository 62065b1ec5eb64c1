"""What the pages say is there: names, files, commands."""

import ast
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from typer.main import get_command

import poseglass
from poseglass.commands.app import app

COMMANDS = get_command(app).commands
ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SNIPPETS = [
    pytest.param(snippet, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, snippet in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippets_use_names_that_are_there(snippet):
    for node in ast.walk(ast.parse(snippet)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pg":
            assert hasattr(poseglass, node.attr), f"pg.{node.attr} is not there"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)  # blocks[index](x) is no link
    for target in re.findall(r"\]\(([^)#]+)\)", prose):
        assert target.startswith("http") or (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_have_the_options_they_are_shown_with(page):
    for line in re.findall(r"poseglass (?:lift|evaluate|reproduce|train|convert)\b[^\n`]*", page.read_text()):
        command, *rest = line.removeprefix("poseglass ").split("#")[0].split()
        known = {name for parameter in COMMANDS[command].params for name in parameter.opts}
        for option in (word for word in rest if word.startswith("-")):
            assert option in known, f"{page.name}: {command} has no {option}"


def test_the_tree_of_the_readme_is_the_tree():
    tree = re.search(r"```\nsrc/poseglass/\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert tree is not None
    source = ROOT / "src" / "poseglass"
    public = {path.name for path in source.glob("[!_]*.py")}
    public |= {f"{path.parent.name}/" for path in source.glob("*/__init__.py")}
    named = [line for line in tree[1].splitlines() if line.startswith("  ")]
    assert {name for line in named for name in re.findall(r"\b\w+(?:\.py|/)", line)} == public


def test_the_page_of_ones_own_backbone_shows_the_script():
    script = (ROOT / "docs" / "own_backbone.py").read_text()
    shown = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "own-backbone.md").read_text(), re.DOTALL)
    assert len(shown) == 8
    for snippet in shown:
        assert snippet in script or textwrap.indent(snippet, "    ") in script, snippet


def test_the_script_of_ones_own_backbone_runs():
    # On its own, for the shape checks of the tests are wrapped around every function and cannot be exported.
    script = ROOT / "docs" / "own_backbone.py"
    done = subprocess.run([sys.executable, str(script), "2"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = re.sub(r"[\d.]+(?= mm| ms| nodes)", "#", done.stdout).splitlines()
    lines = [re.sub(" +", " ", line) for line in said]
    assert "In turns, pair by pair" in lines[-2]
    assert [*lines[:4], lines[-1]] == [
        "ConvMixer keeps every rule",
        "plain P-MPJPE # mm, # ms a clip",
        "with a waist, untrained P-MPJPE # mm, # ms a clip",
        "with a waist, trained P-MPJPE # mm, # ms a clip",
        "exported: # nodes, 0 m apart",
    ]
