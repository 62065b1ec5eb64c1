"""The programs that `make test-programs` installs, and how tests run them."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

__all__ = ["node", "python"]

HERE = Path(__file__).parents[1] / "programs"
FOLDER = os.environ.get("POSEGLASS_PROGRAMS")


def _run(command: list[str], program: Path) -> Any:
    if not FOLDER or not program.exists():
        pytest.skip("Blender, OpenSim, ezc3d and the glTF validator are not installed here: run make test-programs")
    with tempfile.TemporaryDirectory() as folder:  # for what programs write into the working directory
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=folder)
    assert done.returncode == 0, done.stderr[-2000:] or done.stdout[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def python(environment: str, script: str, *arguments: object) -> Any:
    """Run a script of tests/programs with a program's Python; the last line that it prints is JSON."""
    program = Path(FOLDER or "") / environment / "bin" / "python"
    return _run([str(program), str(HERE / script), *map(str, arguments)], program)


def node(script: str, *arguments: object) -> Any:
    """Run a script of tests/programs with Node; the last line that it prints is JSON."""
    modules = Path(FOLDER or "") / "node_modules"
    return _run(["node", str(HERE / script), str(modules), *map(str, arguments)], modules)
