"""People's own motion: read motion files of any format, check them, and prepare them for training and evaluation."""
