"""Upkeep: what keeps the index true while voxels are written, and small afterwards."""
