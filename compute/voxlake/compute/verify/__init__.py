"""Compare every voxel with what it must be: the source, or the level below."""
