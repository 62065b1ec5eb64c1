"""Published checkpoints lift keypoints: against the model called by hand, and against independent computations."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

import poseglass as pg
from oracle import bodies, mhformer, mixste, motionagformer, motionbert, published
from poseglass.detect.fake import FakeDetector
from poseglass.errors import ModelError
from poseglass.models import Card
from poseglass.video.reading import Frame
from poseglass.waist.hourglass import Funnel

torch.set_num_threads(1)
SIZE = (1920, 1080)
LEFT, RIGHT = [4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]
BONES = [(pg.H36M_17.index(a), pg.H36M_17.index(b)) for a, b in pg.H36M_17.bones]
AVERAGE = 4.117  # metres: all bones of the average person

SMALL = {
    "mixste": lambda: published.mixste_shapes(frames=13, dim=16, depth=4),
    "hot_mixste": lambda: published.mixste_shapes(frames=13, dim=16, depth=4, keep=5),
    "motionbert": lambda: motionbert.shapes(frames=13, dim=16, hidden=64, rep=24, depth=3),
    "hot_motionbert": lambda: motionbert.shapes(frames=13, dim=16, hidden=64, rep=24, depth=3, keep=5),
    "motionagformer": lambda: published.motionagformer_shapes(lengths=(9, 9), dim=16),
    "hot_motionagformer": lambda: published.motionagformer_shapes(lengths=(9, 9, 4), dim=16, waist=True),
    "mhformer": lambda: mhformer.shapes(frames=9, dim=16, hidden=24, blocks=1),
}
ORACLES: dict[str, Callable] = {
    "mixste": lambda state: mixste.Published(state, heads=8),
    "hot_mixste": lambda state: mixste.Published(state, heads=8, at=3),
    "motionbert": lambda state: motionbert.Published(state, heads=8),
    "hot_motionbert": lambda state: motionbert.Published(state, heads=8, at=1),
    "motionagformer": lambda state: motionagformer.Published(state, heads=8, neighbours=2),
    "hot_motionagformer": lambda state: motionagformer.Published(state, heads=4, neighbours=4, at=2),
    "mhformer": lambda state: mhformer.Published(state, heads=8),
}


def walk(frames: int, *, size: tuple[int, int] | None = SIZE) -> pg.PoseSequence:
    """Someone to the right of the middle, in Human3.6M's joints, with scores below 1."""
    points = 300 * bodies.motion(frames, pg.H36M_17.joints)[..., :2] * [1, -1] + [1300, 900]
    scores = np.random.default_rng(0).uniform(0.4, 1, (frames, 17))
    return pg.PoseSequence(points, pg.H36M_17, "pixels", fps=50, scores=scores, size=size)


def by_hand(poses: pg.PoseSequence, inputs: int) -> np.ndarray:
    """The papers' input, joint by joint: x / w * 2 - 1, y / w * 2 - h / w, and the score."""
    clip = np.zeros((len(poses), 17, 3), np.float32)
    for t in range(len(poses)):
        for j in range(17):
            x, y = poses.points[t, j]
            clip[t, j] = x / 1920 * 2 - 1, y / 1920 * 2 - 1080 / 1920, poses.confidence[t, j]
    return clip[..., :inputs]


def mirror(x: np.ndarray) -> np.ndarray:
    flipped = x.copy()
    flipped[..., LEFT, :], flipped[..., RIGHT, :] = x[..., RIGHT, :], x[..., LEFT, :]
    flipped[..., 0] *= -1
    return flipped


def back_projected(pose: np.ndarray, pelvis: np.ndarray) -> np.ndarray:
    """A pose in units of the screen as points along the lines of sight of an ordinary lens, with average bones."""
    focal = 1.1 * 1920 * 2 / 1920  # of the screen's units
    points = []
    for x, y, z in pose - pose[0]:
        depth = (focal + z) / focal
        points.append([(pelvis[0] + x) * depth, (pelvis[1] + y) * depth, focal * depth])
    placed = np.array(points) - points[0]
    return placed * AVERAGE / sum(np.linalg.norm(placed[a] - placed[b]) for a, b in BONES)


def finished(name: str, pose: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """The published output in metres, relative to the pelvis."""
    return back_projected(pose, joints[0, :2]) if "motion" in name else pose - pose[:1]


def checkpoint(name: str, folder: Path) -> tuple[Path, dict[str, np.ndarray]]:
    state = published.filled(SMALL[name]())
    return published.write(state, folder / f"{name}.pth"), state


@pytest.mark.parametrize("name", SMALL)
def test_a_window_is_lifted_as_an_independent_computation_says(tmp_path, name):
    path, state = checkpoint(name, tmp_path)
    model = pg.load(path)
    poses = walk(model.frames)
    clip = by_hand(poses, model.inputs)
    motion = pg.lift(poses, model=path)
    assert (motion.space, motion.size, len(motion)) == ("camera", SIZE, model.frames)
    if model.card.answers == "all":
        answers, _ = ORACLES[name](state)(clip)
        truth = np.stack([finished(name, pose, joints) for pose, joints in zip(answers, clip, strict=True)])
    else:
        rows = [np.clip(np.arange(t - 4, t + 5), 0, 8) for t in range(9)]
        truth = np.stack([(pose := ORACLES[name](state)(clip[row])[0][4]) - pose[:1] for row in rows])
    assert_allclose(motion.points, truth, atol=1e-4)
    assert not motion.points[:, 0].any()


@pytest.mark.parametrize("name", ["hot_mixste", "motionbert", "motionagformer_small", "mhformer"])
def test_golden_checkpoints_lift_as_the_model_does_by_hand(tmp_path, name):
    state = published.filled(published.golden_shapes(name))
    path = published.write(state, tmp_path / "checkpoint.bin", "best_epoch.bin")
    model = pg.load(path)
    assert isinstance(model.card, Card)
    frames = 2 if name == "mhformer" else model.frames
    poses = walk(frames)
    clip = by_hand(poses, model.inputs)
    motion = pg.lift(poses, model=model)
    with torch.inference_mode():
        if name == "mhformer":
            rows = [np.clip(np.arange(t - 175, t + 176), 0, 1) for t in range(2)]
            answers = np.stack([model(torch.from_numpy(clip[row][None]))[0, 175].numpy() for row in rows])
        else:
            answers = model(torch.from_numpy(clip[None]))[0].numpy()
    truth = np.stack([finished(name, pose, joints) for pose, joints in zip(answers, clip, strict=True)])
    difference = np.abs(motion.points - truth)
    # MotionAGFormer's choice of neighbours amplifies rounding, so the median difference counts.
    assert (np.median(difference) if "agformer" in name else difference.max()) < 1e-4
    if "motion" in name:
        lengths = [sum(np.linalg.norm(pose[a] - pose[b]) for a, b in BONES) for pose in motion.points]
        assert_allclose(lengths, AVERAGE, rtol=1e-5)


@pytest.mark.parametrize("name", ["hot_mixste", "motionbert", "mhformer"])
def test_the_mirrored_pass_mirrors_the_screen(tmp_path, name):
    path, _ = checkpoint(name, tmp_path)
    model = pg.load(path)
    poses = walk(1 if name == "mhformer" else model.frames)
    clip = np.repeat(by_hand(poses, model.inputs), model.frames // len(poses), 0)
    with torch.inference_mode():
        batch = torch.from_numpy(clip[None])
        other = torch.from_numpy(mirror(clip[None]))
        if name == "hot_mixste":
            trace = model.trace(batch)
            pair = trace.pose3d, model.trace(other, kept=trace.kept).pose3d
        else:
            pair = model(batch), model(other)
    both = (pair[0][0].numpy() + mirror(pair[1][0].numpy())) / 2
    if name == "mhformer":
        both = both[4:5]
    truth = np.stack([finished(name, pose, joints) for pose, joints in zip(both, clip, strict=False)])
    assert_allclose(pg.lift(poses, model=model, flip=True).points, truth, atol=1e-5)


@pytest.mark.parametrize("inputs", [2, 3])
@pytest.mark.parametrize("waist", ["none", "hourglass", "funnel"])
@pytest.mark.parametrize("answers", ["all", "centre"])
def test_models_of_our_own_training_on_screen_coordinates_lift(inputs, waist, answers):
    torch.manual_seed(0)
    card = Card(coordinates="screen", answers=answers, keypoints="cpn")  # as recipes/h36m trains them
    backbone = pg.create_model("mixste-tiny", frames=9, inputs=inputs, card=card)
    torch.nn.init.normal_(backbone.time_embedding)
    model = {
        "none": lambda: backbone,
        "hourglass": lambda: pg.hourglass(backbone, keep=4, at=1, recover="interpolate"),
        "funnel": lambda: pg.funnel(backbone, keep=4, at=1, always=6),
    }[waist]().eval()
    poses = walk(9)
    clip = by_hand(poses, inputs)
    centre = 6 if waist == "funnel" else 4
    if waist == "funnel" or answers == "centre":
        rows = [np.clip(np.arange(9) + t - centre, 0, 8) for t in range(9)]
    else:
        rows = [np.arange(9)]
    truth = []
    for row in rows:
        with torch.inference_mode():
            if isinstance(model, Funnel):
                trace = model.trace(torch.from_numpy(clip[row][None]))
                truth.append(trace.pose3d[0, trace.kept[1][0].tolist().index(6)].numpy()[None])
            else:
                pose3d = model(torch.from_numpy(clip[row][None]))[0].numpy()
                truth.append(pose3d if len(rows) == 1 else pose3d[4:5])
    truth = np.concatenate(truth)
    motion = pg.lift(poses, model=model)
    assert_allclose(motion.points, truth - truth[:, :1], atol=1e-5)
    assert motion.kept.sum() == (4 if waist == "hourglass" and answers == "all" else 9)


@pytest.mark.parametrize(("coordinates", "unchanged"), [("screen", True), ("person", False)])
def test_only_models_of_the_screen_take_60_frames_per_second_unchanged(coordinates, unchanged):
    model = pg.create_model("mixste-tiny", frames=9, inputs=3, card=Card(coordinates=coordinates)).eval()
    poses = walk(40)
    points = [pg.lift(replace(poses, fps=fps), model=model).points for fps in (50, 60)]
    assert np.array_equal(*points) == unchanged


def test_a_saved_run_lifts_like_its_model(tmp_path):
    model = pg.create_model("mixste-tiny", frames=9, card=Card(coordinates="screen", keypoints="cpn")).eval()
    folder = pg.save(model, tmp_path / "best")
    assert_array_equal(pg.lift(walk(30), model=folder).points, pg.lift(walk(30), model=model).points)


@pytest.mark.parametrize("name", ["hot_mixste", "motionbert", "mhformer"])
def test_a_video_gives_the_same_motion_as_its_keypoints(tmp_path, name):
    model = pg.load(checkpoint(name, tmp_path)[0])
    poses = walk(40)
    frames = (Frame(np.zeros((4, 4, 3), np.uint8), float(seconds)) for seconds in poses.times)
    chunks = list(pg.Lifter(model, detector=FakeDetector(poses)).stream(frames, size=SIZE, fps=50))
    assert_array_equal(np.concatenate([chunk.points for chunk in chunks]), pg.lift(poses, model=model).points)


def test_screen_coordinates_need_the_size_of_the_image(tmp_path):
    path, _ = checkpoint("hot_mixste", tmp_path)
    with pytest.raises(ModelError, match=r"depend on the image's size.*--size WIDTHxHEIGHT"):
        pg.lift(walk(20, size=None), model=path)


def test_a_focal_length_is_refused_where_it_has_no_effect(tmp_path):
    path, _ = checkpoint("hot_mixste", tmp_path)
    with pytest.raises(ModelError, match="a focal length has no effect"):
        pg.lift(walk(20), model=path, focal=1000)
    path, _ = checkpoint("motionbert", tmp_path)
    default, long = (pg.lift(walk(20), model=path, focal=focal).points for focal in (None, 5000))
    assert np.abs(default - long).max() > 1e-2
    assert_array_equal(default, pg.lift(walk(20), model=path, focal=1.1 * 1920).points)


def test_the_cards_of_published_checkpoints_say_what_they_need(tmp_path):
    cards = {name: pg.load(checkpoint(name, tmp_path)[0]).card for name in SMALL}
    assert {card.coordinates for card in cards.values()} == {"screen"}
    assert {card.skeleton for card in cards.values()} == {"h36m17"}
    assert {name for name, card in cards.items() if card.answers == "centre"} == {"mhformer"}
    assert {name for name, card in cards.items() if card.units == "screen"} == {n for n in SMALL if "motion" in n}
