"""Pages of places: collections, experiments, and what is changed and shared of all of them."""
