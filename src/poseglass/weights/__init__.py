"""Weights on disk: our own folders, the bundled weights and published checkpoints."""
