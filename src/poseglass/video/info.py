"""`VideoInfo`: what a video's header says."""

from dataclasses import dataclass

__all__ = ["VideoInfo"]


@dataclass(frozen=True)
class VideoInfo:
    """What a video's header says. A damaged file may hold fewer frames than that.

    Args:
        size: Width and height in pixels as shown: upright, with square pixels.
        fps: Frames per second; the mean if they are not evenly spaced.
        frames: The number of frames, or None if unknown.
        duration: Seconds, or None if unknown or for a single image.
        focal: Focal length in pixels, or None if the metadata do not state it.
        guesses: What had to be guessed, a sentence each, such as the frame rate of a folder of images.
    """

    size: tuple[int, int]
    fps: float
    frames: int | None
    duration: float | None
    focal: float | None = None
    guesses: tuple[str, ...] = ()
