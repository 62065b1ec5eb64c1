"""Small real files of other programs, and writers of synthetic ones."""
