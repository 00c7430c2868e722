"""Datasets: what they are, and their voxels."""
