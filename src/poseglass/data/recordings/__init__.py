"""`Recordings`: motion with its 2D poses in a folder of memory-mapped arrays."""
