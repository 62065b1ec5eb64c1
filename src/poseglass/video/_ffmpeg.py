"""PyAV, if it is installed, and FFmpeg's own words for what is wrong."""

from poseglass.errors import VideoError

try:
    import av
    from av.container import InputContainer, OutputContainer
    from av.video.stream import VideoStream
except ImportError as missing:
    raise VideoError('videos are read and written by PyAV; pip install "poseglass[video]"') from missing

__all__ = ["InputContainer", "OutputContainer", "VideoStream", "av", "reason"]


def reason(problem: Exception) -> str:
    """FFmpeg's own words, without its error number and the path."""
    return str(getattr(problem, "strerror", None) or problem)
