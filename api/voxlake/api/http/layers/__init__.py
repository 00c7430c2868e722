"""Layers: what is done around every request."""
