"""How long `import poseglass` and `poseglass --help` take: python benchmarks/import_time.py."""

import subprocess
import sys
from statistics import median
from time import perf_counter

COMMANDS = {
    "import poseglass": [sys.executable, "-c", "import poseglass"],
    "poseglass --help": [sys.executable, "-m", "poseglass", "--help"],
}

for what, command in COMMANDS.items():
    times = []
    for _ in range(7):
        begin = perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(perf_counter() - begin)
    print(f"{what}: median {median(times):.2f} s of {len(times)}, {min(times):.2f} to {max(times):.2f}")
