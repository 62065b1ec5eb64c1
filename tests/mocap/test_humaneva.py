"""HumanEva in VideoPose3D's form: many takes in one file."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError
from poseglass.mocap.formats import read_motion, read_motions
from poseglass.mocap.humaneva import HUMANEVA_15
from poseglass.own.prepare import prepare_clips
from samples import motion_files as files
from samples.studio import z_up


def save(path, content):
    np.savez_compressed(path, positions_3d=np.array(content, dtype=object))
    return path


def fifteen(seed: int) -> np.ndarray:
    """A walk in HumanEva's joints, z up."""
    joints = [*HUMANEVA_15[:-1], "neck_nose"]
    return z_up(files.people(seed=seed))[:, [files.NAMES.index(joint) for joint in joints]].astype("f4")


def test_every_take_becomes_a_clip(tmp_path):
    content = {"Train/S1": {"Walking 1 chunk0": fifteen(1), "Jog 1": fifteen(2)}, "Validate/S2": {"Box 1": fifteen(3)}}
    path = save(tmp_path / "data_3d_humaneva15.npz", content)
    prepared = prepare_clips(path, tmp_path / "clips.npz")
    assert [(clip.name, clip.subject) for clip in prepared.clips] == [
        ("S1_Train_Jog_1", "S1"),
        ("S1_Train_Walking_1_chunk0", "S1"),
        ("S2_Validate_Box_1", "S2"),
    ]
    texts = {finding.text for finding in prepared.warnings}
    assert "HumanEva's 60 frames per second are assumed" in texts
    assert any(text.startswith("the file lacks head_top, which is estimated") for text in texts)
    walk = prepared.clips.clips[1].points
    expected = files.people(seed=1)
    for joint in ("pelvis", "thorax", "left_wrist", "right_ankle", "neck_nose"):
        assert_allclose(walk[:, files.NAMES.index(joint)], expected[:, files.NAMES.index(joint)], atol=1e-5)
    with pytest.raises(
        FormatError, match="holds 3 takes: S1 Train Walking 1 chunk0, S1 Train Jog 1, S2 Validate Box 1"
    ):
        read_motion(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "to hold takes by subject and name"),
        ([1], "to hold takes by subject and name"),
        (
            {"S1": {"Walking": np.zeros((9, 32, 3))}},
            "not HumanEva: prepare it with 'poseglass data h36m'",
        ),
        ({"S1": {"Walking": np.zeros((9, 20, 3))}}, r"S1, Walking: expected numbers .frames, 15, 3., got ndarray"),
        ({"S1": {"Walking": "x"}}, "S1, Walking: expected numbers"),
    ],
)
def test_other_content_is_refused(tmp_path, content, message):
    with pytest.raises(FormatError, match=message):
        read_motions(save(tmp_path / "a.npz", content))
