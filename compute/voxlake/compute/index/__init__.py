"""Index labels: the sidecar of each shard, then the segments of all of them."""
