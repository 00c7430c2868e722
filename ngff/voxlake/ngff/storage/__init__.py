"""What lies on the store of a dataset: how much, where, and what does not belong."""
