"""Lifting with a tiny model and random keypoints: one pose per frame at any frame rate."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from oracle import bodies
from poseglass import BLAZEPOSE_33, COCO_17, H36M_17, HALPE_26, PoseSequence, Skeleton
from poseglass.body.concatenate import concatenate
from poseglass.detect import Detector
from poseglass.detect.fake import FakeDetector
from poseglass.errors import DetectorError, ModelError, PoseError, WeightsError
from poseglass.lifting.lift import lift
from poseglass.lifting.lifter import EVERYBODY, MOST, Lifter
from poseglass.lifting.predictor import BATCH, predict
from poseglass.lifting.stopwatch import Stopwatch
from poseglass.models import MixSTE
from poseglass.video.info import VideoInfo
from poseglass.video.reading import Frame
from poseglass.waist.hourglass import backbone_of, hourglass

torch.set_num_threads(1)
torch.manual_seed(0)
MODEL = hourglass(MixSTE(frames=9, dim=16, depth=2, heads=2, inputs=3), keep=4, at=1, recover="interpolate")
IMAGE = np.zeros((4, 4, 3), np.uint8)


def keypoints(frames: int, skeleton: Skeleton = COCO_17, fps: float | None = 30, **fields) -> PoseSequence:
    points = 250 * bodies.motion(frames, skeleton.joints)[..., :2] * [1, -1] + [640, 700]
    return PoseSequence(points, skeleton, "pixels", fps=fps, size=(1280, 720), **fields)


def scores_of(poses: PoseSequence) -> np.ndarray:
    return np.where(poses.validity[:, None], poses.confidence, 0)


def on_the_grid(poses: PoseSequence) -> np.ndarray:
    """Resample 2D to 30 frames per second and the last frame, lift, and interpolate back to the times, in loops."""
    body = poses.to_skeleton(H36M_17)
    times = poses.times - poses.times[0]
    grid = np.arange(int(times[-1] * 30 + 1e-6) + 1) / 30
    if times[-1] - grid[-1] > 0.1 / 30:
        grid = np.append(grid, times[-1])
    points = np.empty((len(grid), 17, 2))
    for j in range(17):
        for d in range(2):
            points[:, j, d] = np.interp(grid, times, body.points[:, j, d])
    lifted = predict(MODEL, points, np.ones((len(grid), 17)), size=poses.size).pose3d
    back = np.empty((len(times), 17, 3))
    for j in range(17):
        for d in range(3):
            back[:, j, d] = np.interp(times, grid, lifted[:, j, d])
    return back


def assert_belongs(motion: PoseSequence, poses: PoseSequence) -> None:
    """Check that the motion matches the 2D poses frame by frame."""
    assert len(motion) == len(poses)
    assert (motion.skeleton, motion.space, motion.size) == (H36M_17, "camera", poses.size)
    assert np.isfinite(motion.points).all()
    assert not motion.points[:, 0].any()
    assert motion.kept is not None
    assert motion.pose2d is not None
    assert_array_equal(motion.pose2d.points, poses.points)
    assert_array_equal(motion.times, poses.times)
    assert motion.rate == poses.rate


@pytest.mark.parametrize("fps", [24, 25, 29.97, 30, 50])
def test_known_rates_are_lifted_without_resampling(fps):
    poses = keypoints(40, fps=fps)
    motion = lift(poses, model=MODEL) if fps == 30 else Lifter(MODEL).lift(poses)
    assert_belongs(motion, poses)
    body = poses.to_skeleton(H36M_17)
    direct = predict(MODEL, body.points, body.confidence, size=poses.size)
    assert_array_equal(motion.points, direct.pose3d)
    assert_array_equal(motion.kept, direct.kept)


@pytest.mark.parametrize("fps", [5, 12.5, 23, 60, 90, 120, 240])
@pytest.mark.parametrize("frames", [1, 2, 3, 50])
def test_other_rates_are_resampled_to_30_frames_per_second(fps, frames):
    poses = keypoints(frames, fps=fps)
    motion = Lifter(MODEL).lift(poses)
    assert_belongs(motion, poses)
    assert_allclose(motion.points, on_the_grid(poses), atol=2e-5)


def test_irregular_frames_are_resampled():
    rng = np.random.default_rng(0)
    poses = keypoints(50, fps=None, timestamps=3 + np.cumsum(rng.uniform(0.005, 0.09, 50)))
    motion = Lifter(MODEL).lift(poses)
    assert_belongs(motion, poses)
    assert_allclose(motion.points, on_the_grid(poses), atol=2e-5)


@pytest.mark.parametrize("frames", [2, 4, 60])
def test_a_person_in_odd_frames_only_is_lifted_at_60_frames_per_second(frames):
    valid = np.arange(frames) % 2 == 1
    poses = keypoints(frames, fps=60, valid=valid)
    motion = Lifter(MODEL).lift(poses)
    thirty = keypoints(frames, fps=60)[1::2]
    truth = Lifter(MODEL).lift(PoseSequence(thirty.points, COCO_17, "pixels", fps=30, size=poses.size))
    error = np.linalg.norm(motion.points[1::2] - truth.points, axis=-1).mean(-1)
    assert_allclose(error, 0, atol=0.02)


def test_a_gap_is_filled_in():
    times = np.append(np.arange(20), np.arange(20) + 60) / 30
    poses = keypoints(40, fps=30, timestamps=times)
    motion = Lifter(MODEL).lift(poses)
    assert_belongs(motion, poses)
    assert_allclose(motion.points, on_the_grid(poses), atol=2e-5)


@pytest.mark.parametrize("fps", [5, 24, 30, 60, 120])
def test_sequences_of_any_length_are_lifted(fps):
    lifter = Lifter(MODEL)
    for frames in (*range(1, 20), 64, *([65, 127, 200] if fps > 5 else [])):
        poses = keypoints(frames, fps=fps)
        assert_belongs(lifter.lift(poses), poses)
        assert lifter.report.frames == frames


@pytest.mark.parametrize("skeleton", [H36M_17, COCO_17, HALPE_26, BLAZEPOSE_33], ids=lambda s: s.name)
def test_any_skeleton_that_converts_is_lifted(skeleton):
    assert_belongs(Lifter(MODEL).lift(keypoints(12, skeleton)), keypoints(12, skeleton))


def test_flip_averages_with_the_mirrored_pass():
    poses = keypoints(30)
    plain, flipped = Lifter(MODEL).lift(poses), Lifter(MODEL, flip=True).lift(poses)
    body = poses.to_skeleton(H36M_17)
    assert_array_equal(flipped.points, predict(MODEL, body.points, body.confidence, flip=True, size=poses.size).pose3d)
    assert not np.array_equal(plain.points, flipped.points)


def test_a_known_focal_length_rotates_the_pose_of_a_person_off_centre():
    poses = keypoints(30)
    body = poses.to_skeleton(H36M_17)
    turned = Lifter(MODEL, focal=700).lift(poses)
    assert_array_equal(turned.points, predict(MODEL, body.points, body.confidence, size=poses.size, focal=700).pose3d)
    assert np.abs(turned.points - Lifter(MODEL).lift(poses).points).max() > 1e-3
    with pytest.raises(ModelError, match="focal"):
        Lifter(MODEL, focal=0)
    sizeless = PoseSequence(poses.points, COCO_17, "pixels", fps=30)
    with pytest.raises(ModelError, match="needs the image's size"):
        Lifter(MODEL, focal=700).lift(sizeless)


class TestFramesWithNobody:
    def poses(self, fps: float = 30, frames: int = 40) -> PoseSequence:
        valid = np.ones(frames, bool)
        valid[[0, 7, 8, 9, frames - 1]] = False
        whole = keypoints(frames, fps=fps, valid=valid)
        points = whole.points.copy()
        points[~valid] = np.nan
        return PoseSequence(points, COCO_17, "pixels", fps=fps, valid=valid, size=whole.size)

    @pytest.mark.parametrize("fps", [10, 30, 120])
    def test_frames_without_people_are_filled_and_marked_invalid(self, fps):
        lifter = Lifter(MODEL)
        motion = lifter.lift(self.poses(fps))
        assert len(motion) == 40
        assert_array_equal(motion.validity, self.poses().validity)
        assert np.isfinite(motion.points).all()
        assert (motion.confidence[7:10] == 0).all()
        assert (lifter.report.frames, lifter.report.valid) == (40, 35)

    def test_the_content_of_invalid_frames_does_not_matter(self):
        poses = self.poses()
        points = poses.points.copy()
        points[~poses.validity] = 1e6
        noisy = PoseSequence(points, COCO_17, "pixels", valid=poses.validity, size=poses.size)
        assert_array_equal(Lifter(MODEL).lift(noisy).points, Lifter(MODEL).lift(poses).points)

    def test_a_frame_with_a_known_joint_is_valid(self) -> None:
        scores = np.zeros((30, 17))
        scores[:, :9] = 1
        poses = keypoints(30, H36M_17, scores=scores)
        assert Lifter(MODEL).lift(poses).validity.all()

    def test_a_frame_whose_joints_are_all_unknown_is_invalid(self):
        scores = np.ones((12, 17))
        scores[4] = 0
        lifter = Lifter(MODEL)
        assert np.flatnonzero(~lifter.lift(keypoints(12, scores=scores)).validity).tolist() == [4]
        assert lifter.report.valid == 11

    @pytest.mark.parametrize("how", ["scores", "valid", "nan"])
    def test_a_sequence_without_people_is_refused(self, how):
        poses = {
            "scores": lambda: keypoints(12, scores=np.zeros((12, 17))),
            "valid": lambda: keypoints(12, valid=np.zeros(12, bool)),
            "nan": lambda: PoseSequence(np.full((12, 17, 2), np.nan), COCO_17, "pixels"),
        }[how]()
        with pytest.raises(DetectorError, match="none of the 12 frames shows a person"):
            Lifter(MODEL).lift(poses)


class TestErrors:
    def test_poses_that_are_not_in_pixels_are_refused(self):
        with pytest.raises(PoseError, match="in pixels, but these poses are in camera space"):
            Lifter(MODEL).lift(PoseSequence(np.zeros((5, 17, 3)), H36M_17, "camera"))

    def test_a_sequence_without_frames_is_refused(self):
        with pytest.raises(PoseError, match="got none"):
            Lifter(MODEL).lift(keypoints(5)[:0])

    def test_a_skeleton_that_does_not_convert_is_refused(self):
        legs = Skeleton("legs", ("left_hip", "right_hip"), ())
        with pytest.raises(PoseError, match="legs cannot be converted"):
            Lifter(MODEL).lift(PoseSequence(np.zeros((5, 2, 2)), legs, "pixels"))

    def test_unknown_models_and_models_of_other_inputs_are_refused(self):
        with pytest.raises(WeightsError, match="no weights acurate"):
            Lifter("acurate")
        with pytest.raises(ModelError, match="4 inputs"):
            Lifter(MixSTE(frames=9, dim=16, depth=2, heads=2, inputs=4))


class TestStream:
    def frames(self, times: np.ndarray) -> Iterator[Frame]:
        return (Frame(IMAGE, float(seconds)) for seconds in times)

    def stream(self, poses: PoseSequence, times: np.ndarray, fps: float, **how) -> tuple[list[PoseSequence], Lifter]:
        lifter, self.stopwatch = Lifter(MODEL, detector=FakeDetector(poses), **how), Stopwatch()
        stream = lifter.stream(self.frames(times), size=(1280, 720), fps=fps, stopwatch=self.stopwatch)
        return list(stream), lifter

    @pytest.mark.parametrize("fps", [5, 24, 30, 60, 120])
    @pytest.mark.parametrize("frames", [1, 64, 65, 150])
    def test_a_stream_gives_the_same_motion_as_a_sequence(self, frames, fps):
        poses = keypoints(frames, fps=fps)
        chunks, lifter = self.stream(poses, poses.times, fps)
        together = Lifter(MODEL).lift(poses)
        assert_array_equal(np.concatenate([chunk.times for chunk in chunks]), together.times)
        points = np.concatenate([chunk.points for chunk in chunks])
        assert_array_equal(points, together.points)
        for chunk in chunks:
            assert chunk.pose2d is not None
            assert len(chunk.pose2d) == len(chunk)
            assert chunk.size == (1280, 720)
        assert (lifter.report.frames, lifter.report.valid) == (frames, frames)
        assert lifter.report.kept == sum(int(chunk.kept.sum()) for chunk in chunks)
        assert set(self.stopwatch.seconds) == {"decode", "detect", "lift"}

    def test_frames_without_people_in_a_stream_are_marked_invalid(self):
        valid = np.ones(150, bool)
        valid[60:70] = False
        poses = keypoints(150, valid=valid)
        chunks, lifter = self.stream(poses, poses.times, 30)
        assert_array_equal(np.concatenate([chunk.validity for chunk in chunks]), valid)
        assert (lifter.report.frames, lifter.report.valid) == (150, 140)
        assert_array_equal(np.concatenate([c.points for c in chunks]), Lifter(MODEL).lift(poses).points)

    def test_the_lag_of_a_stream_is_bounded(self):
        poses = keypoints(400)
        drawn = 0

        def counted() -> Iterator[Frame]:
            nonlocal drawn
            for drawn, frame in enumerate(self.frames(poses.times), start=1):  # noqa: B007
                yield frame

        given = 0
        lifter = Lifter(MODEL, detector=FakeDetector(poses))
        for chunk in lifter.stream(counted(), size=(1280, 720), fps=30):
            given += len(chunk)
            # Two windows, plus the frames decoded and detected ahead.
            assert drawn - given <= 2 * 9 + 5 * 64
        assert given == drawn == 400

    def test_an_error_of_the_detector_is_raised(self):
        class Broken(FakeDetector):
            def detect(self, image, seconds):
                if seconds > 0.5:
                    raise DetectorError("the detector is broken")
                return super().detect(image, seconds)

        poses = keypoints(60)
        with pytest.raises(DetectorError, match="the detector is broken"):
            list(Lifter(MODEL, detector=Broken(poses)).stream(self.frames(poses.times), size=(4, 4), fps=30))

    def test_a_lifter_can_lift_again(self):
        poses = keypoints(30)
        lifter = Lifter(MODEL, detector=FakeDetector(poses))
        first, second = (
            np.concatenate([c.points for c in lifter.stream(self.frames(poses.times), size=(1280, 720), fps=30)])
            for _ in range(2)
        )
        assert_array_equal(first, second)

    def test_a_stream_that_is_left_early_ends_its_threads(self):
        import threading

        poses = keypoints(300)
        stream = Lifter(MODEL, detector=FakeDetector(poses)).stream(self.frames(poses.times), size=(4, 4), fps=30)
        next(stream)
        stream.close()
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("poseglass-ahead")]


class CrowdDetector(FakeDetector):
    """Detect the people of several sequences, in an order that changes from frame to frame."""

    def __init__(self, *people: PoseSequence) -> None:
        self.skeleton = people[0].skeleton
        self._each = [FakeDetector(poses) for poses in people]
        self._order = np.random.default_rng(0)

    def detect(self, image, seconds):
        people = [detector.detect(image, seconds) for detector in self._each]
        return np.concatenate([people[i] for i in self._order.permutation(len(people))])


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelname == "WARNING"]


def smaller(poses: PoseSequence, shift: float) -> PoseSequence:
    return replace(poses, points=0.8 * poses.points + np.array([shift, 0]))


class TestStreamsOfSeveralPeople:
    def lifted(self, *people: PoseSequence) -> tuple[PoseSequence, Lifter]:
        frames = [Frame(IMAGE, float(seconds)) for seconds in people[0].times]
        lifter = Lifter(MODEL, detector=CrowdDetector(*people))
        return concatenate(list(lifter.stream(frames, size=(1280, 720), fps=30))), lifter

    def test_one_person_is_followed_in_any_order_of_detections(self, caplog: pytest.LogCaptureFixture) -> None:
        main = keypoints(100)
        alone = Lifter(MODEL).lift(main)
        with caplog.at_level("WARNING", "poseglass"):
            motion, lifter = self.lifted(main, smaller(main, 500), smaller(main, -300))
        assert_array_equal(motion.points, alone.points)
        assert lifter.report.people == 3
        assert warnings(caplog) == ["3 people in sight: only one is followed, at first the most prominent"]

    def test_a_person_hidden_for_a_moment_is_not_swapped_with_another(self) -> None:
        valid = np.ones(100, bool)
        valid[40:50] = False
        main = keypoints(100, valid=valid)
        motion, _ = self.lifted(main, smaller(keypoints(100), 500))
        assert_array_equal(motion.validity, valid)
        assert_array_equal(motion.points, Lifter(MODEL).lift(main).points)

    def test_a_single_person_gives_no_warning(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level("WARNING", "poseglass"):
            assert self.lifted(keypoints(30))[1].report.people == 1
        assert not warnings(caplog)


class FakeVideo:
    """Stands for a :class:`poseglass.video.reading.VideoReader`."""

    problem = None
    path = Path("film.mp4")

    def __init__(self, poses: PoseSequence) -> None:
        self.info = VideoInfo(size=(1280, 720), fps=poses.rate, frames=len(poses), duration=poses.duration)
        self._times = poses.times

    def __enter__(self) -> "FakeVideo":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        return (Frame(IMAGE, float(seconds)) for seconds in self._times)


class TestSeveralPeople:
    """Two people: the larger one enters after a second, the smaller one leaves after three."""

    def people(self) -> tuple[PoseSequence, PoseSequence]:
        late, early = np.arange(120) >= 30, np.arange(120) < 90
        return keypoints(120, valid=late), smaller(keypoints(120, valid=early), 500)

    def test_the_most_prominent_person_of_the_whole_clip_is_lifted(self, caplog: pytest.LogCaptureFixture) -> None:
        large, small = self.people()
        lifter = Lifter(MODEL, detector=CrowdDetector(large, small))
        chunks: list[PoseSequence] = []
        with caplog.at_level("WARNING", "poseglass"):
            motion = lifter.lift(FakeVideo(large), each=chunks.append)
        alone = Lifter(MODEL).lift(replace(large, timestamps=large.times))
        assert_array_equal(motion.points, alone.points)
        assert_array_equal(motion.validity, large.validity)
        assert (motion.person, lifter.report.people) == (1, 2)
        assert warnings(caplog) == [f"2 people in sight: only the most prominent one is lifted; {EVERYBODY}"]
        assert (lifter.report.frames, lifter.report.valid) == (120, 90)
        starts = [n for n, chunk in enumerate(chunks) if chunk.times[0] == 0]
        assert len(starts) == 2, "the small person was followed first"
        assert_array_equal(concatenate(chunks[starts[1] :]).points, motion.points)

    @pytest.mark.parametrize(("people", "count"), [("all", 2), (5, 2), (2, 2), (1, 1)])
    def test_several_people_are_lifted_on_one_clock(
        self, caplog: pytest.LogCaptureFixture, people: Literal["all"] | int, count: int
    ) -> None:
        large, small = self.people()
        lifter = Lifter(MODEL, detector=CrowdDetector(large, small))
        chunks: list[PoseSequence] = []
        frames: list[Frame] = []
        with caplog.at_level("WARNING", "poseglass"):
            motions = lifter.lift(FakeVideo(large), people=people, each=chunks.append, on_frame=frames.append)
        assert [motion.person for motion in motions] == [1, 2][:count]
        for motion, poses in zip(motions, (large, small), strict=False):
            assert_array_equal(motion.times, large.times)
            assert_array_equal(motion.validity, poses.validity)
            assert_array_equal(motion.points, Lifter(MODEL).lift(replace(poses, timestamps=poses.times)).points)
            mine = concatenate([chunk for chunk in chunks if chunk.person == motion.person])
            assert_array_equal(mine.points, motion.points)
        assert len(frames) == 120
        assert lifter.report.people == 2
        assert not warnings(caplog)

    def test_a_detector_of_one_person_is_asked_for_one_that_detects_several(self) -> None:
        large, small = self.people()

        class Single(FakeDetector):
            def for_people(self, count: int) -> Detector:
                counts.append(count)
                return CrowdDetector(large, small)

        counts: list[int] = []
        lifter = Lifter(MODEL, detector=Single(small))
        assert lifter.lift(FakeVideo(large)).person is None
        assert not counts
        assert len(lifter.lift(FakeVideo(large), people="all")) == 2
        assert counts == [MOST]

    def test_keypoints_of_several_people_come_through_the_same_door(self) -> None:
        large, small = self.people()
        lifter = Lifter(MODEL)
        both = lifter.lift([large, small], people="all")
        assert [motion.person for motion in both] == [1, 2]
        for motion, poses in zip(both, (large, small), strict=True):
            assert_array_equal(motion.points, lifter.lift(poses).points)
        assert lifter.lift([large, small]).person == 1
        assert lifter.report.people == 2
        assert [motion.person for motion in lifter.lift(large, people="all")] == [1]
        assert lifter.lift(large).person is None

    def test_other_numbers_of_people_are_refused_at_once(self) -> None:
        with pytest.raises(PoseError, match='people must be "largest", "all" or a number from 1, got 0'):
            lift("none.mp4", people=0)

    def test_an_empty_film_is_refused(self) -> None:
        nobody = keypoints(30, valid=np.zeros(30, bool))
        lifter = Lifter(MODEL, detector=FakeDetector(nobody))
        for people in ("largest", "all"):
            with pytest.raises(DetectorError, match=r"nobody was detected in any of the 30 frames of film\.mp4"):
                lifter.lift(FakeVideo(nobody), people=people)


class TestSideEffects:
    def test_the_mode_of_the_model_is_unchanged(self) -> None:
        model = MixSTE(frames=9, dim=16, depth=2, heads=2, inputs=3).train()
        next(model.children()).eval()
        modes = [module.training for module in model.modules()]
        lifter = Lifter(model)
        motion = lifter.lift(keypoints(30))
        assert [module.training for module in model.modules()] == modes
        assert not any(module.training for module in lifter.model.modules())
        model.train()
        assert_array_equal(lifter.lift(keypoints(30)).points, motion.points)
        with torch.no_grad():
            for weights in model.parameters():
                weights.zero_()
        assert np.abs(lifter.lift(keypoints(30)).points - motion.points).max() > 1e-3, (
            "the lifter shares the caller's weights"
        )

    def test_weights_that_are_replaced_in_the_model_count(self) -> None:
        model = MixSTE(frames=9, dim=16, depth=2, heads=2, inputs=3)
        other = MixSTE(frames=9, dim=16, depth=2, heads=2, inputs=3)
        lifter = Lifter(model)
        model.load_state_dict(other.state_dict(), assign=True)
        assert_array_equal(lifter.lift(keypoints(30)).points, Lifter(other).lift(keypoints(30)).points)

    def test_the_number_of_threads_is_unchanged_while_several_lift(self) -> None:
        expected = Lifter(MODEL).lift(keypoints(200)).points
        counts, start = set(), torch.get_num_threads()

        def look(_: PoseSequence) -> None:
            counts.add(torch.get_num_threads())

        torch.set_num_threads(2)
        try:
            with ThreadPoolExecutor(2) as pool:
                done = [pool.submit(Lifter(MODEL).lift, keypoints(200), each=look) for _ in range(4)]
                motions = [future.result() for future in done]
            with ThreadPoolExecutor(1) as pool:
                counts.add(pool.submit(torch.get_num_threads).result())
            assert counts == {2}
            assert torch.get_num_threads() == 2
        finally:
            torch.set_num_threads(start)
        for motion in motions:
            assert_allclose(motion.points, expected, atol=1e-5)


class TestChunks:
    def test_each_receives_the_chunks_of_keypoints_too(self) -> None:
        poses = keypoints(100, fps=25)
        chunks: list[PoseSequence] = []
        motion = Lifter(MODEL).lift(poses[10:], each=chunks.append)
        assert len(chunks) > 3
        assert_array_equal(np.concatenate([chunk.points for chunk in chunks]), motion.points)
        assert_array_equal(np.concatenate([chunk.times for chunk in chunks]), poses[10:].times)
        assert_array_equal(motion.times, poses[10:].times)
        assert motion.timestamps is None

    @pytest.mark.parametrize("late", [20, 64, 100])
    def test_a_clock_that_becomes_irregular_gives_the_same_motion_in_a_stream(self, late: int) -> None:
        steps = np.full(160, 1 / 30)
        steps[late:] = np.random.default_rng(0).uniform(0.005, 0.09, 160 - late)
        poses = keypoints(160, fps=30, timestamps=np.cumsum(steps))
        frames = (Frame(IMAGE, float(seconds)) for seconds in poses.times)
        stream = Lifter(MODEL, detector=FakeDetector(poses)).stream(frames, size=(1280, 720), fps=30)
        streamed, motion = concatenate(list(stream)), Lifter(MODEL).lift(poses)
        assert streamed.points.tobytes() == motion.points.tobytes()
        assert_array_equal(streamed.kept, motion.kept)
        if late >= 64:  # before that, the rate is the median of the first 64 frames, which is not 30
            assert_allclose(motion.points, on_the_grid(poses), atol=1e-4)


class TestDevices:
    def test_a_model_stays_where_it_is_and_shares_its_weights(self) -> None:
        for name in (None, "cpu", torch.device("cpu")):
            assert next(Lifter(MODEL, device=name).model.parameters()) is next(MODEL.parameters())

    def test_a_model_elsewhere_is_copied_to_the_device(self) -> None:
        lifter = Lifter(MODEL, device="meta")
        assert {weight.device.type for weight in lifter.model.parameters()} == {"meta"}
        assert {weight.device.type for weight in MODEL.parameters()} == {"cpu"}

    def test_a_missing_device_is_refused(self) -> None:
        with pytest.raises(ModelError, match=r"this machine has no device cuda:99 .*; choose auto or one of cpu"):
            lift(keypoints(9), model=MODEL, device="cuda:99")

    def test_keypoints_are_lifted_in_batches_if_the_device_is_faster_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        poses = keypoints(200)
        expected = lift(poses, model=MODEL)
        clips: list[int] = []
        trace = type(MODEL).trace
        monkeypatch.setattr(
            type(MODEL), "trace", lambda self, pose2d, **kept: clips.append(len(pose2d)) or trace(self, pose2d, **kept)
        )
        monkeypatch.setitem(BATCH, "cpu", 8)
        motion = lift(poses, model=MODEL)
        assert max(clips) == 8
        assert sum(clips) == 33, "as many windows as one by one"
        assert_allclose(motion.points, expected.points, atol=1e-5)
        assert_array_equal(motion.kept, expected.kept)


def test_calibrated_weights_give_each_joint_a_radius():
    """The radius belongs to the whole motion, however it was cut into chunks; other weights give none."""
    lifter, poses = Lifter("balanced"), keypoints(100)
    motion = lifter.lift(poses)
    calibration = backbone_of(lifter.model).uncertainty
    assert calibration is not None
    assert motion.uncertainty is not None
    assert_array_equal(motion.uncertainty, calibration.radius(motion).astype(np.float32))
    assert (motion.uncertainty[:, 1:] > 0.005).all()
    assert Lifter(MODEL).lift(poses).uncertainty is None
