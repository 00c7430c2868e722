"""Jobs, and uploads that clients join."""
