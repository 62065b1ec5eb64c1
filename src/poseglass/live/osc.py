"""Send live poses as Open Sound Control, which Blender, Unity, Unreal and TouchDesigner receive, over UDP."""

import socket
import struct

from poseglass.body.pose import PoseSequence
from poseglass.errors import PoseglassError

__all__ = ["OscSender", "osc_bundle"]

NOW = struct.pack(">Q", 1)  # the time tag "immediately" (OSC 1.0)


class OscSender:
    """Sends a bundle for each pose.

    Args:
        target: ``HOST:PORT``.

    Raises:
        PoseglassError: It is not a host and a port, or the host is unknown.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise PoseglassError(f"expected HOST:PORT, such as 127.0.0.1:9000, got {target!r}")
        try:
            places = socket.getaddrinfo(host, int(port), type=socket.SOCK_DGRAM)
        except OSError as problem:
            raise PoseglassError(f"{host} is not a known host: {problem.strerror}") from problem
        family, kind, protocol, _, address = places[0]
        self._address: tuple[str | int, ...] | tuple[int, bytes] = address
        self._socket = socket.socket(family, kind, protocol)

    def send(self, pose: PoseSequence) -> None:
        """Send a pose of one frame. Nothing is raised if nobody listens."""
        try:
            self._socket.sendto(osc_bundle(pose), self._address)
        except ConnectionRefusedError:
            return

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def osc_bundle(pose: PoseSequence) -> bytes:
    """A pose of one frame as an OSC 1.0 bundle, under 1400 bytes.

    Its messages: ``/poseglass/frame`` with the time in seconds, the person's number and whether they are in sight (1 or
    0); ``/poseglass/root`` with x, y, z; ``/poseglass/contact`` with the probabilities of the left and the right foot;
    and ``/poseglass/JOINT`` with x, y, z relative to the pelvis, for each joint. Metres; x right, y down, z away.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> osc_bundle(pg.PoseSequence(np.zeros((1, 17, 3)), pg.H36M_17, "camera"))[:8]
        b'#bundle\\x00'
    """
    messages = [_message("frame", "fii", pose.start, pose.person or 0, int(pose.validity[0]))]
    if pose.root is not None and pose.contact is not None:
        messages += [
            _message("root", "fff", *pose.root[0].tolist()),
            _message("contact", "ff", *pose.contact[0].tolist()),
        ]
    for joint, place in zip(pose.skeleton.joints, pose.points[0].tolist(), strict=True):
        messages.append(_message(joint, "fff", *place))
    return b"#bundle\0" + NOW + b"".join(struct.pack(">i", len(message)) + message for message in messages)


def _message(name: str, types: str, *values: float) -> bytes:
    return _padded(f"/poseglass/{name}") + _padded(f",{types}") + struct.pack(f">{types}", *values)


def _padded(text: str) -> bytes:
    """An OSC string: it ends with 1 to 4 zeros, at a multiple of four bytes."""
    data = text.encode("ascii")
    return data + b"\0" * (4 - len(data) % 4)
