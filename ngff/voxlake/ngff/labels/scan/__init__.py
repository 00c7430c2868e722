"""Scan voxels: which labels each chunk holds, how many voxels of each, and their tight boxes."""
