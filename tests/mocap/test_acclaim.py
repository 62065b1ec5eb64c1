"""Acclaim files: positions against plain loops and cases calculated by hand, and errors that name the line."""

from pathlib import Path

import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError
from poseglass.mocap.acclaim import read_acclaim, read_amc, read_asf
from samples import mocap_files


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("radians", [False, True])
def test_positions_match_plain_loops(tmp_path, radians):
    frames = mocap_files.motion(12)
    mocap_files.write_asf(tmp_path / "01.asf", radians=radians)
    mocap_files.write_amc(tmp_path / "01_01.amc", frames, radians=radians)
    mocap = read_amc(tmp_path / "01_01.amc", read_asf(tmp_path / "01.asf"))
    assert mocap.fps == 120
    assert mocap.fps_assumed
    assert mocap.unit == pytest.approx(0.0254 / 0.45)
    for frame, values in enumerate(frames):
        for name, place in mocap_files.ends(values).items():
            assert_allclose(mocap.joint(name)[frame], place, atol=1e-5, err_msg=name)


def test_the_amc_file_sets_the_unit_of_its_angles(tmp_path):
    frames = mocap_files.motion(3)
    mocap_files.write_asf(tmp_path / "01.asf")
    mocap_files.write_amc(tmp_path / "degrees.amc", frames)
    mocap_files.write_amc(tmp_path / "radians.amc", frames, radians=True)
    skeleton = read_asf(tmp_path / "01.asf")
    degrees, radians = (read_amc(tmp_path / f"{name}.amc", skeleton) for name in ("degrees", "radians"))
    assert_allclose(degrees.positions, radians.positions, atol=1e-5)


def test_a_bent_leg_matches_a_calculation_by_hand(tmp_path):
    """The shin's own x axis is the world's z axis, so it bends about z."""
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
    leg = read_amc(write(tmp_path / "l.amc", amc), read_asf(write(tmp_path / "l.asf", asf)), fps=60)
    assert leg.names == ("root", "thigh", "shin")
    assert leg.parents == (-1, 0, 1)
    assert leg.fps == 60
    assert not leg.fps_assumed
    assert_allclose(leg.positions[0], [[0, 9, 0], [0, 5, 0], [3, 5, 0]], atol=1e-12)
    # The thigh swings backward to -z, and the root's turn about y takes -z to -x.
    assert_allclose(leg.positions[1], [[1, 9, 0], [-3, 9, 0], [-6, 9, 0]], atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("     name ltibia\n", ""), "the bone without a name lacks name"),
        (("dof rx\n", "dof rx l\n"), "ltibia: expected degrees of freedom among rx, ry, rz, each once, got rx l"),
        (("   XYZ\n", "   XYY\n"), "lhipjoint: expected an order of axes such as XYZ, got 'XYY'"),
        (("lfemur ltibia", "lfemur shin"), ":bonedata has no bone shin"),
        (("    lfemur ltibia\n", ""), ":hierarchy does not lead from the root to lfoot, ltibia"),
        (
            ("    lfemur ltibia\n", "    lfemur ltibia\n    rfemur ltibia\n"),
            "expected one parent per bone, got a second one for ltibia",
        ),
        ((":hierarchy", ":documentation"), "the file ends inside its :hierarchy"),
        (("length 0.45", "length 0"), "expected a positive unit of length, got 0.0"),
    ],
)
def test_errors_in_an_asf_file_name_the_fault(tmp_path, change, message):
    mocap_files.write_asf(tmp_path / "01.asf")
    text = (tmp_path / "01.asf").read_text()
    assert change[0] in text
    with pytest.raises(FormatError) as caught:
        read_asf(write(tmp_path / "01.asf", text.replace(*change, 1)))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("\nltibia ", "\nshin "), "the skeleton has no bone 'shin'"),
        (("\nltibia ", "\nltibia 1 "), "expected 1 finite numbers, got '1 "),
        (("\nltibia ", "\nltibia x"), "expected numbers, got"),
        (("\n2\n", "\n3\n"), "expected frame 2, got frame 3"),
        (("\n1\n", "\n"), "line 4: expected a frame number"),
    ],
)
def test_errors_in_an_amc_file_name_the_fault(tmp_path, change, message):
    mocap_files.write_asf(tmp_path / "01.asf")
    mocap_files.write_amc(tmp_path / "01_01.amc", mocap_files.motion(3))
    text = (tmp_path / "01_01.amc").read_text()
    assert change[0] in text
    with pytest.raises(FormatError) as caught:
        read_amc(write(tmp_path / "01_01.amc", text.replace(*change, 1)), read_asf(tmp_path / "01.asf"))
    assert message in str(caught.value)


def test_a_truncated_amc_file_is_reported_as_such(tmp_path):
    mocap_files.write_asf(tmp_path / "01.asf")
    mocap_files.write_amc(tmp_path / "01_01.amc", mocap_files.motion(3))
    lines = (tmp_path / "01_01.amc").read_text().splitlines()
    with pytest.raises(FormatError, match=r"frame 3 lacks rhand; was the file cut off\?"):
        read_amc(write(tmp_path / "01_01.amc", "\n".join(lines[:-1])), read_asf(tmp_path / "01.asf"))
    with pytest.raises(FormatError, match="expected at least one frame, got none"):
        read_amc(write(tmp_path / "01_01.amc", ":DEGREES\n"), read_asf(tmp_path / "01.asf"))


def test_the_asf_file_of_the_subject_or_the_only_one_is_used(tmp_path):
    mocap_files.write_amc(tmp_path / "07_01.amc", mocap_files.motion(2))
    with pytest.raises(FormatError, match=r"needs its skeleton 07\.asf in the same folder, which has no \.asf file"):
        read_acclaim(tmp_path / "07_01.amc")
    mocap_files.write_asf(tmp_path / "anyone.asf", length=1)
    assert read_acclaim(tmp_path / "07_01.amc").unit == 0.0254
    mocap_files.write_asf(tmp_path / "other.asf")
    with pytest.raises(FormatError, match=r"07\.asf in the same folder, which has anyone\.asf, other\.asf"):
        read_acclaim(tmp_path / "07_01.amc")
    mocap_files.write_asf(tmp_path / "07.asf", length=0.5)
    assert read_acclaim(tmp_path / "07_01.amc").unit == 0.0508


def test_the_root_may_have_its_own_order_position_and_orientation(tmp_path):
    asf = write(
        tmp_path / "l.asf",
        ":units\nlength 1\nangle rad\n:root\norder RZ RY RX TX TZ TY\naxis ZYX\nposition 1 2 3\n"
        "orientation 0 0 1.5707963267948966\n:bonedata\nbegin\nname thigh\ndirection 0 -1 0\nlength 4\naxis 0 0 0 XYZ\n"
        "end\n:hierarchy\nbegin\nroot thigh\nend\n",
    )
    amc = write(tmp_path / "l.amc", ":RADIANS\n1\nroot 0 1.5707963267948966 0 10 30 20\n")
    leg = read_amc(amc, read_asf(asf))
    # At rest, a quarter turn about x takes the root's own y axis to z, so its turn about y is about the world's z.
    assert_allclose(leg.positions[0], [[11, 22, 33], [15, 22, 33]], atol=1e-12)
