"""Small recordings, a model of a known formula, and the field's protocols in plain loops: to judge evaluations by."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy import ndarray

import poseglass as pg
from oracle import protocol as oracle
from poseglass.body.skeleton import H36M_17, MPI_INF_3DHP_17, Skeleton
from poseglass.data.recordings.store import Recording, Recordings
from poseglass.data.recordings.writer import write_recordings
from poseglass.judging.report import RecordingReport

CLIP = 9
SIZE = (1000, 800)


class Known(pg.PoseTransformer):
    """A model that computes a known formula of its input, the joint and the frame's index in the clip."""

    def __init__(self, frames: int = CLIP, inputs: int = 2, **card: str) -> None:
        super().__init__(card=pg.Card(**{"coordinates": "screen", **card}))
        self.dim, self.frames, self.depth, self.inputs = inputs + 1, frames, 2, inputs
        self.config = {}

    def embed(self, pose2d):
        place = torch.arange(self.frames)[None, :, None, None].expand(*pose2d.shape[:3], 1)
        return torch.cat([pose2d, place], -1)

    def layer(self, index, tokens, received=None):
        return tokens

    def head(self, tokens):
        x, y, *score, place = tokens.unbind(-1)
        joint = torch.arange(17) / 17
        z = 0.3 * x + 0.2 * y + 0.1 * joint - (0.05 * score[0] if score else 0)
        return torch.stack([0.5 * x + 0.1 * joint, y + 0.02 * place, z], -1)


def known(clip: ndarray) -> ndarray:
    """The same formula for one clip (f 17 i), in loops."""
    poses = np.zeros((*clip.shape[:2], 3))
    for place, joint in np.ndindex(clip.shape[:2]):
        x, y, *score = clip[place, joint]
        z = 0.3 * x + 0.2 * y + 0.1 * joint / 17 - (0.05 * score[0] if score else 0)
        poses[place, joint] = 0.5 * x + 0.1 * joint / 17, y + 0.02 * place, z
    return poses


# Subject, take, frames: shorter than a clip, one frame, exactly one clip, several clips with a remainder.
H36M_TAKES = [
    ("S9", "Walking", 20), ("S9", "Walking 1", 4), ("S9", "WalkDog", 9), ("S11", "Walking", 1), ("S11", "Sitting", 31),
    ("S1", "Sitting", 12),
]  # fmt: skip
THREEDHP_TAKES = [("S1", "Seq1", 8), ("TS1", "TS1", 21), ("TS2", "TS2", 5)]


def write(
    folder: Path, dataset: str, takes: list[tuple[str, str, int]], skeleton: Skeleton, **settings: object
) -> Recordings:
    rng = np.random.default_rng(len(takes))
    with write_recordings(
        folder, skeleton=skeleton, dataset=dataset, sources=("gt", "cpn"), scored=("cpn",), **settings
    ) as writer:
        for subject, take, frames in takes:
            for camera in ("a", "b") if dataset == "Human3.6M" else ("0",):
                valid = rng.random(frames) < 0.8
                valid[0] = True
                points = rng.normal((0, 0, 4), 0.3, (frames, 17, 3))
                pixels = rng.uniform(0, 800, (2, frames, 17, 2))
                activity = {"activity": rng.choice([0, 2, 7], frames).astype(np.int16)} if settings else {}
                writer.add(
                    subject=subject, action=take.split()[0], take=take, camera=camera, fps=50, size=SIZE,
                    points3d=points, points2d={"gt": pixels[0], "cpn": pixels[1]},
                    scores={"cpn": rng.random((frames, 17))}, valid=valid, **activity,
                )  # fmt: skip
    return Recordings.open(folder)


@pytest.fixture
def h36m(tmp_path):
    return write(tmp_path / "h36m", "Human3.6M", H36M_TAKES, H36M_17)


@pytest.fixture
def threedhp(tmp_path):
    return write(tmp_path / "3dhp", "MPI-INF-3DHP", THREEDHP_TAKES, MPI_INF_3DHP_17, activities=True)


def screen_input(recording: Recording, source: str, inputs: int) -> ndarray:
    """The input of a screen model (f 17 i), in the data's order."""
    points = oracle.screen(recording.points2d(source), *SIZE)
    scores = np.ones(points.shape[:2]) if source == "gt" else recording.scores(source)
    return np.concatenate([points, scores[..., None]], -1)[..., :inputs]


def truth(recording: Recording) -> ndarray:
    points = recording.points3d.astype(float)
    root = recording._columns and {"h36m": 0, "3dhp": 14}[recording._columns["points3d"].path.parent.name]
    return np.stack([pose - pose[root] for pose in points])


def expected(
    recordings: list[Recording],
    answers: Callable[[Recording], list[list[int]]],
    poses: Callable[[Recording, list[list[int]]], list[ndarray]],
    groups: Callable[[Recording, int], list[str]],
    *,
    published: bool = False,
    middle: int | None = None,
) -> dict[str, oracle.Count]:
    """Collect the frames of every group in loops."""
    counts: dict[str, oracle.Count] = {}
    for recording in recordings:
        numbers, target, valid = answers(recording), truth(recording), recording.valid
        answer = poses(recording, numbers)
        last = len(target) - 1
        if middle is not None:  # the centres, one by one
            stretches = [[(t, answer[t][middle]) for t in range(len(target))]]
        elif published:
            stretches = [
                [(min(max(n, 0), last), pose) for n, pose in zip(w, p, strict=True)]
                for w, p in zip(numbers, answer, strict=True)
            ]
        else:
            pairs = [(n, p) for w, clip in zip(numbers, answer, strict=True) for n, p in zip(w, clip, strict=True)]
            stretches = [[pair for pair in pairs if 0 <= pair[0] <= last]]
            assert [n for n, _ in stretches[0]] == list(range(len(target)))
        for stretch in stretches:
            for group in sorted({group for t, _ in stretch for group in groups(recording, t)}):
                counts.setdefault(group, oracle.Count()).add(
                    [pose for _, pose in stretch],
                    [target[t] for t, _ in stretch],
                    [bool(valid[t]) and group in groups(recording, t) for t, _ in stretch],
                )
    return counts


def rooted(poses: ndarray, root: int, *, published: bool = False) -> ndarray:
    """Our way subtracts the root from every joint; the published code sets the root alone to zero."""
    joints = np.arange(poses.shape[1])[:, None]
    return np.stack([np.where(joints == root, 0, pose) if published else pose - pose[root] for pose in poses])


def check(report: RecordingReport, counts: dict[str, oracle.Count], *, threedhp: bool = False) -> None:
    assert {group.name for group in report.groups} == {name for name in counts if name != "all"}
    errors = {name: count.errors_3dhp() if threedhp else count.errors() for name, count in counts.items()}
    for group in report.groups:
        assert group.frames == len(counts[group.name].single)
        assert group.errors == pytest.approx(errors[group.name], rel=1e-5, nan_ok=True), group.name
    total = errors["all"] if threedhp else {
        name: sum(each[name] for each in errors.values()) / len(errors) for name in report.total.errors
    }  # fmt: skip
    assert report.total.errors == pytest.approx(total, rel=1e-5, nan_ok=True)
    assert report.total.frames == (
        len(counts["all"].single) if threedhp else sum(len(count.single) for count in counts.values())
    )
