"""Pages of jobs: planned, started, watched, given up."""
