"""Telling videos, keypoints and motion apart; options that do not apply are refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import poseglass as pg
from poseglass.errors import DetectorError, FormatError, ModelError, PoseError
from poseglass.lifting.source import Keypoints, is_without_clock, open_source, source_kind
from samples.commandline import HALPE, openpose, someone
from samples.keypoint_files import coco, person, write


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, "keypoints") for name in ("a.json", "a.NPZ", "a.npy", "a.csv", ".")),
        *((name, "video") for name in ("a.mp4", "a.jpg", "a", "json")),
    ],
)
def test_the_kind_of_a_path_follows_from_its_name(name: str, kind: str) -> None:
    assert source_kind(name) == source_kind(Path(name)) == kind


def test_a_folder_of_images_is_a_video_unless_it_holds_keypoints(tmp_path: Path) -> None:
    assert source_kind(tmp_path) == "keypoints"
    (tmp_path / "2.PNG").touch()
    assert source_kind(tmp_path) == source_kind(tmp_path / "*.png") == source_kind(tmp_path / "%d.png") == "video"
    (tmp_path / "2_keypoints.json").touch()
    assert source_kind(tmp_path) == "keypoints"


@pytest.mark.parametrize(
    ("name", "needed"), [("%d.png", True), ("*.jpg", True), ("a.H264", True), ("a.mp4", False), ("a.json", False)]
)
def test_images_and_raw_streams_need_a_frame_rate(name: str, needed: bool) -> None:
    assert is_without_clock(name) == needed


def test_poses_that_are_already_loaded_are_used_directly() -> None:
    poses = someone(3)
    assert source_kind(poses) == "keypoints"
    assert open_source(poses).main is poses
    assert open_source([poses, poses]).people == [poses, poses]
    assert source_kind([poses, poses]) == "keypoints"
    loaded = Keypoints([poses])
    assert source_kind(loaded) == "keypoints"
    assert open_source(loaded) is loaded


def test_people_of_one_source_share_their_clock_and_their_image() -> None:
    poses = someone(3)
    with pytest.raises(PoseError, match="expected the keypoints of one or more people, got none"):
        Keypoints([])
    with pytest.raises(PoseError, match=r"people of one source must have the same size, got .* and None"):
        Keypoints([poses, replace(poses, size=None)])
    for other in (poses[1:], replace(poses, fps=9)):
        with pytest.raises(PoseError, match="people of one source must have the same frames, at the same times"):
            Keypoints([poses, other])


@pytest.mark.parametrize("source", [None, 3, [], ["walk.mp4"], b"walk.mp4", np.zeros((9, 17, 2))])
def test_other_objects_are_refused(source: object) -> None:
    kind = type(source).__name__
    with pytest.raises(PoseError, match=f"expected a path, a PoseSequence or a VideoReader, got a {kind}"):
        pg.lift(source)  # type: ignore[arg-type]


def test_python_lifts_every_file_that_the_command_lifts(tmp_path: Path) -> None:
    files = {
        HALPE: {"size": (1920, 1080), "fps": 25},
        openpose(tmp_path / "openpose"): {"layout": "body25"},
        someone().save(tmp_path / "own.npz"): {},
        someone().save(tmp_path / "table.csv"): {"fps": 24},
    }
    np.save(tmp_path / "array.npy", someone().points)
    files[tmp_path / "array.npy"] = {"layout": "h36m17", "size": (160, 90)}
    lifter = pg.Lifter()
    for file, options in files.items():
        poses = pg.read_keypoints(file, **options)
        motion = pg.lift(str(file), **options)
        assert (motion.rate, motion.size) == (poses.rate, poses.size)
        np.testing.assert_array_equal(motion.points, lifter.lift(poses).points)


@pytest.mark.parametrize(("crowd", "people"), [((1, 1), 1), ((1, 3, 0, 2, 3), 3)])
def test_the_report_of_a_keypoint_file_says_how_many_people_it_shows(
    tmp_path: Path, crowd: tuple[int, ...], people: int
) -> None:
    frames = {frame: [person(17, x=100 + 200 * which) for which in range(count)] for frame, count in enumerate(crowd)}
    lifter = pg.Lifter()
    lifter.lift(write(tmp_path / "walk.json", coco(frames)))
    assert lifter.report is not None
    assert lifter.report.people == people


def test_the_report_of_poses_counts_one_person() -> None:
    lifter = pg.Lifter()
    lifter.lift(someone(3))
    assert lifter.report is not None
    assert lifter.report.people == 1


@pytest.mark.parametrize("option", [{"layout": "coco17"}, {"size": (640, 480)}, {"fps": 25.0}])
def test_options_for_keypoint_files_are_refused_for_other_sources(option: dict) -> None:
    (name,) = option
    with pytest.raises(FormatError, match=rf"{name}: only for a file of keypoints .*walk.mp4 is treated as a video"):
        pg.lift("walk.mp4", **option)
    with pytest.raises(FormatError, match=rf"{name}: only for a file of keypoints .*got a PoseSequence"):
        pg.lift(someone(), **option)


def test_arguments_for_videos_are_refused_for_keypoints() -> None:
    with pytest.raises(PoseError, match="on_frame is called with the frames of a video"):
        pg.Lifter().lift(someone(), on_frame=print)
    for source in (HALPE, someone()):
        with pytest.raises(DetectorError, match="leave out the detector"):
            pg.lift(source, detector="mediapipe")
    with pytest.raises(ModelError, match="needs the image's size"):
        pg.lift(HALPE, focal=900)
