"""`PageServer`: a page on this machine that shows live poses as they come."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any

from poseglass.errors import PoseglassError

__all__ = ["PageServer"]

HOST = "127.0.0.1"
"""Other machines cannot reach the page."""
POLL = 0.05
"""Seconds within which the server stops."""


class PageServer:
    """Serves a page, and sends it the newest message as server-sent events. A page that is slow misses some.

    Args:
        page: The page, HTML, which listens to ``/poses``.
        port: The port; 0 for a free one.

    Attributes:
        address: Where the page is.

    Raises:
        PoseglassError: The port is in use.

    Example:
        >>> server = PageServer("<p>hello</p>")
        >>> server.address.startswith("http://127.0.0.1:")
        True
        >>> server.close()
    """

    def __init__(self, page: str, *, port: int = 0) -> None:
        self._change = Condition()
        self._message, self._count, self._closed = "", 0, False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            """Answers the page's requests."""

            def do_GET(self) -> None:
                """Send the page or the messages."""
                # Another name would be that of a foreign page, whose owner lets it lead to this machine.
                if self.headers.get("Host") not in outer.hosts:
                    self.send_error(403)
                elif self.path == "/":
                    self._send("text/html; charset=utf-8", page.encode())
                elif self.path == "/poses":
                    self._stream()
                else:
                    self.send_error(404)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

            def _send(self, kind: str, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def _stream(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                count = 0
                try:
                    while (newest := outer.next_message(count)) is not None:
                        count, message = newest
                        self.wfile.write(f"data: {message}\n\n".encode())
                except OSError:
                    return  # the page was closed

        try:
            self._server = ThreadingHTTPServer((HOST, port), Handler)
        except (OSError, OverflowError) as problem:
            raise PoseglassError(f"port {port} cannot be used ({problem}); choose another one (--port)") from problem
        self._server.daemon_threads = True
        number = self._server.server_address[1]
        self.address = f"http://{HOST}:{number}/"
        self.hosts = (f"{HOST}:{number}", f"localhost:{number}")
        Thread(target=self._server.serve_forever, args=(POLL,), name="poseglass page", daemon=True).start()

    def send(self, message: dict[str, Any]) -> None:
        """Send a message to all open pages."""
        with self._change:
            self._message, self._count = json.dumps(message, allow_nan=False), self._count + 1
            self._change.notify_all()

    def next_message(self, count: int) -> tuple[int, str] | None:
        """Wait for a message after this number of them. Return its number and text; None once the server is closed."""
        with self._change:
            self._change.wait_for(lambda: self._count > count or self._closed)
            return None if self._closed else (self._count, self._message)

    def close(self) -> None:
        """Stop serving."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        self._server.shutdown()
        self._server.server_close()
