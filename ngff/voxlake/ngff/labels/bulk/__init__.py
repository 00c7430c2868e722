"""Bulk builds: the segments of a whole dataset, by many tasks, put in force at once."""
