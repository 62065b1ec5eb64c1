"""BVH files: forward kinematics against cases calculated by hand, and errors that name the line."""

import re
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError, PoseError
from poseglass.mocap.animation import Animation
from poseglass.mocap.bvh import read_bvh, write_bvh
from samples import mocap_files
from samples.animations import random_animation

DATA = Path(__file__).parents[1] / "samples"

ARM = """HIERARCHY
ROOT hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT elbow
  {
    OFFSET 2 0 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 1 0 0
    }
  }
}
MOTION
Frames: 3
Frame Time: 0.033333
1 2 3 0 0 0 0 0 0
0 0 0 90 0 0 0 0 0
0 0 0 90 0 0 0 0 -90
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_bent_arm_matches_a_calculation_by_hand(tmp_path):
    arm = read_bvh(write(tmp_path / "arm.bvh", ARM))
    assert arm.names == ("hips", "elbow", "elbow End Site")
    assert arm.parents == (-1, 0, 1)
    assert arm.fps == 30
    assert_allclose(arm.positions[0], [[1, 2, 3], [3, 2, 3], [4, 2, 3]])
    # A quarter turn about z takes x to y. The elbow's turn about -y takes x to z, which the turn about z leaves alone.
    assert_allclose(arm.positions[1], [[0, 0, 0], [0, 2, 0], [0, 3, 0]], atol=1e-12)
    assert_allclose(arm.positions[2], [[0, 0, 0], [0, 2, 0], [0, 2, 1]], atol=1e-12)


@pytest.mark.parametrize("order", ["".join(letters) for letters in permutations("XYZ")])
def test_channels_may_be_in_any_order(tmp_path, order):
    angles = [20.0, -50.0, 130.0]
    rotations = " ".join(f"{axis}rotation" for axis in order)
    text = ARM.partition("MOTION")[0].replace("Zrotation Xrotation Yrotation", rotations)
    text = text.replace("Xposition Yposition Zposition " + rotations, rotations + " Zposition Xposition Yposition")
    row = " ".join(map(str, [*angles, 3, 1, 2, 0, 0, 0]))
    arm = read_bvh(write(tmp_path / "arm.bvh", f"{text}MOTION\nFrames: 1\nFrame Time: 0.01\n{row}\n"))
    matrix = np.eye(3)
    for axis, angle in zip(order.lower(), angles, strict=True):
        matrix = matrix @ mocap_files.rotation(axis, angle)
    assert_allclose(arm.positions[0], [[1, 2, 3], [1, 2, 3] + matrix @ [2, 0, 0], [1, 2, 3] + matrix @ [3, 0, 0]])


def test_position_channels_replace_the_offset(tmp_path):
    text = ARM.replace("CHANNELS 3 Zrotation", "CHANNELS 4 Xposition Zrotation").split("MOTION")[0]
    arm = read_bvh(write(tmp_path / "arm.bvh", f"{text}MOTION\nFrames: 1\nFrame Time: 0.01\n0 0 0 0 0 0 5 0 0 0\n"))
    assert_allclose(arm.joint("elbow End Site"), [[6, 0, 0]])


def test_a_real_recording_stands_upright_and_faces_forward():
    mocap = read_bvh(DATA / "cmu_01_03.bvh")
    assert mocap.fps == 120
    assert len(mocap.names) == 38
    rest = dict(zip(mocap.names, mocap.positions[0], strict=True))
    assert rest["LeftUpLeg"][0] > rest["Hips"][0] > rest["RightUpLeg"][0]
    assert rest["LeftHand"][0] - rest["RightHand"][0] > 20  # arms spread
    assert rest["Head"][1] > rest["Spine"][1] > rest["LeftLeg"][1] > rest["LeftFoot"][1]
    for side in ("Left", "Right"):
        toes = rest[f"{side}ToeBase"] - rest[f"{side}Foot"]
        assert toes[2] > 0.9 * np.linalg.norm(toes)


BROKEN = {
    "line 1: expected 'HIERARCHY', got 'MOTION'": "MOTION\n",
    "line 1: expected 'HIERARCHY', got 'the end of the file'; is this a BVH file?": "",
    "expected unique joint names, got 'hips' a second time": ARM.replace("JOINT elbow", "JOINT hips"),
    "line 8: expected numbers, got '2 zero 0'": ARM.replace("OFFSET 2 0 0", "OFFSET 2 zero 0"),
    "line 9: expected numbers, got '2 0 CHANNELS'": ARM.replace("OFFSET 2 0 0", "OFFSET 2 0"),
    "line 8: expected 3 finite numbers, got '2 nan 0'": ARM.replace("OFFSET 2 0 0", "OFFSET 2 nan 0"),
    "line 9: expected 3 different channels such as Xrotation, got 'zrot xrot yrot'": ARM.replace(
        "Zrotation Xrotation Yrotation\n    End", "Zrot Xrot Yrot\n    End"
    ),
    "line 14: elbow has no OFFSET": ARM.replace("    OFFSET 2 0 0\n", "\n"),
    "expected '}' at the end of hips": ARM.replace("}\nMOTION", "MOTION"),
    "line 19: expected 9 finite numbers, got '1 2 3 0 0 0 0 0'": ARM.replace("1 2 3 0 0 0 0 0 0", "1 2 3 0 0 0 0 0"),
    "line 20: expected numbers, got '0 0 0 90 O'": ARM.replace("0 0 0 90 0 0 0 0 0", "0 0 0 90 O"),
    "expected finite numbers, got [1.0, 2.0, inf": ARM.replace("1 2 3 0", "1 2 inf 0"),
    "line 19: expected numbers, got '1 2 3 0 0 0 0 0 1_0'": ARM.replace("1 2 3 0 0 0 0 0 0", "1 2 3 0 0 0 0 0 1_0"),
    "line 8: expected numbers, got '2 1_0 0'": ARM.replace("OFFSET 2 0 0", "OFFSET 2 1_0 0"),
    "expected 9 frames, as 'Frames:' announces, got 3; was the file cut off?": ARM.replace("Frames: 3", "Frames: 9"),
    "expected at least one channel, got none": "HIERARCHY ROOT a { OFFSET 0 0 0 } MOTION Frames: 1 Frame Time: 1",
    "expected the number of channels, at most 9, got '99'": ARM.replace("CHANNELS 3", "CHANNELS 99"),
    "hips has the yscale 1.1 in frame 2; expected 1": "HIERARCHY ROOT hips { OFFSET 0 0 0 CHANNELS 1 Yscale }\n"
    "MOTION Frames: 2 Frame Time: 1\n1\n1.1",
    "2,600,000 frames of 10 joints are too many": "HIERARCHY ROOT a { OFFSET 0 0 0 CHANNELS 1 Xposition\n"
    + "JOINT ".join(["", *(f"j{number} {{ OFFSET 0 0 0 }}\n" for number in range(9))])
    + "} MOTION Frames: 2600000 Frame Time: 1\n"
    + "0 " * 2_600_000,
    "expected 1 to 25,000,000 frames of at least 1e-06 seconds, got 3 of 0": ARM.replace("0.033333", "0"),
    "at least 1e-06 seconds, got 3 of 4.94066e-324": ARM.replace("0.033333", "4e-324"),
    "seconds, got 1e+308 of 0.033333": ARM.replace("Frames: 3", "Frames: 1e308"),
    "line 16: expected 'Frames:' and a number after MOTION": ARM.replace("Frames: 3\n", ""),
    "expected one ROOT that contains all joints, got JOINT": ARM.replace("ROOT hips", "JOINT hips"),
    "line 3: expected a name after ROOT": ARM.replace("ROOT hips", "ROOT"),
    "line 2: expected ROOT, JOINT, End Site, OFFSET, CHANNELS, '}' or MOTION, got 'SCALE'": ARM.replace(
        "ROOT hips", "SCALE 1\nROOT hips"
    ),
    "expected a ROOT, got none": "HIERARCHY\nMOTION\n",
}


VARIANTS = {
    "one line": " ".join(ARM.split()),
    "a word per line": "\n".join(ARM.split()),
    "rows broken in two": ARM.replace("90 0 0", "90\n 0 0"),
    "no spaces at braces": re.sub(r"\s*([{}])\s*", r"\1", ARM.partition("MOTION")[0]) + ARM[ARM.index("MOTION") :],
    "byte-order mark": "\ufeff" + ARM,
    "DOS": ARM.replace("\n", "\r\n") + "\x1a\0\0",
    "old Mac": ARM.replace("\n", "\r"),
    "capitals": ARM.upper().replace("HIPS", "hips").replace("ELBOW", "elbow"),
    "small letters": ARM.lower(),
    "camel capitals": ARM.replace("position", "Position").replace("rotation", "ROTATION"),
    "no space after colons": ARM.replace("s: ", "s:").replace("Time: ", "time:"),
    "spaces before colons": ARM.replace("Frames:", "Frames :").replace("Frame Time:", "FrameTime :"),
    "comments": "# by hand\n" + ARM.replace("OFFSET 2 0 0", "OFFSET 2 0 0 # { 5"),
    "scales of 1": ARM.replace("CHANNELS 3 Z", "CHANNELS 6 Xscale Yscale Zscale Z")
    .replace(" 0 0 0\n", " 1 1 1 0 0 0\n")
    .replace(" 0 0 -90\n", " 1 1 1.0001 0 0 -90\n")
    .replace("OFFSET 1 1 1 0 0 0", "OFFSET 0 0 0"),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_words_count_not_lines_or_capitals(tmp_path, variant):
    expected = read_bvh(write(tmp_path / "arm.bvh", ARM))
    (tmp_path / "variant.bvh").write_bytes(VARIANTS[variant].encode())
    arm = read_bvh(tmp_path / "variant.bvh")
    assert (arm.names[:2], arm.parents, arm.fps, arm.notes) == (expected.names[:2], expected.parents, 30, ())
    assert_allclose(arm.positions, expected.positions, atol=1e-12)


def test_a_file_in_utf_16_is_read(tmp_path):
    (tmp_path / "arm.bvh").write_bytes(ARM.replace("elbow", "Coude").encode("utf-16"))
    assert read_bvh(tmp_path / "arm.bvh").names[1] == "Coude"


def test_two_end_sites_get_two_names(tmp_path):
    end = ARM[ARM.index("    End Site") : ARM.index("  }\n}\nMOTION")]
    arm = read_bvh(write(tmp_path / "arm.bvh", ARM.replace(end, end + end.replace("1 0 0", "0 1 0"))))
    assert arm.names == ("hips", "elbow", "elbow End Site", "elbow End Site 2")
    assert_allclose(arm.positions[0, 2:], [[4, 2, 3], [3, 3, 3]])


def test_one_row_more_or_fewer_than_announced_is_noted(tmp_path):
    whole = read_bvh(write(tmp_path / "arm.bvh", ARM))
    more = read_bvh(write(tmp_path / "arm.bvh", ARM.replace("Frames: 3", "Frames: 2")))
    assert more.notes == ("'Frames:' announces 2 frames, and 3 follow; the surplus is left out",)
    assert_allclose(more.positions, whole.positions[:2])
    fewer = read_bvh(write(tmp_path / "arm.bvh", ARM.replace("Frames: 3", "Frames: 4")))
    assert fewer.notes == ("'Frames:' announces 4 frames, and one fewer follows",)
    assert_allclose(fewer.positions, whole.positions)
    assert fewer.tracks().notes == fewer.notes


def test_y_is_up_by_custom(tmp_path):
    arm = read_bvh(write(tmp_path / "arm.bvh", ARM))
    assert (arm.up, arm.up_assumed, arm.tracks().up) == ("y", True, "y")


@pytest.mark.parametrize(
    ("seconds", "fps"),
    [
        (".0083333", 120),
        ("0.033333", 30),
        ("0.03333333", 30),
        ("0.0333667", 1 / 0.0333667),
        ("0.0333", 1 / 0.0333),
        ("0.0333363", 30),
        ("0.033337", 1 / 0.033337),
    ],
)
def test_a_rounded_frame_time_gives_a_whole_rate(tmp_path, seconds, fps):
    assert read_bvh(write(tmp_path / "arm.bvh", ARM.replace("0.033333", seconds))).fps == fps


@pytest.mark.parametrize("message", BROKEN)
def test_errors_name_the_line(tmp_path, message):
    with pytest.raises(FormatError) as caught:
        read_bvh(write(tmp_path / "arm.bvh", BROKEN[message]))
    assert message in str(caught.value)
    assert re.search(r"arm\.bvh(, line|: 2,6)", str(caught.value))


def test_the_written_hierarchy_is_the_customary_one(tmp_path):
    leg = Animation(
        ("Hips", "LeftUpLeg"),
        (-1, 0),
        np.array([[0, 0, 0], [0.1, 0, 0]]),
        np.stack([np.eye(3), mocap_files.rotation("x", 30)])[None],
        np.array([[0, 0.9, 0]]),
        fps=30,
    )
    write_bvh(leg, tmp_path / "leg.bvh")
    assert (tmp_path / "leg.bvh").read_text().split("\n") == [
        "HIERARCHY",
        "ROOT Hips",
        "{",
        "  OFFSET 0.000000 0.000000 0.000000",
        "  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation",
        "  JOINT LeftUpLeg",
        "  {",
        "    OFFSET 10.000000 0.000000 0.000000",
        "    CHANNELS 3 Zrotation Xrotation Yrotation",
        "    End Site",
        "    {",
        "      OFFSET 0 0 0",
        "    }",
        "  }",
        "}",
        "MOTION",
        "Frames: 1",
        "Frame Time: 0.03333333333",
        "0.000000 90.000000 0.000000 0.000000 0.000000 0.000000 0.000000 30.000000 0.000000",
        "",
    ]


def test_joints_may_stand_in_any_order(tmp_path):
    """A tree whose table goes level by level, which the file stores branch by branch."""
    animation = random_animation(11, joints=15)
    write_bvh(animation, tmp_path / "tree.bvh")
    again = read_bvh(tmp_path / "tree.bvh")
    for joint, name in enumerate(animation.names):
        assert_allclose(again.joint(name) / 100, animation.positions[:, joint], atol=1e-6)


def test_names_that_the_format_cannot_store_are_refused(tmp_path):
    for name in ("", "a{b", "a  b", "a#b", " a", "a\nb"):
        animation = Animation((name,), (-1,), np.zeros((1, 3)), np.eye(3)[None, None], np.zeros((1, 3)), 30)
        with pytest.raises(PoseError, match="BVH cannot store the joint name"):
            write_bvh(animation, tmp_path / "a.bvh")
    assert not [*tmp_path.iterdir()]
