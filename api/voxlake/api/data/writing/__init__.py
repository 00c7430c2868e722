"""The way from a route to what is written: voxels, shards, uploads, marks of stale levels."""
