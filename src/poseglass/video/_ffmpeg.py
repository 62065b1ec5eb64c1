"""PyAV, if it is installed, and the text of FFmpeg's errors."""

from poseglass.errors import VideoError

try:
    import av
    from av.container import InputContainer, OutputContainer
    from av.sidedata.sidedata import Type as SideData
    from av.video.stream import VideoStream
except ImportError as missing:
    raise VideoError('reading and writing videos needs PyAV; run pip install "poseglass[video]"') from missing

__all__ = ["FAILURES", "InputContainer", "OutputContainer", "SideData", "VideoStream", "av", "reason"]

FAILURES = (av.FFmpegError, OSError, ValueError, OverflowError, MemoryError)
"""What PyAV raises for a damaged file. ValueError includes text that is not in the encoding it claims."""


def reason(problem: BaseException) -> str:
    """The text of an FFmpeg error, without its number and the path."""
    return str(getattr(problem, "strerror", None) or problem) or type(problem).__name__
