"""Training batches: against plain loops, their random choices, and their statistics."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from oracle import bodies
from oracle import sampler as oracle
from poseglass import H36M_17
from poseglass.clips.person import person_coordinates
from poseglass.clips.view import person_view
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.data.virtual import sampler as module
from poseglass.data.virtual.draws import NumpyDraws, TorchDraws
from poseglass.data.virtual.limbs import Variety
from poseglass.data.virtual.measured_detector import MeasuredNoise
from poseglass.data.virtual.sampler import Sampler
from poseglass.errors import DataError

PARENTS = list(H36M_17.parents)
GOLDEN = Path(__file__).parents[1] / "golden" / "sampler.json"
EVERYTHING = {
    "noise": MeasuredNoise(),
    "variety": Variety(arms=0.3, legs=0.2, still=0.1, crouching=0.1, tilted=0.1, lying=0.1),
}


def clips(frames: int = 200) -> MotionClips:
    takes = [
        MotionClip(name, bodies.motion(frames, H36M_17.joints, seed).astype(np.float32), name)
        for seed, name in enumerate(("anna", "ben", "prmd_01"))
    ]
    return MotionClips(tuple(takes), fps=60.0)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("clean", [0.0, 0.3, 1.0])
def test_batches_match_plain_loops(clean):
    """Every number of a batch, from the same random numbers: motion, bodies, cameras, 2D poses and scores."""
    takes = clips(120)
    sampler = Sampler(takes, 20, shares={"prmd": 0.28}, clean=clean)
    pose2d, pose3d = sampler.sample(NumpyDraws(np.random.default_rng(0)), 24)
    points = [clip.points.astype(float) for clip in takes]
    groups = [(0.28, [2]), (0.72, [0, 1])]
    flat, deep = oracle.batch(np.random.default_rng(0), points, groups, 24, 20, clean)
    assert_allclose(pose3d, deep, atol=1e-5)
    assert_allclose(pose2d, flat, atol=1e-4)


@pytest.mark.parametrize("options", [{}, EVERYTHING], ids=["version 1", "version 2"])
def test_the_same_seed_gives_the_same_batch(options):
    sampler = Sampler(clips(), 9, **options)
    state = torch.get_rng_state()
    first, second = (sampler.sample(seeded(7), 6) for _ in range(2))
    assert first.pose2d.numpy().tobytes() == second.pose2d.numpy().tobytes()
    assert first.pose3d.numpy().tobytes() == second.pose3d.numpy().tobytes()
    assert not torch.equal(first.pose3d, sampler.sample(seeded(8), 6).pose3d)
    assert torch.equal(torch.get_rng_state(), state), "the global generator is not used"


@pytest.mark.parametrize("options", [{}, EVERYTHING], ids=["version 1", "version 2"])
def test_batches_on_another_device_have_the_same_shapes(options):
    """No step needs a value on the processor: a generator of a device without data works."""

    class MetaDraws(module.Draws):
        device, dtype = torch.device("meta"), torch.float32

        def uniform(self, low, high, *shape):
            return torch.empty(shape, device="meta")

        def normal(self, *shape):
            return torch.empty(shape, device="meta")

        def integers(self, low, high, *shape):
            return torch.empty(shape, device="meta", dtype=torch.int64)

    batch = Sampler(clips(), 9, **options).sample(MetaDraws(), 4)
    assert batch.pose2d.shape == batch.pose3d.shape == (4, 9, 17, 3)
    assert batch.pose2d.device.type == batch.pose3d.device.type == "meta"


def test_a_model_is_trained_on_what_it_sees_when_lifting(monkeypatch):
    """Exchanged sides are repaired in training as they are in lifting."""
    observed, observe = [], module.observe

    def watch(*arguments):
        observed.append(observe(*arguments))
        return observed[-1]

    monkeypatch.setattr(module, "observe", watch)
    sample = Sampler(clips(), 27, clean=0).sample(seeded(), 64)
    ((points, scores),) = observed
    assert_allclose(sample.pose2d, person_view(points.numpy(), scores.numpy())[0], atol=1e-5)
    unrepaired = person_coordinates(points, scores)
    assert (sample.pose2d != unrepaired).any(-1).any(-1).any(-1).sum() >= 2, "the sides of some clips are exchanged"


@pytest.mark.parametrize("options", [{}, EVERYTHING], ids=["version 1", "version 2"])
@pytest.mark.parametrize("frames", [1, 9, 27])
def test_batches_are_finite_and_root_relative(frames, options):
    sample = Sampler(clips(), frames, clean=0.3, **options).sample(seeded(), 24)
    assert sample.pose2d.shape == sample.pose3d.shape == (24, frames, 17, 3)
    assert sample.pose2d.dtype == sample.pose3d.dtype == torch.float32
    assert sample.pose2d.isfinite().all()
    assert sample.pose3d.isfinite().all()
    assert not sample.pose3d[:, :, 0].any()
    assert ((sample.pose2d[..., 2] >= 0) & (sample.pose2d[..., 2] <= 1)).all()


def test_bodies_have_human_sizes():
    pose3d = Sampler(clips(), 9).sample(seeded(1), 64).pose3d.numpy()
    bones = np.linalg.norm(pose3d[:, :, 1:] - pose3d[:, :, PARENTS[1:]], axis=-1)
    thigh = bones[:, :, 1].mean(1)
    assert 0.2 < thigh.min() < thigh.max() < 0.65
    assert thigh.std() > 0.02, "people differ in size"


def test_images_are_upright():
    # Camera space has y down, in 2D and 3D: most people who stand have their heads above their ankles.
    sample = Sampler(clips(), 9, clean=1.0).sample(seeded(3), 64)
    head, ankle = H36M_17.index("head_top"), H36M_17.index("left_ankle")
    for poses in sample:
        assert (poses[:, 4, head, 1] < poses[:, 4, ankle, 1]).double().mean() > 0.9


def test_left_stays_left_in_mirrored_clips():
    # Mirroring also exchanges the sides: left stays to the left of the trunk, seen in the direction it faces.
    sample = Sampler(clips(), 9, clean=1.0).sample(seeded(4), 64)
    pose = sample.pose3d[:, 4].double().numpy()
    left = pose[:, H36M_17.index("left_hip")] - pose[:, H36M_17.index("right_hip")]
    up = pose[:, H36M_17.index("thorax")] - pose[:, H36M_17.index("pelvis")]
    ahead = pose[:, H36M_17.index("neck_nose")] - pose[:, H36M_17.index("thorax")]
    # x right, y down, z forward is right-handed: left x up points ahead, as in the world.
    assert ((np.cross(left, up) * ahead).sum(-1) > 0).mean() > 0.95


def test_photographs_do_not_move():
    sample = Sampler(clips(), 9, clean=1.0, variety=Variety(still=1.0)).sample(seeded(5), 8)
    assert_allclose(sample.pose3d, sample.pose3d[:, :1].expand(-1, 9, -1, -1), atol=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shares": {"a": 1.2}}, r"the share 'a' must be from 0 to 1, got 1\.2"),
        ({"shares": {"a": -0.1}}, r"the share 'a' must be from 0 to 1, got -0\.1"),
        ({"shares": {"a": 0.6, "b": 0.5}}, "must add up to at most 1"),
        ({"clean": 1.5}, r"the share 'clean' must be from 0 to 1, got 1\.5"),
        ({"variety": Variety(arms=2.0)}, r"the share 'arms' must be from 0 to 1, got 2"),
        ({"layouts": {"coco": 1.0}}, "there is no layout coco; there are h36m17, coco17, halpe26"),
        ({"layouts": {"coco17": 0.5}}, "must add up to 1"),
        ({"frames": 0}, "at least 1 frame, got 0"),
        ({"clips": clips(1)}, "takes of at least 2 frames"),
    ],
)
def test_impossible_settings_are_refused(options, words):
    with pytest.raises(DataError, match=words):
        Sampler(**{"clips": clips(), "frames": 9} | options)


class TestMotion:
    def test_three_in_ten_cameras_travel_along_for_a_random_share_of_the_way(self):
        parts = module._accompaniment(TorchDraws(seeded()), 20_000)[:, 0, 0, 0].numpy()
        moving = parts[parts > 0]
        assert len(moving) / len(parts) == pytest.approx(0.3, abs=0.01)
        assert moving.mean() == pytest.approx(0.5, abs=0.01)
        assert moving.std() == pytest.approx(1 / np.sqrt(12), abs=0.01), "evenly from 0 to 1"

    def test_a_camera_that_travels_the_whole_way_keeps_the_person_in_place(self, monkeypatch):
        sampler = Sampler(clips(), 27, variety=Variety(lying=0.0))
        paths = []
        for share in (0.0, 1.0):
            monkeypatch.setattr(module, "_accompaniment", lambda draws, batch, share=share: torch.tensor(share))
            paths.append(sampler._motion(TorchDraws(seeded()), 8)[0][:, :, 0].numpy())
        fixed, along = paths
        assert np.ptp(fixed[:, :, 0], axis=1).min() > 0.01
        assert_allclose(along[:, :, ::2], 0, atol=1e-6)
        assert (np.ptp(along[:, :, 1], axis=1) > 0).all(), "the height is not compensated"


def test_batches_have_the_statistics_of_the_published_weights():
    """Means and deviations per joint and coordinate are those of the clips that the published weights were trained on.

    Those were drawn by an earlier sampler, 3000 clips, so the two differ by chance: by five standard errors at most.
    """
    expected = json.loads(GOLDEN.read_text())
    sample = Sampler(clips(400), 2, shares={"prmd": 0.28}).sample(seeded(), 20_000)
    for name, poses in zip(("pose2d", "pose3d"), sample, strict=True):
        mean, deviation = (np.array(expected[f"{what} of {name}"]) for what in ("mean", "deviation"))
        values = poses[:, 0].double().numpy()
        error = deviation * np.sqrt(1 / 3000 + 1 / 20_000)
        assert (np.abs(values.mean(0) - mean) <= 5 * error + 1e-6).all(), name
        kurtosis = ((values - values.mean(0)) ** 4).mean(0) / np.maximum(values.var(0), 1e-12) ** 2
        error = deviation * np.sqrt(np.maximum(kurtosis - 1, 0) / 4 * (1 / 3000 + 1 / 20_000))
        assert (np.abs(values.std(0) - deviation) <= 5 * error + 1e-6).all(), name


def test_a_generator_of_torch_gives_the_quantiles_of_one_of_numpy():
    """Both kinds of generator, and float32 and float64, make clips of the same distribution."""
    sampler = Sampler(clips(400), 2, **EVERYTHING)
    first = sampler.sample(seeded(), 6000)
    second = sampler.sample(NumpyDraws(np.random.default_rng(0)), 6000)
    for poses, others in zip(first, second, strict=True):
        values, expected = (part[:, 0].flatten(1).double().numpy() for part in (poses, others))
        ranks = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
        for column, other in zip(values.T, expected.T, strict=True):
            if np.ptp(other) > 1e-6:
                shares = np.searchsorted(np.sort(other), np.quantile(column, ranks)) / len(other)
                steps = np.searchsorted(np.sort(other), np.quantile(column, ranks), side="right") / len(other)
                distance = np.maximum(0, np.maximum(shares - ranks, ranks - steps))  # values may repeat, as scores do
                assert distance.max() < 5 * np.sqrt(0.25 * 2 / 6000)
