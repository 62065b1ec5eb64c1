"""The page of the 3D player: the stored motion, its independence of the network, and refused arguments."""

import base64
import html
import re
import webbrowser
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from poseglass import COCO_17, H36M_17, PoseSequence
from poseglass.errors import PoseError
from poseglass.show.viewer import view, write_page
from samples.player import motion_page, read_record


def test_points_are_stored_to_the_millimetre(walk: PoseSequence) -> None:
    points = walk.points.copy()
    points[7, 3, 1] = np.nan  # one coordinate makes the joint unknown
    record = read_record(motion_page(PoseSequence(points, H36M_17, "camera", fps=30)))
    stored = np.frombuffer(base64.b64decode(record["body"]["points"]), "<i2").reshape(90, 17, 3)
    assert (stored[7, 3] == -32768).all()
    across = stored[..., [0, 2]] * record["body"]["step"] - points[..., [0, 2]]
    assert np.nanmax(np.abs(np.where(stored[..., [0, 2]] == -32768, np.nan, across))) <= 0.00051
    heights = np.where(stored[..., 1] == -32768, np.nan, stored[..., 1] * record["body"]["step"])
    lifted = heights - points[..., 1]
    assert np.nanmax(np.nanmax(lifted, 1) - np.nanmin(lifted, 1)) <= 0.0011  # the whole pose moves by one height
    lowest = np.nanmax(heights, 1)
    assert lowest.min() > -0.15
    assert lowest.max() < 0.02  # a foot is near the ground and hardly below it
    assert record["kept"] is None
    assert record["flat"] is None


def test_distant_points_are_stored_in_coarser_steps() -> None:
    points = np.zeros((2, 17, 3))
    points[1, :, 0] = 100
    record = read_record(motion_page(PoseSequence(points, H36M_17, "camera")))
    stored = np.frombuffer(base64.b64decode(record["body"]["points"]), "<i2").reshape(2, 17, 3)
    np.testing.assert_allclose(stored[1, :, 0] * record["body"]["step"], 100, atol=0.002)


def test_uncertain_keypoints_are_left_out(walk: PoseSequence) -> None:
    scores = np.ones((90, 17))
    scores[:, COCO_17.index("left_eye")] = 0.2
    flat = PoseSequence(np.full((90, 17, 2), 100.0), COCO_17, "pixels", scores=scores, size=(640, 480))
    motion = PoseSequence(walk.points, H36M_17, "camera", pose2d=flat)
    record = read_record(motion_page(motion))["flat"]
    stored = np.frombuffer(base64.b64decode(record["points"]), "<i2").reshape(90, 17, 2)
    assert (stored[:, 1] == -32768).all()
    np.testing.assert_allclose(np.delete(stored, 1, 1) * record["step"], 100, atol=0.2)
    assert record["size"] == [640, 480]


def test_the_record_states_the_facts_of_the_motion(walk: PoseSequence) -> None:
    record = read_record(motion_page(walk))
    assert record["facts"] == "90 frames · 30 kept · 30 fps · camera space in metres · h36m17"
    assert (record["frames"], record["fps"], record["times"]) == (90, 30, None)
    for name in ("valid", "kept"):
        assert list(base64.b64decode(record[name])) == getattr(walk, name).astype(int).tolist()
    assert record["flat"]["size"] == [1280, 720]
    assert record["body"]["bones"][0] == [H36M_17.index(H36M_17.bones[0][0]), H36M_17.index(H36M_17.bones[0][1])]


def test_times_count_from_the_first_frame(walk: PoseSequence) -> None:
    motion = replace(walk[:3], timestamps=np.array([7.0, 7.25, 8.0]), pose2d=None, kept=None)
    record = read_record(motion_page(motion))
    assert np.frombuffer(base64.b64decode(record["times"]), "<f4").tolist() == [0, 0.25, 1]
    assert record["facts"].startswith("3 frames · ")


def test_the_page_contains_no_address(walk: PoseSequence) -> None:
    page = motion_page(walk, title="A & B")
    assert html.escape("A & B") in page
    outside = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s'\"]*", re.sub(r"^\s*//.*$|\s// .*$", "", page, flags=re.M))
    assert [address for address in outside if "www.w3.org/2000/svg" not in address] == []


def test_view_opens_the_browser(walk: PoseSequence, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    path = view(walk)
    assert opened == [path.as_uri()]
    assert read_record(path.read_text(encoding="utf-8"))["frames"] == 90
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    with pytest.warns(UserWarning, match=r"no web browser.*motion\.html"):
        view(walk)


def test_wrong_arguments_are_refused(walk: PoseSequence, tmp_path: Path) -> None:
    with pytest.raises(PoseError, match=r"ends in \.html"):
        write_page(walk, tmp_path / "walk.mp4")
    with pytest.raises(PoseError, match="at least one frame"):
        write_page(walk[:0], tmp_path / "walk.html")
    with pytest.raises(PoseError, match=r"3D motion.*pixels"):
        write_page(walk.pose2d, tmp_path / "walk.html")
    (tmp_path / "file").write_text("")
    with pytest.raises(PoseError, match="cannot write"):
        write_page(walk, tmp_path / "file" / "walk.html")
    assert list(tmp_path.glob("*.html")) == []
