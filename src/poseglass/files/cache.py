"""Where files are kept that were fetched or built once."""

import os
from pathlib import Path

from platformdirs import user_cache_path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """The folder of fetched files: the environment variable ``POSEGLASS_CACHE``, or the user's cache folder."""
    chosen = os.environ.get("POSEGLASS_CACHE")
    return Path(chosen).expanduser() if chosen else user_cache_path("poseglass", appauthor=False)
