"""What a motion means beyond poses: the path through the world, contact, a rig, angles, filters."""
