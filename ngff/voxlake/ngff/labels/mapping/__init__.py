"""Merges: which body each supervoxel belongs to, applied when voxels are read.

Voxels hold supervoxels and are never rewritten for a merge. Every change is an entry of a log,
``mapping/log/<20 digits>.json``, created only if absent, so that any number of writers agree on
one order; the number of the last entry is the number of the mapping, and a mapping can be asked
as of any number. Snapshots, ``mapping/snapshots/<20 digits>.parquet``, are the log up to a number,
folded: they save time and may be deleted. A supervoxel that nobody mapped is a body of its own.
"""
