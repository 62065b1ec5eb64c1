"""Data: motion capture, data sets and their readers, folders of recordings, training clips, windows over sequences."""
