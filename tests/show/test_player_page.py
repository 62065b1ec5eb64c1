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
from poseglass.show.stage import set_stage
from poseglass.show.viewer import frame_for_notebook, view, write_page
from samples.circle_walk import circle_walk
from samples.player import motion_page, read_record, stored


def test_points_are_stored_to_the_millimetre(walk: PoseSequence) -> None:
    points = walk.points.copy()
    points[7, 3, 1] = np.nan  # one coordinate makes the joint unknown
    motion = PoseSequence(points, H36M_17, "camera", fps=30)
    record = read_record(motion_page(motion))
    page = stored(record["people"][0]["body"]["points"], 90, 17, 3)
    assert np.isnan(page[7, 3]).all()
    assert np.isnan(page).sum() == 3
    points = set_stage(motion).figures[0].points
    points[7, 3] = np.nan
    np.testing.assert_allclose(page, points, atol=0.00051)
    assert record["kept"] is None
    assert record["people"][0]["flat"] is None


def test_distant_points_are_stored_in_coarser_steps() -> None:
    points = np.zeros((2, 17, 3))
    points[1, :, 0] = 100
    record = read_record(motion_page(PoseSequence(points, H36M_17, "camera")))
    page = stored(record["people"][0]["body"]["points"], 2, 17, 3)
    np.testing.assert_allclose(page[1, :, 0], 100, atol=0.002)


def test_uncertain_keypoints_are_left_out(walk: PoseSequence) -> None:
    scores = np.ones((90, 17))
    scores[:, COCO_17.index("left_eye")] = 0.2
    flat = PoseSequence(np.full((90, 17, 2), 100.0), COCO_17, "pixels", scores=scores, size=(640, 480))
    motion = PoseSequence(walk.points, H36M_17, "camera", pose2d=flat)
    record = read_record(motion_page(motion))["people"][0]["flat"]
    page = stored(record["points"], 90, 17, 2)
    assert np.isnan(page[:, 1]).all()
    np.testing.assert_allclose(np.delete(page, 1, 1), 100, atol=0.2)
    assert record["size"] == [640, 480]


def test_the_record_states_the_facts_of_the_motion(walk: PoseSequence) -> None:
    record = read_record(motion_page(walk))
    assert record["facts"] == "90 frames · 30 kept · 30 fps · camera space in metres · h36m17"
    assert (record["frames"], record["fps"], record["times"], record["place"]) == (90, 30, None, "body")
    (person,) = record["people"]
    assert list(base64.b64decode(person["valid"])) == walk.valid.astype(int).tolist()
    assert list(base64.b64decode(record["kept"])) == (walk.kept).astype(int).tolist()
    assert person["flat"]["size"] == [1280, 720]
    assert person["body"]["bones"][0] == [H36M_17.index(H36M_17.bones[0][0]), H36M_17.index(H36M_17.bones[0][1])]
    assert (person["contact"], person["uncertainty"], record["camera"]) == (None, None, None)


def test_the_record_of_a_placed_motion_holds_contact_uncertainty_and_the_camera() -> None:
    motion = replace(circle_walk(30), uncertainty=np.linspace(0, 0.2, 30 * 17).reshape(30, 17))
    record = read_record(motion_page(motion))
    (person,) = record["people"]
    contact = np.frombuffer(base64.b64decode(person["contact"]), "u1").reshape(30, 2) / 255
    np.testing.assert_allclose(contact, motion.contact, atol=0.003)
    np.testing.assert_allclose(stored(person["uncertainty"], 30, 17), motion.uncertainty, atol=0.00051)
    assert [H36M_17.joints[ankle] for ankle in person["ankles"]] == ["left_ankle", "right_ankle"]
    camera = set_stage(motion).camera
    np.testing.assert_allclose(record["camera"]["turn"], camera.turn)
    np.testing.assert_allclose(record["camera"]["eye"], camera.eye)
    assert (record["camera"]["focal"], record["camera"]["size"], record["place"]) == (1000, [1280, 720], "world")


def test_several_people_and_compared_motions_are_marked() -> None:
    people = [circle_walk(10, person=n) for n in (1, 2)]
    record = read_record(motion_page(people, compare=circle_walk(10)))
    assert [person["compared"] for person in record["people"]] == [False, False, True]
    assert [person["name"] for person in record["people"]] == ["A person 1", "A person 2", "B"]
    assert record["facts"] == "10 frames · 30 fps · 3 figures"


def test_times_count_from_the_first_frame(walk: PoseSequence) -> None:
    motion = replace(walk[:3], timestamps=np.array([7.0, 7.25, 8.0]), pose2d=None, kept=None)
    record = read_record(motion_page(motion))
    assert np.frombuffer(base64.b64decode(record["times"]), "<f4").tolist() == [0, 0.25, 1]
    assert record["start"] == 7
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


def test_view_compares_two_motions(walk: PoseSequence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda url: True)
    record = read_record(view(walk, walk[10:]).read_text(encoding="utf-8"))
    assert [person["name"] for person in record["people"]] == ["A", "B"]
    shown = [np.frombuffer(base64.b64decode(person["shown"]), "u1") for person in record["people"]]
    assert [part.sum() for part in shown] == [90, 80]
    assert shown[1][10:].all()


def test_a_notebook_shows_the_player_in_a_frame(walk: PoseSequence) -> None:
    element = walk._repr_html_()
    assert element == frame_for_notebook(walk)
    (page,) = re.findall(r'<iframe srcdoc="([^"]*)"', element)
    assert read_record(html.unescape(page))["frames"] == 90
    assert "height: 560px" in element
    long = PoseSequence(np.tile(walk.points, (201, 1, 1)), H36M_17, "camera", fps=30)
    element = long._repr_html_()
    record = read_record(html.unescape(element))
    assert (record["frames"], record["fps"]) == (6030, 10)
    assert len(element) < 4e6


def test_poses_that_cannot_be_played_have_no_element(walk: PoseSequence) -> None:
    assert walk.pose2d._repr_html_() is None
    assert walk[:0]._repr_html_() is None


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
