"""The field's protocols against plain loops: windows, counting, the mirrored pass, averaging, joints."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy import ndarray

import poseglass as pg
from oracle import protocol as oracle
from poseglass.body.geometry import facing, rays
from poseglass.body.skeleton import COCO_17, H36M_17, MPI_INF_3DHP_17, Skeleton
from poseglass.clips.person import pelvis_path, person_coordinates
from poseglass.data.recordings.store import Recording, Recordings
from poseglass.data.recordings.writer import write_recordings
from poseglass.errors import DataError, ModelError
from poseglass.judging.on_recordings import evaluate_recordings
from poseglass.judging.protocol import Protocol
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


@pytest.mark.parametrize("counting", ["ours", "published"])
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize(("source", "inputs"), [("gt", 2), ("gt", 3), ("cpn", 3)])
def test_errors_on_human36m_match_plain_loops(h36m, counting, flip, source, inputs):
    report = evaluate_recordings(
        Known(inputs=inputs), h36m, Protocol(keypoints=source, counting=counting, flip=flip, batch=2)
    )

    def poses(recording, numbers):
        clips = oracle.windows(screen_input(recording, source, inputs), numbers)
        both = (oracle.both_ways(known, clip, H36M_17.left, H36M_17.right) if flip else known(clip) for clip in clips)
        return [rooted(clip, 0, published=counting == "published") for clip in both]

    check(
        report,
        expected(
            [r for r in h36m if r.subject in ("S9", "S11")],
            lambda r: oracle.seq2seq(len(r), CLIP),
            poses,
            lambda r, t: [r.action],
            published=counting == "published",
        ),
    )
    assert [group.name for group in report.groups] == ["Sitting", "WalkDog", "Walking"], "in the papers' order"
    assert (report.subjects, report.keypoints, report.flip) == (("S9", "S11"), source, flip)
    assert report.windows == 2 * (3 + 1 + 1 + 1 + 4)
    assert (report.repeated > 0) == (counting == "published")


@pytest.mark.parametrize("counting", ["ours", "published"])
def test_errors_of_the_centre_frame_match_plain_loops(h36m, counting):
    how = Protocol(keypoints="gt", counting=counting, centre=True, batch=7)
    report = evaluate_recordings(Known(), h36m, how)
    check(
        report,
        expected(
            [r for r in h36m if r.subject in ("S9", "S11")],
            lambda r: oracle.seq2frame(len(r), CLIP, CLIP // 2),
            lambda r, numbers: [
                rooted(known(c), 0, published=counting == "published")
                for c in oracle.windows(screen_input(r, "gt", 2), numbers)
            ],
            lambda r, t: [r.action],
            middle=CLIP // 2,
        ),
    )
    assert (report.repeated, report.windows) == (0, 2 * (20 + 4 + 9 + 1 + 31))


@pytest.mark.parametrize("counting", ["ours", "published"])
@pytest.mark.parametrize("skeleton", [H36M_17, MPI_INF_3DHP_17])
@pytest.mark.parametrize(("source", "inputs"), [("gt", 2), ("cpn", 3)])
def test_errors_on_3dhp_match_plain_loops(threedhp, counting, skeleton, source, inputs):
    """By sequence and activity, on valid frames, for models with Human3.6M's joints or those of the data set."""
    how = Protocol(source, counting=counting, flip=True, skeleton=skeleton)
    report = evaluate_recordings(Known(inputs=inputs), threedhp, how)
    # Written independently of the package: the index in MPI_INF_3DHP_17 of each joint of the model.
    places = [14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4] if skeleton == H36M_17 else list(range(17))
    left, right = ((4, 5, 6, 11, 12, 13), (1, 2, 3, 14, 15, 16)) if skeleton == H36M_17 else (
        (5, 6, 7, 11, 12, 13), (2, 3, 4, 8, 9, 10)
    )  # fmt: skip

    def poses(recording, numbers):
        clips = oracle.windows(screen_input(recording, source, inputs)[:, places], numbers)
        answers = [
            rooted(oracle.both_ways(known, clip, left, right), places.index(14), published=counting == "published")
            for clip in clips
        ]
        return [np.stack([clip[:, places.index(joint)] for joint in range(17)], 1) for clip in answers]

    assert ("of the joints mpi_inf_3dhp17" in str(report)) == (skeleton == MPI_INF_3DHP_17)
    activities = {2: ["Exercising"], 7: ["Miscellaneous"], 0: []}
    counts = expected(
        [r for r in threedhp if r.subject != "S1"],
        lambda r: oracle.seq2seq(len(r), CLIP),
        poses,
        lambda r, t: ["all", r.subject, *activities[int(r.activity[t])]],
        published=counting == "published",
    )
    check(report, counts, threedhp=True)
    assert [group.kind for group in report.groups] == ["sequence"] * 2 + ["activity"] * 2
    errors = np.concatenate([np.linalg.norm(p - t, axis=-1)[None] for p, t in counts["all"].single])
    assert [*report.joints.values()] == pytest.approx(1000 * errors.mean(0), rel=1e-5)
    assert [*report.joints] == [*MPI_INF_3DHP_17.joints]


def test_the_mirrored_pass_keeps_the_same_frames(h36m):
    torch.manual_seed(3)
    model = pg.hourglass(pg.create_model("mixste-tiny", frames=CLIP), keep=3, at=1, recover="nearest").eval()
    model = model.with_card(pg.Card(coordinates="screen"))
    differs = []

    def one(clip: ndarray) -> ndarray:
        x = torch.from_numpy(clip[None]).float()
        mirror = torch.from_numpy(oracle.mirrored(clip, H36M_17.left, H36M_17.right)[None]).float()
        with torch.inference_mode():
            plain = model.trace(x)
            again = model.trace(mirror, kept=plain.kept).pose3d[0].double().numpy()
            differs.append((model.trace(mirror).kept[1] != plain.kept[1]).any())
        return (plain.pose3d[0].double().numpy() + oracle.mirrored(again, H36M_17.left, H36M_17.right)) / 2

    counts = expected(
        [r for r in h36m if r.subject in ("S9", "S11")],
        lambda r: oracle.seq2seq(len(r), CLIP),
        lambda r, numbers: [rooted(one(c), 0) for c in oracle.windows(screen_input(r, "gt", 2), numbers)],
        lambda r, t: [r.action],
    )
    assert any(differs), "alone, the mirrored pass would keep other frames"
    check(evaluate_recordings(model, h36m, Protocol("gt", flip=True)), counts)


@pytest.mark.parametrize("always", [None, 1])
def test_a_funnel_is_judged_on_the_frame_it_always_keeps(h36m, always):
    torch.manual_seed(4)
    model = pg.funnel(pg.create_model("mixste-tiny", frames=CLIP), keep={1: 5, 2: 3}, always=always).eval()
    model = model.with_card(pg.Card(coordinates="screen"))
    middle = CLIP // 2 if always is None else always

    def one(clip: ndarray) -> ndarray:
        with torch.inference_mode():
            trace = model.trace(torch.from_numpy(clip[None]).float())
        poses = np.full((CLIP, 17, 3), np.nan)
        for place, frame in enumerate(trace.kept[2][0].tolist()):
            poses[frame] = trace.pose3d[0, place].numpy()
        return rooted(poses, 0)

    report = evaluate_recordings(model, h36m, Protocol("gt", batch=5))
    counts = expected(
        [r for r in h36m if r.subject in ("S9", "S11")],
        lambda r: oracle.seq2frame(len(r), CLIP, middle),
        lambda r, numbers: [one(c) for c in oracle.windows(screen_input(r, "gt", 2), numbers)],
        lambda r, t: [r.action],
        middle=middle,
    )
    check(report, counts)
    assert report.centre


@pytest.mark.parametrize("centre", [False, True])
def test_models_of_person_coordinates_get_the_input_of_lifting(h36m, centre):
    model = Known(inputs=3, coordinates="person")

    def poses(recording, numbers):
        points, scores = (x.astype(float) for x in (recording.points2d("cpn"), recording.scores("cpn")))
        for clip, score in zip(oracle.windows(points, numbers), oracle.windows(scores, numbers), strict=True):
            tensors = torch.from_numpy(clip), torch.from_numpy(score)
            turn = facing(rays(pelvis_path(*tensors).numpy(), SIZE))
            answer = rooted(known(person_coordinates(*tensors).numpy()), 0)
            yield np.stack([pose @ rotation for pose, rotation in zip(answer, turn, strict=True)])

    import poseglass.clips.view

    with pytest.MonkeyPatch.context() as patch:  # noise has no left and right to repair
        patch.setattr(poseglass.clips.view, "steady_sides", lambda points, scores: (points, scores))
        report = evaluate_recordings(model, h36m, Protocol("cpn", centre=centre))
    counts = expected(
        [r for r in h36m if r.subject in ("S9", "S11")],
        lambda r: oracle.seq2frame(len(r), CLIP, CLIP // 2) if centre else oracle.seq2seq(len(r), CLIP),
        lambda r, numbers: list(poses(r, numbers)),
        lambda r, t: [r.action],
        middle=CLIP // 2 if centre else None,
    )
    check(report, counts)


class Perfect(Known):
    """A model that answers with the truth."""

    def __init__(self, clips: list[ndarray]) -> None:
        super().__init__()
        self.clips = clips

    def forward(self, pose2d):
        poses = torch.from_numpy(np.stack(self.clips[: len(pose2d)])).float()
        del self.clips[: len(pose2d)]
        return poses


def test_true_poses_have_no_error_and_each_gets_every_recording(h36m):
    chosen = [r for r in h36m if r.subject in ("S9", "S11")]
    clips = [c for r in chosen for c in oracle.windows(r.points3d - r.points3d[:, :1], oracle.seq2seq(len(r), CLIP))]
    got: list[tuple[str, ndarray]] = []
    report = evaluate_recordings(
        Perfect(clips), h36m, Protocol("gt"), each=lambda recording, poses: got.append((recording.name, poses))
    )
    assert max(max(group.errors.values()) for group in report.groups) < 1e-3
    assert [name for name, _ in got] == [r.name for r in chosen]
    for recording, (_, poses) in zip(chosen, got, strict=True):
        np.testing.assert_allclose(poses, truth(recording), atol=1e-6)


def test_nan_is_not_hidden(h36m):
    class Broken(Known):
        def head(self, tokens):
            poses = super().head(tokens)
            poses[:, 2, 3] = torch.nan
            return poses

    report = evaluate_recordings(Broken(), h36m, Protocol("gt"))
    assert all(np.isnan(value) for value in report.total.errors.values())
    assert '"MPJPE": null' in report.json()


def test_evaluation_leaves_the_mode_of_the_model_unchanged(h36m):
    model = pg.create_model("mixste-tiny", frames=CLIP).train()
    model.project.eval()
    modes = [part.training for part in model.modules()]
    evaluate_recordings(model, h36m, Protocol("gt"))
    assert [part.training for part in model.modules()] == modes


def test_the_batch_size_does_not_change_the_errors(h36m):
    torch.manual_seed(0)
    model = pg.create_model("mixste-tiny", frames=CLIP, card=pg.Card(coordinates="screen"))
    one, many, again = (evaluate_recordings(model, h36m, Protocol("gt", batch=size)) for size in (1, 64, 64))
    assert one.total.errors == pytest.approx(many.total.errors, rel=1e-4)
    assert many == again, "the same input, the same output, bit for bit"


def test_the_card_of_the_model_sets_the_defaults(h36m, tmp_path):
    model = Known(keypoints="cpn", answers="centre")
    report = evaluate_recordings(model, h36m)
    assert (report.keypoints, report.centre) == ("cpn", True)
    assert not evaluate_recordings(model, h36m, Protocol(centre=False)).centre
    assert pg.evaluate(model, h36m, flip=True) == evaluate_recordings(model, h36m, Protocol(flip=True))
    assert pg.evaluate(model, h36m, split="val").total == report.total, "Human3.6M is validated on its test subjects"


def test_the_models_own_skeleton_is_the_default(threedhp):
    model = Known(skeleton="mpi_inf_3dhp17")
    report = evaluate_recordings(model, threedhp, Protocol("gt"))
    assert report.skeleton == "mpi_inf_3dhp17"
    assert report.total == evaluate_recordings(Known(), threedhp, Protocol("gt", skeleton=MPI_INF_3DHP_17)).total
    other = evaluate_recordings(model, threedhp, Protocol("gt", skeleton=H36M_17))
    assert other == evaluate_recordings(Known(), threedhp, Protocol("gt"))
    assert other.total != report.total


@pytest.mark.parametrize(
    ("how", "subjects"),
    [
        ({}, ("S9", "S11")), ({"split": "test"}, ("S9", "S11")), ({"split": "train"}, ("S1",)),
        ({"subjects": ("S1", "S9")}, ("S9", "S1")), ({"subjects": ("S1", "S9"), "split": "train"}, ("S1",)),
    ],
)  # fmt: skip
def test_splits_select_the_subjects_of_the_protocol(h36m, how, subjects):
    assert evaluate_recordings(Known(), h36m, Protocol("gt", **how)).subjects == subjects


def test_data_without_splits_are_evaluated_whole(tmp_path):
    mine = write(tmp_path / "h36m", "mine", H36M_TAKES, H36M_17)
    report = evaluate_recordings(Known(), mine, Protocol("gt"))
    assert report.subjects == ("S9", "S11", "S1")
    assert [group.name for group in report.groups] == ["Walking", "WalkDog", "Sitting"]


GT = {"keypoints": "gt"}


@pytest.mark.parametrize(
    ("change", "how", "error", "words"),
    [
        ({}, {}, DataError, "has the 2D poses gt, cpn; choose with --keypoints"),
        ({"keypoints": "sh"}, {}, DataError, "trained on the 2D poses 'sh', and .* has gt, cpn; choose"),
        ({}, {"keypoints": "sh"}, DataError, "no 2D poses 'sh' for all of these recordings; it has gt, cpn"),
        ({}, GT | {"subjects": ("S5",)}, DataError, "no subject S5; there are S1, S11, S9"),
        ({}, GT | {"batch": 0}, ModelError, "batch must be 1 or more, not 0"),
        ({}, GT | {"counting": "theirs"}, DataError, "ours or published, not 'theirs'"),
        ({"inputs": 4}, GT, ModelError, "this one takes 4"),
        (
            {"coordinates": "person"},
            GT | {"skeleton": MPI_INF_3DHP_17},
            ModelError,
            "needs the joints of h36m17",
        ),
        ({}, GT | {"skeleton": COCO_17}, DataError, r"\(h36m17\) and of the model \(coco17\) must match one to one"),
    ],
)
def test_impossible_evaluations_are_refused(h36m, as_used, change, how, error, words):
    model = Known(**change)
    with pytest.raises(error, match=words):
        evaluate_recordings(model, h36m, Protocol(**how))


def test_missing_splits_and_funnels_for_all_frames_are_refused(h36m):
    with pytest.raises(DataError, match=r"no split test; there are train \(S1\)"):
        evaluate_recordings(Known(), h36m.split(subjects=["S1"]), Protocol("gt"))
    with pytest.raises(ModelError, match="a funnel predicts one frame"):
        evaluate_recordings(pg.funnel("mixste-tiny", keep=9, at=1), h36m, Protocol("gt", centre=False))
