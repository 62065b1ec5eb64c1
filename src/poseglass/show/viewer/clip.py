"""A small copy of a video, to be stored in a page: H.264 in MP4, as base64."""

import base64
from fractions import Fraction
from io import BytesIO

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import VideoError
from poseglass.video._ffmpeg import av, reason
from poseglass.video.ahead import ahead
from poseglass.video.spool import Video, reader_of

__all__ = ["small_copy"]

WITHIN = (480, 360)
"""Pixels that the copy fits in: the page shows it in a corner."""
QUALITY = "30"
"""x264's constant rate factor: about 20 kB per second of a 480 x 270 video of a person."""
TICKS = 90_000  # of the copy's clock per second, as is usual for MP4
KEY_FRAMES = 12  # frames between two that can be shown without those before them, so that seeking is quick


def small_copy(video: Video, times: Float[ndarray, " f"]) -> str:
    """Encode a video anew, small and without sound, with frame t at ``times[t]`` seconds.

    Args:
        video: The video, or a spool of its pictures. Frames after the last time are left out.
        times: Increasing times in seconds, from 0.

    Raises:
        VideoError: The video cannot be read or ends before the motion, or this FFmpeg cannot encode H.264.

    Example:
        >>> text = small_copy("walk.mp4", np.arange(90) / 30)  # doctest: +SKIP
    """
    if "libx264" not in av.codecs_available:
        raise VideoError("a video in a page needs H.264, which this PyAV cannot encode; write the page without it")
    file, ticks = BytesIO(), np.rint(times * TICKS).astype(np.int64).tolist()
    try:
        with reader_of(video, within=WITHIN) as reader, av.open(file, "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=30)  # nominal: the pictures' own times count
            stream.width, stream.height = (side + side % 2 for side in reader.size)
            stream.pix_fmt = "yuv420p"
            stream.options = {"preset": "veryfast", "crf": QUALITY, "g": str(KEY_FRAMES)}
            stream.codec_context.time_base = Fraction(1, TICKS)
            count = 0
            for tick, frame in zip(ticks, ahead(iter(reader)), strict=False):
                picture = av.VideoFrame.from_ndarray(frame.image, format="rgb24")
                picture = picture.reformat(width=stream.width, height=stream.height, format="yuv420p")
                picture.pts, picture.time_base = tick, Fraction(1, TICKS)
                container.mux(stream.encode(picture))
                count += 1
            container.mux(stream.encode(None))
    except av.FFmpegError as problem:
        raise VideoError(f"cannot copy {reader.path} into the page: {reason(problem)}") from problem
    if count < len(ticks):
        raise VideoError(
            f"{reader.path} ends after {count} frames but the motion is longer; give the video that it was lifted from"
        )
    return base64.b64encode(file.getvalue()).decode("ascii")
