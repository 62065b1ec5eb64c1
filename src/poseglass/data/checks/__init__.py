"""Checks of data: what is wrong with a data set, and motion that cannot be a person."""
