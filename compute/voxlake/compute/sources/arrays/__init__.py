"""Sources of chunked arrays: zarr, N5, precomputed."""
