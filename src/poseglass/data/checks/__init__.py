"""Checks of data sets and of motion, and the findings that they report."""
