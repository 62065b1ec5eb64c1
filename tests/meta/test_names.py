"""Names and axis letters follow the conventions, room by room."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import poseglass
from poseglass import _shapes

SOURCE = Path(poseglass.__file__).parent
ROOMS = sorted({path.relative_to(SOURCE).parts[0] for path in SOURCE.rglob("*.py")})
# These words describe what was done to a thing or where it is, not what it is.
BANNED = {"there", "told", "asked", "seen", "made", "found", "said", "more", "of"}
ARRAYS = {"Bool", "Float", "Int", "Num", "Shaped", "UInt8"}
ROWS = re.findall(r"^(\w(?:, \w)*) {2,}\S", str(_shapes.__doc__), re.MULTILINE)  # such as "b     clips of a batch"
GLOSSARY = {letter for row in ROWS for letter in row.split(", ")}


def assigned_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, node.name


def axes(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The axes of every array type such as ``Float[Tensor, "b f j 3"]``."""
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=ast.Name(id=kind), slice=ast.Tuple(elts=[_, ast.Constant(value=str(text))])) if (
                kind in ARRAYS
            ):
                yield from ((node.lineno, axis) for axis in text.split())


def is_known(axis: str) -> bool:
    """A letter of the glossary, a number, or an axis without a name; ``*`` and ``#`` mark how axes broadcast."""
    letter = axis.lstrip("*#")
    return letter in GLOSSARY | {"_", "..."} or letter.isdigit()


def problems(room: str) -> list[str]:
    lines = []
    for path in [SOURCE / room] if room.endswith(".py") else sorted((SOURCE / room).rglob("*.py")):
        tree = ast.parse(path.read_text())
        lines += [f"{path.name}:{line}: banned name {name}" for line, name in assigned_names(tree) if name in BANNED]
        lines += [f"{path.name}:{line}: unknown axis {axis}" for line, axis in axes(tree) if not is_known(axis)]
    return lines


def test_the_glossary_lists_axis_letters():
    assert set("bfkjpscihnm3") == GLOSSARY


@pytest.mark.parametrize("room", ROOMS)
def test_names_say_what_things_are(room):
    assert not problems(room)


def test_a_class_name_has_one_meaning():
    homes: dict[str, list[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name.lstrip("_"), []).append(path.relative_to(SOURCE).as_posix())
    assert not {name: paths for name, paths in homes.items() if len(paths) > 1}
