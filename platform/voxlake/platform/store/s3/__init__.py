"""What S3 has that no folder does: requests awaited, uploads in parts, keys for a while."""
