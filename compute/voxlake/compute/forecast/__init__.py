"""What a job will store, take and cost, before it runs: from a measured sample of its source."""
