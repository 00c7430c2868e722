"""Bulk work with Dask: sources, plans, tasks, ingest, downsampling, indexing, verification."""
