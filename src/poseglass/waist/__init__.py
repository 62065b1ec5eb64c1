"""The waist: prune frames early and recover them late, around any backbone."""
