"""Atomic writes, safe reading of pickles, tables, and optional packages."""
