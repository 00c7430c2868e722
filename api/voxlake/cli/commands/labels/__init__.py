"""Commands about labels: where they are, which are one, and the index that knows."""
