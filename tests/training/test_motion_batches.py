"""Batches of motion capture, on the CPU and on a device."""

import numpy as np
import pytest
import torch
import training_runs
from numpy.testing import assert_array_equal

from poseglass.clips.sample import mirrored
from poseglass.data.virtual.sampler import ClipBatch, Sampler
from poseglass.training.batches import batches
from poseglass.training.motion_batches import MotionBatches
from poseglass.training.seeds import mixed

data, recipe = training_runs.data, training_runs.recipe  # fixtures


@pytest.mark.parametrize("flip", ["random", "both"])
def test_the_cpu_gets_the_same_clips_either_way(recipe, flip):
    source = batches(recipe.override(f"data.flip={flip}"))
    assert isinstance(source, MotionBatches)
    sample, batch = source.draw(3, 0), source.draw_on(torch.device("cpu"), 3, 0)
    assert_array_equal(batch.pose2d, sample.pose2d)
    assert_array_equal(batch.pose3d, sample.pose3d)
    assert not np.array_equal(source.draw(4, 0).pose2d, sample.pose2d)


def test_a_batch_of_both_ways_has_mirror_images(recipe):
    sample = batches(recipe.override("data.flip=both", "data.batch=4")).draw(0, 0)
    half = type(sample)(sample.pose2d[:2], sample.pose3d[:2])
    assert_array_equal(mirrored(half).pose2d, sample.pose2d)
    assert_array_equal(mirrored(half).pose3d, sample.pose3d)


def test_clips_do_not_share_the_seed_of_dropout(recipe, monkeypatch):
    """Otherwise the same random numbers would choose a clip's take and whether a layer drops the clip."""
    source, seeds = batches(recipe), []

    def sample(self, generator, count):
        seeds.append(generator.initial_seed())
        return ClipBatch(torch.zeros(count, 9, 17, 3), torch.ones(count, 9, 17, 3))

    monkeypatch.setattr(Sampler, "sample", sample)
    source.draw(3, 0)
    assert seeds != [mixed(recipe.run.seed, 3, 0)]


def test_cuda_makes_its_clips_itself(recipe, monkeypatch):
    """With a generator of the device, seeded by run, step and worker, and nothing is sent there."""
    source, where, drawn = batches(recipe), torch.device("cuda", 1), []

    class Generator:
        def __init__(self, where):
            self.where = where

        def manual_seed(self, seed):
            self.seed = seed
            return self

    def sample(self, generator, count):
        drawn.append((generator.where, generator.seed))
        return ClipBatch(torch.zeros(count, 9, 17, 3), torch.ones(count, 9, 17, 3))

    monkeypatch.setattr(torch, "Generator", Generator)
    monkeypatch.setattr(Sampler, "sample", sample)
    monkeypatch.setattr("poseglass.training.motion_batches.transferred", None)
    for step, rank in ((0, 0), (0, 1), (1, 0), (0, 0)):
        batch = source.draw_on(where, step, rank)
        assert batch.pose2d.shape == (2, 9, 17, 3)
    assert {place for place, _ in drawn} == {where}
    seeds = [seed for _, seed in drawn]
    assert len({*seeds[:3]}) == 3
    assert seeds[3] == seeds[0]
