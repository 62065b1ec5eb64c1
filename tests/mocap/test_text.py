"""Text files: words, braces and comments; all bad lines of a table are reported together."""

import re

import numpy as np
import pytest

from poseglass.errors import FormatError
from poseglass.mocap.text import NumberTable, WordLines, WordStream


def test_braces_are_words_of_their_own_and_comments_are_skipped(tmp_path):
    (tmp_path / "a.bvh").write_text("# a {\nROOT hips {OFFSET 1 2 3} # b }\n\n  end\n")
    words = WordStream(tmp_path / "a.bvh")
    given = []
    while (word := words.take()) is not None:
        given.append((str(words.error("")).split(", line ")[1], word))
    assert [word for _, word in given] == ["ROOT", "hips", "{", "OFFSET", "1", "2", "3", "}", "end"]
    assert given[0][0] == given[-2][0] == "2: "
    assert given[-1][0] == "4: "
    assert words.take() is None


def test_the_rest_of_a_stream_keeps_its_line_numbers(tmp_path):
    (tmp_path / "a.bvh").write_text("MOTION\nFrames: 2\n1 2 # first\n#\n3 4")
    words = WordStream(tmp_path / "a.bvh")
    assert words.match(re.compile("x")) is None
    assert words.take() == "MOTION"
    assert words.match(re.compile(r"\s*Frames: (\d)"))[1] == "2"
    assert words.rest() == (2, ["", "1 2 ", "", "3 4"])
    with pytest.raises(FormatError, match=r"a\.bvh, line 5: expected '}', got the end of the file; was it cut off\?"):
        words.until("}")


def test_lines_of_words_skip_comments_and_keep_their_numbers(tmp_path):
    (tmp_path / "a.asf").write_text("# a\n:root\n\n  order TX\n")
    lines = WordLines(tmp_path / "a.asf")
    assert [(lines.number, words) for words in lines] == [(2, [":root"]), (4, ["order", "TX"])]


def test_a_name_in_another_encoding_is_read(tmp_path):
    (tmp_path / "a.bvh").write_bytes("ROOT Hüfte".encode("latin-1"))
    assert WordStream(tmp_path / "a.bvh").take() == "ROOT"
    assert next(iter(WordLines(tmp_path / "a.bvh")))[0] == "ROOT"


def test_a_long_line_is_shortened_in_the_error(tmp_path):
    (tmp_path / "a.asf").write_text("x" * 99)
    lines = WordLines(tmp_path / "a.asf")
    with pytest.raises(FormatError, match=f"expected numbers, got '{'x' * 60}'$"):
        lines.numbers(next(iter(lines)), 1)


def test_bad_lines_are_reported_together_up_to_five(tmp_path):
    table = NumberTable(tmp_path / "a.csv", 2)
    for line in range(1, 6):
        table.add(line, ["1"])
    with pytest.raises(FormatError, match=r"line 1 has 1 cells, not 2; .*line 5 has 1 cells, not 2$"):
        table.array()
    table.add(6, ["1", "x"])
    with pytest.raises(FormatError, match=r"line 5 has 1 cells, not 2; and 1 more$"):
        table.array()
    table.add(7, ["1", " "])
    table.add(8, ["1", "2", "3"])
    with pytest.raises(FormatError, match=r"line 5 has 1 cells, not 2; and 2 more$"):
        table.array()


def test_an_empty_cell_is_nan_and_a_file_without_lines_is_an_error(tmp_path):
    table = NumberTable(tmp_path / "a.csv", 2)
    with pytest.raises(FormatError, match=r"a\.csv: expected at least one line of numbers, got none"):
        table.array()
    table.add(1, [" ", "-2.5"])
    np.testing.assert_array_equal(table.array(), [[np.nan, -2.5]])
