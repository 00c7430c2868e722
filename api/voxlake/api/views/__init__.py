"""Views of the store as it lies: OME-Zarr by key, and Neuroglancer over it."""
