"""Files: atomic writes, safe reading of pickles, and optional packages."""
