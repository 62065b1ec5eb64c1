"""Small real files from other programs, and writers of synthetic ones."""
