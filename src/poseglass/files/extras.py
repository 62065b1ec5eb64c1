"""Optional packages, imported when needed."""

import importlib
from typing import Any

from poseglass.errors import DataError, PoseglassError

__all__ = ["require"]


def require(module: str, extra: str = "datasets", error: type[PoseglassError] = DataError) -> Any:
    """Import a module from a package of an extra.

    Args:
        module: The module.
        extra: The extra that installs its package.
        error: The class of the error.

    Raises:
        PoseglassError: (or `error`) The package is not installed. The message gives the command that installs it.

    Example:
        >>> require("json").dumps([1])
        '[1]'
    """
    try:
        return importlib.import_module(module)
    except ImportError as problem:
        name = module.partition(".")[0]
        raise error(f"this needs the package {name}; run pip install 'poseglass[{extra}]' ({problem})") from None
