"""Labels: where they are, what they are, which are one."""
