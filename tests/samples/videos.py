"""Small videos and images whose frames can be told apart, written directly with PyAV."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT = 96, 64


def grey(number: int) -> np.ndarray:
    """A frame whose grey level is its number."""
    return np.full((HEIGHT, WIDTH, 3), 20 + 8 * number, np.uint8)


def number(image: np.ndarray) -> int:
    return round((float(image.mean()) - 20) / 8)


def flag() -> np.ndarray:
    """An image with red at top left, green at top right, blue at bottom left and white at bottom right."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[: HEIGHT // 2, : WIDTH // 2] = 255, 0, 0
    image[: HEIGHT // 2, WIDTH // 2 :] = 0, 255, 0
    image[HEIGHT // 2 :, : WIDTH // 2] = 0, 0, 255
    image[HEIGHT // 2 :, WIDTH // 2 :] = 255
    return image


def corners(image: np.ndarray) -> str:
    """The colours of the corners in reading order."""
    high, wide = image.shape[0] // 4, image.shape[1] // 4
    names = {(1, 0, 0): "r", (0, 1, 0): "g", (0, 0, 1): "b", (1, 1, 1): "w"}
    return "".join(names[tuple((image[y, x] > 128).astype(int))] for y in (high, -high) for x in (wide, -wide))


def make(
    path: Path,
    images: Sequence[np.ndarray],
    *,
    fps: int = 10,
    times: Sequence[float] | None = None,
    codec: str = "mpeg4",
    prepare: Callable[[av.VideoStream], None] = lambda stream: None,
    sound: bool = False,
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = 4
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        prepare(stream)
        audio = container.add_stream("aac", rate=16000) if sound else None
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = round(1000 * times[i]), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None:
            audible = av.AudioFrame.from_ndarray(np.zeros((1, 16000 * 3), np.float32), format="fltp", layout="mono")
            audible.sample_rate = 16000
            container.mux(audio.encode(audible))
            container.mux(audio.encode(None))
    return path
