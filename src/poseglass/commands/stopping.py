"""SIGTERM, which service managers, schedulers and ``kill`` send, cleans up as Ctrl-C does."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Terminated", "terminable"]


class Terminated(BaseException):
    """The process got SIGTERM. Like KeyboardInterrupt, it is no Exception, so that no handler of errors catches it."""


@contextmanager
def terminable() -> Iterator[None]:
    """Raise :class:`Terminated` in the block when the process gets SIGTERM.

    The previous handler is restored afterwards. A process forked in the block ends at once. Where another handler is
    set, or in another thread than the main one, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    own = os.getpid()

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second signal ends the process at once
        if os.getpid() != own:
            signal.raise_signal(signal.SIGTERM)
        raise Terminated

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
