"""Every error that poseglass raises on purpose.

::

    PoseglassError
    ├── PoseError (ValueError)          a pose sequence or a skeleton is not what it should be
    ├── ModelError (ValueError)         a model, a waist or its input does not fit
    ├── WeightsError                    a weights file cannot be used
    ├── FormatError (ValueError)        a keypoint or motion file cannot be read
    ├── VideoError                      a video cannot be read or written
    ├── DetectorError                   the 2D detector is missing or found nobody
    ├── DataError                       a training or test set is missing or broken
    ├── RecipeError (ValueError)        a training recipe does not make sense
    ├── TrainingError                   training cannot go on
    └── ContractError (AssertionError)  a class of somebody's own breaks the rules of its base class

A message says what was expected, what came, and what to do.
"""

from collections.abc import Sequence

__all__ = [
    "ContractError",
    "DataError",
    "DetectorError",
    "FormatError",
    "ModelError",
    "PoseError",
    "PoseglassError",
    "RecipeError",
    "TrainingError",
    "VideoError",
    "WeightsError",
]


class PoseglassError(Exception):
    """The root of the tree: catch this to catch everything raised on purpose."""


class PoseError(PoseglassError, ValueError):
    """A pose sequence or a skeleton is not what it should be."""


class ModelError(PoseglassError, ValueError):
    """A model, a waist or its input does not fit."""


class WeightsError(PoseglassError):
    """A weights file cannot be used."""


class FormatError(PoseglassError, ValueError):
    """A keypoint or motion file cannot be read."""


class VideoError(PoseglassError):
    """A video cannot be read or written."""


class DetectorError(PoseglassError):
    """The 2D detector is missing or found nobody."""


class DataError(PoseglassError):
    """A training or test set is missing or broken."""


class RecipeError(PoseglassError, ValueError):
    """A training recipe does not make sense."""


class TrainingError(PoseglassError):
    """Training cannot go on."""


class ContractError(PoseglassError, AssertionError):
    """A class of somebody's own breaks the rules of its base class.

    Attributes:
        broken: The broken rules, a sentence each.
    """

    def __init__(self, message: str, broken: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.broken = [*broken]
