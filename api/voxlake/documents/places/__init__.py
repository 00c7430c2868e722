"""Collections, experiments, frames and their metadata on the wire."""
