"""Datasets on the wire: what one is, what was written to it, what is wrong with it."""
