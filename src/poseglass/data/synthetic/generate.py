"""`generate`: a synthetic data set in one of four published layouts."""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path

from poseglass.data.h36m import facts as h36m
from poseglass.data.synthetic.h36m import generate_archives as h36m_archives
from poseglass.data.synthetic.h36m import generate_npz as h36m_npz
from poseglass.data.synthetic.request import Request
from poseglass.data.synthetic.threedhp import generate_mat as threedhp_mat
from poseglass.data.synthetic.threedhp import generate_npz as threedhp_npz
from poseglass.data.threedhp import facts as threedhp
from poseglass.errors import DataError

__all__ = ["LAYOUTS", "generate"]

# The generator of each layout, and the subjects that the data set has.
LAYOUTS: dict[str, tuple[Callable[[Request], list[Path]], tuple[str, ...]]] = {
    "h36m": (h36m_npz, h36m.SUBJECTS),
    "h36m-cdf": (h36m_archives, h36m.SUBJECTS),
    "3dhp": (threedhp_npz, threedhp.SUBJECTS),
    "3dhp-mat": (threedhp_mat, threedhp.SUBJECTS),
}


def generate(
    layout: str,
    folder: str | PathLike[str],
    *,
    frames: int = 300,
    subjects: Sequence[str] | None = None,
    seed: int = 0,
    progress: bool = False,
) -> list[Path]:
    """Write a synthetic data set whose files have the names and the structure of the published ones.

    It is for tests and demonstrations, and for trying everything before you register. Accuracy on it means nothing.

    Args:
        layout: ``h36m`` (the field's npz files), ``h36m-cdf`` (the original archives), ``3dhp`` (the field's npz files)
            or ``3dhp-mat`` (the original annotations).
        folder: The folder to write into; files of the same names are replaced.
        frames: Frames per take.
        subjects: The subjects; all by default.
        seed: The same seed gives the same motion.
        progress: Show a progress bar.

    Returns:
        The files written.

    Raises:
        DataError: There is no such layout or subject, there are fewer than 2 frames, or the files cannot be written.

    Example:
        >>> [path.name for path in generate("h36m", "synthetic", frames=10, subjects=["S1", "S9"])]
        ['data_3d_h36m.npz', 'data_2d_h36m_gt.npz', 'data_2d_h36m_cpn_ft_h36m_dbb.npz']
    """
    if layout not in LAYOUTS:
        raise DataError(f"there is no layout {layout!r}; choose one of {', '.join(LAYOUTS)}")
    write, everybody = LAYOUTS[layout]
    if unknown := sorted(set(subjects or ()) - set(everybody)):
        raise DataError(f"{layout} has no subject {', '.join(unknown)}; choose from {', '.join(everybody)}")
    if frames < 2:
        raise DataError(f"a take needs at least 2 frames, got {frames}")
    return write(Request(Path(folder), frames, tuple(subjects or everybody), seed, progress))
