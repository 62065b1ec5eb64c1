"""Write ``inference_data.mat``: poses of MPI-INF-3DHP's test sequences for its official MATLAB scorer."""

from collections.abc import Mapping
from os import PathLike

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.data.threedhp.facts import TEST
from poseglass.errors import DataError
from poseglass.files.writing import writing

__all__ = ["write_inference"]


def write_inference(path: str | PathLike[str], poses: Mapping[str, Float[ndarray, "f 17 3"]]) -> None:
    """Write the poses of all six test sequences as a MATLAB 5 file: ``TS1`` to ``TS6``, (3, 17, 1, frames) each.

    Args:
        path: The file.
        poses: Poses of each test sequence (f 17 3), for every frame, even those that do not count: metres in camera
            space, relative to the pelvis, in MPI_INF_3DHP_17's order. They are written as millimetres in float64.

    Raises:
        DataError: A sequence is missing or has another shape, or the file cannot be written.

    Example:
        >>> write_inference("inference_data.mat", {name: np.zeros((9, 17, 3)) for name in TEST})
    """
    import scipy.io

    wrong = [f"{name} is missing" for name in TEST if name not in poses]
    wrong += [f"{name} is not one of them" for name in poses if name not in TEST]
    if wrong:
        raise DataError(f"{path} needs exactly the test sequences {', '.join(TEST)}: {', '.join(wrong)}")
    for name, sequence in poses.items():
        if sequence.ndim != 3 or sequence.shape[1:] != (17, 3):
            raise DataError(f"{name}: poses must be (frames, 17, 3), got {sequence.shape}")
    content = {name: 1000 * poses[name].astype(np.float64).transpose(2, 1, 0)[:, :, None] for name in TEST}
    with writing(path, DataError) as temporary:
        scipy.io.savemat(temporary, content, do_compression=True)
