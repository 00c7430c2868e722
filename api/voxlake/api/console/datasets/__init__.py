"""Pages of datasets: found, looked at, opened elsewhere; and of their labels."""
