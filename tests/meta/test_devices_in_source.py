"""Tensors follow the model: results come back through `.cpu()`, and few files know the names of devices."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "poseglass"
# Files whose tensors are always on the CPU.
ON_THE_CPU = {"clips/view.py"}
# Files that may treat CUDA or MPS differently, each for a reason of its own.
KNOW_DEVICES = {
    "commands/bench.py": "CUDA graphs",
    "cost/benchmark.py": "CUDA graphs",
    "cost/measuring.py": "the side of the largest product",
    "lifting/predictor.py": "windows of a batch",
    "models/devices.py": "all that is known about devices",
    "models/graphs.py": "CUDA graphs",
    "testing/_judge.py": "random numbers of each device",
    "training/motion_batches.py": "clips made on the GPU",
    "training/optimisers.py": "fused updates",
    "training/seeds.py": "random numbers of each device",
    "training/transfer.py": "pinned memory",
    "training/workers.py": "a GPU for each process",
}


def called(node: ast.AST, name: str) -> bool:
    """Whether a node calls a method of that name."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name


def numpy_without_cpu(text: str) -> list[int]:
    """The lines that call `.numpy()` on something else than the result of `.cpu()`."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if called(node, "numpy") and not called(node.func.value, "cpu")  # type: ignore[attr-defined]
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("y = x.cpu().numpy()", []),
        ("x.detach().cpu().numpy().sum()", []),
        ("a\nx.numpy()", [2]),
        ("x.cpu().float().numpy()", [1]),
        ("(x if y else z.cpu()).numpy()", [1]),
        ("x.numpy", []),
    ],
)
def test_the_rule_finds_what_it_should(text, lines):
    assert numpy_without_cpu(text) == lines


def test_tensors_leave_the_device_before_they_become_arrays():
    problems = {
        f"{name}:{line}"
        for path in SOURCE.rglob("*.py")
        if (name := path.relative_to(SOURCE).as_posix()) not in ON_THE_CPU
        for line in numpy_without_cpu(path.read_text(encoding="utf-8"))
    }
    assert not problems, "a tensor on a GPU has no .numpy(); call .cpu() first"


def names_a_device(text: str) -> bool:
    """Whether code names CUDA or MPS, as a string or as a module of torch."""
    names = ("cuda", "mps")
    return any(
        (isinstance(node, ast.Constant) and node.value in names)
        or (isinstance(node, ast.Attribute) and node.attr in names)
        for node in ast.walk(ast.parse(text))
    )


def test_few_files_know_the_names_of_devices():
    """A new one must say why in the table above."""
    named = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if names_a_device(path.read_text(encoding="utf-8"))
    }
    assert named == set(KNOW_DEVICES)
