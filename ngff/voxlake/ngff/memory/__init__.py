"""Memory that is used again, and laid out for compiled loops."""
