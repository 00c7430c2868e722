"""Commands that do heavy work on a dataset, and those that look after jobs."""
