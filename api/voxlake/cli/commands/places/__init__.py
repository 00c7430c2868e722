"""Commands about collections, experiments, frames, and what people say of places."""
