"""``poseglass evaluate`` and ``reproduce`` end to end, on synthetic data."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import scipy.io

import poseglass as pg
from oracle import bodies
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.data.h36m.prepare import prepare_h36m
from poseglass.data.recordings.writer import write_recordings
from poseglass.data.synthetic.generate import generate
from poseglass.data.threedhp.prepare import prepare_3dhp
from poseglass.judging.in_the_world import evaluate_world
from poseglass.judging.on_recordings import evaluate_recordings
from poseglass.judging.protocol import Protocol


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two data sets, and a tiny model that takes screen coordinates."""
    folder = tmp_path_factory.mktemp("data")
    generate("h36m", folder / "a", frames=12, subjects=["S9"])
    whole = prepare_h36m(folder / "a", folder / "all-actions").recordings
    with write_recordings(folder / "h36m", skeleton="h36m17", dataset="Human3.6M", sources=whole.sources) as writer:
        for r in whole.split(actions=["Eating", "Walking"]):
            writer.add(
                subject=r.subject, action=r.action, take=r.take, camera=r.camera, fps=r.fps, size=r.size,
                points3d=r.points3d, points2d={source: r.points2d(source) for source in r.sources},
            )  # fmt: skip
    generate("3dhp-mat", folder / "b", frames=12, subjects=["TS1", "TS2", "TS3", "TS4", "TS5", "TS6"])
    prepare_3dhp(folder / "b", folder / "3dhp")
    model = pg.create_model("mixste-tiny", frames=9, card=pg.Card(coordinates="screen", keypoints="cpn"))
    pg.save(model, folder / "weights" / "model")
    return folder


def test_the_report_on_human36m_is_printed_and_saved_in_every_format(poseglass, data, monkeypatch):
    monkeypatch.chdir(data)
    options = ("--flip", "--protocol", "published", "--batch", 8)
    files = ("--json", "out/e.json", "--csv", "out/e.csv", "--plots", "out/plots")
    code, out, err = poseglass("evaluate", "weights/model", "--data", "h36m", *options, *files)
    assert code == 0, err
    how = Protocol("cpn", counting="published", flip=True, batch=8)
    report = evaluate_recordings(pg.load("weights/model"), pg.Recordings.open("h36m"), how, name="model")
    assert out == f"{report}\n", "the report, and nothing else, is on standard output"
    assert "ran on " in err, "with the device, which the command chooses"
    assert json.loads(Path("out/e.json").read_text()) == report.record()
    rows = [*csv.DictReader(Path("out/e.csv").read_text().splitlines())]
    assert [row["name"] for row in rows] == [group.name for group in (*report.groups, report.total)]
    assert float(rows[-1]["MPJPE"]) == report.total.errors["MPJPE"]
    assert {path.name for path in Path("out/plots").iterdir()} == {"error-per-joint.png", "error-per-action.png"}
    pg.save(pg.load("weights/model"), "runs/mine/best")
    code, out, _ = poseglass("evaluate", "runs/mine/best", "--data", "h36m")
    assert out.startswith("mine/best on Human3.6M"), "the heading names the run whose best weights these are"
    chosen = ("--keypoints", "gt", "--subjects", "S9", "--centre")
    code, out, _ = poseglass("evaluate", "weights/model", "--data", "h36m", *chosen, "--markdown")
    assert code == 0
    assert "2D poses gt" in out
    assert "predict the centre frame" in out
    assert "| mean over 2 actions |" in out
    assert "missing actions: Directions, Discussion, Greeting" in out


@pytest.fixture
def clips(data, monkeypatch):
    """Motion clips, and a tiny model that takes person coordinates."""
    monkeypatch.chdir(data)
    takes = [
        MotionClip(who, bodies.motion(40, pg.H36M_17.joints, seed).astype(np.float32), who, "test")
        for seed, who in enumerate(("anna", "bert"))
    ]
    MotionClips(tuple(takes), fps=50.0).save("clips.npz")
    pg.save(pg.create_model("mixste-tiny", frames=9, inputs=3), "weights/person")
    return MotionClips.load("clips.npz")


def test_the_report_on_motion_clips_is_printed_and_saved_in_every_format(poseglass, clips):
    files = ("--json", "out/clips.json", "--csv", "out/clips.csv")
    code, out, err = poseglass("evaluate", "weights/person", "--data", "clips.npz", "--flip", *files)
    assert code == 0, err
    report = pg.evaluate(pg.load("weights/person"), clips, flip=True)
    assert out == f"{report}\n", "the report, and nothing else, is on standard output"
    assert "ran on " in err, "with the device, which the command chooses"
    assert json.loads(Path("out/clips.json").read_text()) == report.record()
    assert Path("out/clips.csv").read_text() == report.csv()
    assert {group.name for group in report.groups} == {"all", "anna", "bert"}
    code, out, _ = poseglass("evaluate", "weights/person", "--data", "clips.npz", "--split", "test", "--markdown")
    assert out == pg.evaluate(pg.load("weights/person"), clips).markdown() + "\n"


@pytest.mark.parametrize(
    "option",
    [
        ("--keypoints", "gt"), ("--subjects", "anna"), ("--protocol", "ours"), ("--centre",), ("--all-frames",),
        ("--skeleton", "h36m17"), ("--batch", 1), ("--plots", "plots"), ("--mat", "x.mat"),
    ],
)  # fmt: skip
def test_options_for_recordings_are_refused_for_motion_clips(poseglass, clips, option):
    code, out, err = poseglass("evaluate", "weights/person", "--data", "clips.npz", *option)
    assert (code, out) == (2, "")
    assert "is for a folder of recordings" in " ".join(err.replace("│", " ").split())


def test_motion_clips_have_two_versions_of_the_protocol(poseglass, clips):
    for options, version in (((), 1), (("--protocol", "1"), 1), (("--protocol", "2"), 2)):
        code, out, _ = poseglass("evaluate", "weights/person", "--data", "clips.npz", *options)
        assert code == 0
        assert f"protocol {version}: 4 cameras" in out
    code, _, err = poseglass("evaluate", "weights/person", "--data", "clips.npz", "--protocol", "3")
    assert code == 2
    assert "motion clips have 1 and 2" in " ".join(err.replace("│", " ").split())


def test_motions_in_the_world_are_measured_on_request(poseglass, clips):
    takes = [
        MotionClip(
            f"{who}/{take}", bodies.motion(100 + 10 * take, pg.H36M_17.joints, take).astype(np.float32), who, "test"
        )
        for who in ("anna", "bert")
        for take in range(2)
    ]
    long = MotionClips(tuple(takes), fps=30.0)
    long.save("long.npz")
    arguments = ("evaluate", "weights/person", "--data", "long.npz", "--world", "--protocol", "2")
    code, out, err = poseglass(*arguments, "--takes", 2, "--csv", "out/world.csv", "--json", "out/world.json")
    assert code == 0, err
    report = evaluate_world(pg.load("weights/person"), long, takes=2, protocol=2)
    assert out == f"{report}\n"
    assert Path("out/world.csv").read_text() == report.csv()
    assert json.loads(Path("out/world.json").read_text()) == report.record()
    code, out, _ = poseglass(*arguments, "--markdown")
    assert out == pg.evaluate(pg.load("weights/person"), long, world=True, protocol=2).markdown() + "\n"
    code, _, err = poseglass("evaluate", "weights/person", "--data", "clips.npz", "--world")
    assert code == 1
    assert "fewer than 100 frames" in " ".join(err.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("h36m", "--world"), "for a file of motion clips"),
        (("clips.npz", "--takes", 3), "only for --world"),
        (("clips.npz", "--world", "--takes", 0), "greater than or equal to 1"),
        (("clips.npz", "--world", "--subjects", "anna"), "for a folder of recordings"),
    ],
)
def test_options_for_the_world_that_do_not_fit_are_refused(poseglass, clips, arguments, words):
    code, out, err = poseglass("evaluate", "weights/model", "--data", *arguments)
    assert (code, out) == (2, "")
    assert words in " ".join(err.replace("│", " ").split())


def test_the_matlab_file_for_3dhp_holds_the_evaluated_poses(poseglass, data, monkeypatch):
    monkeypatch.chdir(data)
    arguments = ("evaluate", "weights/model", "--data", "3dhp", "--keypoints", "gt")
    code, out, err = poseglass(*arguments, "--mat", "inference_data.mat", "--plots", "plots")
    assert code == 0, err
    assert "PCK" in out
    assert "Sports" in out or "Sitting" in out, "the original annotations have activities"
    content = scipy.io.loadmat("inference_data.mat")
    recordings = {r.subject: r for r in pg.Recordings.open("3dhp")}
    errors = []
    for name, recording in recordings.items():
        assert content[name].shape == (3, 17, 1, 12)
        poses = content[name][:, :, 0].transpose(2, 1, 0)
        assert not poses[:, 14].any(), "the pelvis is at the origin"
        truth = 1000 * (recording.points3d - recording.points3d[:, 14:15])
        errors.append(np.linalg.norm(poses - truth, axis=-1)[recording.valid])
    assert f" {np.concatenate(errors).mean():.1f} " in out, "the same error when read back"
    assert {path.name for path in Path("plots").iterdir()} == {
        "error-per-joint.png", "error-per-sequence.png", "error-per-activity.png"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (("weights/model", "--data", "3dhp"), "trained on the 2D poses 'cpn', and 3dhp has gt", 1),
        (("weights/model", "--data", "h36m", "--keypoints", "sh"), "no 2D poses 'sh'", 1),
        (("weights/model", "--data", "h36m", "--subjects", "S1"), "no subject S1; there are S9", 1),
        (
            ("weights/model", "--data", "h36m", "--split", "train"),
            "h36m has no split train; there are val (S9), test (S9)",
            1,
        ),
        (("weights/model", "--data", "h36m", "--protocol", "theirs"), "'theirs'", 2),
        (("weights/model", "--data", "h36m", "--mat", "x.mat"), "is for MPI-INF-3DHP, but h36m holds Human3.6M", 1),
        (
            ("weights/model", "--data", "3dhp", "--subjects", "TS1", "--mat", "x.mat"),
            "TS2, TS3, TS4, TS5, TS6 would",
            1,
        ),
        (("weights/model", "--data", "3dhp", "--split", "train", "--mat", "x.mat"), "not for the split train", 1),
        (("weights/model", "--data", "h36m", "--csv", "a/data_3d_h36m.npz/x"), "cannot write", 1),
        (("weights/model", "--data", "h36m", "--skeleton", "coco17"), "must match one to one", 1),
        (("weights/model", "--data", "weights"), "weights is a folder without index.json", 1),
        (("nothing", "--data", "h36m"), "there are no weights nothing", 1),
        (("weights/model", "--data", "h36m", "--device", "cuda:99"), "no device cuda:99", 2),
    ],
)
def test_wrong_arguments_give_one_message(poseglass, data, monkeypatch, arguments, words, code):
    monkeypatch.chdir(data)
    got, out, err = poseglass("evaluate", *arguments)
    assert (got, out) == (code, ""), err
    assert words in " ".join(err.split())
    assert "Traceback" not in err
    assert not Path("x.mat").exists()


def test_reproduce_lists_models_with_and_without_weights(poseglass, data, monkeypatch, tmp_path):
    monkeypatch.chdir(data)
    code, out, err = poseglass("reproduce", "h36m", "--data", "h36m")
    assert code == 0, err
    assert "no weights for: MHFormer; TPC w. MHFormer; MixSTE" in out
    assert "39.9~" in out
    pg.save(pg.load("weights/model"), tmp_path / "weights" / "hot-mixste")
    code, out, err = poseglass(
        "reproduce",
        "h36m",
        "--data",
        "h36m",
        "--weights",
        tmp_path / "weights",
        "--markdown",
        "--json",
        tmp_path / "r.json",
    )
    assert code == 1, "there are weights, but of another model"
    assert "could not be measured: HoT w. MixSTE: expected weights for MixSTE of 243 frames" in out
    assert json.loads((tmp_path / "r.json").read_text())["rows"][4]["problem"]
    assert poseglass("reproduce", "coco", "--data", "h36m")[0] == 1
    assert poseglass("reproduce", "h36m", "--data", "h36m", "--protocol", "theirs")[0] == 2
