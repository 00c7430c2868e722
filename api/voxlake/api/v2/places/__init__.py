"""Places: collections, experiments, frames, and what is said of them."""
