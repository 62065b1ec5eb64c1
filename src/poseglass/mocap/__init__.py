"""Motion capture files: one file per format, and one table of suffixes (:mod:`poseglass.mocap.formats`)."""
