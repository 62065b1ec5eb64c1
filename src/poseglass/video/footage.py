"""The interface of what :class:`poseglass.video.reading.VideoReader` reads: a video, an animation, a list of images."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

from jaxtyping import UInt8
from numpy import ndarray

from poseglass.video.info import VideoInfo

__all__ = ["Footage", "TimedImage"]


class TimedImage(NamedTuple):
    """An upright RGB image, and its time stamp in seconds, if it has one."""

    image: UInt8[ndarray, "_ _ 3"]
    stamp: float | None


class Footage(ABC):
    """An opened source of images, which are read once, from the first to the last.

    Attributes:
        info: What the header says.
        fault: The last error that made an image unreadable, if any.
        end: The last time stamp of anything in the file, including its sound, in seconds after the first image.
    """

    info: VideoInfo
    fault: str | None = None
    end: float = 0.0

    @abstractmethod
    def images(self, size: tuple[int, int]) -> Iterator[TimedImage]:
        """Yield every image that can be read, scaled to a width and height. An error is stored in `fault` instead."""

    @abstractmethod
    def close(self) -> None:
        """Close all files."""
