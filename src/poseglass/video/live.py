"""Cameras and network addresses, which cannot be read as files."""

import re
from pathlib import Path

from poseglass.errors import VideoError

__all__ = ["ADDRESS", "is_camera", "refuse_live"]

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)  # at least two letters: not a drive of Windows
FILE_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
COLLAPSED = re.compile(r"^([a-z][a-z0-9+.-]+):/(?!/)", re.IGNORECASE)  # an address as a path, which has no double slash
NAMES = ("-", "camera", "webcam")


def is_camera(source: str) -> bool:
    """Whether a source is a camera, given by its number or device, or a network address, and not a file.

    Example:
        >>> is_camera("0"), is_camera("rtsp://10.0.0.2/stream"), is_camera("walk.mp4")
        (True, True, False)
    """
    return source.isdigit() or source.startswith(("/dev/video", "video=")) or bool(ADDRESS.match(source))


def refuse_live(path: Path) -> None:
    """Raise an error for a camera (``0``, ``/dev/video0``), an address or a pipe; do nothing for a file.

    Raises:
        VideoError: The path is one of these. The message says what to do instead.

    Example:
        >>> refuse_live(Path("walk.mp4"))
    """
    text = COLLAPSED.sub(r"\1://", str(path))
    if path.is_file() or path.is_dir():
        return
    if FILE_ADDRESS.match(text):
        raise VideoError(
            f"{text} is an address, and this reads files only: download it first, or, for a live stream, use the "
            "command poseglass live"
        )
    try:
        stream = is_camera(text) or text.lower() in NAMES or path.is_fifo() or path.is_char_device() or path.is_socket()
    except (OSError, ValueError):
        return
    if stream:
        raise VideoError(
            f"{text} is a live source, and this reads files only: use the command poseglass live, or record it to a "
            "file first, for example with ffmpeg -i SOURCE -t 60 clip.mp4"
        )
