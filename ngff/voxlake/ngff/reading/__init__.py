"""Boxes of voxels read from shards that are coded as voxlake writes them, by threads of our own."""
