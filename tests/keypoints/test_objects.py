"""Objects of other libraries: stand-ins with the attributes that Ultralytics, supervision and rtmlib document."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

import poseglass as pg
from poseglass.errors import FormatError
from poseglass.lifting.source import open_source
from samples.keypoint_files import SIZE, person


def crowd(*places: float, joints: int = 17) -> np.ndarray:
    return np.stack([person(joints, x=x) for x in places]) if places else np.zeros((0, joints, 3))  # p j 3


FRAMES = [crowd(100, 400), crowd(), crowd(402, 102), crowd(103)]


def ultralytics(people: np.ndarray, ids: list[int] | None = None) -> SimpleNamespace:
    """As ultralytics.engine.results.Results: tensors, the height of the image first."""
    table = torch.from_numpy(people)
    conf = table[..., 2] if len(people) else None
    boxes = SimpleNamespace(id=None if ids is None else torch.tensor(ids, dtype=torch.float32))
    return SimpleNamespace(keypoints=SimpleNamespace(xy=table[..., :2], conf=conf), orig_shape=SIZE[::-1], boxes=boxes)


def supervision(people: np.ndarray) -> SimpleNamespace:
    """As supervision.KeyPoints: arrays, all of which are empty without people."""
    return SimpleNamespace(xy=people[..., :2].astype(np.float32), confidence=people[..., 2], class_id=None, data={})


def rtmlib(frames: list[np.ndarray]) -> list[pg.PoseSequence]:
    return pg.from_rtmlib([f[..., :2] for f in frames], [f[..., 2] for f in frames], size=SIZE, fps=25)


@pytest.mark.parametrize(
    "read",
    [
        lambda frames: pg.from_ultralytics((ultralytics(people) for people in frames), fps=25),
        lambda frames: pg.from_supervision([supervision(people) for people in frames], size=SIZE, fps=25),
        rtmlib,
    ],
    ids=["ultralytics", "supervision", "rtmlib"],
)
def test_everybody_is_followed(read):
    first, second = read(FRAMES)
    assert (first.skeleton, first.size, first.rate) == (pg.COCO_17, SIZE, 25)
    assert first.validity.tolist() == [True, False, True, True]
    assert second.validity.tolist() == [True, False, True, False]
    assert_allclose(first.points[[0, 2, 3], 0, 0], person(17, x=0)[0, 0] + [100, 102, 103], rtol=1e-6)
    assert_allclose(first.confidence[3], 0.9)


def test_one_result_is_one_frame_and_may_be_lifted():
    people = pg.from_ultralytics(ultralytics(crowd(100)))
    assert len(open_source(people).main) == 1


def test_tracks_are_kept():
    frames = [ultralytics(crowd(*places), ids) for places, ids in (((100, 400), [7, 9]), ((400, 100), [9, 7])) * 3]
    first, _ = pg.from_ultralytics(frames)
    assert np.ptp(first.points[:, 0, 0]) == 0


@pytest.mark.parametrize("unknown", [-1, np.nan])
def test_numbers_that_say_nothing_are_unknown(unknown):
    """Two people change places, and the one without a number has another one in each frame."""
    places, ids = [(100, 400), (400, 100)] * 3, [(unknown, 3), (3, unknown)] * 3
    frames = []
    for where, numbers in zip(places, ids, strict=True):
        frames.append(supervision(crowd(*where)))
        frames[-1].tracker_id = np.array(numbers)
    people = pg.from_supervision(frames, size=SIZE, fps=30)
    assert sorted(np.ptp(poses.points[:, 0, 0]) for poses in people) == [0, 0]


def test_joints_at_zero_are_unknown():
    people = crowd(100)
    people[0, 3] = [0, 0, 0.4]
    people[0, 5:, 2] = 0.8
    (poses,) = pg.from_ultralytics(ultralytics(people))
    assert np.flatnonzero(poses.confidence[0] == 0).tolist() == [3]


@pytest.mark.parametrize(("joints", "skeleton"), [(26, pg.HALPE_26), (133, pg.COCO_17)])
def test_rtmlib_has_several_bodies(joints, skeleton):
    (poses,) = rtmlib([crowd(100, joints=joints)] * 3)
    assert poses.skeleton == skeleton


def test_rtmlib_arrays_may_start_with_the_people(caplog):
    table = np.stack([crowd(100 + n) for n in range(5)])  # f p j 3
    for order in (table, table.swapaxes(0, 1)):
        (poses,) = pg.from_rtmlib(order[..., :2], order[..., 2], size=SIZE)
        assert len(poses) == 5
    assert "is taken as" not in caplog.text
    pg.from_rtmlib(np.stack([table[:, 0, :, :2]] * 2).repeat(2, 1), size=SIZE)
    assert "the array of keypoints of shape (2, 10, 17, 2) is taken as 10 frames of 2 people" in caplog.text
    with pytest.raises(FormatError, match=r"scores must have shape \(5, 1, 17\), got \(5,\)"):
        pg.from_rtmlib(table[..., :2], np.ones(5))


def test_an_unknown_rate_is_assumed_and_named(caplog):
    pg.from_rtmlib([crowd(100)] * 2)
    assert (
        "rtmlib's keypoints: the frame rate is unknown; 30 frames per second are assumed, unless you give fps"
        in caplog.text
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pg.from_ultralytics([3]), "expected a Results per frame, got a int without keypoints; use a model"),
        (lambda: pg.from_ultralytics(3), "expected an object for each frame of the video, got a int"),
        (lambda: pg.from_ultralytics([ultralytics(crowd())]), "no frame shows a person"),
        (lambda: pg.from_supervision([SimpleNamespace(xyxy=3)]), "expected a KeyPoints per frame"),
        (lambda: pg.from_rtmlib([np.ones((1, 17, 4))]), r"keypoints must have shape \(people, joints, 2\), got"),
        (lambda: pg.from_rtmlib([crowd(100)], []), "there must be scores for each of the 1 frames, got 0"),
        (lambda: pg.from_rtmlib([crowd(100)], [np.ones(3)]), r"scores must have shape \(1, 17\), got \(3,\)"),
        (lambda: pg.from_rtmlib(None), "expected an object for each frame of the video, got a NoneType"),
        (lambda: pg.from_rtmlib([crowd(100, joints=16)]), "16 joints are those of MPII"),
    ],
)
def test_other_objects_are_refused(call, message):
    with pytest.raises(FormatError, match=message):
        call()
