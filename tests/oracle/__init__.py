"""The readable second implementation of each hard thing: plain loops in float64, written from the definitions."""
