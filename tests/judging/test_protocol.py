"""The choices of a protocol: what the model's card and the data decide, and what is refused."""

import pytest
import recorded_oracle
from recorded_oracle import H36M_TAKES, Known, write

import poseglass as pg
from poseglass.body.skeleton import COCO_17, H36M_17, MPI_INF_3DHP_17
from poseglass.errors import DataError, ModelError
from poseglass.judging.on_recordings import evaluate_recordings
from poseglass.judging.protocol import Protocol

h36m, threedhp = recorded_oracle.h36m, recorded_oracle.threedhp  # fixtures


def test_the_card_of_the_model_sets_the_defaults(h36m, tmp_path):
    model = Known(keypoints="cpn", answers="centre")
    report = evaluate_recordings(model, h36m)
    assert (report.keypoints, report.centre) == ("cpn", True)
    assert not evaluate_recordings(model, h36m, Protocol(centre=False)).centre
    assert pg.evaluate(model, h36m, flip=True) == evaluate_recordings(model, h36m, Protocol(flip=True))
    assert pg.evaluate(model, h36m, split="val").total == report.total, "Human3.6M is validated on its test subjects"
    with pytest.raises(DataError, match="world=True is for motion clips"):
        pg.evaluate(model, h36m, world=True)


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
