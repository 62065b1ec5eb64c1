"""The command line as a whole: help, version, missing packages."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import CommandResult, Run
from poseglass import __version__
from poseglass.mocap.formats import READERS
from samples.commandline import COMMAND, HALPE, film, names, refused, succeeded


class TestHelp:
    def test_help_imports_no_heavy_package(self) -> None:
        code = (
            "import sys\nfrom poseglass.commands.app import main\ntry: main(['--help'])\nexcept SystemExit as end:\n"
            "  assert not end.code\nprint({'torch', 'numpy', 'av', 'cv2', 'mediapipe', 'PIL'} & set(sys.modules))"
        )
        seconds = []
        for _ in range(3):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            # Imports are checked instead of time, which depends on what else the machine does.
            seconds.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        assert run.stdout.endswith("set()\n"), "nothing heavy is imported"
        assert all(command in run.stdout for command in ("lift", "evaluate", "reproduce", "bench", "train", "data"))
        assert min(seconds) < 1

    def test_the_installed_command_prints_its_version(self) -> None:
        run = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
        assert (run.stdout, run.stderr) == (f"poseglass {__version__}\n", "")

    @pytest.mark.parametrize(
        "command",
        [
            *[(), ("lift",), ("train",), ("evaluate",), ("reproduce",), ("bench",)],
            *[("data",), ("data", "mocap"), ("data", "check")],
        ],
    )
    def test_every_command_has_help(self, poseglass: Run, command: tuple[str, ...]) -> None:
        done = poseglass(*command, "--help")
        succeeded(done)
        assert "Usage: poseglass" in done.out
        assert poseglass(*command, "-h").out == done.out

    def test_data_mocap_lists_every_motion_format(self, poseglass: Run) -> None:
        assert " ".join(READERS) in " ".join(poseglass("data", "mocap", "--help").out.split())

    @pytest.mark.parametrize(
        ("command", "word"),
        [
            (("lift",), "source"),
            (("lfit", "walk.mp4"), "lfit"),
            (("lift", "walk.mp4", "--quick"), "--quick"),
            (("lift", "a.mp4", "b.mp4"), "b.mp4"),
            (("evaluate",), "model"),
            (("reproduce", "h36m"), "--data"),
            (("train", "recipe.toml"), "--out"),
            (("data", "mocap", "folder"), "out"),
        ],
    )
    def test_wrong_command_lines_are_refused(self, poseglass: Run, command: tuple[str, ...], word: str) -> None:
        refused(poseglass(*command), word, "Try 'poseglass", code=2)


WITHOUT = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
from poseglass.commands.app import main
main(sys.argv[1:])
"""


class TestMissingPackages:
    def run(self, workdir: Path, missing: list[str], *arguments: object) -> CommandResult:
        command = [sys.executable, "-c", WITHOUT.format(missing=missing), *map(str, arguments)]
        run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=workdir)
        return CommandResult(run.returncode, run.stdout, run.stderr)

    def test_keypoints_need_no_extra_package(self, workdir: Path) -> None:
        outputs = ["-o", "a.npz", "-o", "a.json", "-o", "a.csv", "-o", "a.html"]
        succeeded(self.run(workdir, ["av", "mediapipe", "cv2", "PIL", "tensorboard"], "lift", HALPE, *outputs))
        assert names(workdir) == {"a.npz", "a.json", "a.csv", "a.html"}

    @pytest.mark.parametrize(("missing", "out"), [("av", "a.mp4"), ("cv2", "a.mp4"), ("cv2", "a.png"), ("av", "a.png")])
    def test_drawing_without_a_needed_package_is_refused_before_the_model_loads(
        self, workdir: Path, missing: str, out: str
    ) -> None:
        done = self.run(workdir, [missing, "torch"], "lift", HALPE, "-o", out)
        refused(done, 'pip install "poseglass[video]"')

    def test_lifting_a_video_without_a_needed_package_names_it(
        self, workdir: Path, poseglass: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        film(workdir / "walk.mp4")
        refused(self.run(workdir, ["av", "torch"], "lift", "walk.mp4"), "PyAV", 'pip install "poseglass[video]"')
        monkeypatch.setitem(sys.modules, "mediapipe", None)
        refused(poseglass("lift", "walk.mp4"), "MediaPipe", 'pip install "poseglass[video]"')
        assert names(workdir) == {"walk.mp4"}
