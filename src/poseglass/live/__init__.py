"""Live motion: poses of frames as they arrive."""
