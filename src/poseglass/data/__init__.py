"""Motion data: motion capture takes, data sets prepared as recordings, virtual and synthetic data, checks."""
