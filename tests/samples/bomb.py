"""Code in a pickle, to test that readers never run it."""

import os
from pathlib import Path


class Bomb:
    """An object whose pickle creates a folder when it is loaded."""

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (self.path,)
