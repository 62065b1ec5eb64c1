"""Optional packages, imported when needed."""

import importlib
from typing import Any

from poseglass.errors import DataError

__all__ = ["require"]


def require(module: str) -> Any:
    """Import a module from a package of the extra ``datasets``, which only some data sets need.

    Raises:
        DataError: The package is not installed. The message gives the command that installs it.

    Example:
        >>> require("json").dumps([1])
        '[1]'
    """
    try:
        return importlib.import_module(module)
    except ImportError as problem:
        name = module.partition(".")[0]
        raise DataError(f"this needs the package {name}; run pip install 'poseglass[datasets]' ({problem})") from None
