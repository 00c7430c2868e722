"""Commands about the lake: make it, look at it, serve it."""
