"""MPI-INF-3DHP: what it is, its preparation, and the file its MATLAB scorer reads."""
