"""Where a detector places joints: the widths of each layout, and what stays."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from oracle import bodies
from poseglass import H36M_17
from poseglass.data.virtual import placement
from poseglass.data.virtual.draws import TorchDraws
from poseglass.data.virtual.face import H36M_FACE, face
from poseglass.data.virtual.layouts import LAYOUTS
from poseglass.data.virtual.placement import WIDTHS, place

COUNT = 3000


def people() -> torch.Tensor:
    body = torch.from_numpy(bodies.motion(2, H36M_17.joints)).float()
    return torch.cat([body, face(body)], 1).expand(COUNT, -1, -1, -1)


def placed(layout: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return place(TorchDraws(generator), people(), torch.full((COUNT,), layout))


def ratios(joints: torch.Tensor) -> np.ndarray:
    """The widths of hips and shoulders as shares of the trunk's length (2 b)."""
    pairs = [
        [joints[:, 0, H36M_FACE.index(f"{side}_{part}")] for side in ("left", "right")] for part in ("hip", "shoulder")
    ]
    hips, shoulders = (sum(pair) / 2 for pair in pairs)
    trunk = (shoulders - hips).norm(dim=-1)
    return np.stack([((left - right).norm(dim=-1) / trunk).numpy() for left, right in pairs])


def test_every_layout_has_its_widths():
    assert [*WIDTHS] == [layout.name for layout in LAYOUTS]


@pytest.mark.parametrize("layout", range(1, len(LAYOUTS)))
def test_widths_move_towards_those_of_the_layout(layout):
    own, expected = ratios(people())[:, 0], np.array(WIDTHS[LAYOUTS[layout].name])
    median = np.median(ratios(placed(layout)), axis=1)
    # 70 % of the way on a logarithmic scale.
    assert_allclose(median, own**0.3 * expected**0.7, rtol=0.03)


def test_without_measured_widths_people_keep_their_own():
    assert_allclose(np.median(ratios(placed(0)), axis=1), ratios(people())[:, 0], rtol=0.03)


@pytest.mark.parametrize("layout", [0, 1, 4])
def test_joints_are_a_centimetre_off_and_stay_so(layout, monkeypatch):
    monkeypatch.setattr(placement, "PULL", 0.0)
    monkeypatch.setattr(placement, "WIDTH_SPREAD", 0.0)
    offset = placed(layout) - people()
    free = [joint for joint in range(23) if H36M_FACE.joints[joint] not in ("pelvis", "neck")]
    assert offset[:, :, free].std().item() == pytest.approx(0.01, rel=0.03)
    lengths = offset.norm(dim=-1)
    assert_allclose(lengths[:, 0], lengths[:, 1], atol=2e-3)


def test_pelvis_and_neck_stay_between_hips_and_shoulders():
    joints = placed(2)
    for middle, part in (("pelvis", "hip"), ("neck", "shoulder")):
        sides = [joints[:, :, H36M_FACE.index(f"{side}_{part}")] for side in ("left", "right")]
        before = [people()[:, :, H36M_FACE.index(f"{side}_{part}")] for side in ("left", "right")]
        moved = joints[:, :, H36M_FACE.index(middle)] - people()[:, :, H36M_FACE.index(middle)]
        assert_allclose(moved, sum(sides) / 2 - sum(before) / 2, atol=1e-5)
