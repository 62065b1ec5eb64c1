"""What a pose is: skeletons, poses over time, the geometry of cameras, other frame rates."""
