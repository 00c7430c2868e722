"""Find what is torn, flipped, missing or stale in a dataset, and mend what can be rebuilt."""
