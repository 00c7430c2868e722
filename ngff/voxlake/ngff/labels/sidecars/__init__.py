"""Sidecars, part A of the index: the rows of one shard, and which state of it they are true of."""
