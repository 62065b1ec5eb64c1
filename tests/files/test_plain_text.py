"""JSON and TOML are strict: no NaN is written, and only ValueErrors come out of wrong texts."""

import json
import math

import pytest

from poseglass.files.plain_text import parse_json, parse_toml, to_json


def test_numbers_that_json_lacks_become_null():
    value = {"a": [math.nan, (math.inf, 1.5)], "b": {"c": -math.inf}, "d": None, "e": "NaN", "f": 3}
    expected = {"a": [None, [None, 1.5]], "b": {"c": None}, "d": None, "e": "NaN", "f": 3}
    assert json.loads(to_json(value), parse_constant=pytest.fail) == expected
    assert to_json(value, indent=2).startswith('{\n  "a"')


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "9" * 5000, "", '{"a": ' * 50_000])
def test_wrong_json_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a =", "a = " + "9" * 5000, "a = 1\na = 2", "a." * 5000])
def test_wrong_toml_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        parse_toml(text)


def test_right_texts_are_read():
    assert parse_json(to_json({"a": [1, 2.5, "x"]})) == {"a": [1, 2.5, "x"]}
    assert parse_toml("a = [1, 2.5]\n[b]\nc = 'x'") == {"a": [1, 2.5], "b": {"c": "x"}}
