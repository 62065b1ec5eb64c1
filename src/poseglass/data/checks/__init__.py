"""Checks of data: findings, and what makes them in data sets and in motion."""
