"""Files of ``torch.save``: read as torch reads them, without running their code, within the memory of the file."""

import io
import pickle
import tracemalloc
import zipfile
from argparse import Namespace
from collections import OrderedDict, defaultdict
from enum import Enum
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from poseglass.errors import WeightsError
from poseglass.files.unpickler import Inert
from poseglass.weights.torch_file import TorchFile
from samples.bomb import Bomb

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
          torch.int8, torch.uint8, torch.bool]  # fmt: skip
FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before 1.6"])


class Colour(Enum):
    """A value of a class that the reader does not know."""

    RED = 1


class Settings(dict):
    """A subclass of dict, as Lightning's hyper_parameters are."""


def save(content: object, path: Path, zipped: bool = True) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def tensors(path: Path) -> dict[str, torch.Tensor]:
    file = TorchFile(path)
    return file.tensors(file.content)


@FORMATS
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_tensors_are_read_as_torch_reads_them(tmp_path, dtype, zipped):
    torch.manual_seed(0)
    whole = (torch.rand(6, 5) * 100).to(dtype)
    state = {
        "whole": whole,
        "slice": whole[1:3, 2:],
        "transposed": whole.T,
        "scalar": whole[2, 2],
        "empty": whole[:0],
        "parameter": nn.Parameter(whole.clone(), requires_grad=False),
    }
    path = save(state, tmp_path / "x.pth", zipped)
    read, truth = tensors(path), torch.load(path)
    assert list(read) == list(truth)
    for name, tensor in truth.items():
        assert read[name].dtype == dtype
        assert torch.equal(read[name], tensor)
    assert read["whole"].data_ptr() == read["transposed"].data_ptr(), "data are read once"


@FORMATS
def test_whatever_stands_beside_the_tensors_is_read_past(tmp_path, zipped):
    layer = nn.Linear(2, 2)
    optimiser = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(1, 2)).sum().backward()
    optimiser.step()
    content = {
        "state_dict": layer.state_dict(),
        "optimizer": optimiser.state_dict(),
        "random_state": np.random.RandomState(3),
        "generator": np.random.default_rng(3),
        "torch_random": torch.get_rng_state(),
        "loss": np.float64(3.5),
        "history": np.arange(6.0).reshape(2, 3),
        "objects": np.array([{"a": 1}, None], object),
        "args": Namespace(lr=1e-3, keep={3: 81}),
        "path": Path("data"),
        "settings": Settings(frames=243),
        "counts": defaultdict(int, a=1),
        "kind": Colour.RED,
        "schedule": partial(pow, 2),
        "names": {"a", "b"},
        "frozen": frozenset("ab"),
        "device": torch.device("cpu"),
        "dtype": torch.float16,
        "size": torch.Size([2, 3]),
        "plain": (1, 2.5, "text", None, True, b"bytes", 10**30, 1j),
        "epoch": 7,
    }
    path = save(content, tmp_path / "x.ckpt", zipped)
    file = TorchFile(path)
    assert list(file.content) == list(content)
    assert file.content["epoch"] == 7
    assert file.content["plain"][:5] == content["plain"][:5]
    for name in ("random_state", "generator", "history", "args", "path", "settings", "kind", "schedule", "device"):
        assert isinstance(file.content[name], Inert), name
    read = file.tensors(file.content["state_dict"])
    assert all(torch.equal(read[name], tensor) for name, tensor in layer.state_dict().items())
    assert "argparse.Namespace" in file.skipped


def test_only_the_data_that_are_asked_for_are_read(tmp_path):
    path = save({"small": torch.ones(2), "large": torch.zeros(1 << 20)}, tmp_path / "x.pth")
    tracemalloc.start()
    file = TorchFile(path)
    assert file.tensors({"small": file.content["small"]})["small"].tolist() == [1, 1]
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


@FORMATS
@pytest.mark.parametrize("share", [0.2, 0.6, 0.99])
def test_truncated_files_are_refused(tmp_path, share, zipped):
    path = save({"a": torch.ones(1000), "b": torch.ones(1000)}, tmp_path / "x.pth", zipped)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(WeightsError, match=r"x\.pth cannot be read as a checkpoint: it is truncated|pickle"):
        tensors(path)


def test_damaged_data_are_refused(tmp_path):
    path = save({"a": torch.ones(1000)}, tmp_path / "x.pth")
    whole = bytearray(path.read_bytes())
    whole[whole.index(torch.ones(8).numpy().tobytes()) + 16] ^= 1
    path.write_bytes(whole)
    with pytest.raises(WeightsError, match="CRC"):
        tensors(path)


class TestHostile:
    """Pickles that try to run code, to change the reader, or to exhaust memory."""

    @FORMATS
    def test_code_is_never_run(self, tmp_path, zipped):
        content = {"bomb": Bomb(tmp_path / "ran"), "a": torch.ones(1)}
        file = TorchFile(save(content, tmp_path / "x.pth", zipped))
        assert file.tensors({"a": file.content["a"]})["a"].tolist() == [1]
        assert not (tmp_path / "ran").exists()
        assert "posix.mkdir" in file.skipped
        torch.load(tmp_path / "x.pth", weights_only=False)
        assert (tmp_path / "ran").exists(), "the bomb works when unpickled"

    @FORMATS
    @pytest.mark.parametrize(
        ("description", "words"),
        [
            ((0, (1 << 20, 1 << 20), (0, 0)), "a claims more elements than its data have"),
            ((0, (3,), (1,)), "a claims more elements"),
            ((1, (2,), (1,)), "a claims more elements"),
            ((0, (2,), (2,)), "a claims more elements"),
            ((-1, (2,), (1,)), "impossible shape"),
            ((0, (-2,), (1,)), "impossible shape"),
            ((0, (2,), (-1,)), "impossible shape"),
            ((0, (2,), (1, 1)), "impossible shape"),
            ((0, ("2",), (1,)), "impossible shape"),
            ((0, (1,) * 65, (1,) * 65), "impossible shape"),
            ((0, (1,), (1 << 63,)), "impossible shape"),
            ((1 << 63, (1,), (1,)), "impossible shape"),
            ((0, 2, 1), "cannot be read"),
        ],
    )
    def test_tensors_outside_their_data_are_refused(self, tmp_path, description, words, zipped):
        class Lie:
            def __reduce__(self):
                storage = torch.storage.TypedStorage(
                    wrap_storage=torch.ones(2).untyped_storage(), dtype=torch.float32, _internal=True
                )
                return torch._utils._rebuild_tensor_v2, (storage, *description, False, OrderedDict())

        path = save({"a": Lie()}, tmp_path / "x.pth", zipped)
        with pytest.raises(WeightsError, match=words):
            tensors(path)

    def test_tensors_that_share_data_cannot_claim_more_than_the_file(self, tmp_path):
        shared = torch.ones(1 << 16)
        path = save({str(number): shared for number in range(50)}, tmp_path / "x.pth")
        with pytest.raises(WeightsError, match="claim more data than the file has"):
            tensors(path)

    def test_compressed_archives_are_refused(self, tmp_path):
        path = save({"a": torch.zeros(1 << 20)}, tmp_path / "x.pth")
        small = tmp_path / "small.pth"
        with zipfile.ZipFile(path) as whole, zipfile.ZipFile(small, "w", zipfile.ZIP_DEFLATED) as archive:
            for member in whole.namelist():
                archive.writestr(member, whole.read(member))
        assert small.stat().st_size < path.stat().st_size / 100
        with pytest.raises(WeightsError, match="compressed archive"):
            TorchFile(small)

    def test_a_pickle_without_end_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr("poseglass.weights.torch_file.LARGEST_PICKLE", 1000)
        with pytest.raises(WeightsError, match="its pickle is larger"):
            TorchFile(archive(tmp_path, b"\x80\x02" + b"]0" * 1000 + b"N."))

    def test_data_of_another_size_are_refused(self, tmp_path):
        path = save({"a": torch.ones(4)}, tmp_path / "x.pth")
        with zipfile.ZipFile(path) as whole:
            members = {name: whole.read(name) for name in whole.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data[:8] if name.endswith("data/0") else data)
        with pytest.raises(WeightsError, match="have 8 bytes instead of 4 x 4"):
            tensors(path)

    def test_files_of_big_endian_machines_are_refused(self, tmp_path):
        with pytest.raises(WeightsError, match="big-endian"):
            TorchFile(archive(tmp_path, b"\x80\x02N.", byteorder=b"big"))
        stream = io.BytesIO()
        for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": False}, {}, []):
            pickle.dump(part, stream, 2)
        (tmp_path / "old.pth").write_bytes(stream.getvalue())
        with pytest.raises(WeightsError, match="big-endian"):
            TorchFile(tmp_path / "old.pth")


def archive(folder: Path, code: bytes, byteorder: bytes = b"little") -> Path:
    """An archive like torch's with a pickle written by hand."""
    with zipfile.ZipFile(folder / "x.pth", "w") as file:
        file.writestr("x/data.pkl", code)
        file.writestr("x/byteorder", byteorder)
    return folder / "x.pth"
