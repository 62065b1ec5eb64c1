"""From 2D poses to 3D motion: frames of irregular timing, windows, blending."""
