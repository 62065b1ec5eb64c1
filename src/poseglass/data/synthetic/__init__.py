"""Synthetic data sets in the layouts of Human3.6M and MPI-INF-3DHP, for trying everything without a licence."""
