"""Fetching the detector's weights into a temporary cache; pip has no network where a fetch must fail."""

import io
import logging
import os
import zipfile
from pathlib import Path

import pytest

from poseglass.detect.fetch import NAME, NETWORKS, cache_folder, detector_model
from poseglass.detect.taskfile import task_file, with_normalisation
from poseglass.errors import DetectorError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, with pip configured to find nothing."""
    monkeypatch.setenv("POSEGLASS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    (tmp_path / "wheels").mkdir()
    return tmp_path / "cache"


def test_the_cache_folder_follows_the_environment_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("POSEGLASS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.setenv("POSEGLASS_CACHE", "~/somewhere")
    assert cache_folder() == Path.home() / "somewhere"
    monkeypatch.delenv("POSEGLASS_CACHE")
    assert "poseglass" in cache_folder().parts


def test_a_failed_fetch_says_what_to_do(cache: Path) -> None:
    with pytest.raises(DetectorError, match="could not be fetched") as caught:
        detector_model()
    assert "No matching distribution" in str(caught.value), "pip's own reason"
    assert "MediaPipeDetector(path)" in str(caught.value)
    assert "--detector-model" in str(caught.value)
    assert not cache.exists() or not list(cache.iterdir())


def test_a_wheel_with_unexpected_content_is_refused(cache: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "wheels" / "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(
            "mediapipe-0.10.21.dist-info/METADATA", "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n"
        )
        for member, _, _ in NETWORKS.values():
            archive.writestr(member, b"something else")
    with pytest.raises(DetectorError, match=r"HASHES|hash"):
        detector_model()
    assert not cache.exists() or not list(cache.iterdir())


def test_cached_weights_need_no_network(model: Path, cache: Path) -> None:
    cache.mkdir()
    (cache / NAME).write_bytes(model.read_bytes())
    assert detector_model() == cache / NAME


def test_a_damaged_cache_file_is_not_used(model: Path, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache.mkdir()
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    (cache / NAME).write_bytes(content)
    with caplog.at_level(logging.WARNING, "poseglass"), pytest.raises(DetectorError, match="could not be fetched"):
        detector_model()
    assert "SHA-256 is wrong" in caplog.text


def test_the_networks_record_how_pixels_are_normalised(model: Path) -> None:
    """Read with the schemas that ship with MediaPipe."""
    metadata_schema = pytest.importorskip("mediapipe.tasks.metadata.metadata_schema_py_generated")
    schema = pytest.importorskip("mediapipe.tasks.metadata.schema_py_generated")
    with zipfile.ZipFile(model) as archive:
        assert archive.namelist() == list(NETWORKS)
        for name, (_, _, (mean, std)) in NETWORKS.items():
            network = schema.Model.GetRootAs(archive.read(name))
            assert network.Version() == 3
            assert network.SubgraphsLength() == 1
            last = network.Metadata(network.MetadataLength() - 1)
            assert last.Name() == b"TFLITE_METADATA"
            assert last.Buffer() == network.BuffersLength() - 1
            content = network.Buffers(last.Buffer()).DataAsNumpy().tobytes()
            assert metadata_schema.ModelMetadata.ModelMetadataBufferHasIdentifier(content, 0)
            metadata = metadata_schema.ModelMetadata.GetRootAs(content)
            (step,) = (metadata.SubgraphMetadata(0).InputTensorMetadata(0).ProcessUnits(i) for i in range(1))
            assert step.OptionsType() == metadata_schema.ProcessUnitOptions.NormalizationOptions
            options = metadata_schema.NormalizationOptions()
            options.Init(step.Options().Bytes, step.Options().Pos)
            assert (options.MeanAsNumpy().tolist(), options.StdAsNumpy().tolist()) == ([mean], [std])


def tiny_network() -> bytes:
    """A `.tflite` with one tensor, written with the library that defines the format."""
    flatbuffers = pytest.importorskip("flatbuffers")
    schema = pytest.importorskip("mediapipe.tasks.metadata.schema_py_generated")
    weights, network = schema.BufferT(), schema.ModelT()
    weights.data = list(range(48))
    tensor, graph = schema.TensorT(), schema.SubGraphT()
    tensor.name, tensor.shape, tensor.buffer = b"weights", [48], 1
    graph.tensors = [tensor]
    network.version, network.description = 3, b"tiny"
    network.buffers, network.subgraphs = [schema.BufferT(), weights], [graph]
    builder = flatbuffers.Builder(0)
    builder.Finish(network.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_adding_metadata_keeps_the_content_of_a_network() -> None:
    schema = pytest.importorskip("mediapipe.tasks.metadata.schema_py_generated")
    old = tiny_network()
    new = with_normalisation(old, 1.5, 2.5)
    assert new.endswith(old)
    assert (len(new) - len(old)) % 64 == 0
    network = schema.ModelT.InitFromObj(schema.Model.GetRootAs(new))
    assert (network.version, network.description) == (3, b"tiny")
    assert (network.subgraphs[0].tensors[0].name, network.subgraphs[0].tensors[0].buffer) == (b"weights", 1)
    assert bytes(network.buffers[1].data) == bytes(range(48))
    assert [entry.name for entry in network.metadata] == [b"TFLITE_METADATA"]
    twice = schema.ModelT.InitFromObj(schema.Model.GetRootAs(with_normalisation(new, 0, 1)))
    assert [entry.buffer for entry in twice.metadata] == [2, 3], "existing metadata stays"


def test_a_task_file_is_aligned_and_has_no_date() -> None:
    content = task_file({"a.tflite": b"A" * 100, "bcd.tflite": b"B" * 70})
    assert content == task_file({"a.tflite": b"A" * 100, "bcd.tflite": b"B" * 70})
    assert content.index(b"A" * 100) % 64 == content.index(b"B" * 70) % 64 == 0
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert [(entry.filename, entry.compress_type) for entry in archive.infolist()] == [
            ("a.tflite", zipfile.ZIP_STORED),
            ("bcd.tflite", zipfile.ZIP_STORED),
        ]
        assert archive.read("bcd.tflite") == b"B" * 70
