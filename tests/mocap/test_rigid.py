"""Rigid motion from both formats with bones: constant bone lengths, named joints, `FormatError` for any fault."""

import random
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError
from poseglass.mocap.acclaim import read_amc, read_asf
from poseglass.mocap.bvh import read_bvh
from samples import mocap_files

DATA = Path(__file__).parents[1] / "samples"


def test_bones_keep_their_lengths_in_both_formats(tmp_path):
    mocap_files.write_asf(tmp_path / "01.asf")
    frames = mocap_files.motion(10)
    mocap_files.write_amc(tmp_path / "01_01.amc", frames)
    mocap_files.write_bvh(tmp_path / "01_01.bvh", frames)
    for mocap in (read_amc(tmp_path / "01_01.amc", read_asf(tmp_path / "01.asf")), read_bvh(tmp_path / "01_01.bvh")):
        for joint, parent in enumerate(mocap.parents):
            if parent >= 0:
                lengths = np.linalg.norm(mocap.positions[:, joint] - mocap.positions[:, parent], axis=-1)
                assert_allclose(lengths, lengths[0], atol=1e-9)


@pytest.mark.parametrize("suffix", [".bvh", ".asf", ".amc"])
def test_any_fault_is_a_format_error(tmp_path, suffix):
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
        (tmp_path / f"mutant{suffix}").write_text("".join(mutant))
        try:
            read(tmp_path / f"mutant{suffix}")
        except FormatError:
            refused += 1
    assert refused > 40


def test_a_missing_file_is_a_format_error(tmp_path):
    for read in (read_bvh, read_asf):
        with pytest.raises(FormatError, match="there is no file"):
            read(tmp_path / "nothing")


def test_an_unknown_joint_is_an_error_that_lists_the_joints():
    with pytest.raises(FormatError, match="there is no joint 'Nose'; the joints are Hips"):
        read_bvh(DATA / "cmu_01_03.bvh").joint("Nose")


def test_a_changed_bone_moves_only_the_joints_below_it():
    motion = read_bvh(DATA / "cmu_01_03.bvh")
    longer = motion.with_offsets({"LeftLeg": 2 * motion.offsets[0, motion.names.index("LeftLeg")]})
    knee, hip = motion.joint("LeftLeg"), motion.joint("LeftUpLeg")
    assert_allclose(longer.joint("LeftLeg"), 2 * knee - hip, atol=1e-9)
    assert_allclose(longer.joint("LeftFoot"), motion.joint("LeftFoot") + knee - hip, atol=1e-9)
    assert_allclose(longer.joint("RightFoot"), motion.joint("RightFoot"))
    assert_allclose(motion.joint("LeftLeg"), knee)


def test_point_tracks_hold_the_joints():
    motion = read_bvh(DATA / "cmu_01_03.bvh")
    tracks = motion.tracks()
    assert (tracks.names, tracks.fps, tracks.unit) == (motion.names, 120, None)
    assert_allclose(tracks.points, motion.positions)
