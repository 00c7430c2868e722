"""The grid of a dataset: boxes, axes, voxel sizes, layouts, pyramids. Arithmetic only."""
