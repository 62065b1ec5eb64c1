"""Tables of keypoints in csv files."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import BLAZEPOSE_33, COCO_17
from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints, read_people
from samples.keypoint_files import SIZE, person

HEADER = ",".join(f"{joint}_{axis}" for joint in COCO_17.joints for axis in "xy")
ROW = ",".join(f"{value:g}" for value in person(17)[:, :2].reshape(-1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the table has no rows"),
        ("a,b\n1,2\n", "must name columns such as nose_x"),
        ("frame,keypoint,x,y\n0,0,1,2\n", "this table has a row for each joint"),
        (f"{HEADER}\n1\n", "line 2 has 1 cells, but the first line has 34"),
        (f"{HEADER}\n{ROW}\n{ROW[:-1]}up\n", "line 3: could not convert string to float: '.*up'"),
        ("frame,nose_x,nose_y\n0,1,2\n", "the joints nose do not cover any known layout"),
    ],
)
def test_errors_name_the_line(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(FormatError, match=message):
        read_keypoints(tmp_path / "t.csv")


def test_gaps_in_frame_numbers_become_invalid_rows(tmp_path):
    header = ",".join(["frame", *(f"{joint}_{axis}" for joint in COCO_17.joints for axis in "xy")])
    row = ",".join(f"{value:g}" for value in person(17)[:, :2].reshape(-1))
    (tmp_path / "t.csv").write_text(f"{header}\n10,{row}\n13,{row}\n")
    assert read_keypoints(tmp_path / "t.csv").validity.tolist() == [True, False, False, True]
    (tmp_path / "t.csv").write_text(f"{header}\n10,{row}\n10,{row}\n")
    with pytest.raises(FormatError, match="line 3: frame 10 appears twice"):
        read_keypoints(tmp_path / "t.csv")


def write_table(path: Path, frames: list[int], seconds: list[float | str]) -> Path:
    header = ",".join(["frame", "seconds", *(f"{joint}_{axis}" for joint in COCO_17.joints for axis in "xy")])
    row = ",".join(f"{value:g}" for value in person(17)[:, :2].reshape(-1))
    lines = [f"{frame},{time},{row}" for frame, time in zip(frames, seconds, strict=True)]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


class TestSeconds:
    def test_evenly_spaced_frames_have_a_start_and_a_rate(self, tmp_path):
        poses = read_keypoints(write_table(tmp_path / "t.csv", [4, 5, 7], [2.0, 2.04, 2.12]))
        assert poses.timestamps is None
        assert (poses.rate, poses.start) == (pytest.approx(25), 2.0)

    def test_times_rounded_to_milliseconds_are_even(self, tmp_path):
        times = [round(frame / 29.97, 3) for frame in range(100)]
        poses = read_keypoints(write_table(tmp_path / "t.csv", [*range(100)], times))
        assert poses.timestamps is None
        assert poses.rate == pytest.approx(29.97, rel=1e-3)

    @pytest.mark.parametrize(("shift", "even"), [(0.0019, True), (0.0021, False)])
    def test_a_shift_of_two_milliseconds_makes_times_uneven(self, tmp_path, shift, even):
        poses = read_keypoints(write_table(tmp_path / "t.csv", [0, 1, 2], [0, 0.04 + shift, 0.08]))
        assert (poses.timestamps is None) == even

    def test_times_of_skipped_frames_are_interpolated(self, tmp_path):
        poses = read_keypoints(write_table(tmp_path / "t.csv", [0, 2, 3], [0, 0.08, 0.2]))
        assert_allclose(poses.timestamps, [0, 0.04, 0.08, 0.2])

    def test_times_before_and_after_the_known_ones_follow_the_mean_rate(self, tmp_path):
        poses = read_keypoints(write_table(tmp_path / "t.csv", [0, 1, 2, 3, 4], ["", 1.0, 1.3, 1.4, ""]))
        assert_allclose(poses.timestamps, [0.8, 1.0, 1.3, 1.4, 1.6])
        poses = read_keypoints(write_table(tmp_path / "t.csv", [0, 1, 2, 3], ["", 1.0, 1.2, ""]))
        assert (poses.rate, poses.start) == (pytest.approx(5), pytest.approx(0.8))

    def test_rows_may_be_in_any_order(self, tmp_path):
        poses = read_keypoints(write_table(tmp_path / "t.csv", [2, 0, 1], [0.2, 0.0, 0.1]))
        assert (poses.rate, poses.start) == (pytest.approx(10), 0)

    def test_a_single_time_is_the_start(self, tmp_path):
        assert read_keypoints(write_table(tmp_path / "t.csv", [0, 1], [3.0, ""])).start == 3.0
        assert read_keypoints(write_table(tmp_path / "t.csv", [0, 1], ["", ""])).start == 0.0

    def test_times_must_increase(self, tmp_path):
        with pytest.raises(FormatError, match="seconds must increase"):
            read_keypoints(write_table(tmp_path / "t.csv", [0, 1, 2], [0.0, 0.1, 0.1]))


def test_a_row_shows_the_person_if_it_is_valid_and_a_joint_is_known(tmp_path):
    joints = [f"{joint}_{axis}" for joint in COCO_17.joints for axis in "xy"]
    known, x_only = ["9"] * 34, ["9", ""] * 17
    one, nobody = ["9", "9", *[""] * 32], [""] * 34
    lines = [["1", *known], ["0", *known], ["1", *one], ["1", *x_only], ["1", *nobody], ["", *known]]
    text = "\n".join(",".join(line) for line in [["valid", *joints], *lines])
    (tmp_path / "t.csv").write_text(text)
    assert read_keypoints(tmp_path / "t.csv").validity.tolist() == [True, False, True, False, False, False]


def table(path: Path, score: str, *, separator: str = ",", comma: bool = False) -> Path:
    """A table of two frames, in which the second lacks a joint: 0, 0 with a score of 0."""
    names = [
        "frame",
        *(f"{joint}{end}" for joint in COCO_17.joints for end in ("_x", "_y", *([score] if score else []))),
    ]
    rows = [person(17), person(17, x=104)]
    rows[1][5] = 0
    cells = [
        [str(n), *(f"{value:.3f}" for value in joints[:, : 3 if score else 2].reshape(-1))]
        for n, joints in enumerate(rows)
    ]
    text = "\n".join(separator.join(line) for line in [names, *cells])
    path.write_text(text.replace(".", ",") if comma else text, encoding="utf-8-sig")
    return path


@pytest.mark.parametrize("score", ["_score", "_conf", ".confidence", " likelihood", "_Visibility", "_C", "_p", "Score"])
def test_scores_may_have_any_usual_name(tmp_path, score):
    poses = read_keypoints(table(tmp_path / "t.csv", score))
    assert poses.confidence[1, 5] == 0
    assert_allclose(poses.confidence[0], 0.9)


@pytest.mark.parametrize(("separator", "comma"), [(";", True), (";", False), ("\t", True), ("\t", False)])
def test_other_separators_and_decimal_commas_are_read(tmp_path, separator, comma):
    path = table(tmp_path / "t.csv", "_score", separator=separator, comma=comma)
    assert_allclose(read_keypoints(path).points[0], person(17)[:, :2], atol=1e-3)
    path.write_text("\n\n" + path.read_text())
    assert_allclose(read_keypoints(path).points[0], person(17)[:, :2], atol=1e-3)


def test_columns_that_look_like_scores_are_not_ignored(tmp_path):
    with pytest.raises(FormatError, match=r"the columns nose_q, left_eye_q, .* were not understood; if they hold conf"):
        read_keypoints(table(tmp_path / "t.csv", "_q"))


def test_other_columns_are_named(tmp_path, caplog):
    (tmp_path / "t.csv").write_text(f"step length,{HEADER},bark_x\n1,{ROW},2\n")
    read_keypoints(tmp_path / "t.csv")
    assert "t.csv: columns that were not understood: step length, bark_x" in caplog.text


def test_two_columns_of_the_same_are_refused(tmp_path):
    (tmp_path / "t.csv").write_text(f"{HEADER},NOSE_X\n{ROW},1\n")
    with pytest.raises(FormatError, match="the columns 'nose_x' and 'NOSE_X' both hold the x of nose"):
        read_keypoints(tmp_path / "t.csv")


@pytest.mark.parametrize(("name", "unit"), [("time", 1), ("Timestamp (ms)", 1000), ("t", 1), ("time_us", 1e6)])
def test_a_column_of_times_is_the_clock(tmp_path, caplog, name, unit):
    lines = "\n".join(f"{n / 12.5 * unit:.0f},{ROW}" if unit > 1 else f"{n / 12.5},{ROW}" for n in range(5))
    (tmp_path / "t.csv").write_text(f"{name},{HEADER}\n{lines}\n")
    assert read_keypoints(tmp_path / "t.csv").rate == pytest.approx(12.5)
    assert "frame rate" not in caplog.text


def test_an_unknown_rate_is_assumed_and_named(tmp_path, caplog):
    (tmp_path / "t.csv").write_text(f"{HEADER}\n{ROW}\n{ROW}\n")
    assert read_keypoints(tmp_path / "t.csv").rate == 30
    assert "t.csv: the frame rate is unknown; 30 frames per second are assumed, unless you give --fps" in caplog.text
    caplog.clear()
    read_keypoints(tmp_path / "t.csv", fps=24)
    assert not caplog.text


def test_a_frame_may_have_a_row_per_track(tmp_path):
    """As SLEAP writes: tracks have names, and a row its own score."""
    names = [
        "track",
        "frame_idx",
        "instance.score",
        *(f"{joint}.{end}" for joint in COCO_17.joints for end in ("x", "y", "score")),
    ]
    rows = [
        [track, n, 0.8, *person(17, x=x + n).reshape(-1)]
        for n in range(4)
        for track, x in (("left", 100), ("right", 400))
    ]
    (tmp_path / "t.csv").write_text("\n".join(",".join(map(str, row)) for row in [names, *rows]))
    first, second = read_people(tmp_path / "t.csv")
    assert_allclose(abs(first.points - second.points)[..., 0], 300, atol=1e-3)
    assert first.validity.all()


def test_the_name_of_the_image_is_the_frame(tmp_path):
    (tmp_path / "t.csv").write_text(
        f"image,{HEADER},valid\nb_07.png,{ROW},TRUE\nb_05.png,{ROW},False\nb_04.png,{ROW},true\n"
    )
    assert read_keypoints(tmp_path / "t.csv").validity.tolist() == [True, False, False, True]


@pytest.mark.parametrize("name", ["{axis}{number}", "kp{number}_{axis}", "{number}.{axis}"])
def test_joints_may_be_numbers_in_the_order_of_a_layout(tmp_path, name):
    header = ",".join(name.format(axis=axis, number=number) for number in range(1, 18) for axis in "xy")
    (tmp_path / "t.csv").write_text(f"{header}\n{ROW}\n")
    assert_allclose(read_keypoints(tmp_path / "t.csv", layout="coco17").points[0], person(17)[:, :2], rtol=1e-4)
    with pytest.raises(FormatError, match="the file does not name its 17 joints; pass --layout"):
        read_keypoints(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text(f"{header.replace('17', '19')}\n{ROW}\n")
    with pytest.raises(FormatError, match=r"the numbers of the joints must have no gaps, got 1, 2, .* 16, 19"):
        read_keypoints(tmp_path / "t.csv", layout="coco17")


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_is_no_rate_is_refused(tmp_path, fps):
    (tmp_path / "t.csv").write_text(f"{HEADER}\n{ROW}\n{ROW}\n")
    with pytest.raises(FormatError, match="fps must be a positive number"):
        read_keypoints(tmp_path / "t.csv", fps=fps)


@pytest.mark.parametrize(("unit", "step"), [("milliseconds", 40), ("microseconds", 40_000), ("nanoseconds", 4 * 10**7)])
def test_a_unit_that_is_not_named_follows_from_the_steps(tmp_path, caplog, unit, step):
    lines = "\n".join(f"{17 * 10**14 + n * step},{ROW}" for n in range(5))
    (tmp_path / "t.csv").write_text(f"timestamp,{HEADER}\n{lines}\n")
    poses = read_keypoints(tmp_path / "t.csv")
    assert poses.rate == pytest.approx(25)
    assert poses.start == 0  # a clock on the wall
    assert f"t.csv: the unit of timestamp is unknown; {unit} are assumed" in caplog.text


@pytest.mark.parametrize(("name", "step"), [("time", 5.0), ("time_s", 40)])
def test_slow_rates_are_read(tmp_path, caplog, name, step):
    lines = "\n".join(f"{n * step},{ROW}" for n in range(5))
    (tmp_path / "t.csv").write_text(f"{name},{HEADER}\n{lines}\n")
    assert read_keypoints(tmp_path / "t.csv").rate == pytest.approx(1 / step)
    assert not caplog.text


def test_dates_are_times(tmp_path):
    lines = "\n".join(f"2024-05-17 10:30:0{n}.5,{ROW}" for n in range(3))
    (tmp_path / "t.csv").write_text(f"time,{HEADER}\n{lines}\n")
    assert read_keypoints(tmp_path / "t.csv").rate == pytest.approx(1)
    lines = "\n".join(f"2024-05-17 10:30:{n}0,{ROW}" for n in range(3))
    for name in ("timestamp", "time_ms"):  # dates have no other unit, however far apart they are
        (tmp_path / "t.csv").write_text(f"{name},{HEADER}\n{lines}\n")
        assert read_keypoints(tmp_path / "t.csv").rate == pytest.approx(0.1)
    (tmp_path / "t.csv").write_text(f"time,{HEADER}\nnoon,{ROW}\n")
    with pytest.raises(FormatError, match="line 2: 'noon' is not a time"):
        read_keypoints(tmp_path / "t.csv")


def test_a_text_file_with_names_of_columns_is_a_table(tmp_path):
    table(tmp_path / "t.csv", "_score", separator="\t").rename(tmp_path / "t.txt")
    assert len(read_keypoints(tmp_path / "t.txt")) == 2


@pytest.mark.parametrize("shift", [0, -1])
def test_a_table_of_mediapipe_has_shares_and_depths(tmp_path, caplog, shift):
    """World landmarks are metres from the pelvis."""
    names = [f"{joint}_{end}" for joint in BLAZEPOSE_33.joints for end in ("x", "y", "z", "visibility")]
    joints = person(33) / [*SIZE, 1] + [shift, 0, 0]
    row = np.insert(joints, 2, -0.2, axis=1)
    (tmp_path / "t.csv").write_text(f"{','.join(names)}\n{','.join(f'{v:.6f}' for v in row.reshape(-1))}\n")
    if shift:
        with pytest.raises(FormatError, match=r"the table is three-dimensional \(it has nose_z\)"):
            read_keypoints(tmp_path / "t.csv", size=SIZE)
        return
    poses = read_keypoints(tmp_path / "t.csv", size=SIZE)
    assert_allclose(poses.points[0], person(33)[:, :2], atol=1e-2)
    assert "coordinates are shares of the image, as MediaPipe writes; z is ignored" in caplog.text
    with pytest.raises(FormatError, match="its size is needed: give --size"):
        read_keypoints(tmp_path / "t.csv")
