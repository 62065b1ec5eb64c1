"""Stretches of takes: who is drawn, how fast, from when, and short takes."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from oracle import bodies
from oracle import sampler as oracle
from poseglass import H36M_17
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.data.virtual.draws import NumpyDraws, TorchDraws
from poseglass.data.virtual.takes import Takes


def stretches(
    takes: list[np.ndarray], count: int, frames: int, *, shares: dict[str, float] | None = None, names=None, still=0.0
) -> tuple[np.ndarray, np.ndarray]:
    names = names or [str(number) for number in range(len(takes))]
    clips = tuple(MotionClip(name, points.astype(np.float32), name) for name, points in zip(names, takes, strict=True))
    packed = Takes(MotionClips(clips, 60.0), shares or {}, torch.device("cpu"))
    points, fps = packed.stretches(TorchDraws(torch.Generator().manual_seed(5)), count, frames, still=still)
    return points.numpy(), fps.numpy()


@pytest.mark.parametrize("lengths", [(200, 90, 120), (2, 3, 4), (5, 400, 2)])
def test_stretches_match_plain_loops(lengths):
    takes = [bodies.motion(length, H36M_17.joints, seed) for seed, length in enumerate(lengths)]
    clips = MotionClips(tuple(MotionClip(name, points, name) for name, points in zip("abc", takes, strict=True)), 60.0)
    packed = Takes(clips, {"b": 0.2}, torch.device("cpu"))
    points, fps = packed.stretches(NumpyDraws(np.random.default_rng(0)), 40, 30, still=0.1)
    groups = [(0.2, [1]), (0.8, [0, 2])]
    expected, rates = oracle.stretches(np.random.default_rng(0), takes, groups, 40, 30, 0.1)
    assert_allclose(fps, rates)
    assert_allclose(points, expected, atol=1e-5)


def test_late_stretches_of_a_long_take_are_smooth():
    """Time is kept finely enough in float32: a joint at constant speed moves equally from frame to frame."""
    time = np.arange(40_000)[:, None, None] / 60 / 100
    points, _ = stretches([np.broadcast_to(time, (40_000, 17, 3))], 300, 60)
    steps = np.diff(points[:, :, 0, 0].astype(float), axis=1)
    assert points[..., 0, 0].max() > 6
    assert np.ptp(steps, axis=1).max() < 5e-6


def test_short_takes_are_played_forward_and_backward():
    points, _ = stretches([bodies.motion(8, H36M_17.joints, 0)], 8, 60)
    steps = np.linalg.norm(np.diff(points, axis=1), axis=-1)
    assert steps.max() < 0.2, "the motion turns back instead of jumping"


@pytest.mark.parametrize("length", [2, 3, 4])
def test_short_takes_start_at_their_first_frame_and_are_interpolated_only(length):
    zigzag = np.zeros((length, 17, 3))
    zigzag[1::2] = 1
    points, _ = stretches([zigzag], 1, 60)
    assert_allclose(points[0, 0], 0)
    assert 0 <= points.min() < 0.1
    assert 0.9 < points.max() <= 1


def test_photographs_repeat_one_frame():
    points, _ = stretches([bodies.motion(100, H36M_17.joints, 0)], 2000, 5, still=0.3)
    still = (np.ptp(points, axis=1) == 0).all((1, 2))
    assert still.mean() == pytest.approx(0.3, abs=0.04)


class TestShares:
    """All joints of take n lie at (n, n, n), so the position shows which take was drawn."""

    NAMES = ("anna", "ben", "prmd_01", "prmd_02", "ward_a")

    def drawn(self, shares: dict[str, float], names=NAMES, lengths=None, count: int = 20_000) -> dict[str, float]:
        takes = [np.full(((lengths or {}).get(name, 50), 17, 3), float(number)) for number, name in enumerate(names)]
        points, _ = stretches(takes, count, 3, shares=shares, names=names)
        numbers = points[:, 0, 0, 0].round().astype(int)
        return {name: float((numbers == number).mean()) for number, name in enumerate(names)}

    def test_without_shares_takes_are_drawn_in_proportion_to_their_length(self):
        drawn = self.drawn({}, lengths={"anna": 150})
        assert drawn["anna"] == pytest.approx(3 / 7, abs=0.015)
        assert drawn["prmd_01"] == pytest.approx(1 / 7, abs=0.01)

    def test_each_prefix_gets_its_share_and_the_others_divide_the_rest(self):
        drawn = self.drawn({"prmd": 0.28, "ward_": 0.1}, lengths={"prmd_02": 150})
        assert drawn["prmd_01"] + drawn["prmd_02"] == pytest.approx(0.28, abs=0.015)
        assert drawn["prmd_02"] == pytest.approx(3 * drawn["prmd_01"], rel=0.15)
        assert drawn["ward_a"] == pytest.approx(0.1, abs=0.01)
        assert drawn["anna"] == pytest.approx(0.31, abs=0.015)

    def test_the_first_matching_prefix_counts(self):
        drawn = self.drawn({"prmd_01": 0.5, "prmd": 0.1})
        assert (drawn["prmd_01"], drawn["prmd_02"]) == pytest.approx((0.5, 0.1), abs=0.02)

    def test_a_share_may_be_0_or_1(self):
        assert self.drawn({"prmd": 0.0}, count=300)["prmd_01"] == 0
        drawn = self.drawn({"prmd": 1.0}, count=300)
        assert drawn["prmd_01"] + drawn["prmd_02"] == 1

    def test_a_share_that_matches_no_take_goes_to_the_rest(self):
        drawn = self.drawn({"nobody": 0.5, "prmd": 0.5}, names=("anna", "prmd_01"))
        assert drawn["anna"] == pytest.approx(0.5, abs=0.02)

    def test_a_share_that_matches_every_take_has_no_effect(self):
        drawn = self.drawn({"anna": 0.2}, names=("anna", "anna_2"), lengths={"anna_2": 150})
        assert drawn["anna"] == pytest.approx(0.25, abs=0.02)


class TestTime:
    """A joint that moves by 1 per second shows how much time passes from frame to frame."""

    CLOCK = np.broadcast_to(np.arange(600)[:, None, None] / 60, (600, 17, 3))

    def test_the_tempo_and_frame_rate_of_a_stretch_have_their_range(self):
        points, fps = stretches([self.CLOCK], 20_000, 2)
        steps = np.diff(points[:, :, 0, 0].astype(float), axis=1)[:, 0]
        rates = 1 / steps
        assert (rates.min(), rates.max()) == pytest.approx((24 / 1.25, 60 / 0.8), rel=0.04)
        tempos = steps * 30
        # At 30 frames per second, tempos are uniform from 0.8 to 1.25; at 24 to 60 they stay below 1.25 * 30 / 24.
        assert (tempos > 1.25).mean() == pytest.approx(0.6 * slower(1.25), abs=0.01)
        assert (tempos < 0.8).mean() == pytest.approx(0.6 * (1 - slower(0.8)), abs=0.015)
        assert (fps == 30).mean() == pytest.approx(0.4, abs=0.015)
        assert (fps.min(), fps.max()) == pytest.approx((24, 60), abs=0.1)
        tempo = steps * fps
        assert (tempo.min(), tempo.max()) == pytest.approx((0.8, 1.25), abs=0.01)

    def test_stretches_start_anywhere_in_a_take(self):
        points, _ = stretches([self.CLOCK], 5000, 2)
        starts = points[:, 0, 0, 0]
        assert starts.mean() == pytest.approx(5, abs=0.15)
        assert (starts.min(), starts.max()) == pytest.approx((0, 10), abs=0.1)


def slower(tempo: float) -> float:
    """The share of stretches at 24 to 60 frames per second whose tempo, relative to 30, exceeds a value."""
    rates, tempos = np.meshgrid(np.linspace(24, 60, 2000), np.linspace(0.8, 1.25, 2000))
    return float((tempos * 30 / rates > tempo).mean())
