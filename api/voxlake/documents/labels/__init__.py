"""Labels on the wire: where they are, what they are, which are one."""
