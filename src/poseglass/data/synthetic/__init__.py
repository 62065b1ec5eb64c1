"""Synthetic data sets in the layouts of Human3.6M and MPI-INF-3DHP, to try everything without a licence."""
