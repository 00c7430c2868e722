"""The gateway itself: health, metrics, status, usage."""
