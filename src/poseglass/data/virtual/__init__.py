"""Training data out of motion alone: virtual bodies, cameras and detectors."""
