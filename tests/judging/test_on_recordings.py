"""The field's protocols against plain loops: windows, counting, the mirrored pass, averaging, joints."""

import numpy as np
import pytest
import recorded_oracle
import torch
from numpy import ndarray
from recorded_oracle import CLIP, SIZE, Known, check, expected, known, rooted, screen_input, truth

import poseglass as pg
from oracle import protocol as oracle
from poseglass.body.geometry import facing, rays
from poseglass.body.skeleton import H36M_17, MPI_INF_3DHP_17
from poseglass.clips.person import pelvis_path, person_coordinates
from poseglass.judging.on_recordings import evaluate_recordings
from poseglass.judging.protocol import Protocol

h36m, threedhp = recorded_oracle.h36m, recorded_oracle.threedhp  # fixtures


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
