"""Stores as zarr-python reads them."""
