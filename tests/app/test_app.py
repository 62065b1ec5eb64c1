"""The command line as a whole: help, version, missing packages."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Run, Said
from poseglass import __version__
from samples.commandline import COMMAND, HALPE, film, names, refused, well


class TestHelp:
    def test_help_is_quick_and_light(self) -> None:
        code = (
            "import sys\nfrom poseglass.commands.app import main\ntry: main(['--help'])\nexcept SystemExit as end:\n"
            "  assert not end.code\nprint({'torch', 'numpy', 'av', 'cv2', 'mediapipe', 'PIL'} & set(sys.modules))"
        )
        seconds = []
        for _ in range(3):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            # Not the clock's time, which depends on what else the machine does.
            seconds.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        assert run.stdout.endswith("set()\n"), "nothing heavy is imported"
        assert all(command in run.stdout for command in ("lift", "evaluate", "reproduce", "bench", "train", "data"))
        assert min(seconds) < 1

    def test_the_version_through_the_real_command(self) -> None:
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
        well(done)
        assert "Usage: poseglass" in done.out
        assert poseglass(*command, "-h").out == done.out

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
    def test_wrong_command_lines(self, poseglass: Run, command: tuple[str, ...], word: str) -> None:
        refused(poseglass(*command), word, "Try 'poseglass", code=2)


WITHOUT = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
from poseglass.commands.app import main
main(sys.argv[1:])
"""


class TestMissingPackages:
    def run(self, here: Path, missing: list[str], *arguments: object) -> Said:
        command = [sys.executable, "-c", WITHOUT.format(missing=missing), *map(str, arguments)]
        run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=here)
        return Said(run.returncode, run.stdout, run.stderr)

    def test_keypoints_need_no_extra_package(self, here: Path) -> None:
        outputs = ["-o", "a.npz", "-o", "a.json", "-o", "a.csv", "-o", "a.html"]
        well(self.run(here, ["av", "mediapipe", "cv2", "PIL", "tensorboard"], "lift", HALPE, *outputs))
        assert names(here) == {"a.npz", "a.json", "a.csv", "a.html"}

    @pytest.mark.parametrize(("missing", "out"), [("av", "a.mp4"), ("cv2", "a.mp4"), ("cv2", "a.png"), ("av", "a.png")])
    def test_pictures_name_the_missing_package_first(self, here: Path, missing: str, out: str) -> None:
        done = self.run(here, [missing, "torch"], "lift", HALPE, "-o", out)
        refused(done, 'pip install "poseglass[video]"')

    def test_videos_name_the_missing_package(self, here: Path, poseglass: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        film(here / "walk.mp4")
        refused(self.run(here, ["av", "torch"], "lift", "walk.mp4"), "PyAV", 'pip install "poseglass[video]"')
        monkeypatch.setitem(sys.modules, "mediapipe", None)
        refused(poseglass("lift", "walk.mp4"), "MediaPipe", 'pip install "poseglass[video]"')
        assert names(here) == {"walk.mp4"}
