"""PyAV, if it is installed, and the text of FFmpeg's errors."""

from poseglass.errors import VideoError

try:
    import av
    from av.container import InputContainer, OutputContainer
    from av.video.stream import VideoStream
except ImportError as missing:
    raise VideoError('reading and writing videos needs PyAV; run pip install "poseglass[video]"') from missing

__all__ = ["InputContainer", "OutputContainer", "VideoStream", "av", "reason"]


def reason(problem: Exception) -> str:
    """The text of an FFmpeg error, without its number and the path."""
    return str(getattr(problem, "strerror", None) or problem)
