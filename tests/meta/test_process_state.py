"""State of the whole process is changed in few places, all of which restore it or own the process."""

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "poseglass"
# What changes the state of the process, and the files that may. Tests show that they restore it; a worker of training
# owns its process. Seeding a new generator, `Generator(...).manual_seed(...)`, changes nothing else.
ALLOWED = {
    r"(?<!\))\.manual_seed\(": {"training/seeds.py", "testing/_judge.py"},
    r"\brandom\.(seed|set_?state)\(": {"testing/_judge.py"},
    r"set_rng_state|set_deterministic|use_deterministic|set_default_|set_float32_matmul": set(),
    r"set_num_(interop_)?threads|setNumThreads": {"commands/device.py", "cost/benchmark.py", "training/workers.py"},
    r"backends\.[\w.]+ = |set_fastpath_enabled": {"cost/flops.py"},
    r"set_grad_enabled|seterr\b": set(),
    r"warnings\.(catch|filter|simple|reset)": {"files/quiet.py"},
    r"umask\(|chdir\(|environ\[|putenv|setlocale|rcParams|pyplot": set(),
    r"signal\.signal": {"commands/stopping.py"},
}


@pytest.mark.parametrize("pattern", ALLOWED)
def test_process_state_is_changed_only_where_it_is_restored(pattern: str) -> None:
    changed = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if re.search(pattern, path.read_text(encoding="utf-8"))
    }
    assert changed == ALLOWED[pattern]
