"""What a gateway counts of its requests and of what it uses, for Prometheus."""
