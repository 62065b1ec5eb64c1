"""Training batches: the random choices, and the agreement of 2D and 3D poses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from oracle import bodies
from oracle import motion as oracle
from poseglass import H36M_17
from poseglass.body.geometry import Camera
from poseglass.clips.person import person_coordinates
from poseglass.clips.view import person_view
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.data.virtual import sampler as module
from poseglass.data.virtual.sampler import Sampler
from poseglass.errors import DataError

PARENTS = list(H36M_17.parents)
GOLDEN = Path(__file__).parents[1] / "golden" / "sampler.json"


def clips(frames: int = 200) -> MotionClips:
    takes = [
        MotionClip(name, bodies.motion(frames, H36M_17.joints, seed).astype(np.float32), name)
        for seed, name in enumerate(("anna", "ben", "prmd_01"))
    ]
    return MotionClips(tuple(takes), fps=60.0)


def test_the_same_seed_gives_the_same_batch():
    sampler = Sampler(clips(), 9)
    first, second = (sampler.sample(np.random.default_rng([7, 3]), 6) for _ in range(2))
    assert first.pose2d.tobytes() == second.pose2d.tobytes()
    assert first.pose3d.tobytes() == second.pose3d.tobytes()
    other = sampler.sample(np.random.default_rng([7, 4]), 6)
    assert not np.array_equal(first.pose3d, other.pose3d)


def test_a_model_is_trained_on_what_it_sees_when_lifting(monkeypatch):
    """Exchanged sides are repaired in training as they are in lifting."""
    observed, observe = [], module.observe

    def watch(*arguments: Any) -> Any:
        observed.append(observe(*arguments))
        return observed[-1]

    monkeypatch.setattr(module, "observe", watch)
    sample = Sampler(clips(), 27, clean=0).sample(np.random.default_rng(0), 64)
    ((points, scores),) = observed
    assert_allclose(sample.pose2d, person_view(points, scores)[0])
    unrepaired = person_coordinates(points, scores)
    assert (sample.pose2d != unrepaired).any((1, 2, 3)).sum() >= 2, "the detector exchanges the sides of some clips"


@pytest.mark.parametrize("frames", [1, 9, 27])
def test_batches_are_finite_and_root_relative(frames):
    sample = Sampler(clips(), frames, clean=0.3).sample(np.random.default_rng(0), 24)
    assert sample.pose2d.shape == sample.pose3d.shape == (24, frames, 17, 3)
    assert sample.pose2d.dtype == sample.pose3d.dtype == np.float32
    assert np.isfinite(sample.pose2d).all()
    assert np.isfinite(sample.pose3d).all()
    assert not sample.pose3d[:, :, 0].any()
    assert ((sample.pose2d[..., 2] >= 0) & (sample.pose2d[..., 2] <= 1)).all()


def test_short_takes_are_played_forward_and_backward():
    sample = Sampler(clips(frames=8), 60).sample(np.random.default_rng(0), 8)
    assert np.isfinite(sample.pose3d).all()
    steps = np.linalg.norm(np.diff(sample.pose3d, axis=1), axis=-1)
    assert steps.max() < 0.2, "the motion turns back instead of jumping"


def test_short_takes_start_at_their_first_frame_and_are_interpolated_only():
    zigzag = np.zeros((4, 17, 3), np.float32)
    zigzag[1::2] = 1
    for length in (2, 3, 4):
        sampler = Sampler(MotionClips((MotionClip("a", zigzag[:length], "a"),), 60.0), 60)
        stretch = sampler._stretch(np.random.default_rng(length))
        assert_allclose(stretch[0], zigzag[0])
        assert 0 <= stretch.min() < 0.1
        assert 0.9 < stretch.max() <= 1


def test_bodies_have_human_sizes():
    sample = Sampler(clips(), 9).sample(np.random.default_rng(1), 64)
    bones = np.linalg.norm(sample.pose3d[:, :, 1:] - sample.pose3d[:, :, PARENTS[1:]], axis=-1)
    thigh = bones[:, :, 1].mean(1)
    assert 0.2 < thigh.min() < thigh.max() < 0.65
    assert thigh.std() > 0.02, "people differ in size"


def test_2d_poses_without_noise_are_the_projection_of_the_3d_poses(monkeypatch):
    """Each camera is recorded when it is drawn; every joint is then projected by hand."""
    drawn: list[tuple[Camera, np.ndarray]] = []
    draw = module.random_cameras

    def recorded(*args: Any) -> Any:
        camera, size = draw(*args)
        drawn.append((camera, args[1].copy()))
        return camera, size

    monkeypatch.setattr(module, "random_cameras", recorded)
    sample = Sampler(clips(), 9, clean=1.0).sample(np.random.default_rng(2), 12)
    camera, world = drawn[0]
    for clip in range(12):
        rotation, focal, centre = camera.rotation[clip], camera.focal[clip], camera.centre[clip]
        space = np.empty((9, 17, 3))
        pixels = np.empty((9, 17, 2))
        for frame in range(9):
            for joint in range(17):
                x, y, z = rotation @ (world[clip, frame, joint] - camera.position[clip])
                space[frame, joint] = x, y, z
                pixels[frame, joint] = focal[0] * x / z + centre[0], focal[1] * y / z + centre[1]
        # 3D poses are in the space of a camera turned to face the pelvis.
        faced = [oracle.turned(pose - pose[0], pose[0], np.array([0.0, 0.0, 1.0])) for pose in space]
        assert_allclose(sample.pose3d[clip], faced, atol=1e-5)
        assert_allclose(sample.pose2d[clip], oracle.person_coordinates(pixels, np.ones((9, 17))), atol=1e-4)


def test_images_are_upright():
    # Camera space has y down, in 2D and 3D: most people who stand have their heads above their ankles.
    sample = Sampler(clips(), 9, clean=1.0).sample(np.random.default_rng(3), 64)
    head, ankle = H36M_17.index("head_top"), H36M_17.index("left_ankle")
    for poses in (sample.pose2d, sample.pose3d):
        assert (poses[:, 4, head, 1] < poses[:, 4, ankle, 1]).mean() > 0.9


def test_left_stays_left_in_mirrored_clips():
    # Mirroring also exchanges the sides: left stays to the left of the trunk, seen in the direction it faces.
    sample = Sampler(clips(), 9, clean=1.0).sample(np.random.default_rng(4), 64)
    pose = sample.pose3d[:, 4].astype(float)
    left = pose[:, H36M_17.index("left_hip")] - pose[:, H36M_17.index("right_hip")]
    up = pose[:, H36M_17.index("thorax")] - pose[:, H36M_17.index("pelvis")]
    ahead = pose[:, H36M_17.index("neck_nose")] - pose[:, H36M_17.index("thorax")]
    # x right, y down, z forward is right-handed: left x up points ahead, as in the world.
    assert ((np.cross(left, up) * ahead).sum(-1) > 0).mean() > 0.95


class TestShares:
    """All joints of take n lie at (n, n, n), so the position shows which take was drawn."""

    NAMES = ("anna", "ben", "prmd_01", "prmd_02", "ward_a")

    def drawn(self, shares: dict[str, float], names=NAMES, lengths=None, count: int = 4000) -> dict[str, float]:
        takes = tuple(
            MotionClip(name, np.full(((lengths or {}).get(name, 50), 17, 3), number, np.float32), name)
            for number, name in enumerate(names)
        )
        sampler, rng = Sampler(MotionClips(takes, 60.0), 3, shares=shares), np.random.default_rng(5)
        numbers = np.array([round(float(sampler._stretch(rng)[0, 0, 0])) for _ in range(count)])
        return {name: float((numbers == number).mean()) for number, name in enumerate(names)}

    def test_without_shares_takes_are_drawn_in_proportion_to_their_length(self):
        drawn = self.drawn({}, lengths={"anna": 150})
        assert drawn["anna"] == pytest.approx(3 / 7, abs=0.03)
        assert drawn["prmd_01"] == pytest.approx(1 / 7, abs=0.02)

    def test_each_prefix_gets_its_share_and_the_others_divide_the_rest(self):
        drawn = self.drawn({"prmd": 0.28, "ward_": 0.1}, lengths={"prmd_02": 150})
        assert drawn["prmd_01"] + drawn["prmd_02"] == pytest.approx(0.28, abs=0.03)
        assert drawn["prmd_02"] == pytest.approx(3 * drawn["prmd_01"], rel=0.2)
        assert drawn["ward_a"] == pytest.approx(0.1, abs=0.02)
        assert drawn["anna"] == pytest.approx(0.31, abs=0.03)

    def test_the_first_matching_prefix_counts(self):
        drawn = self.drawn({"prmd_01": 0.5, "prmd": 0.1})
        assert (drawn["prmd_01"], drawn["prmd_02"]) == pytest.approx((0.5, 0.1), abs=0.03)

    def test_a_share_may_be_0_or_1(self):
        assert self.drawn({"prmd": 0.0}, count=300)["prmd_01"] == 0
        drawn = self.drawn({"prmd": 1.0}, count=300)
        assert drawn["prmd_01"] + drawn["prmd_02"] == 1

    def test_a_share_that_matches_no_take_goes_to_the_rest(self):
        drawn = self.drawn({"nobody": 0.5, "prmd": 0.5}, names=("anna", "prmd_01"))
        assert drawn["anna"] == pytest.approx(0.5, abs=0.03)

    def test_a_share_that_matches_every_take_has_no_effect(self):
        drawn = self.drawn({"anna": 0.2}, names=("anna", "anna_2"), lengths={"anna_2": 150})
        assert drawn["anna"] == pytest.approx(0.25, abs=0.03)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"shares": {"a": 1.2}}, r"the share 'a' must be from 0 to 1, got 1\.2"),
            ({"shares": {"a": -0.1}}, r"the share 'a' must be from 0 to 1, got -0\.1"),
            ({"shares": {"a": 0.6, "b": 0.5}}, "must add up to at most 1"),
            ({"clean": 1.5}, r"the share 'clean' must be from 0 to 1, got 1\.5"),
            ({"frames": 0}, "at least 1 frame, got 0"),
            ({"clips": clips(1)}, "takes of at least 2 frames"),
        ],
    )
    def test_impossible_settings_are_refused(self, options, words):
        with pytest.raises(DataError, match=words):
            Sampler(**{"clips": clips(), "frames": 9} | options)


class TestMotion:
    def test_three_in_ten_cameras_travel_along_for_a_random_share_of_the_way(self):
        parts = module._accompaniment(np.random.default_rng(0), 20_000)[:, 0, 0, 0]
        moving = parts[parts > 0]
        assert len(moving) / len(parts) == pytest.approx(0.3, abs=0.01)
        assert moving.mean() == pytest.approx(0.5, abs=0.01)
        assert moving.std() == pytest.approx(1 / np.sqrt(12), abs=0.01), "evenly from 0 to 1"

    def test_a_camera_that_travels_the_whole_way_keeps_the_person_in_place(self, monkeypatch):
        sampler = Sampler(clips(), 27)
        monkeypatch.setattr(module, "_lie_down", lambda rng, world: world)
        monkeypatch.setattr(module, "_accompaniment", lambda rng, batch: np.zeros((batch, 1, 1, 1)))
        fixed = sampler._motion(np.random.default_rng(0), 8)
        monkeypatch.setattr(module, "_accompaniment", lambda rng, batch: np.ones((batch, 1, 1, 1)))
        along = sampler._motion(np.random.default_rng(0), 8)
        assert np.ptp(fixed[:, :, 0, 0], axis=1).min() > 0.01
        assert_allclose(along[:, :, 0, ::2], 0, atol=1e-12)
        assert (np.ptp(along[:, :, 0, 1], axis=1) > 0).all(), "the height is not compensated"

    def test_six_in_a_hundred_people_lie(self):
        standing = np.tile([0.0, 1.0, 0.0], (20_000, 2, 17, 1))
        turned = module._lie_down(np.random.default_rng(0), standing)[:, 0, 0]
        assert_allclose(np.linalg.norm(turned, axis=-1), 1)
        lying = turned[:, 1] < 1 - 1e-9
        assert lying.mean() == pytest.approx(0.06, abs=0.005)
        assert not turned[:, 0].any(), "the axis is x"
        angle = np.arctan2(turned[lying, 2], turned[lying, 1])
        assert angle.std() == pytest.approx(2 * np.pi / np.sqrt(12), abs=0.1), "evenly over the whole circle"

    def test_the_tempo_and_frame_rate_of_a_stretch_have_their_range(self):
        """A joint that moves by 1 per second shows how much time passes from frame to frame."""
        time = np.arange(600)[:, None, None] / 60
        take = MotionClip("a", np.broadcast_to(time, (600, 17, 3)).astype(np.float32), "a")
        sampler, rng = Sampler(MotionClips((take,), 60.0), 2), np.random.default_rng(0)
        steps = np.array([float(np.diff(sampler._stretch(rng)[:, 0, 0])[0]) for _ in range(6000)])
        rates = 1 / steps
        assert (rates.min(), rates.max()) == pytest.approx((24 / 1.25, 60 / 0.8), rel=0.04)
        tempos = steps * 30
        # At 30 frames per second, tempos are uniform from 0.8 to 1.25; at 24 to 60 they stay below 1.25 * 30 / 24.
        assert (tempos > 1.25).mean() == pytest.approx(0.6 * slower(1.25), abs=0.01)
        assert (tempos < 0.8).mean() == pytest.approx(0.6 * (1 - slower(0.8)), abs=0.02)

    def test_stretches_start_anywhere_in_a_take(self):
        time = np.arange(600)[:, None, None] / 60
        take = MotionClip("a", np.broadcast_to(time, (600, 17, 3)).astype(np.float32), "a")
        sampler, rng = Sampler(MotionClips((take,), 60.0), 2), np.random.default_rng(0)
        starts = np.array([float(sampler._stretch(rng)[0, 0, 0]) for _ in range(2000)])
        assert starts.mean() == pytest.approx(5, abs=0.2)
        assert (starts.min(), starts.max()) == pytest.approx((0, 10), abs=0.1)


def slower(tempo: float) -> float:
    """The share of stretches at 24 to 60 frames per second whose tempo, relative to 30, exceeds a value."""
    rates, tempos = np.meshgrid(np.linspace(24, 60, 2000), np.linspace(0.8, 1.25, 2000))
    return float((tempos * 30 / rates > tempo).mean())


def test_batches_have_the_statistics_of_the_published_weights():
    """Compare means over 3000 clips, per joint and coordinate, with those the published weights were trained on.

    Written by ``python tests/data/test_sampler.py``; changing any constant changes them.
    """
    expected = json.loads(GOLDEN.read_text())
    for name, values in measured().items():
        assert_allclose(values, expected[name], atol=2e-6, err_msg=name)


def measured() -> dict[str, list]:
    sample = Sampler(clips(400), 2, shares={"prmd": 0.28}).sample(np.random.default_rng(0), 3000)
    unusual = Sampler(clips(400), 2).sample(np.random.default_rng(1), 10)
    poses = {"pose2d": sample.pose2d, "pose3d": sample.pose3d, "default": unusual.pose2d}
    return {
        name: np.round(function(array.astype(np.float64), axis=(0, 1)), 7).tolist()
        for name, array in poses.items()
        for name, function in ((f"mean of {name}", np.mean), (f"deviation of {name}", np.std))
    }


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(measured(), indent=1))
