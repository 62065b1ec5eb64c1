"""Training batches: what chance draws, and that what is drawn is true."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from oracle import bodies
from oracle import motion as oracle
from poseglass import COCO_17, H36M_17, HALPE_26, PoseSequence
from poseglass.body.geometry import Camera
from poseglass.clips.mirror import flip
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.data.virtual import sampler as augment
from poseglass.data.virtual.bodies import H36M_LENGTHS, random_lengths, retarget
from poseglass.data.virtual.cameras import random_cameras
from poseglass.data.virtual.detector import LAYOUTS, SEEN, Detection, detect, face, observe
from poseglass.data.virtual.sampler import Sampler

PARENTS = H36M_17.parents
QUIET = Detection(jitter=(1e-9, 1.0001e-9), bias=0, outliers=0, swaps=0, gaps=0, blackouts=0)


def clips(frames: int = 200) -> MotionClips:
    takes = [
        MotionClip(name, bodies.motion(frames, H36M_17.joints, seed).astype(np.float32), name)
        for seed, name in enumerate(("anna", "ben", "prmd_01"))
    ]
    return MotionClips(tuple(takes), fps=60.0)


class TestSampler:
    def test_the_same_seed_gives_the_same_batch(self):
        sampler = Sampler(clips(), 9)
        first, second = (sampler.sample(np.random.default_rng([7, 3]), 6) for _ in range(2))
        assert first.pose2d.tobytes() == second.pose2d.tobytes()
        assert first.pose3d.tobytes() == second.pose3d.tobytes()
        other = sampler.sample(np.random.default_rng([7, 4]), 6)
        assert not np.array_equal(first.pose3d, other.pose3d)

    @pytest.mark.parametrize("frames", [1, 9, 27])
    def test_batches_are_finite_and_root_relative(self, frames):
        sample = Sampler(clips(), frames, clean=0.3).sample(np.random.default_rng(0), 24)
        assert sample.pose2d.shape == sample.pose3d.shape == (24, frames, 17, 3)
        assert sample.pose2d.dtype == sample.pose3d.dtype == np.float32
        assert np.isfinite(sample.pose2d).all()
        assert np.isfinite(sample.pose3d).all()
        assert not sample.pose3d[:, :, 0].any()
        assert ((sample.pose2d[..., 2] >= 0) & (sample.pose2d[..., 2] <= 1)).all()

    def test_takes_shorter_than_a_clip_are_played_back_and_forth(self):
        sample = Sampler(clips(frames=8), 60).sample(np.random.default_rng(0), 8)
        assert np.isfinite(sample.pose3d).all()
        steps = np.linalg.norm(np.diff(sample.pose3d, axis=1), axis=-1)
        assert steps.max() < 0.2, "it turns round, it does not jump"

    def test_bodies_are_of_human_size(self):
        sample = Sampler(clips(), 9).sample(np.random.default_rng(1), 64)
        bones = np.linalg.norm(sample.pose3d[:, :, 1:] - sample.pose3d[:, :, list(PARENTS[1:])], axis=-1)
        thigh = bones[:, :, 1].mean(1)
        assert 0.2 < thigh.min() < thigh.max() < 0.65
        assert thigh.std() > 0.02, "there are people of many sizes"

    def test_clean_2d_is_the_projection_of_the_3d(self, monkeypatch):
        """Each camera is caught as it is drawn; every joint is then projected by hand."""
        caught: list[tuple[Camera, np.ndarray]] = []
        draw = augment.random_cameras

        def spy(*args: Any) -> Any:
            camera, size = draw(*args)
            caught.append((camera, args[1].copy()))
            return camera, size

        monkeypatch.setattr(augment, "random_cameras", spy)
        sample = Sampler(clips(), 9, clean=1.0).sample(np.random.default_rng(2), 12)
        camera, world = caught[0]
        for clip in range(12):
            rotation, focal, centre = camera.rotation[clip], camera.focal[clip], camera.centre[clip]
            seen = np.empty((9, 17, 3))
            pixels = np.empty((9, 17, 2))
            for t in range(9):
                for j in range(17):
                    x, y, z = rotation @ (world[clip, t, j] - camera.position[clip])
                    seen[t, j] = x, y, z
                    pixels[t, j] = focal[0] * x / z + centre[0], focal[1] * y / z + centre[1]
            # As a camera sees it that has turned to face the pelvis.
            faced = [oracle.turned(pose - pose[0], pose[0], np.array([0.0, 0.0, 1.0])) for pose in seen]
            assert_allclose(sample.pose3d[clip], faced, atol=1e-5)
            assert_allclose(sample.pose2d[clip], oracle.person_coordinates(pixels, np.ones((9, 17))), atol=1e-4)

    def test_the_image_is_upright(self):
        # Camera space has y down, in 2D and 3D: of people who stand, most have their heads above their ankles.
        sample = Sampler(clips(), 9, clean=1.0).sample(np.random.default_rng(3), 64)
        head, ankle = H36M_17.index("head_top"), H36M_17.index("left_ankle")
        for poses in (sample.pose2d, sample.pose3d):
            assert (poses[:, 4, head, 1] < poses[:, 4, ankle, 1]).mean() > 0.9

    def test_left_stays_left(self):
        # A mirrored clip has its sides exchanged too: left is left of the trunk, seen along the way it faces.
        sample = Sampler(clips(), 9, clean=1.0).sample(np.random.default_rng(4), 64)
        pose = sample.pose3d[:, 4].astype(float)
        left = pose[:, H36M_17.index("left_hip")] - pose[:, H36M_17.index("right_hip")]
        up = pose[:, H36M_17.index("thorax")] - pose[:, H36M_17.index("pelvis")]
        ahead = pose[:, H36M_17.index("neck_nose")] - pose[:, H36M_17.index("thorax")]
        # x right, y down, z forward is right-handed: left x up points ahead, as in the world.
        assert ((np.cross(left, up) * ahead).sum(-1) > 0).mean() > 0.95

    def test_the_share_of_rehabilitation_takes(self):
        takes = clips()
        marked = tuple(
            MotionClip(c.name, c.points * (0 if c.name.startswith("prmd") else 1) + np.float32(0.001), c.subject)
            for c in takes
        )
        sampler = Sampler(MotionClips(marked, 60.0), 3, rehab_share=0.28)
        rng = np.random.default_rng(5)
        flat = [np.ptp(sampler._take(rng)) < 1e-3 for _ in range(600)]
        assert np.mean(flat) == pytest.approx(0.28, abs=0.06)
        only = Sampler(MotionClips(tuple(marked[:2]), 60.0), 3, rehab_share=1.0)
        assert np.ptp(only._take(rng)) > 0.1, "without such takes the others do"


class TestFlip:
    def test_it_exchanges_the_sides(self):
        pose = np.arange(17 * 3.0).reshape(17, 3)
        mirrored = flip(pose)
        for joint, name in enumerate(H36M_17.joints):
            other = name.replace("left", "LEFT").replace("right", "left").replace("LEFT", "right")
            assert_array_equal(mirrored[joint], pose[H36M_17.index(other)] * [-1, 1, 1])

    def test_what_was_given_stays(self):
        pose = np.ones((2, 17, 2))
        flip(pose)
        assert pose.all()

    def test_other_skeletons_and_scores(self):
        pose = np.random.default_rng(0).normal(size=(4, 26, 3))
        assert_array_equal(flip(pose, HALPE_26)[..., 2], pose[:, list(HALPE_26.mirror), 2])


class TestFace:
    @pytest.mark.parametrize("angle", [0.0, 1.0, np.pi])
    def test_it_is_where_a_face_is(self, angle):
        body = bodies.body(H36M_17.joints)
        body[9] = [0, 1.55, 0]  # the skull base, of which the takes' joint 9 is
        body[8, 2] = body[10, 2] = 0
        place = np.array([3.0, 0, -2])
        turned = bodies.turned(body, angle) + place
        found = dict(zip(SEEN.joints[17:], bodies.turned(face(turned) - place, -angle), strict=True))
        assert_allclose(found["nose"], [0, 1.55, 0.09], atol=1e-9)
        for part in ("eye", "ear"):
            left, right = found[f"left_{part}"], found[f"right_{part}"]
            assert_allclose(left * [-1, 1, 1], right, atol=1e-9)
            assert left[0] > 0, "left is +x of one who faces +z"
        assert found["left_eye"][1] > found["nose"][1] > body[8, 1]
        assert found["nose"][2] > found["left_eye"][2] > found["left_ear"][2]
        assert_allclose(found["neck"], (body[11] + body[14]) / 2, atol=1e-9)

    def test_it_follows_a_bowed_head_and_survives_a_broken_one(self):
        body = bodies.body(H36M_17.joints)
        assert np.isfinite(face(np.zeros((4, 17, 3)))).all()
        bowed = body.copy()
        bowed[9], bowed[10] = body[8] + [0, 0.1, 0.1], body[8] + [0, 0.16, 0.16]
        nose = face(bowed)[0]
        assert nose[1] < bowed[9, 1], "the nose of one who bows points down"


class TestRetarget:
    def test_bones_have_the_lengths_asked_for_and_keep_their_directions(self):
        rng = np.random.default_rng(0)
        poses = np.stack([bodies.motion(9, H36M_17.joints, seed) for seed in range(3)])
        lengths = rng.uniform(0.1, 0.6, (3, 17))
        moved = retarget(poses, lengths)
        for clip in range(3):
            for joint, parent in enumerate(PARENTS[1:], start=1):
                before = poses[clip, :, joint] - poses[clip, :, parent]
                after = moved[clip, :, joint] - moved[clip, :, parent]
                assert np.linalg.norm(after, axis=1).mean() == pytest.approx(lengths[clip, joint])
                cosine = (before * after).sum(1) / np.linalg.norm(before, axis=1) / np.linalg.norm(after, axis=1)
                assert_allclose(cosine, 1)

    def test_the_own_lengths_change_nothing(self):
        poses = bodies.motion(9, H36M_17.joints)[None]
        own = np.linalg.norm(poses - poses[:, :, list(PARENTS)], axis=-1).mean(1)
        assert_allclose(retarget(poses, own), poses, atol=1e-12)

    def test_longer_legs_take_longer_steps(self):
        poses = bodies.motion(9, H36M_17.joints)[None]
        own = np.linalg.norm(poses - poses[:, :, list(PARENTS)], axis=-1).mean(1)
        assert_allclose(retarget(poses, 1.3 * own), 1.3 * poses, atol=1e-12)

    def test_random_people_are_symmetric_and_of_human_size(self):
        body = bodies.body(H36M_17.joints)
        own = np.tile(np.linalg.norm(body - body[list(PARENTS)], axis=-1), (500, 1))
        before = own.copy()
        lengths = random_lengths(np.random.default_rng(0), own)
        assert_array_equal(own, before)
        assert_allclose(lengths[:, 1:], lengths[:, list(H36M_17.mirror)][:, 1:])
        ratio = lengths[:, 1:] / H36M_LENGTHS[1:]
        assert ratio.min() > 0.3
        assert ratio.max() < 2
        assert 0.85 < np.median(ratio) < 1.1


class TestCameras:
    def drawn(self, count: int = 300) -> tuple[np.ndarray, Camera, np.ndarray]:
        poses = np.stack([bodies.motion(5, H36M_17.joints, seed) for seed in range(count)])
        camera, size = random_cameras(np.random.default_rng(0), poses)
        return poses, camera, size

    def test_they_are_rotations(self):
        _, camera, _ = self.drawn()
        square = camera.rotation @ camera.rotation.swapaxes(1, 2)
        assert_allclose(square, np.tile(np.eye(3), (300, 1, 1)), atol=1e-9)
        assert_allclose(np.linalg.det(camera.rotation), 1)

    def test_people_are_ahead_and_mostly_in_the_image(self):
        poses, camera, size = self.drawn()
        seen = camera.to_camera(poses.reshape(300, -1, 3))
        assert seen[..., 2].min() > 0.2
        pixels = camera.project(seen)
        inside = ((pixels > 0) & (pixels < size[:, None])).all(-1)
        assert inside.mean() > 0.85
        # 1.5 to 10 m away.
        distance = np.linalg.norm(poses[:, :, 0].mean(1) - camera.position, axis=1)
        assert 1.4 < distance.min() < 2.5
        assert 8 < distance.max() < 10.5

    def test_images_are_mostly_upright(self):
        poses, camera, _ = self.drawn()
        pixels = camera.project(camera.to_camera(poses[:, 0]))
        head, ankle = H36M_17.index("head_top"), H36M_17.index("left_ankle")
        assert (pixels[:, head, 1] < pixels[:, ankle, 1]).mean() > 0.95

    def test_they_stand_all_around(self):
        poses, camera, _ = self.drawn()
        away = camera.position - poses[:, :, 0].mean(1)
        quadrant = np.sign(away[:, [0, 2]]) @ [1, 2]
        assert all((quadrant == q).mean() > 0.15 for q in (-3, -1, 1, 3))


class TestDetect:
    COUNT, FRAMES, HEIGHT = 400, 60, 600.0

    def truth(self) -> np.ndarray:
        body = bodies.body(SEEN.joints)[:, :2] * [1, -1]
        body = body - body.min(0)
        height = np.linalg.norm(np.ptp(body, axis=0))
        return np.tile(body * self.HEIGHT / height + 200, (self.COUNT, self.FRAMES, 1, 1))

    def run(self, **how: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        settings = {field: getattr(QUIET, field) for field in QUIET.__dataclass_fields__} | how
        truth = self.truth()
        found, scores = detect(np.random.default_rng(0), truth, Detection(**settings), SEEN.mirror)
        return found, scores, np.linalg.norm(found - truth, axis=-1) / self.HEIGHT

    def test_a_quiet_detector_is_exact_and_sure(self):
        _, scores, off = self.run()
        assert off.max() < 1e-6
        assert scores.min() > 0.5

    def test_bias_stays_in_a_clip_and_differs_between_clips(self):
        found, _, _ = self.run(bias=0.01)
        assert np.ptp(found, axis=1).max() < 1e-3
        offset = (found - self.truth())[:, 0] / self.HEIGHT
        assert offset.std() == pytest.approx(0.01, rel=0.05)

    def test_jitter_wanders_about_its_size(self):
        found, _, _ = self.run(jitter=(0.01, 0.01001))
        error = (found - self.truth()) / self.HEIGHT
        assert error.mean() == pytest.approx(0, abs=1e-3)
        assert error.std() == pytest.approx(0.01, rel=0.5)
        together = (error[:, 1:] * error[:, :-1]).mean() / (error**2).mean()
        assert 0.3 < together < 0.95, "errors of neighbouring frames are alike"

    def test_outliers(self):
        _, scores, off = self.run(outliers=0.02)
        far = off > 0.02
        assert far.mean() == pytest.approx(0.02, rel=0.15)
        assert scores[far].mean() < scores[~far].mean() - 0.2, "the scores know of it"

    def test_gaps(self):
        _, scores, _ = self.run(gaps=0.5)
        missing = scores == 0
        # A spell may miss the clip's frames, or begin before them.
        assert 0.3 < missing.any(1).mean() < 0.5
        begins = (np.diff(missing.astype(int), axis=1) == 1).sum(1) + missing[:, 0]
        assert begins.max() == 1, "one spell a joint"
        assert missing.sum(1).max() <= 40

    def test_blackouts_hit_all_joints_at_once(self):
        _, scores, _ = self.run(blackouts=1.0)
        missing = scores == 0
        assert_array_equal(missing.any(2), missing.all(2))
        assert missing.any((1, 2)).mean() > 0.75
        assert missing.sum(1).max() <= 20

    def test_swaps_exchange_the_sides_for_a_spell(self):
        found, _, off = self.run(swaps=1.0)
        truth = self.truth()
        wrong = off > 1e-3
        swapped = np.abs(found - truth[:, :, list(SEEN.mirror)]).max(-1) < 1e-3
        assert swapped[wrong].all(), "a joint is at its own place or at its twin's"
        assert wrong.any((1, 2)).mean() > 0.8
        assert not wrong[:, :, H36M_17.index("pelvis")].any()
        whole = wrong[:, :, H36M_17.index("left_wrist")].any(1)
        assert 0.3 < whole.mean() < 0.6, "half of the spells are of the legs alone"
        assert wrong.any(2).sum(1).max() <= 15

    def test_what_was_given_stays(self):
        truth = self.truth()
        before = truth.copy()
        detect(np.random.default_rng(0), truth, Detection(), SEEN.mirror)
        assert_array_equal(truth, before)


class TestObserve:
    @pytest.mark.parametrize("number", range(1 + len(LAYOUTS)))
    def test_each_layout_goes_the_way_of_inference(self, number):
        """What training sees of a detector's layout is what `to_skeleton` makes of it."""
        rng = np.random.default_rng(number)
        points, scores = rng.normal(size=(1, 4, len(SEEN), 2)), rng.uniform(0.1, 1, (1, 4, len(SEEN)))
        found, confidence = observe(points, scores, np.array([number]))
        source = (H36M_17, *LAYOUTS)[number]
        shared = [joint for joint in source.joints if joint in SEEN.joints]
        rows, columns = [source.index(j) for j in shared], [SEEN.index(j) for j in shared]
        own, own_scores = np.zeros((4, len(source), 2)), np.ones((4, len(source)))
        own[:, rows], own_scores[:, rows] = points[0][:, columns], scores[0][:, columns]
        truth = PoseSequence(own, source, "pixels", scores=own_scores).to_skeleton(H36M_17)
        assert_allclose(found[0], truth.points, atol=1e-6)
        assert_allclose(confidence[0], truth.confidence, atol=1e-6)

    def test_layouts_differ_from_clip_to_clip(self):
        points, scores = np.random.default_rng(0).normal(size=(2, 1, len(SEEN), 2)), np.ones((2, 1, len(SEEN)))
        points[1] = points[0]
        found, _ = observe(points, scores, np.array([0, 1 + LAYOUTS.index(COCO_17)]))
        assert_allclose(found[0, 0], points[0, 0, :17])
        head, nose = H36M_17.index("neck_nose"), SEEN.index("nose")
        assert_allclose(found[1, 0, head], points[0, 0, nose])
