"""Damaged copies of every kind of file that poseglass reads: only its own errors may come out."""
