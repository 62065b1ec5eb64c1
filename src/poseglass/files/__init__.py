"""Atomic writes, safe reading of pickles, output formats, tables, and optional packages."""
