"""``poseglass data`` from end to end: generate, prepare and open data; and the errors for wrong files."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import poseglass as pg
from poseglass.body.geometry import to_screen
from poseglass.data.recordings.store import Recordings
from poseglass.data.synthetic.people import STYLES, move
from samples.bomb import Bomb
from samples.motion_files import write_csv


@pytest.mark.parametrize(
    ("layout", "command", "subjects", "count"),
    [
        ("h36m", "h36m", ("S1", "S11"), 4 * (30 + 29)),
        ("h36m-cdf", "h36m", ("S11",), 4 * 29),
        ("3dhp", "3dhp", ("S1", "TS1"), 17),
        ("3dhp-mat", "3dhp", ("S1", "TS1"), 17),
    ],
)
def test_data_sets_are_generated_prepared_and_opened(poseglass, layout, command, subjects, count):
    wanted = [word for subject in subjects for word in ("--subject", subject)]
    code, out, err = poseglass("data", "generate", layout, "download", "--frames", "10", *wanted)
    assert (code, out) == (0, "")
    assert "wrote download/" in err
    code, out, err = poseglass("data", command, "download", "prepared")
    assert (code, err.strip()) == (0, "")
    recordings = Recordings.open("prepared", verify=True)
    assert len(recordings) == count
    assert {r.subject for r in recordings} == {*subjects}
    assert recordings.fingerprint in out
    assert "missing:" in out
    assert "academic" in recordings.licence or "research" in recordings.licence
    assert recordings.provenance["with"].startswith("poseglass ")


def test_every_error_is_one_line(poseglass):
    poseglass("data", "generate", "h36m", "download", "--frames", "5", "--subject", "S1")
    path = Path("download/data_2d_h36m_gt.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    Path("full").mkdir()
    Path("full/file").write_text("x")
    for arguments, words in (
        (("data", "h36m", "download", "out"), "data_2d_h36m_gt.npz: positions_2d cannot be read"),
        (("data", "h36m", "nowhere", "out"), "there is no folder nowhere"),
        (("data", "h36m", "full", "out"), "full has no Human3.6M"),
        (("data", "h36m", "download", "full"), "full exists and is not empty"),
        (("data", "3dhp", "full", "out"), "full has no MPI-INF-3DHP"),
        (("data", "generate", "coco", "out"), "there is no layout 'coco'"),
        (("data", "generate", "h36m", "out", "--frames", "1"), "at least 2 frames"),
        (("data", "generate", "h36m", "full/file/out"), "cannot write"),
    ):
        code, out, err = poseglass(*arguments)
        assert (code, out) == (1, ""), arguments
        (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
        assert words in line
        assert "Traceback" not in err
        assert not Path("out").exists()


def test_a_malicious_download_is_refused_by_name_and_does_not_run(poseglass):
    Path("download").mkdir()
    np.savez("download/data_3d_h36m.npz", positions_3d=np.array({"S1": {"Walking": Bomb("trapped")}}, object))
    code, _, err = poseglass("data", "h36m", "download", "out")
    assert code == 1
    assert f"the pickle asks for {os.mkdir.__module__}.mkdir" in err
    assert "which is refused" in err
    assert not Path("trapped").exists()


TINY = """
[model]
frames = 9
sizes = { dim = 16, depth = 2, heads = 2 }
[waist]
keep = { 1 = 3 }
[data]
batch = 4
clean = 1.0
[schedule]
steps = 2
[run]
validation_clips = 4
"""


@pytest.fixture
def own(tmp_path):
    """The folder that docs/own-data.md describes, with the motion.toml from that page."""
    page = (Path(__file__).parents[2] / "docs" / "own-data.md").read_text()
    folder = tmp_path / "studio"
    for number, who in enumerate(("anna", "ben", "cleo")):
        (folder / who).mkdir(parents=True)
        points = move(np.random.default_rng(number), STYLES["Walking"], 100)
        write_csv(folder / who / "walk 1.csv", 1000 * points)
    (folder / "motion.toml").write_text(re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1])
    return folder


def test_own_motion_is_checked_prepared_and_trained_on(poseglass, own):
    code, out, err = poseglass("data", "check", "studio")
    assert (code, err.strip()) == (0, "")
    assert out.splitlines()[-1] == "studio: 3 takes of motion; 0 errors, 0 warnings"
    code, out, err = poseglass("data", "mocap", "studio", "clips.npz")
    assert (code, out) == (0, "")
    for split in ("train", "val", "test"):
        assert f"{split}: 1 clip" in err
    Path("tiny.toml").write_text(TINY)
    code, _, err = poseglass("train", "tiny.toml", "--data", "clips.npz", "-o", "run")
    assert code == 0, err
    code, out, err = poseglass("evaluate", "run/best", "--data", "clips.npz")
    assert code == 0, err
    assert "cleo" in out
    code, out, err = poseglass("data", "mocap", "studio", "prepared")
    assert code == 0, err
    assert "3 recordings, 300 frames of h36m17, 2D gt" in out
    code, out, err = poseglass("data", "check", "prepared")
    assert (code, err.strip()) == (0, "")
    assert "checksums correct" in out


@pytest.mark.parametrize("detected", [False, True])
def test_own_recordings_are_trained_and_judged_on(poseglass, own, detected):
    """Your own cameras: splits come from the description, and the model's card names its keypoints."""
    if detected:  # each take has keypoints, half a pixel off
        entries = []
        poseglass("data", "mocap", "studio", "exact")
        for recording in Recordings.open("exact"):
            file = f"{recording.subject}/seen.npy"
            np.save(own / file, recording.points2d("gt") + 0.5)
            entries.append(
                f'[[takes]]\nfile = "{recording.subject}/walk 1.csv"\nsubject = "{recording.subject}"\n'
                f'layout = "h36m17"\nkeypoints = {{ front = "{file}" }}\n'
            )
        with (own / "motion.toml").open("a") as file:
            file.write("\n".join(["", *entries]))
    source = "detected" if detected else "gt"
    code, _, err = poseglass("data", "mocap", "studio", "prepared")
    assert code == 0, err
    Path("tiny.toml").write_text(TINY.replace("clean = 1.0", f'keypoints = "{source}"'))
    code, _, err = poseglass("train", "tiny.toml", "--data", "prepared", "-o", "run")
    assert code == 0, err
    about = json.loads(Path("run/data.json").read_text())
    assert (about["training"]["subjects"], about["validation"]["subjects"]) == (["anna"], ["ben"])
    assert pg.load("run/best").card == pg.Card(coordinates="screen", keypoints=source)
    code, out, err = poseglass("evaluate", "run/best", "--data", "prepared", "--json", "e.json")
    assert code == 0, err
    assert f"subjects cleo, fingerprint {Recordings.open('prepared').fingerprint}\n2D poses {source}" in out
    model, (cleo,) = pg.load("run/best"), Recordings.open("prepared").split(subjects=["cleo"])
    pose2d = to_screen(cleo.points2d(source), cleo.size).astype(np.float32)
    scores = cleo.scores(source) if detected else np.ones(pose2d.shape[:2], np.float32)
    assert len(cleo) == 100
    starts = np.arange(12) * 9 - 4  # twelve clips; both ends share the 8 surplus frames
    rows = np.clip(starts[:, None] + np.arange(9), 0, 99)
    clips = np.concatenate([pose2d, scores[..., None]], -1)[rows]
    with torch.inference_mode():
        poses = model(torch.from_numpy(clips)).numpy()
    poses -= poses[:, :, :1]
    truth = cleo.points3d - cleo.points3d[:, :1]
    inside = (starts[:, None] + np.arange(9) >= 0) & (starts[:, None] + np.arange(9) < 100)
    error = 1000 * np.linalg.norm(poses - truth[rows], axis=-1)[inside].mean()
    assert json.loads(Path("e.json").read_text())["total"]["errors"]["MPJPE"] == pytest.approx(error, rel=1e-5)
    code, out, err = poseglass("evaluate", "run/best", "--data", "prepared", "--split", "val")
    assert code == 0, err
    assert "subjects ben" in out


def test_all_faults_of_own_motion_are_reported_at_once(poseglass, own):
    path = own / "ben" / "walk 1.csv"
    path.write_text(path.read_text().replace("left_knee", "lft_knee"))
    (own / "cleo" / "walk 1.csv").write_text("frame,a_x,a_y\n")
    code, out, err = poseglass("data", "check", "studio")
    assert (code, err.strip()) == (1, "")
    assert "error: studio/ben/walk 1.csv: lacks left_knee (did you mean 'lft_knee'?)" in out
    assert "error: studio/cleo/walk 1.csv: line 1: expected columns such as left_knee_x" in out
    assert out.splitlines()[-1] == "studio: 3 takes of motion; 4 errors, 0 warnings"
    for place in ("clips.npz", "prepared"):
        code, out, err = poseglass("data", "mocap", "studio", place)
        assert code == 1
        assert "lacks left_knee" in err + out
        assert "a has no z" in err + out
        assert Path(place).exists()  # with anna's take
    Path("map.toml").write_text('[joints]\nleft_knee = "lft_knee"\n')
    code, _, err = poseglass("data", "mocap", "studio/ben", "clips.npz", "--about", "map.toml")
    assert code == 0, err
    code, _, err = poseglass("data", "mocap", "studio/ben", "recordings", "--about", "map.toml")
    assert code == 1
    assert "recordings need cameras" in err
    assert poseglass("data", "check", "nowhere")[0] == 1


def test_training_refuses_an_empty_split(poseglass, own):
    (own / "motion.toml").write_text('units = "mm"\nup = "z"\n')
    code, _, err = poseglass("data", "mocap", "studio", "clips.npz")
    assert code == 0
    assert "split val: training needs it, but it has no takes; list its subjects in [splits]" in err
    Path("tiny.toml").write_text(TINY)
    code, _, err = poseglass("train", "tiny.toml", "--data", "clips.npz", "-o", "run")
    assert code == 1
    assert "the split 'val' has no clips" in err


def test_data_set_libraries_are_imported_only_when_needed():
    code = (
        "import sys, pkgutil, importlib, poseglass.data, poseglass.own.check, poseglass.commands.app\n"
        "for m in pkgutil.iter_modules(poseglass.data.__path__): importlib.import_module('poseglass.data.' + m.name)\n"
        "print([m for m in ('scipy', 'h5py', 'cdflib', 'c3d', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("[]", "['torch']")
