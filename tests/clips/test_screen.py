"""Screen coordinates against plain loops, and poses in units of the screen against the bodies they came from."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from oracle import bodies
from oracle import motion as oracle
from poseglass import H36M_17
from poseglass.clips.screen import screen_to_metres
from poseglass.clips.view import screen_view

SIZE = (1280, 720)


def clip(frames: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Motion in pixels with unknown joints, a joint that is never seen, and a spell of exchanged sides."""
    rng = np.random.default_rng(0)
    points = 250 * bodies.motion(frames, H36M_17.joints)[..., :2] * [1, -1] + [700, 600]
    scores = rng.uniform(0.3, 1, (frames, 17)) * (rng.random((frames, 17)) < 0.9)
    scores[:, 12] = 0
    for t in range(6, 11):
        points[t], scores[t] = oracle.with_sides(points[t], 1, 1), oracle.with_sides(scores[t], 1, 1)
    scores[:, 12] = scores[:, 15] = 0  # neither elbow is ever seen
    points[scores == 0] = np.nan
    return points, scores


def test_the_view_is_the_fields_normalisation_of_repaired_poses():
    points, scores = clip()
    view = screen_view(points, scores, size=SIZE)
    points, scores = oracle.steady_sides(points, scores)
    filled = oracle.fill_gaps(points, scores > 0)
    for t in range(20):
        for j in range(17):
            x, y = filled[t, 0] if j in (12, 15) else filled[t, j]
            assert_allclose(view[t, j, 0], x / 1280 * 2 - 1, atol=1e-6)
            assert_allclose(view[t, j, 1], y / 1280 * 2 - 720 / 1280, atol=1e-6)
            assert view[t, j, 2] == np.float32(scores[t, j])
    assert view.dtype == np.float32


def test_clips_of_a_batch_do_not_affect_each_other():
    points, scores = clip()
    batch = screen_view(np.stack([points, points + 5]), np.stack([scores, scores]), size=SIZE)
    assert_array_equal(batch[0], screen_view(points, scores, size=SIZE))
    assert_array_equal(batch[1], screen_view(points + 5, scores, size=SIZE))


def test_a_clip_without_people_is_in_the_middle_of_the_image():
    view = screen_view(np.full((9, 17, 2), np.nan), np.zeros((9, 17)), size=SIZE)
    assert not view.any()


def length(pose: np.ndarray) -> float:
    """The length of all bones together."""
    names = H36M_17.joints
    return sum(float(np.linalg.norm(pose[names.index(a)] - pose[names.index(b)])) for a, b in H36M_17.bones)


AVERAGE = 2 * (0.134 + 0.443 + 0.443 + 0.151 + 0.278 + 0.249) + 0.236 + 0.254 + 0.116 + 0.115


@pytest.mark.parametrize("focal", [None, 800.0, 3000.0])
@pytest.mark.parametrize("place", [(0.0, 0.0, 4.0), (1.2, -0.4, 3.0), (-2.0, 0.8, 7.0)])
def test_poses_in_units_of_the_screen_are_projected_back(focal, place):
    lens = focal or 1.1 * 1280
    body = bodies.motion(5, H36M_17.joints) * [1, -1, -1]  # camera axes
    body = body - body[:, :1]
    labels, pelvis = np.zeros((5, 17, 3)), np.zeros((5, 2))
    for t in range(5):
        way = np.add(place, (0, 0, 0.3 * t))  # the person walks away
        for j in range(17):
            x, y, z = body[t, j] + way
            depth = (z - way[2]) * lens / way[2]  # in pixels at the person's distance
            labels[t, j] = np.array([lens * x / z, lens * y / z, depth]) * 2 / 1280
        pelvis[t] = labels[t, 0, :2]
    metres = screen_to_metres(labels - labels[:, :1], pelvis, size=SIZE, focal=focal)
    for t in range(5):
        assert_allclose(metres[t], body[t] * AVERAGE / length(body[t]), atol=1e-9)
        assert length(metres[t]) == pytest.approx(AVERAGE)
    with_root = screen_to_metres(labels, pelvis, size=SIZE, focal=focal)
    assert_allclose(with_root, metres, atol=1e-12, err_msg="a model's own pelvis does not count")


def test_a_pose_without_extent_stays_finite():
    assert not screen_to_metres(np.zeros((3, 17, 3)), np.zeros((3, 2)), size=SIZE).any()
