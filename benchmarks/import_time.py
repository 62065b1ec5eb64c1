"""Measure how long `import poseglass` and `poseglass --help` take.

python benchmarks/import_time.py
"""

import subprocess
import sys
from statistics import median
from time import perf_counter

COMMANDS = {
    "import poseglass": [sys.executable, "-c", "import poseglass"],
    "poseglass --help": [sys.executable, "-m", "poseglass", "--help"],
}
RUNS = 7

for name, command in COMMANDS.items():
    times = []
    for _ in range(RUNS):
        start = perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(perf_counter() - start)
    print(f"{name}: median {median(times):.2f} s of {len(times)} runs, {min(times):.2f} to {max(times):.2f} s")
