"""Checks of motion: human motion passes, and every fault is reported with its location."""

import numpy as np
import pytest

from poseglass import H36M_17
from poseglass.data.checks.plausible import bone_lengths, examine_motion, examine_times, fitting_unit
from poseglass.data.synthetic.people import STYLES
from samples import motion_files as files


def reported(points, fps=50.0, *, errors=None):
    return [str(p) for p in examine_motion(points, fps, "take") if errors is None or p.is_error is errors]


@pytest.mark.parametrize("style", STYLES)
def test_human_motion_passes(style):
    for seed in range(3):
        assert reported(files.people(seed=seed, style=style)) == []


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (1000, 'the file looks like millimetres; set units = "mm"'),
        (100, 'the file looks like centimetres; set units = "cm"'),
        (39.37, "set units = 0.0"),
        (17.7, "set units = 0.0"),
    ],
)
def test_a_wrong_unit_is_reported_with_the_likely_one(scale, words):
    (text,) = reported(files.people() * scale)
    assert words in text


def test_a_unit_that_the_file_states_wrongly_is_reported():
    (text,) = examine_motion(files.people() / 1000, 50, "take", unit=0.001)
    assert 'the file looks like metres; set units = "m"' in text.text


def test_bodies_of_a_child_and_a_giant_pass():
    assert reported(files.people() * 0.7, errors=True) == []
    assert "is this a child?" in reported(files.people() * 0.65)[0]
    assert reported(files.people() * 1.2, errors=True) == []


def test_joints_in_another_order_are_reported():
    points = files.people()
    (text,) = reported(points[:, ::-1])
    assert "another order, or have wrong names: the bone to" in text


@pytest.mark.parametrize("how", ["names", "mirror"])
def test_exchanged_sides_are_reported(how):
    points = files.people()
    wrong = points[:, H36M_17.mirror] if how == "names" else points * [-1, 1, 1]
    (text,) = reported(wrong)
    assert text.startswith("warning: take: knees bend backward: are left and right exchanged, or is it a mirror image")
    assert "list the file under crossed" in text
    assert not examine_motion(wrong, 50, "take", sides=False)
    assert reported(wrong[:, H36M_17.mirror]) == []


@pytest.mark.parametrize("joints", [("knee", "ankle"), ("ankle",), ("elbow", "wrist"), ("wrist",)])
def test_one_exchanged_pair_of_joints_is_reported(joints):
    points = files.people(style="Waiting")
    order = list(range(17))
    for joint in joints:
        left, right = (H36M_17.index(f"{side}_{joint}") for side in ("left", "right"))
        order[left], order[right] = right, left
    (text,) = (text for text in reported(points[:, order]) if "exchanged" in text or "wrong names" in text)
    assert f"left_{joints[0]}" in text


def test_gaps_are_reported_with_their_frames():
    points = files.people()
    points[30:33, H36M_17.index("left_knee")] = np.nan
    (text,) = reported(points)
    assert text.startswith("warning: take, frame 30, left_knee: joints are unknown in 3 of 90 frames, first here")
    points[:, H36M_17.index("head_top")] = np.nan
    (text,) = reported(points)
    assert "no frame has all 17 joints: head_top always missing" in text
    points[:] = 0
    points[3, 2, 1] = np.inf
    assert "frame 3" in reported(points)[0]
    assert "infinite" in reported(points)[0]


def test_frozen_frames_jumps_and_stretched_bones_are_reported():
    points = files.people()
    points[20:60] = points[20]
    assert any("take, frame 20: nothing moves until frame 59 (0.8 s)" in text for text in reported(points))
    points = files.people()
    points[40:] += [1.0, 0, 0]
    (text,) = reported(points)
    assert "take, frame 40, " in text
    assert "cut at 1 such frame" in text
    points = files.people()
    points[10, H36M_17.index("left_wrist")] += 0.3
    text = "\n".join(reported(points))
    assert "take, frame 10, left_wrist: the bone is" in text


def test_a_body_upside_down_is_reported():
    texts = reported(files.people() * [1, -1, -1])
    assert any("the head is below the pelvis" in text and "set up" in text for text in texts)


def test_unknown_unusual_and_uneven_frame_rates_are_reported():
    def times(fps, stamps=None):
        return [str(problem) for problem in examine_times(fps, stamps, "take")]

    assert times(50) == []
    assert "the frame rate is unknown; set fps" in times(None)[0]
    assert "error: take: 3000 frames per second cannot be right" in times(3000)[0]
    assert "error: take: 1 frames per second cannot be right" in times(1)[0]
    assert "warning: take: 12 frames per second are unusual" in times(12)[0]
    even = np.arange(10) / 50
    assert times(50, even) == []
    even[6] += 0.01
    assert times(50, even)[0].startswith("warning: take, frame 6: time stamps are uneven: 2 steps differ from 1/50 s")
    even[6] = even[2]
    assert "error: take, frame 6: the time does not increase" in times(50, even)[0]


def test_the_unit_is_the_one_that_gives_a_human_leg():
    lengths = bone_lengths(files.people(scale := 10))
    assert lengths["left_knee"] == pytest.approx(lengths["right_knee"])
    assert [fitting_unit(0.85 * factor) for factor in (1, 100, 1000, scale)] == ["m", "cm", "mm", None]
