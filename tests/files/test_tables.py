"""Tables as text, Markdown and CSV."""

import csv
import io

import pytest

from poseglass.files.tables import csv_table, markdown_table, text_table

ROWS = [["", "frames", "mm"], ["Sitting down", "1,200", "5.0"], ["all", "7", "44.4"]]


def test_columns_of_text_line_up():
    assert text_table(ROWS).splitlines() == [
        "              frames    mm",
        "Sitting down   1,200   5.0",
        "all                7  44.4",
    ]


def test_several_columns_can_be_aligned_to_the_left():
    assert text_table([["a", "name", "n"], ["b", "x", "10"]], left=2).splitlines() == ["a  name   n", "b  x     10"]


def test_lines_of_text_have_no_trailing_spaces():
    assert text_table([["a", ""], ["long name", ""]]) == "a\nlong name"


def test_a_markdown_table_has_a_header_and_a_row_per_row():
    assert markdown_table(ROWS).splitlines() == [
        "|  | frames | mm |",
        "|---|---|---|",
        "| Sitting down | 1,200 | 5.0 |",
        "| all | 7 | 44.4 |",
    ]


def test_a_bar_in_a_cell_is_escaped_in_markdown():
    assert markdown_table([["a|b"]]).splitlines()[0] == r"| a\|b |"


def test_csv_reads_back_with_every_digit():
    rows = [["name", "mm"], ['a "quoted", name', 1 / 3]]
    assert [*csv.reader(io.StringIO(csv_table(rows)))] == [["name", "mm"], ['a "quoted", name', repr(1 / 3)]]


@pytest.mark.parametrize("write", [text_table, markdown_table])
def test_rows_of_different_lengths_are_refused(write):
    with pytest.raises(ValueError, match="zip"):
        write([["a", "b"], ["c"]])
