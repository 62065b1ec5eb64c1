"""The waist: pruning frames early, recovering them late, around any backbone."""
