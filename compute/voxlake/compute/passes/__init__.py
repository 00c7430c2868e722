"""Passes over voxels: an ingest, a pyramid, or both at once, in as few readings as possible."""
