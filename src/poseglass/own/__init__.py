"""Your own motion: from files of any motion capture to motion clips or recordings, and what is wrong with them."""
