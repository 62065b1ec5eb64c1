"""Data: motion capture and its readers, training clips, windows over sequences."""
