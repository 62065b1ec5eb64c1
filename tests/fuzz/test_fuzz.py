"""Readers of damaged files raise poseglass's errors or nothing; ``benchmarks/fuzz.py`` does the same for longer."""

import logging
import random
import time
import warnings
from pathlib import Path

import pytest

from fuzz.mutations import damaged
from fuzz.readers import READERS
from poseglass.errors import PoseglassError

MUTANTS = 12
"""Damaged files for each reader."""


@pytest.mark.parametrize("name", READERS)
def test_only_our_errors_come_out_of_damaged_files(name: str, tmp_path: Path) -> None:
    reader, generator = READERS[name], random.Random(name)
    path = tmp_path / reader.name
    if reader.beside is not None:
        reader.beside(path)
    reader.write(path)
    content = path.read_bytes()
    logging.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader.read(path)
            start, messages = time.process_time(), []
            for _ in range(MUTANTS):
                path.write_bytes(damaged(content, generator))
                try:
                    reader.read(path)
                except PoseglassError as problem:
                    messages.append(str(problem))
            assert time.process_time() - start < 10
            assert messages
            assert all(0 < len(message) < 3000 for message in messages)
    finally:
        logging.disable(logging.NOTSET)


def test_the_same_seed_gives_the_same_damage() -> None:
    content = b"frames: 30\nrate: 0.5\n" * 20
    first, second = ([damaged(content, random.Random(seed)) for seed in range(50)] for _ in range(2))
    assert first == second
    assert len({*first}) > 40
