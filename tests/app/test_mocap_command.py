"""``poseglass data mocap``."""

from pathlib import Path

from conftest import Run
from poseglass.data.clips import MotionClips
from samples.commandline import DATA, names, refused


def recording(path: Path, frames: int = 100) -> Path:
    """The BVH sample, with its last frame repeated because the sample is too short for a clip."""
    head, motion = (DATA / "cmu_01_03.bvh").read_text().split("MOTION")
    _, interval, *rows = [line for line in motion.splitlines() if line.strip()]
    rows += rows[-1:] * frames
    path.write_text(f"{head}MOTION\nFrames: {len(rows)}\n{interval}\n" + "\n".join(rows) + "\n")
    return path


class TestMocap:
    def test_a_folder_of_motion_files_becomes_clips(self, poseglass: Run, workdir: Path) -> None:
        (workdir / "bvh" / "01").mkdir(parents=True)
        recording(workdir / "bvh" / "01" / "01_03.bvh")
        (workdir / "bvh" / "01_04 [b].bvh").write_text("HIERARCHY\nnothing")
        done = poseglass("data", "mocap", "bvh", "clips.npz")
        assert done.code == 1, done.err
        assert done.out == ""
        assert "Reading motion capture" in done.err
        assert "1 clip" in done.err
        assert "left out bvh/01_04 [b].bvh: " in done.err
        (clip,) = MotionClips.load("clips.npz")
        assert clip.subject == "cmu_01"
        assert "mocap.cs.cmu.edu" in MotionClips.load("clips.npz").credit

    def test_missing_folders_and_wrong_output_names_are_refused(self, poseglass: Run, workdir: Path) -> None:
        (workdir / "empty").mkdir()
        refused(poseglass("data", "mocap", "empty", "out.npz"), "there are no motion files")
        refused(poseglass("data", "mocap", "nowhere", "out.npz"), "there is no folder or file nowhere")
        refused(poseglass("data", "mocap", "empty", "out.txt"), "out.txt", "ends in .npz for motion clips", code=2)
        refused(poseglass("data", "mocap", "empty", "folder"), "there are no motion files")
        assert names(workdir) == {"empty"}
