"""Motion data: takes of motion capture, data sets prepared as recordings, virtual and synthetic data, checks."""
