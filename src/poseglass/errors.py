"""The errors that poseglass raises deliberately.

::

    PoseglassError
    ├── PoseError (ValueError)          a pose sequence or a skeleton is inconsistent
    ├── ModelError (ValueError)         a model, a waist or its input does not fit
    ├── WeightsError                    a weights file cannot be used
    ├── FormatError (ValueError)        a keypoint or motion file cannot be read
    ├── VideoError                      a video cannot be read or written
    ├── DetectorError                   the 2D detector is missing or detected nobody
    ├── DataError                       a training or test set is missing or damaged
    ├── RecipeError (ValueError)        a training recipe is inconsistent
    ├── TrainingError                   training cannot continue
    └── ContractError (AssertionError)  a custom class breaks the rules of its base class

A message says what was expected, what was given, and what to do.
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
    """The base class: catch this to catch all errors that poseglass raises deliberately."""


class PoseError(PoseglassError, ValueError):
    """A pose sequence or a skeleton is inconsistent."""


class ModelError(PoseglassError, ValueError):
    """A model, a waist or its input does not fit."""


class WeightsError(PoseglassError):
    """A weights file cannot be used."""


class FormatError(PoseglassError, ValueError):
    """A keypoint or motion file cannot be read."""


class VideoError(PoseglassError):
    """A video cannot be read or written."""


class DetectorError(PoseglassError):
    """The 2D detector is missing or detected nobody."""


class DataError(PoseglassError):
    """A training or test set is missing or damaged."""


class RecipeError(PoseglassError, ValueError):
    """A training recipe is inconsistent."""


class TrainingError(PoseglassError):
    """Training cannot continue."""


class ContractError(PoseglassError, AssertionError):
    """A custom class breaks the rules of its base class.

    Attributes:
        broken: The broken rules, one sentence each.
    """

    def __init__(self, message: str, broken: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.broken = [*broken]
