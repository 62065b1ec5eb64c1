"""Keypoint layouts of detectors, converted as in inference."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from poseglass import COCO_17, H36M_17, PoseSequence
from poseglass.data.virtual import layouts
from poseglass.data.virtual.face import H36M_FACE
from poseglass.data.virtual.layouts import LAYOUTS

COCO_LAYOUT = layouts.layout_number("coco17")


def observe(points: np.ndarray, scores: np.ndarray, numbers: list[int]) -> tuple[np.ndarray, np.ndarray]:
    converted, lowest = layouts.observe(torch.from_numpy(points), torch.from_numpy(scores), torch.tensor(numbers))
    return converted.numpy(), lowest.numpy()


class TestObserve:
    @pytest.mark.parametrize("number", range(len(LAYOUTS)))
    def test_each_layout_is_converted_as_in_inference(self, number):
        """Training gets a detector's layout as converted by `to_skeleton`."""
        rng = np.random.default_rng(number)
        points, scores = rng.normal(size=(1, 4, len(H36M_FACE), 2)), rng.uniform(0.1, 1, (1, 4, len(H36M_FACE)))
        converted, confidence = observe(points, scores, [number])
        source = LAYOUTS[number]
        shared = [joint for joint in source.joints if joint in H36M_FACE.joints]
        rows, columns = [source.index(j) for j in shared], [H36M_FACE.index(j) for j in shared]
        own, own_scores = np.zeros((4, len(source), 2)), np.ones((4, len(source)))
        own[:, rows], own_scores[:, rows] = points[0][:, columns], scores[0][:, columns]
        truth = PoseSequence(own, source, "pixels", scores=own_scores).to_skeleton(H36M_17)
        assert_allclose(converted[0], truth.points, atol=1e-6)
        assert_allclose(confidence[0], truth.confidence, atol=1e-6)

    def test_layouts_differ_from_clip_to_clip(self):
        points, scores = np.random.default_rng(0).normal(size=(2, 1, len(H36M_FACE), 2)), np.ones((2, 1, 23))
        points[1] = points[0]
        assert LAYOUTS[COCO_LAYOUT] is COCO_17
        converted, _ = observe(points, scores, [0, COCO_LAYOUT])
        assert_allclose(converted[0, 0], points[0, 0, :17])
        head, nose = H36M_17.index("neck_nose"), H36M_FACE.index("nose")
        assert_allclose(converted[1, 0, head], points[0, 0, nose])
