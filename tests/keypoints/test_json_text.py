"""JSON in bounded memory: the same values as the standard library's, and the same errors at the same places."""

import json
import tracemalloc

import numpy as np
import pytest

from poseglass.errors import FormatError
from poseglass.keypoints import json_text
from poseglass.keypoints.json_text import is_list, json_items, parse_json
from samples.keypoint_files import SAMPLES


def plain(value: object) -> object:
    """The value with lists in place of arrays, in which NaN is null."""
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value] if value.ndim > 1 else [None if np.isnan(v) else v for v in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    "text",
    [
        "3",
        '"a"',
        "[]",
        " [ ] ",
        "[1, 2.5e3 ,null]",
        '[{"a": [1, 2, 3, 4, 5, 6, 7, 8, null]}, {"b": "]"}]',
        '{"a": {"b": [[1, 2], [3, 4]]}, "c": [1, "x"]}',
        "[[[1, 2], [3, 4], [5, 6], [7, 8], [9, 10], [11, 12], [13, 14], [15, 16]]]",
        "[1,2,3,4,5,6,7,8,[9]]",
        "\ufeff[1]",
    ],
)
def test_values_are_those_of_the_standard_library(tmp_path, monkeypatch, text, chunk):
    monkeypatch.setattr(json_text, "CHUNK", chunk)
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert plain(parse_json(tmp_path / "a.json", "it")) == json.loads(text.lstrip("\ufeff"))


def test_a_real_file_is_the_same(monkeypatch):
    monkeypatch.setattr(json_text, "CHUNK", 1000)
    path = SAMPLES / "alphapose_halpe26.json"
    assert plain(parse_json(path, "it")) == json.loads(path.read_text())


@pytest.mark.parametrize("chunk", [1, 1 << 20])
@pytest.mark.parametrize(
    "text", ["[1,\n 2,\n x]", "[1 2]", '[{"a": 1}\n{"b": 2}]', "[1, 2", '{"a": ', "[1] 2", "nul", "[1,]", '["a\n"]']
)
def test_errors_have_the_line_and_column_of_the_standard_library(tmp_path, monkeypatch, text, chunk):
    monkeypatch.setattr(json_text, "CHUNK", chunk)
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(json.JSONDecodeError) as expected:
        json.loads(text)
    with pytest.raises(FormatError, match="it is not valid JSON: ") as caught:
        parse_json(tmp_path / "a.json", "it")
    line = f"at line {expected.value.lineno}, column "
    assert line in str(caught.value)
    if text not in ("[1, 2", "[1,]"):  # a comma at the end is reported at the next letter
        assert f"{line}{expected.value.colno};" in str(caught.value)


@pytest.mark.parametrize(("text", "listed"), [(" [1]", True), ('{"a": 1}', False), ("3", False)])
def test_items_are_those_of_a_list(tmp_path, text, listed):
    (tmp_path / "a.json").write_text(text)
    assert is_list(tmp_path / "a.json", "it") == listed
    assert not listed or list(json_items(tmp_path / "a.json", "it")) == json.loads(text)


def test_utf16_with_its_mark_is_read(tmp_path):
    (tmp_path / "a.json").write_text('["ä"]', encoding="utf-16")
    assert parse_json(tmp_path / "a.json", "it") == ["ä"]


def test_one_value_per_line_is_a_list(tmp_path):
    (tmp_path / "a.jsonl").write_text('[{"a": 1}]\n\n[]\n{"b": 2}\n')
    assert parse_json(tmp_path / "a.jsonl", "it") == [[{"a": 1}], [], {"b": 2}]


@pytest.mark.parametrize("text", ["[" * 100_000, '[{"a":' * 50_000])
def test_deep_nesting_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(FormatError, match="nests lists more deeply"):
        parse_json(tmp_path / "a.json", "it")


def test_a_number_of_thousands_of_digits_is_refused(tmp_path):
    (tmp_path / "a.json").write_text("[" + "9" * 5000 + "]")
    with pytest.raises(FormatError, match=r"it cannot be read: .*digits"):
        parse_json(tmp_path / "a.json", "it")


@pytest.mark.parametrize(("top", "bytes_each"), [("list", 0), ("object", 1500)])
def test_memory_is_bounded(tmp_path, monkeypatch, top, bytes_each):
    """An entry takes 1 kB of text, or 2 kB as Python's lists. Items taken one by one are not kept at all."""
    entry = json.dumps({"image_id": "1.jpg", "keypoints": [123.4567] * 51, "score": 0.9, "idx": 1})
    count = 2000
    monkeypatch.setattr(json_text, "CHUNK", 50_000)
    entries = f"[{', '.join([entry] * count)}]"
    (tmp_path / "a.json").write_text(entries if top == "list" else f'{{"instance_info": {entries}}}')
    tracemalloc.start()
    try:
        items = json_items(tmp_path / "a.json", "it") if top == "list" else [parse_json(tmp_path / "a.json", "it")]
        for _ in items:
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < bytes_each * count + 5e5  # a chunk is held, and read
