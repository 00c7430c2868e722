"""Objects: what is known of labels besides their voxels, on the store beside the label index.

Rows lie in immutable Parquet segments, ``objects/runs/<ulid>.parquet``. Numbered manifests,
``objects/manifest/<20 digits>.json``, created only if absent, name the segments in force; the
newest row of an id wins. Any number of writers may put, delete and compact at the same time, and
a crash at any step loses nothing that was acknowledged.
"""

from voxlake.ngff.labels.objects.feature_table import feature_table, write_feature_table
from voxlake.ngff.labels.objects.label_object import (
    LabelObject,
    ObjectType,
    objects_of_table,
)
from voxlake.ngff.labels.objects.reading import (
    ObjectFilter,
    ObjectPage,
    get_object,
    get_objects,
    list_objects,
)
from voxlake.ngff.labels.objects.segment_properties import SegmentProperties, segment_properties
from voxlake.ngff.labels.objects.writing import (
    Compacted,
    compact_objects,
    delete_objects,
    put_objects,
)

__all__ = [
    "Compacted",
    "LabelObject",
    "ObjectFilter",
    "ObjectPage",
    "ObjectType",
    "SegmentProperties",
    "compact_objects",
    "delete_objects",
    "feature_table",
    "get_object",
    "get_objects",
    "list_objects",
    "objects_of_table",
    "put_objects",
    "segment_properties",
    "write_feature_table",
]
