"""Cameras and network addresses, which cannot be read as files."""

import re
from pathlib import Path

from poseglass.errors import VideoError

__all__ = ["refuse_live"]

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # at least two letters: not a drive of Windows
FILE_ADDRESS = re.compile(r"https?:/", re.IGNORECASE)
NAMES = ("-", "camera", "webcam")


def refuse_live(path: Path) -> None:
    """Raise an error for a camera (``0``, ``/dev/video0``), an address or a pipe; do nothing for a file.

    Raises:
        VideoError: The path is one of these. The message says what to do instead.

    Example:
        >>> refuse_live(Path("walk.mp4"))
    """
    text = re.sub(r"^(\w{2,}):/(?!/)", r"\1://", str(path))  # a path holds no double slash
    if path.is_file() or path.is_dir():
        return
    if FILE_ADDRESS.match(text):
        raise VideoError(
            f"{text} is an address, and this reads files only: download it first, or, for a live stream, use the "
            "command poseglass live"
        )
    camera = text.isdigit() or text.lower() in NAMES or text.startswith("/dev/video")
    try:
        stream = camera or path.is_fifo() or path.is_char_device() or path.is_socket()
    except (OSError, ValueError):
        return
    if stream or ADDRESS.match(text):
        raise VideoError(
            f"{text} is a live source, and this reads files only: use the command poseglass live, or record it to a "
            "file first, for example with ffmpeg -i SOURCE -t 60 clip.mp4"
        )
