"""One file per resource. A handler parses, asks `voxlake.api.data`, and encodes."""
