"""The format: boxes, axes, pyramids, OME-Zarr metadata, volumes and the label index."""
