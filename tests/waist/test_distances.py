"""Distances between frames: both forms agree, and equal frames tie as density peaks requires."""

import pytest
import torch
from torch.testing import assert_close

from oracle import tokens as oracle
from poseglass.waist import prune
from poseglass.waist.prune import DensityPeaks, distances, distances_by_differences, distances_by_products


def frames(count: int = 30, channels: int = 1024, seed: int = 0) -> torch.Tensor:
    """Frames of smooth motion with a common offset."""
    noise = torch.randn(count, channels, generator=torch.Generator().manual_seed(seed))
    return (noise.cumsum(0) / count**0.5 + 3).double()


@pytest.mark.parametrize("count", [1, 2, 3, 9, 30, 351])
def test_both_forms_agree(count):
    x = frames(count)
    expected = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    for form in (distances_by_differences, distances_by_products):
        assert_close(form(x), expected, rtol=1e-9, atol=0)
        assert torch.equal(form(x), form(x).T), "symmetric to the bit"


@pytest.mark.parametrize("form", [distances_by_differences, distances_by_products])
def test_equal_frames_have_equal_distances_to_the_others(form):
    x = frames()
    x[20], x[7] = x[3], x[3]
    distance = form(x)
    assert distance[20, 3] == distance[7, 20] == 0
    assert torch.equal(distance[20], distance[3])


def test_nearly_equal_frames_are_compared_by_differences():
    x = frames()
    x[20] = x[3] + 1e-7
    assert torch.equal(distances_by_products(x), distances_by_differences(x))
    assert distances_by_products(x)[20, 3] == pytest.approx(1e-7 * 1024**0.5, rel=1e-6)


def test_the_form_depends_only_on_the_number_of_channels(monkeypatch):
    monkeypatch.setattr(prune, "distances_by_products", lambda x: torch.full((len(x), len(x)), 7.0))
    assert (distances(frames()[None]) == 7).all()
    assert not (distances(frames(channels=1023)[None]) == 7).any()


def test_density_peaks_of_wide_tokens_match_plain_loops():
    for seed in range(3):
        tokens = frames(24, 1024, seed).float()[:, None]  # f s c
        kept = DensityPeaks()(tokens[None], torch.zeros(1, 24, 17, 2), keep=8)[0]
        assert kept.tolist() == oracle.density_peaks(tokens.numpy(), 8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("slots", [1, 2])
def test_density_peaks_leave_the_tokens_as_they_are(dtype, slots):
    """Although distances are computed in place."""
    tokens = frames(24, 1024 * slots).to(dtype).unflatten(1, (slots, 1024))[None]  # b f s c
    before = tokens.clone()
    DensityPeaks()(tokens, torch.zeros(1, 24, 17, 2), keep=8)
    assert torch.equal(tokens, before)
