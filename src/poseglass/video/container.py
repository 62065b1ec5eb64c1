"""A video or image file, read with FFmpeg."""

import re
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any

from poseglass.errors import VideoError
from poseglass.video._ffmpeg import FAILURES, InputContainer, VideoStream, av, reason
from poseglass.video.clock import GUESSED, mean_rate
from poseglass.video.focal import focal_of_image, focal_of_tags
from poseglass.video.footage import Footage, TimedImage
from poseglass.video.heic import is_cut_off
from poseglass.video.info import VideoInfo
from poseglass.video.orientation import Orientation, exif_orientation, matrix_orientation

__all__ = ["Container", "TiledImageError"]

Disposition = av.stream.Disposition
COVER = Disposition.attached_pic | Disposition.timed_thumbnails
RAW = ("cavsvideo", "dirac", "h261", "h263", "h264", "hevc", "m4v", "mjpeg", "mpegvideo", "vvc")
"""FFmpeg's names of raw streams, which hold no time stamps; for some, FFmpeg invents them."""
HEIF = ("avif", "heic", "heix", "mif1")
"""Brands of files of still images, which FFmpeg decodes without an error even if their end is missing."""
BARE = 25.0
"""Frames per second of a raw stream that does not state its rate: what FFmpeg assumes."""
PROBED = 300
"""Frames whose time stamps decide the rate, and packets that tell a picture from a video, if the header is unsure."""
OFF = 0.05
"""Share by which the rate of the stamps may differ from the header's; beyond it, the stamps count."""
LENGTH = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")  # Matroska's tag of a stream's length


class TiledImageError(VideoError):
    """An image is stored in tiles, which FFmpeg decodes but does not put together."""


class Container(Footage):
    """A video or an image of any kind that FFmpeg reads. Its first frame is decoded at once, as a probe.

    Args:
        path: The file.
        threads: How many threads decode; 0 leaves it to FFmpeg.
        fps: Frames per second of a raw stream, which has no clock.

    Raises:
        VideoError: No frame of the file can be read, or `fps` is given for a file with a clock.
        TiledImageError: It is a grid of tiles.
    """

    def __init__(self, path: Path, *, threads: int = 0, fps: float | None = None) -> None:
        self._path = path
        self._start, self._last = 0.0, float("-inf")  # the time stamps of the first frame, and the last of any packet
        self._container = _opened(path)
        self._rest = self._decoded()  # starts at the first frame that is asked for
        try:
            self._stream, self._videos = _chosen(self._container, path)
            stream = self._stream
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = threads
            first = next(self._rest, None)
            if first is None:
                why = self.fault or "it is empty"
                raise VideoError(f"{path} holds no readable frame: {why}; export it again, for example as MP4")
            self._first: av.VideoFrame = first
            self._start = self._stamp(first) or 0.0
            self.info, self._orientation = self._probed(fps)
            if self._container.metadata.get("major_brand") in HEIF and is_cut_off(path):
                self.fault = "its end is missing"
        except BaseException:
            self.close()
            raise

    def images(self, size: tuple[int, int]) -> Iterator[TimedImage]:
        """Yield the frames; see :meth:`Footage.images`."""
        width, height = self._orientation.size(size)
        for frame in chain([self._first], self._rest):
            image = frame.to_ndarray(format="rgb24", width=width, height=height, interpolation="BILINEAR")
            yield TimedImage(self._orientation.upright(image), self._stamp(frame))

    def close(self) -> None:
        """Close the file."""
        self._rest.close()  # it refers to this object, and the circle would keep the decoder's threads
        self._container.close()

    def _decoded(self) -> Generator[av.VideoFrame, None, None]:
        """Yield every frame that can be decoded; store the last error instead of raising it."""
        stream, decoder = self._stream, self._stream.codec_context
        # Images without a length of their own may end before the sound: then look at all packets.
        packets: Iterator[Any] = self._container.demux(*([] if stream.duration is None else [stream]))
        while True:
            try:
                packet = next(packets, None)
            except FAILURES as problem:
                self.fault, packet = reason(problem), None
            if packet is not None:
                if packet.pts is not None and packet.time_base:
                    self._last = max(self._last, float(packet.pts * packet.time_base))
                if packet.stream.index != stream.index:
                    continue
            try:
                yield from decoder.decode(packet)
            except av.EOFError:
                pass  # the decoder has already reached the end
            except FAILURES as problem:
                self.fault = reason(problem)
            if packet is None:
                self.end = max(self._last - self._start, 0.0)
                return

    def _stamp(self, frame: av.VideoFrame) -> float | None:
        """The frame's time in seconds."""
        # AVI stores when a frame is decoded, not when it is shown.
        kind = self._container.format.name
        stamp = frame.dts if kind == "avi" else frame.pts
        return None if kind in RAW or stamp is None else float(stamp * (self._stream.time_base or 0))

    def _probed(self, fps: float | None) -> tuple[VideoInfo, Orientation]:
        """The facts, and how frames become upright."""
        container, stream, first, path = self._container, self._stream, self._first, self._path
        image = container.format.name.endswith("_pipe") or container.format.name in ("ico", "image2")
        guesses = []
        if self._videos > 1:
            guesses.append(
                f"{path.name} holds {self._videos} videos: only that of {first.width} x {first.height} is read"
            )
        oriented = exif_orientation(path) if image else None
        aslant = 0.0
        if oriented is None:
            oriented, aslant = matrix_orientation(first)
        if aslant:
            guesses.append(f"{path.name} is {aslant:.0f} degrees aslant: it is read to the nearest quarter turn")
        shape = float(stream.sample_aspect_ratio or 1)  # of a pixel: width over height
        upright = oriented.size((max(1, round(first.width * shape)), first.height))
        if fps is not None and (image or self._stamp(first) is not None):
            what = "is a single image" if image else "states the times of its frames"
            raise VideoError(f"fps is for images and raw streams, which have no clock, but {path} {what}; leave it out")
        rate, guess = (30.0, None) if image else (fps, None) if fps else self._rate()
        length = None if image else self._length()
        info = VideoInfo(
            size=upright,
            fps=rate,
            frames=1 if image else stream.frames or None,
            duration=length,
            focal=focal_of_image(path, upright)
            if image
            else focal_of_tags({**container.metadata, **stream.metadata}, upright),
            guesses=(*guesses, guess) if guess else tuple(guesses),
        )
        return info, oriented

    def _rate(self) -> tuple[float, str | None]:
        """Frames per second, and a sentence if they are a guess."""
        stream = self._stream
        nominal = float(stream.average_rate or stream.guessed_rate or 30)
        if self._stamp(self._first) is None:  # a raw stream: only the codec's own data tell
            stated = stream.codec_context.framerate
            if stated and 1 <= float(stated) <= 1000:
                return float(stated), None
            return BARE, GUESSED.format(path=self._path, rate=BARE)
        if stream.frames and stream.duration:
            return nominal, None  # counted
        # Nominal rates of other files may mean nothing: browsers record at a nominal 1000.
        real, length = self._stamped_rate(), self._length()
        if real is None and length and nominal * length > PROBED:  # one frame, at a rate that means nothing
            return 1 / length, None
        return (real, None) if real and abs(real - nominal) > OFF * nominal else (nominal, None)

    def _stamped_rate(self) -> float | None:
        """The mean rate of the first :data:`PROBED` frames' stamps, from another opening of the file."""
        stamps = list[float]()
        with suppress(VideoError, *FAILURES), _opened(self._path) as container:
            for packet in container.demux(container.streams[self._stream.index]):
                stamp = packet.dts if container.format.name == "avi" else packet.pts
                if stamp is not None and packet.time_base:
                    stamps.append(float(stamp * packet.time_base))
                if len(stamps) >= PROBED:
                    break
        return mean_rate(stamps)

    def _length(self) -> float | None:
        """Seconds from the first image to the end, as the header says; None if it does not."""
        stream, container = self._stream, self._container
        lengths = [float(stream.duration * (stream.time_base or 0))] if stream.duration else []
        matroska = container.format.name.startswith("matroska")
        if matroska and (tag := LENGTH.match(stream.metadata.get("DURATION", ""))):
            hours, minutes, seconds = map(float, tag.groups())
            lengths.append(3600 * hours + 60 * minutes + seconds - self._start)
        if container.duration:
            # Matroska's clock starts at 0 even if its first frame comes late; in others it starts at the first of all.
            late = self._start - (0 if matroska else (container.start_time or 0) / av.time_base)
            lengths.append(container.duration / av.time_base - max(late, 0.0))
        lengths = [length for length in lengths if length > 0]
        return min(lengths, default=None)


def _opened(path: Path) -> InputContainer:
    try:
        # Absolute, so that FFmpeg does not take a name such as "tcp:1.mp4" for an address.
        return av.open(str(path.absolute()), metadata_errors="replace")
    except FAILURES as problem:
        why = reason(problem) if path.stat().st_size else "it is empty"
        raise VideoError(
            f"{path} cannot be read as a video or image ({why}); check that it is one and that it is complete"
        ) from problem


def _chosen(container: InputContainer, path: Path) -> tuple[VideoStream, int]:
    """The stream to read, and the number of videos: cover pictures do not count; of several videos, FFmpeg chooses."""
    if container.format.name == "tty":  # FFmpeg draws any text file as a terminal would
        raise VideoError(f"{path} cannot be read as a video or image: it is text; give a video file")
    streams = container.streams.video
    shown = [stream for stream in streams if not stream.disposition & COVER]
    if not shown:
        kinds: list[str] = sorted({stream.type for stream in container.streams} - {"video"})
        kinds += ["a cover picture"] if streams else []
        if not kinds:
            raise VideoError(f"{path} holds no images and nothing else; give a video file")
        raise VideoError(f"{path} holds no images, only {' and '.join(kinds)}; give a video file")
    known = [stream for stream in shown if stream.codec_context is not None]
    if not known:
        raise VideoError(
            f"{path} holds images in a format that cannot be decoded ({container.format.name}); "
            "export it again, for example as MP4 (H.264), or as PNG"
        )
    tiles = [stream for stream in known if stream.disposition & Disposition.dependent]
    if len(tiles) > 1 and not any(stream.disposition & Disposition.default for stream in known):
        raise TiledImageError(f"{path} is a HEIC image in {len(tiles)} tiles, which FFmpeg does not put together")
    if len(known) == 1:
        return known[0], 1
    # Some covers are not flagged, but every cover is a single picture.
    counts = _packets(path)
    moving = [stream for stream in known if counts.get(stream.index, 0) > 1]
    best, possible = container.streams.best("video"), moving or known
    stream = next((stream for stream in possible if best is not None and stream.index == best.index), possible[0])
    return stream, max(len(moving), 1)


def _packets(path: Path) -> Counter[int]:
    """The number of packets of each stream at the start of a file."""
    counts = Counter[int]()
    with suppress(VideoError, *FAILURES), _opened(path) as container:
        packets: Iterator[Any] = container.demux(video=list(range(len(container.streams.video))))
        counts.update(packet.stream.index for packet in islice(packets, PROBED) if packet.size)
    return counts
