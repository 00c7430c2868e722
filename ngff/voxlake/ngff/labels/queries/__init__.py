"""Queries: labels in a box, one label's extent, its chunks, its voxels, tables of all labels.

What is said of a shard is true of one state that it had during the call, whether its sidecar is
true, stale or missing. Only chunks that hold the label are read. What a query by a state raises is
said by `View`; a query says itself when it raises it, and what else.
"""
