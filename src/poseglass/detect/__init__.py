"""2D detectors: an image in, the keypoints of everyone in it out."""

from poseglass.detect._base import Detector as Detector
from poseglass.detect.fake import FakeDetector as FakeDetector
from poseglass.detect.mediapipe import MediaPipeDetector as MediaPipeDetector
