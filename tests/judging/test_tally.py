"""Running means by group, against values calculated by hand."""

import math

import numpy as np
import pytest

from poseglass.judging.metrics import metrics_for
from poseglass.judging.tally import Tally


def along_x(*millimetres: float) -> np.ndarray:
    """Poses (1 f 2 3) whose second joint lies so far from its true place at the origin in each frame."""
    poses = np.zeros((1, len(millimetres), 2, 3))
    poses[0, :, 1, 0] = np.array(millimetres) / 1000
    return poses


def added(*stretches: tuple[list[float], dict[str, list[int]]]) -> Tally:
    """A tally of stretches of frames, each with its errors and the frames that count in each group."""
    tally = Tally({name: metrics_for("recordings")[name] for name in ("MPJPE", "MPJVE", "acceleration")}, joints=2)
    for errors, groups in stretches:
        counts = {name: np.array([frames], bool) for name, frames in groups.items()}
        tally.add(along_x(*errors), np.zeros((1, len(errors), 2, 3)), counts)
    return tally


def test_means_are_over_the_frames_of_a_group():
    tally = added(([2, 4, 12, 20], {"all": [1, 1, 1, 1], "end": [0, 0, 1, 1]}))
    assert (tally.frames("all"), tally.frames("end")) == (4, 2)
    # The mean of two joints, of which one has no error. Errors change by 2, 8, 8, and these changes by 6, 0.
    assert tally.means("all") == pytest.approx({"MPJPE": 19 / 4, "MPJVE": 3, "acceleration": 1.5})
    assert tally.means("end") == pytest.approx({"MPJPE": 8, "MPJVE": 4, "acceleration": math.nan}, nan_ok=True)


def test_a_velocity_counts_if_both_of_its_frames_do_and_an_acceleration_if_all_three_do():
    tally = added(([0, 2, 100, 6, 10, 18], {"valid": [1, 1, 0, 1, 1, 1]}))
    assert tally.means("valid") == pytest.approx({"MPJPE": 36 / 10, "MPJVE": (2 + 4 + 8) / 6, "acceleration": 2})


def test_stretches_are_independent_and_pooled_by_frame():
    tally = added(([2, 4], {"all": [1, 1]}), ([50], {"all": [1]}), ([8, 8, 8], {"all": [1, 1, 1], "late": [0, 1, 0]}))
    assert tally.means("all") == pytest.approx({"MPJPE": 80 / 12, "MPJVE": 2 / 6, "acceleration": 0})
    assert tally.frames("late") == 1
    assert "late" in tally
    assert "early" not in tally


def test_errors_of_joints_are_over_frames_that_count_in_any_group_once():
    tally = added(([2, 4, 6, 100], {"first": [1, 1, 0, 0], "second": [0, 1, 1, 0]}))
    assert tally.by_joint() == pytest.approx([0, 4])


def test_without_a_frame_that_counts_every_mean_is_nan():
    tally = added(([2, 4], {"invalid": [0, 0]}))
    assert tally.frames("invalid") == 0
    assert all(map(math.isnan, [*tally.means("invalid").values(), *tally.by_joint()]))
