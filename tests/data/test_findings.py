"""Findings about faults in data are printed, counted and raised."""

import pytest

from poseglass.data.checks.findings import Finding, Findings
from poseglass.errors import DataError, FormatError


@pytest.fixture
def findings():
    mixed = Findings()
    mixed.warning("walk.csv", "12 frames per second are unusual")
    mixed.lacks("S5", "all takes")
    mixed.error("run.csv, frame 3", "the time does not increase")
    mixed.error("jump.csv", "the file is empty")
    return mixed


def test_the_text_lists_errors_then_missing_then_warnings(findings):
    assert str(findings).splitlines() == [
        "error: run.csv, frame 3: the time does not increase",
        "error: jump.csv: the file is empty",
        "missing: S5: all takes",
        "warning: walk.csv: 12 frames per second are unusual",
    ]
    assert str(Findings()) == ""


def test_each_severity_is_selected_and_counted(findings):
    assert [finding.place for finding in findings.errors] == ["run.csv, frame 3", "jump.csv"]
    assert [finding.place for finding in findings.missing] == ["S5"]
    assert [finding.place for finding in findings.warnings] == ["walk.csv"]
    assert (findings.counts, findings.warnings.counts) == ("2 errors, 1 warning", "0 errors, 1 warning")
    assert [finding.is_error for finding in findings] == [False, False, True, True]


def test_all_errors_are_raised_together(findings):
    with pytest.raises(DataError) as caught:
        findings.raise_errors("studio")
    assert str(caught.value).splitlines() == [
        "2 errors in studio; nothing was written:",
        "  run.csv, frame 3: the time does not increase",
        "  jump.csv: the file is empty",
    ]
    (findings.missing + findings.warnings).raise_errors("studio")


def test_a_section_is_cut_after_the_limit(findings):
    assert findings.section("error", 1) == "errors:\n  run.csv, frame 3: the time does not increase\n  and 1 more"
    assert findings.section("error", 2).count("\n") == 2
    assert Findings().section("warning", 1) == "warnings: none"
    assert Findings().section("missing", 1) == "missing: none"


def test_an_exception_does_not_repeat_its_location():
    for message in ("a.csv: line 1 is empty", "a.csv, line 1 is empty", "line 1 is empty"):
        finding = Finding.from_exception("a.csv", FormatError(message))
        assert finding == Finding("error", "a.csv", "line 1 is empty")
