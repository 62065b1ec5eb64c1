"""The user's own cameras: projections, keypoints, and refused files."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import H36M_17, PoseSequence
from poseglass.own.conventions import find_conventions
from poseglass.own.examination import examine_files
from poseglass.own.sources import open_source
from poseglass.own.views import camera_views
from samples import motion_files as files
from samples.studio import add_takes, pixels, project, z_up


def views_of(folder):
    """The views of all takes, and findings about them as text."""
    source = open_source(folder)
    assert source.findings == []
    conventions = find_conventions(source)
    pairs = [
        pair for _, body, _ in examine_files(source, conventions) for pair in camera_views(body, source, conventions)
    ]
    return [view for view, _ in pairs], [str(finding) for _, findings in pairs for finding in findings]


def save(folder, keypoints):
    PoseSequence(keypoints, H36M_17, "pixels", fps=50, size=(1280, 720)).save(folder / "anna 2d.csv")


def test_views_are_projections_by_the_camera_model(studio):
    (anna, ben, _), findings = views_of(studio)
    assert findings == []
    assert ben.size == (1280, 720)
    assert anna.detected is None
    points = z_up(files.people(seed=1)) * 1000
    for frame in (0, 37, 89):
        for joint in range(17):
            place, pixel = project(points[frame, joint])
            assert_allclose(ben.points3d[frame, joint], place, atol=1e-5)
            assert_allclose(ben.projected[frame, joint], pixel, atol=1e-2)


def test_keypoints_near_the_projection_are_accepted(studio):
    add_takes(studio, pixels(0) + 3)
    (anna, ben, _), findings = views_of(studio)
    assert findings == []
    known = anna.scores > 0
    assert known.mean() > 0.9  # feet outside the image are unknown
    assert_allclose(anna.detected[known], pixels(0)[known] + 3, atol=1e-2)
    assert anna.distance == pytest.approx(3 * np.sqrt(2), abs=0.01)
    assert ben.detected is None


def test_keypoints_with_exchanged_sides_are_refused(studio):
    add_takes(studio, pixels(0)[:, H36M_17.mirror])
    views, (finding,) = views_of(studio)
    assert finding.startswith("error")
    assert "anna/walk 1.trc, camera front" in finding
    assert "their left and right are swapped" in finding
    assert views[0] is not None


def test_sides_count_as_exchanged_only_if_mirroring_halves_the_distance(studio):
    mirrored = pixels(0)[:, H36M_17.mirror]
    distance = np.median(np.linalg.norm(mirrored - pixels(0), axis=-1))
    add_takes(studio, mirrored + np.array([distance, 0]))  # mirroring reduces the distance to about 0.7
    _, (finding,) = views_of(studio)
    assert "another camera, take or first frame?" in finding


@pytest.mark.parametrize(("offset", "severity"), [(25.0, None), (26.7, "warning"), (75.0, "warning"), (78.7, "error")])
def test_keypoints_far_from_the_projection_are_reported(studio, offset, severity):
    """A warning beyond 2 % of the image's width of 1280 pixels (25.6), an error beyond 6 % (76.8)."""
    keypoints = pixels(0) + np.array([offset, 0])
    keypoints[12] += 40
    add_takes(studio, keypoints)
    (view, *_), findings = views_of(studio)
    assert view.distance == pytest.approx(offset, abs=0.1)
    if severity is None:
        assert findings == []
    else:
        (finding,) = findings
        assert finding.startswith(severity)
        text = f"2D keypoints are {offset:.0f} pixels (median) from the projected 3D poses, most in frame 12"
        assert text in finding
        assert "another camera, take or first frame?" in finding


def test_keypoints_with_a_score_of_zero_are_left_out(studio):
    scores = np.ones((90, 17))
    keypoints = pixels(0)
    keypoints[:50, 3], scores[:50, 3] = 9999, 0
    poses = PoseSequence(keypoints, H36M_17, "pixels", fps=50, size=(1280, 720), scores=scores)
    add_takes(studio, keypoints)
    poses.save(studio / "anna 2d.csv")
    (view, *_), findings = views_of(studio)
    assert findings == []
    assert not view.detected[:50, 3].any()
    assert not view.scores[:50, 3].any()
    assert view.distance < 0.01
    header, *rows = (studio / "anna 2d.csv").read_text().splitlines()
    is_score = [name.endswith("_score") for name in header.split(",")]
    rows = [
        ",".join("0" if zero else cell for zero, cell in zip(is_score, row.split(","), strict=True)) for row in rows
    ]
    (studio / "anna 2d.csv").write_text("\n".join([header, *rows]))
    (view, *_), (finding,) = views_of(studio)
    assert view is None
    assert "error" in finding
    assert "no usable frame has known keypoints" in finding


def test_keypoints_of_too_few_frames_are_refused_and_surplus_ones_cut(studio):
    add_takes(studio, pixels(0)[:50])
    (view, *_), (finding,) = views_of(studio)
    assert view is None
    assert "expected 2D keypoints for each of 90 frames of 3D poses, got 50" in finding
    save(studio, np.concatenate([pixels(0), pixels(0)]))
    (view, *_), findings = views_of(studio)
    assert findings == []
    assert view.detected.shape == (90, 17, 2)


def test_a_missing_keypoint_file_is_an_error(studio):
    add_takes(studio, pixels(0))
    (studio / "anna 2d.csv").unlink()
    (view, *_), (finding,) = views_of(studio)
    assert view is None
    assert finding.startswith("error")
    assert "there is no file" in finding


def change(studio, old, new):
    text = (studio / "motion.toml").read_text()
    assert old in text
    (studio / "motion.toml").write_text(text.replace(old, new))


def test_a_camera_that_looks_away_sees_no_person(studio):
    change(studio, "[0, 1200, 4000]", "[0, 1200, -4000]")
    views, findings = views_of(studio)
    assert views == [None] * 3
    assert all("no frame has all joints in front of the camera; is its rotation inverted?" in text for text in findings)


def test_a_camera_that_is_too_high_sees_no_person(studio):
    change(studio, "[0, 1200, 4000]", "[0, 9200, 4000]")
    views, findings = views_of(studio)
    assert views == [None] * 3
    assert all("no joint is ever inside the image" in text for text in findings)


def test_a_small_image_gives_a_warning(studio):
    change(studio, "1280, 720", "1280, 340")
    views, findings = views_of(studio)
    assert None not in views
    assert len(findings) == 3
    assert all(text.startswith("warning") and "of the joints are outside the image" in text for text in findings)


@pytest.mark.parametrize(("share", "warns"), [(0.45, True), (0.55, False)])
def test_half_of_the_joints_must_be_inside_the_image(studio, share, warns):
    height = int(np.quantile(pixels(0)[..., 1], share))
    change(studio, "1280, 720", f"1280, {height}")
    _, findings = views_of(studio)
    assert any("anna" in text and "of the joints are outside the image" in text for text in findings) == warns


def test_frames_behind_the_camera_are_invalid(studio):
    """Anna walks through the camera."""
    points = files.people()
    points[..., 0] -= np.linspace(0, 8, 90)[:, None]
    files.write_trc(studio / "anna" / "walk 1.trc", z_up(points))
    (view, *_), findings = views_of(studio)
    behind = ~view.valid
    assert 0 < behind.sum() < 90
    assert not view.projected[behind].any()
    frame = int(behind.argmax())
    text = f"camera front, frame {frame}: {behind.sum()} frames with joints behind the camera, this one first; left out"
    assert [finding for finding in findings if text in finding]


def test_only_the_named_cameras_see_a_take(studio):
    with (studio / "motion.toml").open("a") as file:
        file.write(
            "[cameras.side]\nsize = [1280, 720]\nfocal = 1000\nrotation = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]\n"
            'translation = [0, 1200, 5000]\n[[takes]]\nfile = "anna/walk 1.trc"\n[[takes]]\nfile = "ben/walk 1.trc"\n'
            'cameras = ["side"]\n[[takes]]\nfile = "cleo/walk 1.trc"\ncameras = ["front", "side"]\n'
        )
    views, findings = views_of(studio)
    assert findings == []
    assert [view.camera for view in views] == ["front", "side", "side", "front", "side"]


def test_world_poses_need_a_camera_with_a_position(studio):
    change(studio, "rotation = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]\ntranslation = [0, 1200, 4000]\n", "")
    views, findings = views_of(studio)
    assert views == [None] * 3
    assert all("expected rotation and translation (or position)" in text for text in findings)


def test_poses_in_camera_space_are_projected_without_a_position(tmp_path):
    points = files.people() * [1, -1, -1] + [0, 0, 5]
    files.write_npz(tmp_path / "walk.npz", points)
    text = 'space = "camera"\nunits = "m"\n[cameras.phone]\nsize = [1080, 1920]\nfocal = 1500\n'
    (tmp_path / "motion.toml").write_text(text)
    (view,), findings = views_of(tmp_path)
    assert findings == []
    assert_allclose(view.points3d, points, atol=1e-6)
    assert_allclose(view.projected, 1500 * points[..., :2] / points[..., 2:] + [540, 960], atol=1e-3)
    (tmp_path / "motion.toml").write_text(text + "[cameras.other]\nsize = [1080, 1920]\nfocal = 1500\n")
    (view,), (finding,) = views_of(tmp_path)
    assert view is None
    assert "the camera of its 3D poses is unknown; in its [[takes]] entry, set camera to one of phone, other" in finding
