"""What a pose is: skeletons, sequences of poses, cameras and their geometry, and changes of frame rate."""
