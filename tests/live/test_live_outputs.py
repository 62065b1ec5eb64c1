"""What live poses become for other programs: JSON lines, OSC, and the messages of the page."""

import base64
import json
import socket
import struct
from http.client import HTTPConnection

import numpy as np
import pytest

import poseglass as pg
from poseglass.errors import PoseglassError
from poseglass.live.osc import OscSender, osc_bundle
from poseglass.live.pace import Pace
from poseglass.live.page_server import PageServer
from poseglass.live.records import HEADER, WITHIN, PageRecords, line_record
from poseglass.motion.placing import place
from poseglass.motion.smoothing import jitter
from poseglass.show.viewer.live_page import live_page
from poseglass.video.pictures import unpacked


@pytest.fixture
def pose(walk) -> pg.PoseSequence:
    """One placed frame of a walk."""
    return place(walk)[10:11]


def test_a_line_holds_the_pose(pose):
    record = json.loads(json.dumps(line_record(pose)))
    assert len(HEADER["joints"]) == len(HEADER["parents"]) == len(record["points"]) == 17
    np.testing.assert_allclose(record["points"], pose.points[0], atol=1e-4)
    np.testing.assert_allclose(record["root"], pose.root[0], atol=1e-4)
    assert (record["time"], record["valid"], len(record["contact"])) == (round(10 / 30, 6), True, 2)


def read_string(data: bytes) -> tuple[str, bytes]:
    end = data.index(b"\0")
    return data[:end].decode(), data[end + 4 - end % 4 :]


def read_bundle(data: bytes) -> dict[str, tuple]:
    """The messages of an OSC bundle by address."""
    assert data[:16] == b"#bundle\0" + (1).to_bytes(8, "big")
    messages, data = {}, data[16:]
    while data:
        (length,) = struct.unpack_from(">i", data)
        assert length % 4 == 0
        (address, rest), data = read_string(data[4 : 4 + length]), data[4 + length :]
        types, rest = read_string(rest)
        messages[address] = struct.unpack(f">{types[1:]}", rest)
    return messages


def test_osc_holds_the_pose(pose):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        sender = OscSender(f"127.0.0.1:{listener.getsockname()[1]}")
        sender.send(pose)
        data = listener.recv(65536)
        sender.close()
    messages = read_bundle(data)
    assert data == osc_bundle(pose)
    assert len(data) < 1400
    assert len(messages) == 20
    np.testing.assert_allclose(messages["/poseglass/left_wrist"], pose.joint("left_wrist")[0])
    np.testing.assert_allclose(messages["/poseglass/root"], pose.root[0])
    assert messages["/poseglass/frame"] == (pytest.approx(1 / 3), 0, 1)


@pytest.mark.parametrize("target", ["9000", "host:", "127.0.0.1:0", "127.0.0.1:99999", "no.such.host.invalid:9"])
def test_a_wrong_osc_target_is_refused(target):
    with pytest.raises(PoseglassError, match=r"expected HOST:PORT|is not a known host"):
        OscSender(target)


def test_the_pace(walk):
    motion, pace = place(walk), Pace()
    assert np.isnan([pace.fps, pace.latency, pace.jitter]).all()
    for frame in range(50):
        pace.add(motion[frame : frame + 1], arrived=frame / 25, done=frame / 25 + 0.08)
    assert (round(pace.fps, 6), round(pace.latency, 6)) == (25, 0.08)
    # Frames 40 to 44 do not show the person, so those after them count.
    assert pace.jitter == pytest.approx(jitter(motion[45:50]), rel=1e-3)
    assert pace.words().startswith("25.0 fps, latency 80 ms, jitter ")


def test_a_message_of_the_page(pose):
    image = np.full((720, 1280, 3), 90, np.uint8)
    record = PageRecords().message(pose, image, Pace())
    points = np.array(record["points"])
    np.testing.assert_allclose(points - points[0], pose.points[0], atol=2e-4)
    assert -0.2 < points[:, 1].max() < 0  # the ankles are above the floor
    np.testing.assert_allclose(record["flat"], pose.pose2d.points[0], atol=1e-3)
    small = unpacked(base64.b64decode(record["image"]))
    assert small.shape[1] <= WITHIN[0]
    assert record["size"] == [1280, 720]
    json.dumps(record, allow_nan=False)


def test_the_page_gets_the_newest_message_and_only_this_machine_may_ask():
    server = PageServer(live_page("<camera>", pg.COCO_17))
    host, port = server.address.split("/")[2].split(":")
    connection = HTTPConnection(host, int(port), timeout=10)
    connection.request("GET", "/")
    text = connection.getresponse().read().decode()
    assert "&lt;camera&gt;" in text
    assert "EventSource" in text
    assert "{{" not in text.replace("${{", "")
    for path, name, status in (("/other", server.hosts[1], 404), ("/", "evil.example", 403)):
        connection = HTTPConnection(host, int(port), timeout=10)
        connection.request("GET", path, headers={"Host": name})
        assert connection.getresponse().status == status
    for number in range(3):
        server.send({"number": number})
    connection = HTTPConnection(host, int(port), timeout=10)
    connection.request("GET", "/poses")
    stream = connection.getresponse()
    assert stream.headers["Content-Type"] == "text/event-stream"
    assert stream.readline() == b'data: {"number": 2}\n'
    with pytest.raises(PoseglassError, match=f"port {port} cannot be used"):
        PageServer("", port=int(port))
    server.close()
    assert stream.read() == b"\n"
