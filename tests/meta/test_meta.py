"""Rules that tests can check: public names, imports, examples, file lengths, no execution of file contents."""

import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import poseglass
from poseglass.cost.measuring import Product

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "poseglass"
BUNDLED = SOURCE / "weights" / "bundled" / "balanced"
MODULES = sorted(
    name for _, name, _ in pkgutil.walk_packages(poseglass.__path__, "poseglass.") if not name.endswith("__main__")
)


def run(code: str) -> str:
    """The output of a fresh Python process, without the imports and shape checks of the tests."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def tracked() -> list[Path]:
    """The files of the project, except those that git ignores."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [path for name in done.stdout.splitlines() if (path := ROOT / name).is_file()]


@pytest.mark.parametrize("name", ["poseglass", *MODULES])
def test_public_names_exist(name):
    module = importlib.import_module(name)
    names = getattr(module, "__all__", None)
    if names is None:
        return
    assert len(set(names)) == len(names)
    for public in names:
        assert hasattr(module, public), f"{name}.__all__ names {public}, which does not exist"


@pytest.mark.parametrize("first", ["nothing", "every module"])
def test_public_names_are_not_modules(first):
    """Importing a module sets an attribute of the package, which must not replace a public name."""
    before = f"for name in {MODULES}: importlib.import_module(name)" if first == "every module" else ""
    wrong = run(
        f"import importlib, types, poseglass\n{before}\n"
        "print([n for n in poseglass.__all__ if isinstance(getattr(poseglass, n), types.ModuleType)])"
    )
    allowed = {name for name in ("data", "viewer") if name in poseglass.__all__}
    assert set(re.findall(r"'(\w+)'", wrong)) <= allowed


def test_type_checkers_find_the_public_names():
    text = (SOURCE / "__init__.py").read_text()
    shown = set(re.findall(r"^\s+from \S+ import \w+ as (\w+)$", text, re.MULTILINE))
    assert shown == set(poseglass.__all__) - {"__version__"}
    assert set(dir(poseglass)) >= shown


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="poseglass has no 'hourglas'"):
        poseglass.hourglas  # noqa: B018


@pytest.mark.parametrize(
    "module", ["poseglass", "poseglass.commands.app", "poseglass.body.skeleton", "poseglass.body.pose"]
)
def test_importing_loads_no_heavy_package(module):
    heavy = ["av", "cv2", "matplotlib", "mediapipe", "torch"]
    assert run(f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])") == "[]"


@pytest.mark.parametrize("module", ["poseglass.lifting.lifter", "poseglass.weights.files", "poseglass.training.loop"])
def test_models_do_not_need_video_packages(module):
    heavy = ["av", "cv2", "mediapipe"]
    assert run(f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])") == "[]"


@pytest.mark.parametrize("name", ["poseglass", *MODULES])
def test_examples_run(name, monkeypatch, tmp_path, as_used):
    monkeypatch.setattr(Product, "aim", 0.01)  # seconds: the examples do not need a steady rate
    module = importlib.import_module(name)
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS, verbose=False)
    monkeypatch.chdir(tmp_path)  # for files that examples write
    for example in finder.find(module, name):
        if '"balanced"' in (example.docstring or "") and not BUNDLED.exists():
            continue
        report: list[str] = []
        runner.run(example, out=report.append)
        assert not report, "".join(report)


@pytest.mark.parametrize("name", MODULES)
def test_public_names_have_docstrings(name):
    module = importlib.import_module(name)
    assert module.__doc__
    for public in getattr(module, "__all__", ()):
        value = getattr(module, public)
        if isinstance(value, type | types.FunctionType) and value.__module__.startswith("poseglass"):
            assert value.__doc__, f"{name}.{public} has no docstring"


def test_source_files_have_at_most_400_lines():
    long = {path.name: lines for path in SOURCE.rglob("*.py") if (lines := len(path.read_text().splitlines())) > 400}
    assert not long


def test_no_file_names_a_path_of_one_machine():
    # Written in parts, so that this file passes.
    places = [f"/{name}/" for name in ("work", "root", "home")] + [f"shared/{name}" for name in ("design", "spec")]
    problems = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        problems += [f"{path.relative_to(ROOT)}: {place}" for place in places if place in text]
    assert not problems


def test_file_contents_are_never_executed():
    """No module unpickles or evaluates the content of files."""
    wrong = re.compile(r"\b(pickle\.loads?|eval|exec)\(|allow_pickle=True|weights_only=False")
    problems = [
        f"{path.name}:{number}"
        for path in SOURCE.rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if wrong.search(line) and not re.search(r"\.eval\(\)", line)
    ]
    assert not problems
