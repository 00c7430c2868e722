"""Segments, part B of the index: rows by label, immutable, in force once a manifest names them."""
