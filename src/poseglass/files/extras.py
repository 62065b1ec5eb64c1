"""Libraries that only some data sets need, asked for when they are needed."""

import importlib
from typing import Any

from poseglass.errors import DataError

__all__ = ["needed"]


def needed(module: str) -> Any:
    """A module of the extra ``datasets``.

    Raises:
        DataError: It is not installed; the message says how to.
    """
    try:
        return importlib.import_module(module)
    except ImportError as problem:
        name = module.partition(".")[0]
        raise DataError(f"this needs {name}: pip install 'poseglass[datasets]' ({problem})") from None
