"""``poseglass data`` from end to end: made up, prepared, opened; and what a user sees who has the wrong files."""

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rich

from poseglass.cli import main
from poseglass.data.store import Recordings


@pytest.fixture
def run(tmp_path, capfd, monkeypatch, as_used):
    """Runs a command in an empty folder; gives its exit code, what it printed and what it told."""
    monkeypatch.chdir(tmp_path)
    log = logging.getLogger("poseglass")
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "level", log.level)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main([*map(str, arguments)])
        rich.reconfigure()
        assert not [*tmp_path.rglob(".*")], "a temporary folder is left"
        return int(end.value.code or 0), *capfd.readouterr()

    return run


@pytest.mark.parametrize(
    ("layout", "command", "subjects", "count"),
    [
        ("h36m", "h36m", ("S1", "S11"), 4 * (30 + 29)),
        ("h36m-cdf", "h36m", ("S11",), 4 * 29),
        ("3dhp", "3dhp", ("S1", "TS1"), 17),
        ("3dhp-mat", "3dhp", ("S1", "TS1"), 17),
    ],
)
def test_made_up_prepared_and_opened(run, layout, command, subjects, count):
    wanted = [word for subject in subjects for word in ("--subject", subject)]
    code, out, err = run("data", "generate", layout, "download", "--frames", "10", *wanted)
    assert (code, out) == (0, "")
    assert "wrote download/" in err
    code, out, err = run("data", command, "download", "prepared")
    assert (code, err.strip()) == (0, "")
    recordings = Recordings.open("prepared", verify=True)
    assert len(recordings) == count
    assert {r.subject for r in recordings} == {*subjects}
    assert recordings.fingerprint in out
    assert "missing:" in out
    assert "academic" in recordings.licence or "research" in recordings.licence
    assert recordings.made["with"].startswith("poseglass ")


def test_what_cannot_be_done_is_one_line(run):
    run("data", "generate", "h36m", "download", "--frames", "5", "--subject", "S1")
    path = Path("download/data_2d_h36m_gt.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    Path("full").mkdir()
    Path("full/file").write_text("x")
    for arguments, words in (
        (("data", "h36m", "download", "out"), "data_2d_h36m_gt.npz: positions_2d cannot be read"),
        (("data", "h36m", "nowhere", "out"), "there is no folder nowhere"),
        (("data", "h36m", "full", "out"), "full has no Human3.6M"),
        (("data", "h36m", "download", "full"), "full is there already and not empty"),
        (("data", "3dhp", "full", "out"), "full has no MPI-INF-3DHP"),
        (("data", "generate", "coco", "out"), "there is no layout 'coco'"),
        (("data", "generate", "h36m", "out", "--frames", "1"), "2 frames at least"),
        (("data", "generate", "h36m", "full/file/out"), "cannot write"),
    ):
        code, out, err = run(*arguments)
        assert (code, out) == (1, ""), arguments
        (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
        assert words in line
        assert "Traceback" not in err
        assert not Path("out").exists()


def test_a_malicious_download_is_refused_by_name_and_nothing_of_it_runs(run):
    class Trap:
        def __reduce__(self):
            return Path.touch, (Path("trapped"),)

    Path("download").mkdir()
    np.savez("download/data_3d_h36m.npz", positions_3d=np.array({"S1": {"Walking": Trap()}}, object))
    code, _, err = run("data", "h36m", "download", "out")
    assert code == 1
    assert "the pickle asks for pathlib" in err
    assert "which is refused" in err
    assert not Path("trapped").exists()


def test_the_libraries_of_data_sets_are_loaded_when_needed():
    code = (
        "import sys, pkgutil, importlib, poseglass.data, poseglass.cli\n"
        "for m in pkgutil.iter_modules(poseglass.data.__path__): importlib.import_module('poseglass.data.' + m.name)\n"
        "print([m for m in ('scipy', 'h5py', 'cdflib', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("[]", "['torch']")
