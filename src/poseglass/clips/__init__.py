"""The input of a model: clips of a sequence, person coordinates, corrected left and right, and mirror images."""
