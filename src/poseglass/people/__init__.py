"""Who is who from frame to frame, and which person to follow."""
