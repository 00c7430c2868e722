"""Objects: what is known of labels besides their voxels, on the store beside the label index.

Rows lie in immutable Parquet segments, ``objects/runs/<ulid>.parquet``. Numbered manifests,
``objects/manifest/<20 digits>.json``, created only if absent, name the segments in force; the
newest row of an id wins. Any number of writers may put, delete and compact at the same time, and
a crash at any step loses nothing that was acknowledged.
"""
