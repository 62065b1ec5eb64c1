"""The proportions of an average person."""

import numpy as np

__all__ = ["H36M_LENGTHS"]

H36M_LENGTHS = np.array(
    [0, 0.134, 0.443, 0.443, 0.134, 0.443, 0.443, 0.236, 0.254, 0.116, 0.115, 0.151, 0.278, 0.249, 0.151, 0.278, 0.249]
)
"""Human3.6M's mean bone lengths in metres, each from the joint to its parent."""
