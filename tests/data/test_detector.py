"""The simulated detector, version 1: the effect of each kind of noise."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from oracle import bodies, virtual
from poseglass import H36M_17
from poseglass.data.virtual import detector
from poseglass.data.virtual.detector import DetectorNoise
from poseglass.data.virtual.draws import NumpyDraws
from poseglass.data.virtual.face import H36M_FACE

QUIET = {"jitter": (1e-9, 1.0001e-9), "bias": 0, "outliers": 0, "swaps": 0, "gaps": 0, "blackouts": 0}


def detect(
    rng: np.random.Generator, pixels: np.ndarray, noise: DetectorNoise, mirror: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    points, scores = detector.detect(NumpyDraws(rng), torch.from_numpy(pixels), noise, mirror)
    return points.numpy(), scores.numpy()


class TestDetect:
    COUNT, FRAMES, HEIGHT = 400, 60, 600.0

    def truth(self) -> np.ndarray:
        body = bodies.body(H36M_FACE.joints)[:, :2] * [1, -1]
        body = body - body.min(0)
        height = np.linalg.norm(np.ptp(body, axis=0))
        return np.tile(body * self.HEIGHT / height + 200, (self.COUNT, self.FRAMES, 1, 1))

    def run(self, **noise: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        truth = self.truth()
        points, scores = detect(np.random.default_rng(0), truth, DetectorNoise(**QUIET | noise), H36M_FACE.mirror)
        return points, scores, np.linalg.norm(points - truth, axis=-1) / self.HEIGHT

    @pytest.mark.parametrize("frames", [1, 30, 162])
    def test_detections_match_plain_loops(self, frames):
        rng = np.random.default_rng(1)
        pixels = np.cumsum(rng.normal(0, 1, (12, frames, len(H36M_FACE), 2)), 1) + rng.uniform(0, 600, (12, 1, 23, 2))
        noise = {"jitter": (0.01, 0.05), "bias": 0.02, "outliers": 0.1, "swaps": 0.6, "gaps": 0.3, "blackouts": 0.5}
        points, scores = detect(np.random.default_rng(2), pixels, DetectorNoise(**noise), H36M_FACE.mirror)
        expected, confidence = virtual.detect(np.random.default_rng(2), pixels, H36M_FACE.mirror, **noise)
        assert_allclose(points, expected, atol=1e-9)
        assert_allclose(scores, confidence, atol=1e-12)

    def test_the_default_noise_is_that_of_the_published_weights(self):
        assert DetectorNoise() == DetectorNoise(
            jitter=(0.002, 0.012), bias=0.006, outliers=0.004, swaps=0.08, gaps=0.05, blackouts=0.05
        )

    def test_a_detector_without_noise_is_exact_and_certain(self):
        _, scores, distance = self.run()
        assert distance.max() < 1e-6
        assert scores.min() > 0.5

    def test_bias_is_constant_within_a_clip_and_differs_between_clips(self):
        points, _, _ = self.run(bias=0.01)
        assert np.ptp(points, axis=1).max() < 1e-3
        offset = (points - self.truth())[:, 0] / self.HEIGHT
        assert offset.std() == pytest.approx(0.01, rel=0.05)

    def test_jitter_is_correlated_in_time_and_has_its_size(self):
        points, _, _ = self.run(jitter=(0.01, 0.01001))
        error = (points - self.truth()) / self.HEIGHT
        assert error.mean() == pytest.approx(0, abs=1e-3)
        assert error.std() == pytest.approx(0.01, rel=0.5)
        correlation = (error[:, 1:] * error[:, :-1]).mean() / (error**2).mean()
        assert 0.3 < correlation < 0.95, "neighbouring frames have similar errors"

    def test_outliers_have_low_scores(self):
        _, scores, distance = self.run(outliers=0.02)
        far = distance > 0.02
        assert far.mean() == pytest.approx(0.02, rel=0.15)
        assert scores[far].mean() < scores[~far].mean() - 0.2

    def test_gaps_are_one_spell_per_joint(self):
        _, scores, _ = self.run(gaps=0.5)
        missing = scores == 0
        # A spell may also start, and even end, before the clip.
        assert 0.3 < missing.any(1).mean() < 0.5
        starts = (np.diff(missing.astype(int), axis=1) == 1).sum(1) + missing[:, 0]
        assert starts.max() == 1
        assert missing.sum(1).max() <= 40

    def test_blackouts_hit_all_joints_at_once(self):
        _, scores, _ = self.run(blackouts=1.0)
        missing = scores == 0
        assert_array_equal(missing.any(2), missing.all(2))
        assert missing.any((1, 2)).mean() > 0.75
        assert missing.sum(1).max() <= 20

    def test_swaps_exchange_the_sides_for_a_spell(self):
        points, _, distance = self.run(swaps=1.0)
        truth = self.truth()
        wrong = distance > 1e-3
        swapped = np.abs(points - truth[:, :, list(H36M_FACE.mirror)]).max(-1) < 1e-3
        assert swapped[wrong].all(), "a joint is at its own position or at that of the opposite side"
        assert wrong.any((1, 2)).mean() > 0.8
        assert not wrong[:, :, H36M_17.index("pelvis")].any()
        whole = wrong[:, :, H36M_17.index("left_wrist")].any(1)
        assert 0.3 < whole.mean() < 0.6, "half of the spells exchange the legs alone"
        assert wrong.any(2).sum(1).max() <= 15

    def test_the_input_is_not_changed(self):
        truth = self.truth()
        before = truth.copy()
        detect(np.random.default_rng(0), truth, DetectorNoise(), H36M_FACE.mirror)
        assert_array_equal(truth, before)
