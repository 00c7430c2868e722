"""The way from a route to labels: each function demands the right for it."""
