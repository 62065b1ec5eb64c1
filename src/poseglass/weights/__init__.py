"""Weights on disk: our own folders, the bundled weights, published checkpoints."""
