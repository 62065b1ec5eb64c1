"""Human3.6M: what it is, and its preparation."""
