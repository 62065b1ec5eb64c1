"""MPI-INF-3DHP: facts about the data set, readers of its files, its preparation, and the file its scorer reads."""
