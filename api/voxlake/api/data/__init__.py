"""The only way from a route to voxels, labels and stored bytes: all of it demands a `Granted`."""
