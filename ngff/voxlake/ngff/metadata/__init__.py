"""OME-Zarr metadata: one model inside; 0.5 written; 0.4, 0.5 and 0.6 read."""
