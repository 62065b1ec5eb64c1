"""The layers contract covers every room, and the tests mirror the rooms."""

import re
import tomllib
from pathlib import Path

import poseglass

SOURCE = Path(poseglass.__file__).parent
ROOT = Path(__file__).parents[2]


def test_the_layers_contract_names_every_room():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (contract,) = [each for each in settings["tool"]["importlinter"]["contracts"] if each["type"] == "layers"]
    listed = [name for layer in contract["layers"] for name in re.findall(r"poseglass\.(\w+)", layer)]
    rooms = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    modules = {path.stem for path in SOURCE.glob("*.py")} - {"__init__"}
    assert sorted(listed) == sorted(rooms | modules)


def test_every_folder_of_python_files_is_a_package():
    folders = {path.parent for path in SOURCE.rglob("*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_test_folders_mirror_the_rooms():
    rooms = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    beside = {"app", "contract", "fuzz", "golden", "laws", "meta", "oracle", "programs", "samples"}
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/*.py")}
    assert folders <= rooms | beside


def test_names_of_test_files_are_unique():
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name.startswith(("test_", "conftest"))]
    assert sorted(names) == sorted(set(names))
