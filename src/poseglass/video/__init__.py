"""Video files in and out, and work done ahead in a thread."""
