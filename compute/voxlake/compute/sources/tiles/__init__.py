"""Sources of many files: stacks of slices, and grids of tiles."""
