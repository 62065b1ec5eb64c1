"""Checks of motion clips and recordings: every fault is reported with its location."""

import numpy as np
import pytest

from poseglass.data.clips import MotionClip, MotionClips
from poseglass.data.recordings.writer import write_recordings
from poseglass.own.check import check
from poseglass.own.prepare import prepare_clips, prepare_recordings
from samples import motion_files as files
from samples.studio import add_takes, pixels

POINTS = files.people() * [1, -1, -1] + [0, 0, 5]
FLAT = 1000 * POINTS[..., :2] / POINTS[..., 2:] + 500


def lines_of(report):
    """The findings, without the summary."""
    return [line for line in str(report).splitlines() if line.startswith(("error", "warning"))]


def save(path, *clips, fps=60.0):
    MotionClips(tuple(clips), fps, "").save(path)
    return lines_of(check(path))


def test_prepared_data_has_no_findings(studio, tmp_path):
    add_takes(studio, pixels(0))
    prepare_clips(studio, tmp_path / "clips.npz")
    report = check(tmp_path / "clips.npz")
    assert (report.kind, report.findings) == ("motion clips", [])
    assert report.summary == ["3 clips, 0.1 minutes at 60 frames per second"]
    prepare_recordings(studio, tmp_path / "prepared")
    report = check(tmp_path / "prepared")
    assert (report.kind, report.findings) == ("recordings", [])
    (line,) = report.summary
    assert line.startswith("studio: 3 recordings, 270 frames of h36m17, 2D gt detected, checksums correct, fingerprint")


def test_faults_of_clips_are_reported(tmp_path):
    points = files.people().astype(np.float32)
    lines = save(
        tmp_path / "clips.npz",
        MotionClip("a", points, "anna", "train"),
        MotionClip("b", points, "anna", "val"),
        MotionClip("c", points * 1000, "ben", "val"),
    )
    assert "error: clip b, split val: its subject anna is also in the split train" in lines
    assert "warning: clip b: it starts exactly like the clip a" in lines
    assert any("clip c: a leg is" in line and "millimetres" in line for line in lines)


def test_clips_with_an_identical_start_are_reported_from_321_frames_on(tmp_path):
    """The first 65536 bytes are compared: 321 frames of 17 joints in single precision."""
    for frames, count in ((322, 1), (320, 0)):
        points = files.people(400).astype(np.float32)
        other = np.concatenate([points[:frames], points[frames:] + 1e-3])
        clips = (MotionClip("a", points, "anna", "train"), MotionClip("b", other, "ben", "val"))
        lines = save(tmp_path / "clips.npz", *clips)
        assert len([line for line in lines if "starts exactly like" in line]) == count


def test_missing_training_and_validation_clips_are_reported(tmp_path):
    clip = MotionClip("a", files.people().astype(np.float32), "anna", "test")
    assert save(tmp_path / "clips.npz", clip) == [
        "warning: split train: training needs it, but it has no clips",
        "warning: split val: training needs it, but it has no clips",
    ]


def test_an_impossible_frame_rate_is_reported(tmp_path):
    lines = save(tmp_path / "clips.npz", MotionClip("a", files.people().astype(np.float32), "anna"), fps=5000)
    assert len(lines) == 1
    assert "fps: 5000 frames per second cannot be right" in lines[0]


def test_truncated_clips_are_an_error(tmp_path):
    save(tmp_path / "clips.npz", MotionClip("a", files.people().astype(np.float32), "anna"))
    content = (tmp_path / "clips.npz").read_bytes()
    (tmp_path / "clips.npz").write_bytes(content[: len(content) // 2])
    assert check(tmp_path / "clips.npz").errors == 1


@pytest.fixture
def write(tmp_path):
    """Write and check recordings of one camera of 1000 x 900 pixels; returns the findings as text."""

    def write_and_check(*entries):
        common = {"action": "Walking", "camera": "0", "fps": 50, "size": (1000, 900), "split": "train"}
        with write_recordings(tmp_path / "out", skeleton="h36m17", dataset="mine", sources=["gt"]) as writer:
            for number, entry in enumerate(entries):
                facts = common | {"subject": "anna", "take": str(number), "points3d": POINTS} | entry
                writer.add(**facts | {"points2d": {"gt": entry.get("points2d", FLAT)}})
        return lines_of(check(tmp_path / "out"))

    return write_and_check


def test_faults_of_recordings_are_reported(write):
    lines = write({}, {"points2d": FLAT[::-1], "split": "val"}, {"subject": "ben", "points3d": POINTS * 1000})
    assert any("anna 1, camera 0, gt: 2D poses are" in line for line in lines)
    assert any("ben 2, camera 0: a leg is" in line for line in lines)
    assert any("index.json, anna: the subject is in several splits: train, val" in line for line in lines)


@pytest.mark.parametrize(("offset", "severity"), [(19, None), (21, "warning"), (238, "warning"), (242, "error")])
def test_2d_poses_far_from_the_projection_are_reported(write, offset, severity):
    """A warning beyond 2 % of the width, an error beyond 24 %. Offsets in a checkerboard pattern cannot be fitted."""
    frames, joints = np.indices((90, 17))
    pixels = FLAT + offset * np.where((frames + joints) % 2, 1.0, -1.0)[..., None] * [1, 0]
    lines = [line for line in write({"points2d": pixels}) if "2D poses are" in line]
    assert [line.partition(":")[0] for line in lines] == [severity] * (severity is not None)


def test_invalid_frames_give_no_finding(write):
    valid = np.ones(90, bool)
    valid[20:30] = False
    points, pixels = POINTS.copy(), FLAT.copy()
    points[~valid], pixels[~valid] = 0, 0
    assert write({"points3d": points, "points2d": pixels, "valid": valid}, {"subject": "ben", "split": "val"}) == []


def test_a_recording_without_a_valid_frame_is_reported(write):
    (line,) = write({"valid": np.zeros(90, bool)})
    assert line == "error: anna 0, camera 0: it has no valid frames"


def test_2d_poses_outside_the_image_are_reported(write):
    pixels = FLAT + np.array([1000 - np.quantile(FLAT[..., 0], 0.4), 0])  # 60 % beyond the right edge
    assert write({"points2d": pixels}) == [
        "warning: anna 0, camera 0, gt: 60% of the joints are outside the image of 1000 x 900 pixels"
    ]


def test_about_500_frames_of_a_recording_are_compared(write):
    """Every second of 1000 frames is compared; the others may be wrong."""
    points, pixels = np.tile(POINTS, (12, 1, 1))[:1000], np.tile(FLAT, (12, 1, 1))[:1000]
    pixels[1::2] = 1000 - pixels[1::2]
    lines = write({"points3d": points, "points2d": pixels})
    assert not [line for line in lines if "2D poses are" in line]


def test_a_changed_file_is_reported(write, tmp_path):
    assert write({}) == []
    with (tmp_path / "out" / "points3d.npy").open("r+b") as file:
        file.seek(-4, 2)
        file.write(b"\0\0\0\0")
    (line,) = lines_of(check(tmp_path / "out"))
    assert line.startswith(f"error: {tmp_path / 'out'}: points3d.npy changed after writing"), (
        "the location is given once"
    )
