"""What there is: collections, experiments, datasets, frames, and what is known of them."""
