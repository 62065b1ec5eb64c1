"""JSON and TOML, strictly: no NaN is written, and whatever is wrong with a text is a ValueError."""

import json
import math
import tomllib
from collections.abc import Mapping
from typing import Any

__all__ = ["parse_json", "parse_toml", "to_json"]

TOO_DEEP = "it nests lists or tables more deeply than any file of this kind"


def to_json(value: Any, *, indent: int | None = None) -> str:
    """The value as JSON. NaN and infinity, which JSON lacks, become null.

    Args:
        value: Nested mappings with text as keys, sequences, text, numbers, True, False and None.
        indent: Spaces per level; None for a single line.

    Example:
        >>> to_json({"error": float("nan"), "frames": (1, 2)})
        '{"error": null, "frames": [1, 2]}'
    """
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: It is not JSON, or nests too deeply.

    Example:
        >>> parse_json('{"frames": [1, 2]}')
        {'frames': [1, 2]}
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises:
        ValueError: It is not TOML, has a number that is too long, or nests too deeply.

    Example:
        >>> parse_toml("fps = 50")
        {'fps': 50}
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
