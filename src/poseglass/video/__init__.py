"""Read and write video files, and work ahead in a thread."""
