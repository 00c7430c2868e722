"""What large lakes take, and what breaks first: arithmetic on what was measured."""
