"""The only way from a route to voxels, labels and stored bytes: each demands the very right."""
