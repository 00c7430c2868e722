"""Datasets as arrays, and as pictures of them."""
