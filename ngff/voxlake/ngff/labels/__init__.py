"""The label index: where every label is; with merges of labels, and what is known of each.

Truth is the voxels. A sidecar (`sidecars`) is a pure function of one state of one shard and says
which, so what is out of date is seen, and never believed. Segments (`segments`) hold the same by
label, for the shards that nobody has written since. `upkeep` keeps them true, `bulk` builds them
for a whole dataset. Who asks opens `Labels` (`handle`): its `View` (`view`) answers by one `state`
of the index, which `queries` read.

Whatever asks the store raises StoreError if that fails, and CorruptDataError if what it needs is
damaged: nowhere are these taken for "nothing stored". Whatever is asked of a volume that cannot be
indexed raises UnsupportedError (`check_labels`). Functions say so only where there is more to know.
"""
