"""Ultralytics' label files."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import HALPE_26
from poseglass.errors import FormatError
from poseglass.keypoints import labels, read_keypoints, read_people
from poseglass.keypoints.file import KeypointFile
from samples.keypoint_files import SIZE, person


def line(joints: np.ndarray, *after: float, scores: bool = True) -> str:
    shares = joints / [*SIZE, 1]
    numbers = [0, 0.5, 0.5, 0.2, 0.4, *shares[:, : 3 if scores else 2].reshape(-1), *after]
    return " ".join(f"{number:.6g}" for number in numbers)


def folder(path: Path, frames: dict[int, list[str]]) -> Path:
    path.mkdir()
    for frame, lines in frames.items():
        (path / f"walk_{frame}.txt").write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("after", [(), (0.8,), (0.8, 3), (3,)])
@pytest.mark.parametrize("scores", [True, False])
def test_a_folder_is_read_frame_by_frame(tmp_path, after, scores):
    path = folder(tmp_path / "labels", {n: [line(person(17, x=100 + n), *after, scores=scores)] for n in (1, 2, 10)})
    poses = read_keypoints(path, size=SIZE, fps=25)
    assert np.flatnonzero(poses.validity).tolist() == [0, 1, 9]
    assert_allclose(poses.points[9], person(17, x=110)[:, :2], atol=2e-3)
    assert_allclose(poses.confidence[0], 0.9 if scores else 1)


def test_tracks_are_told_from_confidences(tmp_path):
    frames = {n: [line(person(17, x=x), 0.8, x) for x in (100, 400)][:: -1 if n % 2 else 1] for n in range(1, 7)}
    first, _ = read_people(folder(tmp_path / "labels", frames), size=SIZE)
    assert first.validity.all()
    assert np.ptp(first.points[:, 0, 0]) == 0


def test_one_file_is_one_frame_and_zeros_are_unknown(tmp_path):
    joints = person(17)
    joints[:, 2] = np.linspace(0.5, 0.9, 17)
    joints[2, :2] = 0
    (tmp_path / "walk.txt").write_text(line(joints))
    poses = read_keypoints(tmp_path / "walk.txt", size=SIZE)
    assert np.flatnonzero(poses.confidence[0] == 0).tolist() == [2]
    with pytest.raises(FormatError, match="its size is needed"):
        read_keypoints(tmp_path / "walk.txt")


def test_another_number_of_joints_needs_the_layout(tmp_path):
    path = folder(tmp_path / "labels", {1: [line(person(26))]})
    with pytest.raises(FormatError, match=r"walk_1\.txt, line 1 has 83 numbers: .* for another number of joints, give"):
        read_keypoints(path, size=SIZE)
    assert read_keypoints(path, size=SIZE, layout="halpe26").skeleton == HALPE_26


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a list of words", "holds neither numbers, as Ultralytics' label files do"),
        ("0 0.5 0.5 0.2 0.4 1 2 3", "has 8 numbers"),
        (line(person(17)) + "\n0 0.5 x", "line 2: could not convert"),
    ],
)
def test_other_texts_are_refused(tmp_path, text, message):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(FormatError, match=message):
        read_keypoints(tmp_path / "a.txt", size=SIZE)


def test_a_confidence_among_tracks_is_no_track(tmp_path):
    """Ultralytics writes the number of a track only of people who have one."""
    path = folder(tmp_path / "labels", {1: [line(person(17), 0.9, 2), line(person(17, x=400), 0.8)]})
    content = labels.read(KeypointFile(path), None)
    assert [person.track for person in content.frames[0]] == [2, None]
