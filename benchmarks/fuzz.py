"""Thousands of damaged files for every reader: only poseglass's own errors may come out, in bounded time and memory.

``python benchmarks/fuzz.py --each 500`` prints a table. Each reader runs in a process of its own, which may use 3 GB
more than after importing it, and 10 seconds per file. Files that break a rule are kept in ``--keep``. The same seed
gives the same files. It needs a checkout, because the readers and their files are in ``tests/fuzz``.
"""

import argparse
import logging
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fuzz.mutations import damaged
from fuzz.readers import READERS, FileReader
from poseglass.errors import PoseglassError
from poseglass.files.tables import markdown_table

SECONDS, MEMORY = 10, 3 << 30  # of address space, of which a thread of a decoder reserves 64 MB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=500, help="files for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[*READERS], choices=[*READERS])
    parser.add_argument("--keep", type=Path, default=Path("fuzz-violations"))
    chosen = parser.parse_args()
    rows = [["reader", "files", "refused", "read", "violations", "slowest, s"]]
    with tempfile.TemporaryDirectory() as scratch:
        for name in chosen.only:
            rows.append(run(name, chosen.each, chosen.seed, chosen.keep, Path(scratch, name.replace(" ", "-"))))
            print("\t".join(rows[-1]), flush=True)
    print(markdown_table(rows))


def run(name: str, count: int, seed: int, keep: Path, folder: Path) -> list[str]:
    """Read `count` damaged files, starting a new process after each that kills its process."""
    reader, number, outcomes, slowest, broken = READERS[name], 0, {"read": 0, "refused": 0}, 0.0, 0
    folder.mkdir()
    path = folder / reader.name
    if reader.beside is not None:
        reader.beside(path)
    reader.write(path)
    content = path.read_bytes()
    while number < count:
        results, channel = os.pipe()
        if not (child := os.fork()):
            work(reader, path, content, [f"{seed} {name} {each}" for each in range(number, count)], channel)
        os.close(channel)
        with os.fdopen(results) as lines:
            for line in lines:
                outcome, seconds, detail = line.rstrip("\n").split("\t")
                slowest = max(slowest, float(seconds))
                if outcome in outcomes:
                    outcomes[outcome] += 1
                else:
                    broken += 1
                    report(f"{name} {number}", detail, damaged(content, random.Random(f"{seed} {name} {number}")), keep)
                number += 1
        _, status = os.waitpid(child, 0)
        if number < count:
            broken += 1
            death = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else f"exit {status}"
            report(f"{name} {number}", death, damaged(content, random.Random(f"{seed} {name} {number}")), keep)
            number += 1
    return [name, str(count), str(outcomes["refused"]), str(outcomes["read"]), str(broken), f"{slowest:.2f}"]


def work(reader: FileReader, path: Path, content: bytes, seeds: list[str], channel: int) -> None:
    """Read one damaged file after the other, and report each. Never returns."""
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    logging.disable()
    warnings.simplefilter("ignore")
    with os.fdopen(channel, "w", buffering=1) as results:
        for seed in seeds:
            path.write_bytes(damaged(content, random.Random(seed)))
            start, detail = time.monotonic(), ""
            signal.alarm(SECONDS)
            try:
                reader.read(path)
                outcome = "read"
            except PoseglassError:
                outcome = "refused"
            except Exception as problem:
                where = traceback.extract_tb(problem.__traceback__)[-1]
                own = [frame for frame in traceback.extract_tb(problem.__traceback__) if "poseglass" in frame.filename]
                place = f"{Path((own or [where])[-1].filename).name}:{(own or [where])[-1].lineno}"
                outcome, detail = "broken", f"{type(problem).__name__} at {place}: {str(problem)[:100]!r}"
            signal.alarm(0)
            results.write(f"{outcome}\t{time.monotonic() - start:.3f}\t{detail}\n")
    os._exit(0)


def report(name: str, detail: str, content: bytes, keep: Path) -> None:
    keep.mkdir(parents=True, exist_ok=True)
    kept = keep / name.replace(" ", "-")
    kept.write_bytes(content)
    print(f"violation: {name}: {detail} ({kept})", flush=True)


if __name__ == "__main__":
    main()
