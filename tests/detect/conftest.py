"""A portrait for the tests of real detectors."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """Grace Hopper, 512 x 600, from matplotlib (which MediaPipe requires)."""
    spec = find_spec("matplotlib")
    path = Path(spec.origin).parent / "mpl-data/sample_data/grace_hopper.jpg" if spec and spec.origin else None
    if path is None or not path.is_file():
        pytest.skip("needs matplotlib's sample image of a person")
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).copy()
