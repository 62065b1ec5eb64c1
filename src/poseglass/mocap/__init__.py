"""Readers of motion capture files, one format a file."""
