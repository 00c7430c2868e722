"""Clients of AWS, and of what speaks as it does."""
