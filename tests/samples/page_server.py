"""A server for the files of a folder on this machine, and a short film to show to the page that it serves."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

__all__ = ["film", "serving"]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder as a plain file server does; yields its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def film(demo: Path, path: Path, codec: str, **options: str) -> Path:
    """Cut the woman who walks out of the demo video: 70 frames of 800 x 540 pixels."""
    av = pytest.importorskip("av")
    with av.open(str(demo)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream(codec, rate=30, options=options)
        stream.width, stream.height, stream.bit_rate = 800, 540, 6_000_000
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number, frame in enumerate(source.decode(video=0)):
            if number >= 115:
                break
            if number < 45:
                continue
            part = np.ascontiguousarray(frame.to_ndarray(format="rgb24")[450:990, 760:1560])
            picture = av.VideoFrame.from_ndarray(part, format="rgb24")
            picture.pts, picture.time_base = number - 45, Fraction(1, 30)
            target.mux(stream.encode(picture))
        target.mux(stream.encode(None))
    return path
