"""What HTTP asks of a server: ranges, streams, budgets of memory, problems, origins."""
