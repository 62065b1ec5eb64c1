"""Temporary files of killed runs are removed; nobody else's files are, nor those of a run that still works."""

import os
import subprocess
import sys
import threading

import pytest

from poseglass.files.leftovers import PREFIX, remove_leftovers, temporary_file, temporary_folder
from poseglass.files.writing import writing

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_a_killed_run_left_is_removed(tmp_path):
    (tmp_path / f"{PREFIX}0123.npz").write_bytes(b"half")
    (tmp_path / f"{PREFIX}4567" / "deep").mkdir(parents=True)
    os.mkfifo(tmp_path / f"{PREFIX}89")
    others = [".hidden", "walk.npz", "poseglass-x", ".poseglass"]
    for name in others:
        (tmp_path / name).touch()
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path / "walk.npz")
    with writing(tmp_path / "new.npz") as temporary:
        temporary.write_bytes(b"x")
    assert left(tmp_path) == sorted([*others, "new.npz", f"{PREFIX}link"])


@pytest.mark.parametrize("kind", [temporary_file, temporary_folder])
def test_what_another_run_works_on_stays(tmp_path, kind):
    with kind(tmp_path) as path:
        script = "import sys; from pathlib import Path; from poseglass.files import leftovers as own; "
        script += "own.remove_leftovers(Path(sys.argv[1]))"
        subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
        remove_leftovers(tmp_path)
        assert path.exists()
        assert path.name.startswith(PREFIX)
    assert left(tmp_path) == []


@pytest.mark.parametrize("kind", [temporary_file, temporary_folder])
def test_it_may_be_renamed(tmp_path, kind):
    with kind(tmp_path) as path:
        path.rename(tmp_path / "final")
    assert left(tmp_path) == ["final"]


def test_many_threads_at_once_do_not_remove_each_others_files(tmp_path):
    failed = []

    def work(number):
        try:
            for turn in range(20):
                with temporary_file(tmp_path, ".txt") as path:
                    path.write_text("x")
                    path.rename(tmp_path / f"{number}-{turn}")
        except OSError as problem:
            failed.append(problem)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len(left(tmp_path)) == 80


def test_a_folder_that_does_not_exist_has_no_leftovers(tmp_path):
    remove_leftovers(tmp_path / "nowhere")
