"""The native API, one file a resource. A handler parses, asks `voxlake.api.data`, and encodes."""
