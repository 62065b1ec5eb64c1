"""Human3.6M: facts about the data set, readers of its files, and its preparation."""
