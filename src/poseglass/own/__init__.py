"""The user's own motion: read motion files, check them, and prepare them for training and evaluation."""
