"""What commands work in: a lake, its jobs and labels, or a gateway."""
