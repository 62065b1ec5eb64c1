"""Contact sheets."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import make_walk
from poseglass import H36M_17, PoseSequence
from poseglass.errors import VideoError
from poseglass.show.scene import AMBER, NIGHT
from poseglass.show.stage import set_stage
from samples.pictures import near, write_grey_video

cv2 = pytest.importorskip("cv2")
pytest.importorskip("av")

from poseglass.show.rendering import render, sheet  # noqa: E402
from poseglass.video.reading import VideoReader  # noqa: E402
from poseglass.video.spool import Spool  # noqa: E402


def pick_frames(motion: PoseSequence) -> list[int]:
    return sheet.pick_frames(set_stage(motion))


def test_a_sheet_shows_the_middles_of_five_equal_parts(walk: PoseSequence) -> None:
    motion = walk[:50]
    assert pick_frames(replace(walk[:53], valid=np.ones(53, bool))) == [5, 15, 26, 37, 47]
    assert pick_frames(replace(motion, valid=np.arange(50) >= 45)) == [45, 46, 47, 48, 49]
    assert pick_frames(replace(motion, valid=np.zeros(50, bool))) == [4, 14, 24, 34, 44]
    assert pick_frames(motion[:3]) == [0, 1, 2]


def test_a_png_is_a_sheet_of_valid_frames(tmp_path: Path, walk: PoseSequence) -> None:
    frames = pick_frames(walk)
    assert frames == sorted(set(frames))
    assert len(frames) == 5
    assert walk.valid[frames].all()
    source = write_grey_video(tmp_path / "source.mp4", 90 - 40)
    with pytest.raises(VideoError, match="ends after 50 frames"):
        render(walk, tmp_path / "walk.png", video=source)
    sheet = cv2.imread(str(render(walk[:50], tmp_path / "walk.PNG", video=source)))
    assert sheet.shape == (2 * 408 + 64, 5 * 328 - 8, 3)
    for column, frame in enumerate(pick_frames(walk[:50])):
        assert sheet[3:8, 328 * column + 5].mean() == pytest.approx(20 + 4 * frame, abs=4)
    middle = sheet[-32, 90:-240, ::-1]
    assert sum(near(pixel, AMBER, 0) for pixel in middle) / len(middle) == pytest.approx(17 / 50, abs=0.08)


def test_ticks_can_be_picked_among_those_whose_pictures_were_kept(walk: PoseSequence) -> None:
    stage = set_stage(replace(walk[:50], valid=np.arange(50) != 24))
    assert sheet.pick_frames(stage) == [4, 14, 25, 35, 45]
    assert sheet.pick_frames(stage, range(0, 50, 8)) == [0, 16, 32, 48]
    assert sheet.pick_frames(stage, [24]) == []


@pytest.mark.parametrize(("valid", "decodings"), [(range(58), 0), ([1, 31, 57], 1)])
def test_a_sheet_shows_kept_stills_or_else_decodes_again(
    tmp_path: Path, walk: PoseSequence, monkeypatch: pytest.MonkeyPatch, valid: Sequence[int], decodings: int
) -> None:
    motion = replace(walk[:58], valid=np.isin(np.arange(58), valid))
    source, opened = VideoReader(write_grey_video(tmp_path / "source.mp4", 58)), []
    with Spool(source, every=False, stills=True) as spool:
        for frame in source:
            spool.add(frame)
        again = source.again
        monkeypatch.setattr(source, "again", lambda: opened.append(source.path) or again())
        drawn = cv2.imread(str(render(motion, tmp_path / "walk.png", video=spool)))
    assert len(opened) == decodings
    stills = spool.stills.frames if decodings == 0 else None
    ticks = sheet.pick_frames(set_stage(motion), stills)
    assert len(ticks) == min(5, len(valid))
    for column, frame in enumerate(ticks):
        assert drawn[3:8, 328 * column + 5].mean() == pytest.approx(20 + 4 * frame, abs=4)


def test_a_sheet_has_a_row_for_what_there_is_to_show(tmp_path: Path, walk: PoseSequence) -> None:
    source, walk = write_grey_video(tmp_path / "source.mp4", 10), walk[:10]
    alone = replace(walk, pose2d=None)
    shapes = [
        cv2.imread(str(render(motion, tmp_path / "walk.png", video=video))).shape[0]
        for motion, video in ((walk, source), (walk, None), (alone, source), (alone, None))
    ]
    assert shapes == [2 * 408 + 64, 2 * 408 + 64, 2 * 408 + 64, 408 + 64]


def test_a_close_up_shows_the_largest_pose_at_78_percent_of_its_cell(tmp_path: Path) -> None:
    points = np.full((3, 17, 2), 100.0)
    points[0, 1], points[1, 1], points[2, 1] = (
        (110, 140),
        (160, 180),
        (200, 100),
    )  # pixels across and down from 100, 100
    flat = PoseSequence(points, H36M_17, "pixels", size=(320, 180))
    sheet = cv2.imread(str(render(replace(make_walk(3), pose2d=flat), tmp_path / "walk.png")))[..., ::-1]
    # The cell has 320 x 400 pixels, so the third pose is the largest: 100 pixels across become 0.78 * 320.
    spans = [(10, 40), (60, 80), (100, 0)]
    for column, span in enumerate(spans):
        cell = sheet[:400, 328 * column : 328 * column + 320]
        drawn = np.argwhere((cell != NIGHT).any(-1))
        extent = drawn.max(0)[::-1] - drawn.min(0)[::-1] + 1
        assert extent == pytest.approx(np.array(span) * 0.78 * 320 / 100, abs=14)  # the discs of the joints


def test_a_sheet_of_filled_in_poses_is_pale(tmp_path: Path, walk: PoseSequence) -> None:
    brightest = []
    for valid in (True, False):
        motion = replace(walk[:9], valid=np.full(9, valid), pose2d=None)
        sheet = cv2.imread(str(render(motion, tmp_path / "walk.png")))
        brightest.append(sheet[:400].max())
    assert brightest[0] > 220
    assert brightest[1] < 135


def test_a_sheet_may_have_a_single_frame(tmp_path: Path) -> None:
    sheet = cv2.imread(str(render(make_walk(1), tmp_path / "one.png")))
    assert sheet.shape == (2 * 408 + 64, 320, 3)
