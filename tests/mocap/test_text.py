"""Text files: words, braces and comments; all bad lines of a table are reported together."""

import numpy as np
import pytest

from poseglass.errors import FormatError
from poseglass.mocap.text import NumberTable, WordLines


def test_braces_are_lines_of_their_own_and_comments_are_skipped(tmp_path):
    (tmp_path / "a.bvh").write_text("# a {\nROOT hips { OFFSET 1 2 3 } # b }\n\n  end\n")
    lines = WordLines(tmp_path / "a.bvh")
    assert [(lines.number, words) for words in lines] == [
        (2, ["ROOT", "hips"]),
        (2, ["{"]),
        (2, ["OFFSET", "1", "2", "3"]),
        (2, ["}"]),
        (4, ["end"]),
    ]


def test_a_name_in_another_encoding_is_read(tmp_path):
    (tmp_path / "a.bvh").write_bytes("ROOT Hüfte".encode("latin-1"))
    assert next(iter(WordLines(tmp_path / "a.bvh")))[0] == "ROOT"


def test_a_long_line_is_shortened_in_the_error(tmp_path):
    (tmp_path / "a.bvh").write_text("x" * 99)
    with pytest.raises(FormatError, match=f"expected 'MOTION', got '{'x' * 60}'$"):
        WordLines(tmp_path / "a.bvh").expect("MOTION")


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
