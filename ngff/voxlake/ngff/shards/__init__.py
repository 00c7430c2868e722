"""Shards: their bytes, encoded and decoded, read whole or by chunk, streamed, checked."""
