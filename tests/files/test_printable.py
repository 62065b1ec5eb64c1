"""File names cannot control the terminal, reorder text or stop a message from being printed."""

import json
import logging
import os

import numpy as np
import pytest

import poseglass as pg
from poseglass.commands.terminal import Teller, tell
from poseglass.files.outputs import WRITERS
from poseglass.files.printable import printable
from poseglass.files.tables import markdown_table, text_table

WALK = pg.PoseSequence(np.random.default_rng(0).normal(size=(30, 17, 3)), pg.H36M_17, "camera", fps=30)


@pytest.mark.parametrize("text", ["walk.mp4", "größe 走路 Ω", "a\tb\nc", "می\u200cروم", "👩\u200d🚀", ""])
def test_ordinary_text_is_unchanged(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("letter", "shown"),
    [
        ("\x1b", r"\x1b"), ("\r", r"\x0d"), ("\x07", r"\x07"), ("\x9b", r"\x9b"), ("\x7f", r"\x7f"),
        ("\u202e", r"\u202e"), ("\u2067", r"\u2067"), ("\u200f", r"\u200f"), ("\u2028", r"\u2028"),
        ("\ufeff", r"\ufeff"), ("\U000e0041", r"\U000e0041"), ("\udcff", r"\xff"), ("\ud800", r"\ud800"),
    ],
)  # fmt: skip
def test_what_controls_a_terminal_or_hides_is_escaped(letter, shown, capsys):
    assert printable(f"a{letter}b") == f"a{shown}b"
    tell(f"wrote a{letter}b.mp4", head="warning: ")
    Teller().emit(logging.makeLogRecord({"msg": f"a{letter}b", "levelno": logging.INFO}))
    assert capsys.readouterr().err == f"warning: wrote a{shown}b.mp4\na{shown}b\n"
    assert shown in text_table([["name"], [f"a{letter}b"]])
    assert shown.replace("|", "") in markdown_table([["name"], [f"a{letter}b"]])


@pytest.mark.parametrize("suffix", [suffix for suffix in WRITERS if suffix != ".mp4"])
def test_names_that_are_not_utf8_are_written(suffix, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/walk-\xff-" + "\u202e".encode() + suffix.encode())
    WALK.save(path)
    assert os.path.getsize(path) > 100
    if suffix in (".npz", ".json"):
        assert len(pg.PoseSequence.load(path)) == 30


def test_the_title_of_a_page_is_escaped(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\x1b\xff<b>.html")
    WALK.save(path)
    with open(path, encoding="utf-8") as file:
        page = file.read()
    assert "\x1b" not in page
    assert json.dumps(r"\x1b\xff")[1:-1] in page or r"\x1b\xff" in page
    assert "<b>" not in page.partition("</title>")[0]
