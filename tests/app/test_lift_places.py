"""Where ``poseglass lift`` writes, and with which models."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from conftest import Run
from samples.commandline import HALPE, Bomb, film, names, refused, well


class TestOutputPlaces:
    """A place that cannot be written is refused before the work, and nothing is half written."""

    def test_a_parent_that_is_a_file(self, poseglass: Run, here: Path) -> None:
        (here / "taken").write_text("mine")
        for name in ("taken/walk.npz", "taken/deep/walk.mp4"):
            refused(poseglass("lift", HALPE, "-o", name), f"cannot write {name}", "is a file, not a folder")
        assert (here / "taken").read_text() == "mine"

    def test_a_folder_of_the_same_name(self, poseglass: Run, here: Path) -> None:
        (here / "walk.npz").mkdir()
        refused(poseglass("lift", HALPE, "-o", "walk.npz"), "cannot write walk.npz", "folder")

    def test_a_place_without_permission(self, poseglass: Run, here: Path) -> None:
        if os.geteuid() == 0:  # root may write anywhere but into the kernel's own folders
            place = Path("/proc/poseglass")
        else:
            (place := here / "locked").mkdir(mode=0o500)
        refused(poseglass("lift", HALPE, "-o", place / "walk.npz"), f"cannot write {place / 'walk.npz'}")

    def test_a_name_that_is_too_long(self, poseglass: Run, here: Path) -> None:
        refused(poseglass("lift", HALPE, "-o", f"{'a' * 300}.npz"), "name too long")
        refused(poseglass("lift", f"{'a' * 300}.json"), "name too long")

    def test_errors_come_before_the_work(self, poseglass: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("poseglass.weights.files.load", lambda *_: pytest.fail("the model was loaded"))
        refused(poseglass("lift", HALPE, "-o", "good.npz", "-o", "/dev/null/walk.npz"), "cannot write /dev/null/walk")

    def test_the_input_is_not_written_over(self, poseglass: Run, here: Path) -> None:
        (here / "walk.json").write_bytes(HALPE.read_bytes())
        (here / "link.json").symlink_to("walk.json")
        film(here / "walk.mp4")
        for source, out in (("walk.json", "./walk.json"), ("walk.json", "link.json"), ("walk.mp4", "walk.mp4")):
            refused(poseglass("lift", source, "-o", "x.npz", "-o", out), "is the file to lift", code=2)
        assert (here / "walk.json").read_bytes() == HALPE.read_bytes()
        assert names(here) == {"walk.json", "link.json", "walk.mp4"}

    def test_a_full_disk_leaves_the_old_file(self, poseglass: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(file: object, **arrays: object) -> None:
            file.write(b"PK half")
            raise OSError(28, "No space left on device")

        (here / "walk.npz").write_text("the one before")
        monkeypatch.setattr(np, "savez_compressed", full)
        refused_late = poseglass("lift", HALPE, "-o", "walk.npz")
        assert refused_late.code == 1
        assert "error: cannot write walk.npz: No space left on device" in refused_late.err
        assert names(here) == {"walk.npz"}
        assert (here / "walk.npz").read_text() == "the one before"


class TestModels:
    def test_an_unknown_model(self, poseglass: Run) -> None:
        refused(poseglass("lift", HALPE, "--model", "balancd"), "no weights balancd", "balanced")

    @pytest.mark.parametrize("name", ["notes.txt", "model.pth", "model.safetensors"])
    @pytest.mark.parametrize("content", [b"", b"some words", b"PK\x03\x04", bytes(500)])
    def test_files_that_are_not_checkpoints(self, poseglass: Run, here: Path, name: str, content: bytes) -> None:
        (here / name).write_bytes(content)
        done = poseglass("lift", HALPE, "--model", name)
        refused(done, f"{name} cannot be read as a checkpoint")
        assert "weights_only" not in done.err, "torch's advice to run whatever is in the file is not passed on"

    def test_a_folder_without_weights(self, poseglass: Run, here: Path) -> None:
        refused(poseglass("lift", HALPE, "--model", here), "not a folder of weights")

    def test_a_wrong_checksum(self, poseglass: Run, here: Path) -> None:
        import poseglass.weights.files as module

        folder = here / "model"
        folder.mkdir()
        for file in (Path(module.__file__).parent / "bundled" / "balanced").iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        well(poseglass("lift", HALPE, "--model", folder, "-o", "a.json"))
        weights = bytearray((folder / "weights.safetensors").read_bytes())
        weights[-1] ^= 1
        (folder / "weights.safetensors").write_bytes(weights)
        refused(poseglass("lift", HALPE, "--model", folder, "-o", "b.json"), "checksum", "get it again")
        assert names(here) == {"model", "a.json"}

    @pytest.mark.parametrize("protocol", [0, 2, 4])
    @pytest.mark.parametrize("name", ["evil.pth", "evil.safetensors"])
    def test_a_pickle_with_code_in_it_is_never_run(self, poseglass: Run, here: Path, name: str, protocol: int) -> None:
        content = pickle.dumps({"model_pos": {"a": Bomb()}}, protocol=protocol)
        (here / name).write_bytes(content)
        refused(poseglass("lift", HALPE, "--model", name), "pickled code is never run")
        assert names(here) == {name}
        pickle.loads(content)
        assert names(here) == {name, "exploded"}, "the bomb is a real one"
