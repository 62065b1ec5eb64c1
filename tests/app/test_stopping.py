"""SIGTERM cleans up as Ctrl-C does: temporary files go, handlers are restored, the exit code says what happened."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from poseglass.commands.stopping import Terminated, terminable
from poseglass.files.writing import writing

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix's")


def test_sigterm_removes_temporary_files_and_restores_the_handler(tmp_path: Path) -> None:
    def stopped() -> None:
        with terminable(), writing(tmp_path / "x.json") as temporary:
            temporary.write_text("half")
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Terminated):
        stopped()
    assert not [*tmp_path.iterdir()]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_no_handler_of_errors_catches_it() -> None:
    assert not issubclass(Terminated, Exception)


def test_another_handler_and_other_threads_are_left_alone() -> None:
    calls: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: calls.append(1))
    try:
        with terminable():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert calls == [1]

    def elsewhere() -> None:
        with terminable():
            calls.append(2)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert calls == [1, 2]


PROGRAM = """
import signal, sys
import typer
from poseglass.commands import app
from poseglass.files.writing import writing

@app.app.command()
def wait(path: str) -> None:
    with writing(path) as temporary:
        temporary.write_text("half")
        signal.raise_signal(signal.SIGTERM)

app.main(["wait", sys.argv[1]])
"""


def test_a_command_exits_with_143(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "x.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (143, "interrupted; no file is left half-written\n")
    assert not [*tmp_path.iterdir()]
