"""Motion capture files: forward kinematics against hand-worked cases and plain loops, and errors that name the line."""

import random
import re
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError
from poseglass.mocap.acclaim import read_amc, read_asf
from poseglass.mocap.bvh import read_bvh
from poseglass.mocap.rigid import turn, turns
from samples import mocap_files

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


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_bvh_by_hand(tmp_path):
    arm = read_bvh(write(tmp_path, "arm.bvh", ARM))
    assert arm.names == ("hips", "elbow", "elbow End Site")
    assert arm.parents == (-1, 0, 1)
    assert arm.fps == 30  # .033333 is thirty frames a second, cut off
    assert_allclose(arm.positions[0], [[1, 2, 3], [3, 2, 3], [4, 2, 3]])
    # A quarter turn about z takes x to y; the elbow's own about -y then takes x to z, which z's turn leaves alone.
    assert_allclose(arm.positions[1], [[0, 0, 0], [0, 2, 0], [0, 3, 0]], atol=1e-12)
    assert_allclose(arm.positions[2], [[0, 0, 0], [0, 2, 0], [0, 2, 1]], atol=1e-12)


@pytest.mark.parametrize("order", ["".join(letters) for letters in permutations("XYZ")])
def test_bvh_channels_in_any_order(tmp_path, order):
    angles = [20.0, -50.0, 130.0]
    rotations = " ".join(f"{axis}rotation" for axis in order)
    text = ARM.partition("MOTION")[0].replace("Zrotation Xrotation Yrotation", rotations)
    text = text.replace("Xposition Yposition Zposition " + rotations, rotations + " Zposition Xposition Yposition")
    row = " ".join(map(str, [*angles, 3, 1, 2, 0, 0, 0]))
    arm = read_bvh(write(tmp_path, "arm.bvh", f"{text}MOTION\nFrames: 1\nFrame Time: 0.01\n{row}\n"))
    matrix = np.eye(3)
    for axis, angle in zip(order.lower(), angles, strict=True):
        matrix = matrix @ mocap_files.rotation(axis, angle)
    assert_allclose(arm.positions[0], [[1, 2, 3], [1, 2, 3] + matrix @ [2, 0, 0], [1, 2, 3] + matrix @ [3, 0, 0]])


def test_position_channels_of_any_joint_replace_its_offset(tmp_path):
    text = ARM.replace("CHANNELS 3 Zrotation", "CHANNELS 4 Xposition Zrotation").split("MOTION")[0]
    arm = read_bvh(write(tmp_path, "arm.bvh", f"{text}MOTION\nFrames: 1\nFrame Time: 0.01\n0 0 0 0 0 0 5 0 0 0\n"))
    assert_allclose(arm.joint("elbow End Site"), [[6, 0, 0]])


def test_turns_are_rotations_and_compose():
    angles = np.random.default_rng(0).uniform(-4, 4, (20, 3))
    for axis in "xyz":
        for angle, matrix in zip(angles[:, 0], turn(axis, angles[:, 0]), strict=True):
            assert_allclose(matrix, mocap_files.rotation(axis, np.degrees(angle)), atol=1e-12)
    product = turns("zyx", angles)
    assert_allclose(product @ np.swapaxes(product, 1, 2), np.broadcast_to(np.eye(3), (20, 3, 3)), atol=1e-12)
    assert_allclose(np.linalg.det(product), 1)


@pytest.mark.parametrize("radians", [False, True])
def test_amc_is_what_plain_loops_say(tmp_path, radians):
    frames = mocap_files.motion(12)
    mocap_files.write_asf(tmp_path / "01.asf", radians=radians)
    mocap_files.write_amc(tmp_path / "01_01.amc", frames, radians=radians)
    mocap = read_amc(tmp_path / "01_01.amc", read_asf(tmp_path / "01.asf"))
    assert mocap.fps == 120
    assert mocap.unit == pytest.approx(0.0254 / 0.45)
    for frame, values in enumerate(frames):
        for name, place in mocap_files.ends(values).items():
            assert_allclose(mocap.joint(name)[frame], place, atol=1e-5, err_msg=name)


def test_amc_angles_say_their_own_unit(tmp_path):
    frames = mocap_files.motion(3)
    mocap_files.write_asf(tmp_path / "01.asf")
    mocap_files.write_amc(tmp_path / "degrees.amc", frames)
    mocap_files.write_amc(tmp_path / "radians.amc", frames, radians=True)
    skeleton = read_asf(tmp_path / "01.asf")
    degrees, radians = (read_amc(tmp_path / f"{name}.amc", skeleton) for name in ("degrees", "radians"))
    assert_allclose(degrees.positions, radians.positions, atol=1e-5)


def test_asf_by_hand(tmp_path):
    """A shin whose axes are turned: its x is the world's z, so it bends about z."""
    asf = """:units
  length 1
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    name thigh
    direction 0 -1 0
    length 4
    axis 0 0 0 XYZ
    dof rx ry rz
  end
  begin
    name shin
    direction 0 -1 0
    length 3
    axis 0 -90 0 XYZ
    dof rx
  end
:hierarchy
  begin
    root thigh
    thigh shin
  end
"""
    amc = ":DEGREES\n1\nroot 0 9 0 0 0 0\nthigh 0 0 0\nshin 90\n2\nroot 1 9 0 0 90 0\nthigh 90 0 0\nshin 0\n"
    leg = read_amc(write(tmp_path, "l.amc", amc), read_asf(write(tmp_path, "l.asf", asf)), fps=60)
    assert leg.fps == 60
    assert_allclose(leg.positions[0], [[0, 9, 0], [0, 5, 0], [3, 5, 0]], atol=1e-12)
    # The thigh lifts backward to -z, and the root's turn about y takes -z to -x.
    assert_allclose(leg.positions[1], [[1, 9, 0], [-3, 9, 0], [-6, 9, 0]], atol=1e-12)


def test_bones_are_rigid_in_both_formats(tmp_path):
    mocap_files.write_asf(tmp_path / "01.asf")
    frames = mocap_files.motion(10)
    mocap_files.write_amc(tmp_path / "01_01.amc", frames)
    mocap_files.write_bvh(tmp_path / "01_01.bvh", frames)
    for mocap in (read_amc(tmp_path / "01_01.amc", read_asf(tmp_path / "01.asf")), read_bvh(tmp_path / "01_01.bvh")):
        for joint, parent in enumerate(mocap.parents):
            if parent >= 0:
                lengths = np.linalg.norm(mocap.positions[:, joint] - mocap.positions[:, parent], axis=-1)
                assert_allclose(lengths, lengths[0], atol=1e-9)


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


BROKEN_BVH = {
    "line 1: 'HIERARCHY' is expected": "MOTION\n",
    "the file ends where 'HIERARCHY' should stand": "",
    "there is a joint 'hips' already": ARM.replace("JOINT elbow", "JOINT hips"),
    "line 8: numbers are expected, got '2 zero 0'": ARM.replace("OFFSET 2 0 0", "OFFSET 2 zero 0"),
    "line 8: 3 finite numbers are expected, got 2": ARM.replace("OFFSET 2 0 0", "OFFSET 2 0"),
    "line 8: 3 finite numbers are expected, got 3": ARM.replace("OFFSET 2 0 0", "OFFSET 2 nan 0"),
    "line 9: 3 different channels": ARM.replace("Zrotation Xrotation Yrotation\n    End", "Zrot Xrot Yrot\n    End"),
    "line 14: elbow has no OFFSET": ARM.replace("    OFFSET 2 0 0\n", "\n"),
    "the hierarchy ends inside hips": ARM.replace("}\nMOTION", "MOTION"),
    "line 19: 9 finite numbers are expected, got 8": ARM.replace("1 2 3 0 0 0 0 0 0", "1 2 3 0 0 0 0 0"),
    "3 frames are announced, but there are 2": ARM.removesuffix("0 0 0 90 0 0 0 0 -90\n"),
    "at least one frame and a positive frame time": ARM.replace("0.033333", "0"),
    "line 17: 'Frames:' is expected": ARM.replace("Frames: 3\n", ""),
    "JOINT cannot stand here": ARM.replace("ROOT hips", "JOINT hips"),
}


@pytest.mark.parametrize("message", BROKEN_BVH)
def test_broken_bvh_names_the_line(tmp_path, message):
    with pytest.raises(FormatError) as caught:
        read_bvh(write(tmp_path, "arm.bvh", BROKEN_BVH[message]))
    assert message in str(caught.value)
    assert "arm.bvh, line" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("     name ltibia\n", ""), "the bone without a name lacks name"),
        (("dof rx\n", "dof rx l\n"), "ltibia: the degrees of freedom may be rx, ry, rz, got rx l"),
        (("   XYZ\n", "   XYY\n"), "lhipjoint: an order of axes such as XYZ is expected, got 'XYY'"),
        (("lfemur ltibia", "lfemur shin"), ":bonedata has no bone shin"),
        (("    lfemur ltibia\n", ""), ":hierarchy does not lead from the root to lfoot, ltibia"),
        (("    lfemur ltibia\n", "    lfemur ltibia\n    rfemur ltibia\n"), "ltibia hangs on two bones"),
        ((":hierarchy", ":documentation"), "the file ends before its :hierarchy does"),
        (("length 0.45", "length 0"), "the unit of length must be positive"),
    ],
)
def test_broken_asf(tmp_path, change, message):
    mocap_files.write_asf(tmp_path / "01.asf")
    text = (tmp_path / "01.asf").read_text()
    assert change[0] in text
    with pytest.raises(FormatError) as caught:
        read_asf(write(tmp_path, "01.asf", text.replace(*change, 1)))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("\nltibia ", "\nshin "), "the skeleton has no bone 'shin'"),
        (("\nltibia ", "\nltibia 1 "), "1 finite numbers are expected, got 2"),
        (("\nltibia ", "\nltibia x"), "numbers are expected"),
        (("\n2\n", "\n3\n"), "frame 3 follows frame 1"),
        (("\n1\n", "\n"), "line 4: the number of a frame is expected"),
    ],
)
def test_broken_amc(tmp_path, change, message):
    mocap_files.write_asf(tmp_path / "01.asf")
    mocap_files.write_amc(tmp_path / "01_01.amc", mocap_files.motion(3))
    text = (tmp_path / "01_01.amc").read_text()
    assert change[0] in text
    with pytest.raises(FormatError) as caught:
        read_amc(write(tmp_path, "01_01.amc", text.replace(*change, 1)), read_asf(tmp_path / "01.asf"))
    assert message in str(caught.value)


def test_an_amc_file_that_was_cut_off(tmp_path):
    mocap_files.write_asf(tmp_path / "01.asf")
    mocap_files.write_amc(tmp_path / "01_01.amc", mocap_files.motion(3))
    lines = (tmp_path / "01_01.amc").read_text().splitlines()
    with pytest.raises(FormatError, match=r"frame 3 lacks rhand; was the file cut off\?"):
        read_amc(write(tmp_path, "01_01.amc", "\n".join(lines[:-1])), read_asf(tmp_path / "01.asf"))
    with pytest.raises(FormatError, match="there is no frame"):
        read_amc(write(tmp_path, "01_01.amc", ":DEGREES\n"), read_asf(tmp_path / "01.asf"))


@pytest.mark.parametrize("suffix", [".bvh", ".asf", ".amc"])
def test_whatever_is_wrong_is_a_format_error(tmp_path, suffix):
    mocap_files.write_asf(tmp_path / "01.asf")
    mocap_files.write_amc(tmp_path / "01.amc", mocap_files.motion(2))
    mocap_files.write_bvh(tmp_path / "01.bvh", mocap_files.motion(2))
    skeleton = read_asf(tmp_path / "01.asf")
    read = {".bvh": read_bvh, ".asf": read_asf, ".amc": lambda path: read_amc(path, skeleton)}[suffix]
    words = re.split(r"(\s+)", (tmp_path / f"01{suffix}").read_text())
    generator = random.Random(0)
    refused = 0
    for _ in range(80):
        mutant = words.copy()
        place = generator.randrange(0, len(words), 2)
        mutant[place] = generator.choice(
            ["", "}", "{", "nan", "-1", "1e999", "word", ":units", "begin", "end", "JOINT a"]
        )
        if generator.random() < 0.2:
            mutant = mutant[:place]
        try:
            read(write(tmp_path, f"mutant{suffix}", "".join(mutant)))
        except FormatError:
            refused += 1
    assert refused > 40


def test_files_that_are_not_there(tmp_path):
    for read in (read_bvh, read_asf):
        with pytest.raises(FormatError, match="No such file"):
            read(tmp_path / "nothing")


def test_a_joint_that_is_not_there():
    with pytest.raises(FormatError, match="there is no joint 'Nose'; there are Hips"):
        read_bvh(DATA / "cmu_01_03.bvh").joint("Nose")
