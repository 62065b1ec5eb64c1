"""Where ``poseglass lift`` writes, and with which models."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from conftest import Run
from samples.bomb import Bomb
from samples.commandline import HALPE, film, names, refused, succeeded


class TestOutputPlaces:
    """An output path that cannot be written is refused before the work starts; no file is left half written."""

    def test_an_output_below_a_file_is_refused(self, poseglass: Run, workdir: Path) -> None:
        (workdir / "taken").write_text("mine")
        for name in ("taken/walk.npz", "taken/deep/walk.mp4"):
            refused(poseglass("lift", HALPE, "-o", name), f"cannot write {name}", "is a file, not a folder")
        assert (workdir / "taken").read_text() == "mine"

    def test_an_output_that_is_a_folder_is_refused(self, poseglass: Run, workdir: Path) -> None:
        (workdir / "walk.npz").mkdir()
        refused(poseglass("lift", HALPE, "-o", "walk.npz"), "cannot write walk.npz", "folder")

    def test_an_output_without_write_permission_is_refused(self, poseglass: Run, workdir: Path) -> None:
        if os.geteuid() == 0:  # root may write everywhere except in the kernel's own folders
            place = Path("/proc/poseglass")
        else:
            (place := workdir / "locked").mkdir(mode=0o500)
        refused(poseglass("lift", HALPE, "-o", place / "walk.npz"), f"cannot write {place / 'walk.npz'}")

    def test_a_name_that_is_too_long_is_refused(self, poseglass: Run, workdir: Path) -> None:
        refused(poseglass("lift", HALPE, "-o", f"{'a' * 300}.npz"), "name too long")
        refused(poseglass("lift", f"{'a' * 300}.json"), "name too long")

    def test_outputs_are_checked_before_the_model_is_loaded(
        self, poseglass: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("poseglass.weights.files.load", lambda *_: pytest.fail("the model was loaded"))
        refused(poseglass("lift", HALPE, "-o", "good.npz", "-o", "/dev/null/walk.npz"), "cannot write /dev/null/walk")

    def test_the_input_is_never_overwritten(self, poseglass: Run, workdir: Path) -> None:
        (workdir / "walk.json").write_bytes(HALPE.read_bytes())
        (workdir / "link.json").symlink_to("walk.json")
        film(workdir / "walk.mp4")
        for source, out in (("walk.json", "./walk.json"), ("walk.json", "link.json"), ("walk.mp4", "walk.mp4")):
            refused(poseglass("lift", source, "-o", "x.npz", "-o", out), "is the file to lift", code=2)
        assert (workdir / "walk.json").read_bytes() == HALPE.read_bytes()
        assert names(workdir) == {"walk.json", "link.json", "walk.mp4"}

    def test_a_full_disk_leaves_the_old_file(
        self, poseglass: Run, workdir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(file: object, **arrays: object) -> None:
            file.write(b"PK half")
            raise OSError(28, "No space left on device")

        (workdir / "walk.npz").write_text("the one before")
        monkeypatch.setattr(np, "savez_compressed", full)
        refused_late = poseglass("lift", HALPE, "-o", "walk.npz")
        assert refused_late.code == 1
        assert "error: cannot write walk.npz: No space left on device" in refused_late.err
        assert names(workdir) == {"walk.npz"}
        assert (workdir / "walk.npz").read_text() == "the one before"


class TestModels:
    def test_an_unknown_model_is_refused_with_the_known_ones(self, poseglass: Run) -> None:
        refused(poseglass("lift", HALPE, "--model", "balancd"), "no weights balancd", "balanced")

    @pytest.mark.parametrize("name", ["notes.txt", "model.pth", "model.safetensors"])
    @pytest.mark.parametrize("content", [b"", b"some words", b"PK\x03\x04", bytes(500)])
    def test_model_files_that_are_not_checkpoints_are_refused(
        self, poseglass: Run, workdir: Path, name: str, content: bytes
    ) -> None:
        (workdir / name).write_bytes(content)
        done = poseglass("lift", HALPE, "--model", name)
        starts_right = name.endswith(".safetensors") or content.startswith(b"PK")
        refused(done, f"{name} {'cannot be read as a checkpoint' if starts_right else 'is not a PyTorch checkpoint'}")
        assert "weights_only" not in done.err, "torch's advice to trust the file is not repeated"

    def test_a_model_folder_without_weights_is_refused(self, poseglass: Run, workdir: Path) -> None:
        refused(poseglass("lift", HALPE, "--model", workdir), "not a folder of weights")

    def test_weights_with_a_wrong_checksum_are_refused(self, poseglass: Run, workdir: Path) -> None:
        import poseglass.weights.files as module

        folder = workdir / "model"
        folder.mkdir()
        for file in (Path(module.__file__).parent / "bundled" / "balanced").iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        succeeded(poseglass("lift", HALPE, "--model", folder, "-o", "a.json"))
        weights = bytearray((folder / "weights.safetensors").read_bytes())
        weights[-1] ^= 1
        (folder / "weights.safetensors").write_bytes(weights)
        refused(poseglass("lift", HALPE, "--model", folder, "-o", "b.json"), "checksum", "get it again")
        assert names(workdir) == {"model", "a.json"}

    @pytest.mark.parametrize("protocol", [0, 2, 4])
    @pytest.mark.parametrize("name", ["evil.pth", "evil.safetensors"])
    def test_pickled_code_in_weights_is_never_run(
        self, poseglass: Run, workdir: Path, name: str, protocol: int
    ) -> None:
        content = pickle.dumps({"model_pos": {"a": Bomb("exploded")}}, protocol=protocol)
        (workdir / name).write_bytes(content)
        refused(poseglass("lift", HALPE, "--model", name), name, "checkpoint")
        assert names(workdir) == {name}
        pickle.loads(content)
        assert names(workdir) == {name, "exploded"}, "the bomb works when unpickled"
