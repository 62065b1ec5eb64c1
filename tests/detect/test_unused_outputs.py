"""The pose network without its mask: fewer operators, the same landmarks."""

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from poseglass.detect import mediapipe
from poseglass.detect.mediapipe import MediaPipeDetector
from poseglass.detect.taskfile import _lay, _pack, _table, task_file
from poseglass.detect.unused_outputs import POSE_NETWORK, _Flatbuffer, task_without_mask, without_mask

SHAPES = {"image": [1, 8, 8, 3], "deep": [1, 4, 4, 9], "points": [1, 6], "score": [1, 1], "wide": [1, 8, 8, 2]}
NAMES = [*SHAPES, "mask"]
OPERATORS = [("image", "deep"), ("deep", "wide"), ("deep", "points"), ("wide", "mask"), ("points", "score")]


def network(mask: list[int], outputs: list[str]) -> bytes:
    """A TensorFlow Lite model whose operators compute one tensor from another."""
    tensors = [_table({0: [len(shape), *shape]}) for shape in [*SHAPES.values(), mask]]
    operators = [_table({1: [1, NAMES.index(source)], 2: [1, NAMES.index(result)]}) for source, result in OPERATORS]
    ends = [NAMES.index(name) for name in outputs]
    fields = {0: [len(tensors), *tensors], 1: [1, 0], 2: [len(ends), *ends], 3: [len(operators), *operators]}
    return _pack(_lay([_table({2: [1, _table(fields)]})]))


def read(data: bytes) -> tuple[list[tuple[str, str]], list[str]]:
    """The operators and the outputs of a network."""
    buffer = _Flatbuffer(data)
    (graph,) = buffer.tables(buffer.number(0), 2)
    operators = [(*buffer.numbers(place, 1), *buffer.numbers(place, 2)) for place in buffer.tables(graph, 3)]
    return [(NAMES[a], NAMES[b]) for a, b in operators], [NAMES[index] for index in buffer.numbers(graph, 2)]


def test_only_operators_that_nothing_but_the_mask_needs_are_taken_out() -> None:
    whole = network([1, 8, 8, 1], ["points", "mask", "score"])
    assert read(whole) == (OPERATORS, ["points", "mask", "score"])
    cut = without_mask(whole)
    assert len(cut) == len(whole), "weights stay where they are"
    kept = [("image", "deep"), ("deep", "points"), ("points", "score")]
    assert read(cut) == (kept, ["points", "score", "score"])
    assert without_mask(cut) == cut
    wide = network([1, 8, 8, 1], ["points", "mask", "wide"])
    assert read(without_mask(wide)) == (
        [("image", "deep"), ("deep", "wide"), ("deep", "points")],
        ["points", "points", "wide"],
    )


@pytest.mark.parametrize(
    ("mask", "outputs"), [([1, 4, 4, 1], ["points", "mask"]), ([1, 8, 8, 1], ["mask"]), ([1, 8, 8, 1], ["points"])]
)
def test_a_network_without_a_mask_beside_other_outputs_stays(mask: list[int], outputs: list[str]) -> None:
    assert without_mask(network(mask, outputs)) == network(mask, outputs)


def test_files_that_cannot_be_cut_are_left_to_mediapipe(tmp_path: Path) -> None:
    path = tmp_path / "some.task"
    assert task_without_mask(path) is None
    for content in (
        b"",
        b"not a zip",
        task_file({"other.tflite": b"x"}),
        task_file({POSE_NETWORK: b"x"}),
        task_file({POSE_NETWORK: struct.pack("<3i", 2**30, 7, -5) * 9}),
        task_file({POSE_NETWORK: network([1, 4, 4, 1], ["points", "mask"])}),
    ):
        path.write_bytes(content)
        assert task_without_mask(path) is None
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(POSE_NETWORK, bytes(1_000_000))
    assert task_without_mask(path) is None


def test_the_landmarks_are_the_same_without_the_mask(model: Path, portrait: np.ndarray, monkeypatch) -> None:
    frames = [np.roll(portrait[:600], 5 * step, 1) for step in range(3)]
    with MediaPipeDetector(model) as detector:
        assert task_without_mask(model) is not None
        cut = [detector.detect(frame, step / 30) for step, frame in enumerate(frames)]
    monkeypatch.setattr(mediapipe, "task_without_mask", lambda path: None)
    with MediaPipeDetector(model) as detector:
        whole = [detector.detect(frame, step / 30) for step, frame in enumerate(frames)]
    np.testing.assert_array_equal(cut, whole)
    assert np.shape(cut) == (3, 1, 33, 3)
