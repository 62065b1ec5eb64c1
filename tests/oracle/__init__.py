"""A readable second implementation of everything difficult: plain loops in float64, from the definitions."""
